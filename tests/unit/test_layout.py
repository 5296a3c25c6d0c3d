"""Where files lie: packs that are there stay, and every part of the workflow finds the same ones."""

import signal

import pytest

from calotype.config import Config, Dataset, Settings, Study
from calotype.layout import Layout


def layout(root, seeds=5, seeds_per_job=3, **studies):
    recipe = {"model": "dots_source", "loss": "huber", "optimizer": "adam", "epochs": 1, "batch_size": 8}
    splits = {name: {"images": 5, "seed": 1} for name in ("train", "test", "unused")}
    study = {"title": "Dots", "dataset": "dots", "task": "count", "tests": ["test"]}
    study["variants"] = {"wide": recipe | {"label": "Wide net"}, "deep": recipe | {"seeds": 1}}
    names = list(studies) or ["dots"]
    config = Config(
        Settings(studies=names, seeds=seeds, seeds_per_job=seeds_per_job, results="out", data="raw"),
        {"dots": Dataset.model_validate({"source": "dots", "splits": splits})},
        {name: Study.model_validate(study) for name in names},
    )
    return Layout(config, root)


def finish(root, pack, variant="wide", study="dots"):
    folder = root / "out" / study / variant / pack
    folder.mkdir(parents=True)
    (folder / "provenance.json").write_text("{}")


def test_more_seeds_find_the_packs_that_are_there(tmp_path):
    assert layout(tmp_path).packs("dots", "wide") == [(0, 2), (3, 4)]
    finish(tmp_path, "seeds-000-002")
    finish(tmp_path, "seeds-003-004")
    assert layout(tmp_path, seeds=9, seeds_per_job=2).packs("dots", "wide") == [(0, 2), (3, 4), (5, 6), (7, 8)]


def test_a_pack_that_did_not_finish_does_not_count_as_one(tmp_path):
    """Provenance is written last."""
    (tmp_path / "out/dots/wide/seeds-000-004/models").mkdir(parents=True)
    assert layout(tmp_path).packs("dots", "wide") == [(0, 2), (3, 4)]


def test_packs_of_other_variants_and_studies_are_not_mistaken_for_ones_own(tmp_path):
    finish(tmp_path, "seeds-000-004", variant="deep")
    finish(tmp_path, "seeds-000-004", study="other")
    assert layout(tmp_path).packs("dots", "wide") == [(0, 2), (3, 4)]


@pytest.fixture
def no_hang():
    """A plan that never ends fills the memory of the machine: better an error after some seconds."""

    def stop(*_):
        raise TimeoutError("the plan does not end")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("no_hang")
@pytest.mark.parametrize("name", ["seeds-old-copy", "seeds-000-004-backup", "seeds-a-b", "seeds-004-000"])
def test_a_folder_that_a_user_set_aside_does_not_stop_the_workflow(tmp_path, name):
    finish(tmp_path, name)
    assert layout(tmp_path).packs("dots", "wide") == [(0, 2), (3, 4)]


def test_a_thousand_seeds_have_their_places(tmp_path):
    paths = layout(tmp_path, seeds=1001, seeds_per_job=500).pack_paths("dots", "history.csv")
    assert paths[:3] == [
        "out/dots/wide/seeds-000-499/history.csv",
        "out/dots/wide/seeds-500-999/history.csv",
        "out/dots/wide/seeds-1000-1000/history.csv",
    ]
    finish(tmp_path, "seeds-1000-1000")
    assert layout(tmp_path, seeds=1001, seeds_per_job=500).packs("dots", "wide")[-1] == (1000, 1000)


def test_paths_of_packs_stand_in_the_order_of_the_packs(tmp_path):
    made = layout(tmp_path, one={}, two={})
    assert made.study_packs("one") == [("wide", 0, 2), ("wide", 3, 4), ("deep", 0, 0)]
    assert made.all_packs() == [(study, *pack) for study in ("one", "two") for pack in made.study_packs(study)]
    expected = [f"out/{s}/{v}/seeds-{a:03d}-{b:03d}/x" for s, v, a, b in made.all_packs()]
    assert made.all_pack_paths("x") == expected


def test_captions_stand_in_the_order_of_the_figures(tmp_path):
    made = layout(tmp_path, one={}, two={})
    figures, captions, files = made.figures(), made.captions(), made.figure_files((".pdf", ".svg"))
    assert figures[:3] == [
        ("one", "contact-sheet-wide"),
        ("one", "contact-sheet-deep"),
        ("one", "predicted-against-true"),
    ]
    assert [study for study, _ in captions] == [study for study, _ in figures]
    assert captions[:3] == [("one", "contact-sheet"), ("one", "contact-sheet"), ("one", "predicted-against-true")]
    assert files[:2] == ["out/one/figures/contact-sheet-wide.pdf", "out/one/figures/contact-sheet-wide.svg"]
    assert len(files) == 2 * len(figures)


def test_every_figure_has_its_caption(root, tmp_path):
    captions = {path.stem.replace("_", "-") for path in (root / "workflow/report").glob("*.rst")}
    assert {caption for _, caption in layout(tmp_path).captions()} <= captions


def test_splits_that_nobody_uses_cost_no_job(tmp_path):
    assert layout(tmp_path).jobs() == [
        ("draw", "dots/train"),
        ("draw", "dots/test"),
        ("prepare", "dots/train"),
        ("prepare", "dots/test"),
        ("evaluate", "dots"),
        ("summary_latex", "dots"),
        ("contact_sheet", "dots/wide"),
        ("contact_sheet", "dots/deep"),
        ("predicted_against_true", "dots"),
        ("accuracy_by_count", "dots"),
        ("loss_curves", "dots"),
    ]


def test_every_study_has_its_jobs_and_no_two_are_the_same(tmp_path):
    jobs = layout(tmp_path, one={}, two={}).jobs()
    assert len(set(jobs)) == len(jobs)
    assert [what for stage, what in jobs if stage == "contact_sheet"] == [
        "one/wide",
        "one/deep",
        "two/wide",
        "two/deep",
    ]
    assert [stage for stage, what in jobs if what == "two"] == [stage for stage, what in jobs if what == "one"]
    assert len([what for _, what in jobs if what == "two"]) == 5


def test_a_variant_without_label_is_called_by_its_name(tmp_path):
    described = layout(tmp_path).described()["dots"]
    assert {key: variant["label"] for key, variant in described["variants"].items()} == {
        "wide": "Wide net",
        "deep": "deep",
    }
