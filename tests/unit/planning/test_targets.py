"""A call makes its targets, and ends with the new findings."""

import os
from pathlib import Path

import pytest
from unit.projects import SETTINGS, STUDY

from calotype.config.paths import Layout
from calotype.planning import targets
from calotype.util.errors import CalotypeError


@pytest.fixture
def layout(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    project.study(STUDY | {"variants": {}}, "later")
    return Layout(project.load(SETTINGS | {"paper": []}))


def test_a_call_for_an_invalid_study_gives_the_reason(layout):
    with pytest.raises(CalotypeError, match=r"config/studies/later\.yaml"):
        targets.files_of(layout, "later")


def test_a_call_for_no_study_says_which_key_to_fill(layout):
    with pytest.raises(CalotypeError, match="config: paper: no study found"):
        targets.files_of(layout, "paper")
    assert "results/dots.html" in targets.files_of(layout, "dots")


def test_a_study_with_the_name_of_a_rule_is_refused_also_when_it_is_invalid(layout):
    assert targets.studies_as_targets(layout.config, ["all", "train"]) == ["dots", "later"]
    with pytest.raises(CalotypeError, match=r"config/studies/later.yaml: `later` is the name of a rule"):
        targets.studies_as_targets(layout.config, ["later"])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "dotz",
            "target `dotz`: not found.\nHint: did you mean `dots`? Targets are all, dots, and the path of each result.",
        ),
        ("q", "target `q`: not found.\nHint: Targets are all, dots, and the path of each result."),
        (
            "results/dot.html",
            "target `results/dot.html`: no rule makes this file.\nHint: did you mean `results/dots.html`?",
        ),
        ("q/q.txt", None),
    ],
)
def test_an_unknown_target_is_answered_with_the_closest_or_left_to_snakemake(layout, target, message):
    assert targets.mistyped(target, ["dots", "all"], layout) == message


@pytest.mark.parametrize(
    ("arguments", "alone"),
    [
        (["--cores", "1", "results/dots/figures/seeds.pdf"], True),
        (["./results/dots/figures/seeds.svg", "results/dots/figures/confusion-matrices", "--cores", "1"], True),
        (["--config", "seeds=2", "--", "results/dots/figures/seeds.pdf"], True),
        (["results/dots/figures/seeds.pdf", "results/dots.html"], False),
        (["results/dots/figures/nothing.pdf"], False),
        (["--directory", "elsewhere/figures/"], False),
        (["--option-of-another-program", "results/dots/figures/seeds.pdf"], False),
        (["--forcerun", "results/dots/figures/seeds.pdf"], False),
        (["dots"], False),
        ([], False),
        (["--target-jobs", "figures_count_only_seeds:study=dots"], True),
        (["--target-jobs", "evaluate:study=dots", "calotype_figures_count_only_seeds:study=dots"], True),
        (["--target-jobs", "figures_count:study=dots"], False),
    ],
)
def test_a_call_for_figures_alone_is_known_by_its_targets(layout, arguments, alone):
    assert targets.figures_alone(layout, arguments) is alone


def test_findings_of_an_earlier_call_are_not_said_again(layout):
    Path("results").mkdir(exist_ok=True)
    for name, written in (("report", 1001), ("dots", 999)):
        file = Path("results", f"{name}.txt")
        file.write_text(f"found in {name}\n", encoding="utf-8")
        os.utime(file, (written, written))
    assert targets.findings(layout, 1000) == ["\nfound in report\n\nReport: results/report.html"]
