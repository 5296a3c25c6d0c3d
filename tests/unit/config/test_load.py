"""Load the config: all studies with a file, of which an invalid one stops no other."""

import pytest
import yaml
from unit.projects import (
    DATASETS_FILE,
    SETTINGS,
    STUDY,
    changed,
)

from calotype.config.load import load
from calotype.config.static_checks import check_studies
from calotype.util.errors import CalotypeError


def test_shipped_config_loads(root):
    settings = yaml.safe_load((root / "config/config.yaml").read_text(encoding="utf-8"))
    studies = sorted(path.stem for path in (root / "config/studies").glob("*.yaml"))
    assert set(settings["studies"]) | set(settings["paper"]) <= set(studies)
    shipped = load(settings, root=root)
    assert sorted(shipped.studies) == studies, "any study may be asked for by its name"
    check_studies(shipped)
    assert (sorted(shipped.studies), shipped.broken) == (studies, {})


def test_seeds_of_a_variant_go_before_those_of_the_config(project):
    loaded = project.load()
    assert (loaded.seeds("dots", "wide"), loaded.seeds("dots", "deep")) == (5, 2)


def test_splits_that_no_study_uses_are_not_drawn(project):
    assert project.load().splits_used("dots", ["dots"]) == ["train", "test"]
    project.study(changed(STUDY, "claims", []) | {"tests": ["test"]}, "again")
    project.study(changed(STUDY, "claims", []) | {"tests": ["test-large"]}, "dots")
    loaded = project.load({"studies": ["dots", "again"]})
    assert loaded.splits_used("dots", ["dots", "again"]) == ["train", "test", "test-large"]
    assert loaded.splits_used("dots", ["again"]) == ["train", "test"], "of the studies that are asked for"
    assert loaded.splits_used("dots", []) == []


def test_splits_of_another_dataset_with_the_same_names_are_not_drawn(classes):
    loaded = classes.load()
    assert loaded.splits_used("clothes", ["dots", "clothes"]) == ["train", "test"]
    assert loaded.splits_used("digits", ["dots", "clothes"]) == []
    assert loaded.splits_used("clothes", ["dots"]) == []


def test_a_study_that_is_not_named_in_the_settings_can_be_asked_for(project):
    project.study(changed(STUDY, "title", "Again"), "again")
    loaded = project.load()
    assert loaded.settings.studies == ["dots"]
    assert list(loaded.studies) == ["dots", "again"]
    assert loaded.studies["again"].title == "Again"


def test_the_studies_of_the_paper_stand_before_those_that_nobody_named(project):
    for name in ("another", "paper-study"):
        project.study(STUDY, name)
    loaded = project.load(SETTINGS | {"paper": ["paper-study"]})
    assert list(loaded.studies) == ["dots", "paper-study", "another"]


def test_a_study_that_is_being_written_stops_no_other_and_is_answered_once_it_is_asked_for(project):
    complaint = "config/studies/later.yaml: variants.wide.epochs: -3 is not a positive whole number."
    loaded = project.study(changed(STUDY, "variants.wide.epochs", -3), "later").load()
    assert list(loaded.studies) == ["dots"]
    assert loaded.broken == {"later": complaint}
    for asked in ({"studies": ["dots", "later"]}, {"paper": ["later"]}):
        assert project.complaint(SETTINGS | asked) == complaint
    assert "config/studies/later.yaml, line " in project.study("title: [\n", "later").load().broken["later"]


def test_one_broken_study_does_not_hide_another(project):
    project.study("title: [\n", "a").study(STUDY, "b").study(changed(STUDY, "tests", []), "c")
    loaded = project.load()
    assert (list(loaded.studies), list(loaded.broken)) == (["dots", "b"], ["a", "c"])


@pytest.mark.parametrize("name", [".#dots", "#dots#", "dots copy", "dots(1)", "-n", ".dots"])
def test_what_an_editor_leaves_beside_a_study_stops_nothing_and_is_no_study(project, name):
    loaded = project.study("not: [a study\n", name).load()
    assert (list(loaded.studies), loaded.broken) == (["dots"], {})


def test_the_lock_of_an_editor_beside_a_study_stops_nothing(project):
    """Emacs marks a file that is being edited with a link to nowhere."""
    (project.folder / "config/studies/.#dots.yaml").symlink_to("someone@somewhere.4711:1")
    (project.folder / "config/studies/lost.yaml").symlink_to("nowhere.yaml")
    loaded = project.load()
    assert (list(loaded.studies), list(loaded.broken)) == (["dots"], ["lost"])


def test_a_file_of_another_kind_beside_the_studies_stops_nothing(project):
    (project.folder / "config/studies/notes.txt").write_text("not a study")
    (project.folder / "config/studies/dots.yaml.orig").write_text("[")
    assert list(project.load().studies) == ["dots"]


def test_pack_size_of_a_variant_goes_before_that_of_the_config(project):
    loaded = project.study(changed(STUDY, "variants.deep.seeds_per_job", 50)).load(SETTINGS | {"seeds_per_job": 4})
    assert (loaded.seeds_per_job("dots", "wide"), loaded.seeds_per_job("dots", "deep")) == (4, 50)


@pytest.mark.parametrize("given", ["autox", 2.5])
def test_a_wrong_pack_size_is_answered_with_both_forms(project, given):
    with pytest.raises(CalotypeError, match=r'seeds_per_job: .* is not a whole number or "auto"'):
        project.load(SETTINGS | {"seeds_per_job": given})


def test_a_pack_has_enough_runs_to_train_side_by_side(project):
    """Else the job would have cores and memory for four runs, and train three."""
    project.study(changed(STUDY, "variants.deep.side_by_side", 6))
    loaded = project.load(SETTINGS | {"seeds_per_job": 4})
    assert (loaded.seeds_per_job("dots", "wide"), loaded.seeds_per_job("dots", "deep")) == (4, 6)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"side_by_side": 0}, "side_by_side: 0 is not a positive whole number"),
        ({"side_by_side": "2"}, 'side_by_side: "2" is not a whole number'),
        ({"side_by_side": 4, "seeds_per_job": 3}, "side_by_side: 4 is more than seeds_per_job, 3: a job would have"),
    ],
)
def test_a_number_of_runs_side_by_side_that_cannot_be_is_refused(project, keys, problem):
    study = changed(STUDY, "variants.deep", STUDY["variants"]["deep"] | keys)
    complaint = project.study(study).complaint()
    assert problem in complaint


@pytest.mark.parametrize(("given", "expected"), [({}, 1.0), ({"checkpoint_minutes": 0}, 0.0)])
def test_at_most_a_minute_of_a_training_run_is_lost_where_nobody_says_otherwise(project, given, expected):
    assert project.load(SETTINGS | given).settings.checkpoint_minutes == expected


def test_classes_of_a_study_are_those_of_its_dataset(classes):
    loaded = classes.load()
    assert loaded.classes("clothes") == ["Shirt", "Bag", "Ankle boot"]
    assert loaded.classes("dots") == [], "counts are no classes"


def test_a_project_may_begin_with_nothing(tmp_path):
    assert not load({}, root=tmp_path).datasets
    (tmp_path / "config").mkdir()
    (tmp_path / DATASETS_FILE).write_text("# nothing yet\n")
    assert not load({"studies": []}, root=tmp_path).datasets


def test_a_missing_datasets_file_is_answered_with_the_one_that_is_there(project):
    complaint = project.complaint(SETTINGS | {"datasets": "config/dataset.yaml"})
    assert "config/dataset.yaml: file not found." in complaint
    assert "Hint: did you mean `datasets.yaml`?" in complaint
