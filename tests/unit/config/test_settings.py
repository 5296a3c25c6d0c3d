"""Settings of config.yaml: each wrong value is named with file and key."""

import pytest
from unit.projects import (
    SETTINGS,
    SETTINGS_FILE,
    STUDY,
)

from calotype.config.load import load
from calotype.util.errors import CalotypeError


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("seeds", True, "seeds: true is not a whole number."),
        ("seeds", 0, "seeds: 0 is not a positive whole number."),
        ("seeds_per_job", "3", 'seeds_per_job: "3" is not a whole number or "auto".'),
        ("checkpoint_minutes", -1, "checkpoint_minutes: -1 is out of range: it must be >= 0.0."),
        ("checkpoint_minutes", "5", 'checkpoint_minutes: "5" is not a number.'),
        ("checkpoint_minutes", float("inf"), "checkpoint_minutes: Infinity is not a finite number."),
        ("studies", "dots", 'studies: "dots" is not a list.'),
        ("studies", ["../dots"], 'studies.0: "../dots" is not a plain name (letters, digits, - and _).'),
        ("results", None, "results: null is not text."),
        ("paper", "dots", 'paper: "dots" is not a list.'),
        ("studies", ["dots", "dots"], "studies: duplicate study."),
        ("paper", ["dots", "dots"], "paper: duplicate study."),
        ("paper", ["a b"], 'paper.0: "a b" is not a plain name (letters, digits, - and _).'),
    ],
)
def test_wrong_value_in_the_settings_is_named_with_file_and_key(project, key, value, complaint):
    assert project.complaint(SETTINGS | {key: value}) == f"{SETTINGS_FILE}: {complaint}"


@pytest.mark.parametrize("key", ["data", "results", "local_data"])
@pytest.mark.parametrize("path", ["", " ", "a{b", "a}b", "a*", "a?", "~/a", "$HOME/a", "`a`", "a\nb", 'a"b', "a\\b"])
def test_a_folder_that_is_no_plain_path_is_refused(project, key, path):
    """Snakemake takes braces for wildcards; nobody replaces the others."""
    complaint = project.complaint(SETTINGS | {key: path})
    assert complaint.startswith(f"{SETTINGS_FILE}: {key}: {path!r} is not a plain path")
    assert "{ } * ? ~ $" in complaint


def test_folders_may_end_with_a_slash_and_stand_anywhere(project):
    settings = project.load(SETTINGS | {"data": "/scratch/my data/", "results": "../out//"}).settings
    assert (settings.data, settings.results) == ("/scratch/my data", "../out")


@pytest.mark.parametrize(("data", "results"), [("out", "out"), ("out/", "out"), ("results", None), (None, "data")])
def test_data_and_results_are_two_folders(project, data, results):
    folders = {key: value for key, value in (("data", data), ("results", results)) if value}
    complaint = project.complaint(SETTINGS | folders)
    assert complaint.startswith(f"{SETTINGS_FILE}: ")
    assert complaint.endswith("data and results must be different folders.")


def test_a_folder_of_local_data_may_be_named(project):
    assert project.load().settings.local_data is None
    assert project.load(SETTINGS | {"local_data": "/scratch/data/"}).settings.local_data == "/scratch/data"
    assert "local_data: '~/data' is not a plain path" in project.complaint(SETTINGS | {"local_data": "~/data"})


def test_settings_file_is_named_as_the_user_named_it(project):
    with pytest.raises(CalotypeError, match=r"^my/settings\.yaml: seeds: 0 is not a positive whole number\.$"):
        load(SETTINGS | {"seeds": 0}, "my/settings.yaml", project.folder)


def test_misspelt_key_of_the_settings_is_answered_with_the_right_one(project):
    complaint = project.complaint(SETTINGS | {"seeds_per_jobs": 3})
    assert complaint == f"{SETTINGS_FILE}: seeds_per_jobs: is not a known key. Hint: did you mean `seeds_per_job`?"


def test_misspelt_study_is_answered_with_the_right_one(project):
    complaint = project.complaint({"studies": ["dost"]})
    assert complaint.startswith(f"{SETTINGS_FILE}: studies: study `dost` not found (config/studies/dost.yaml).")
    assert "Hint: did you mean `dots`?" in complaint


def test_misspelt_study_of_the_paper_is_looked_for_there(project):
    complaint = project.complaint(SETTINGS | {"paper": ["dost"]})
    assert complaint.startswith(f"{SETTINGS_FILE}: paper: study `dost` not found (config/studies/dost.yaml).")
    assert "Hint: did you mean `dots`?" in complaint


@pytest.mark.parametrize("name", ["benchmarks", "checkpoints", "logs", "paper", "prepared", "report"])
def test_a_study_does_not_overwrite_what_the_workflow_keeps_in_results(project, name):
    """Nor if nobody asks for it yet: `snakemake paper` means something else."""
    complaint = f"config/studies/{name}.yaml: `{name}` is a reserved name."
    assert project.study(STUDY, name).load().broken == {name: complaint + "\nHint: rename the file."}
    assert project.complaint({"studies": [name]}).startswith(complaint)
