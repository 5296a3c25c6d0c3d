"""The config says what is wrong, where, and what to do; and decides what is trained again."""

import copy
import json
import random
import re
from inspect import signature
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from calotype import config
from calotype.checks import check_studies
from calotype.config import load, plan_packs
from calotype.errors import CalotypeError
from calotype.metrics import METRICS, TASK_METRICS, MetricName, offered, shown
from calotype.raw import READERS
from calotype.recipe import Augmentation, Optimizer, Recipe, TrainingMetric
from calotype.studies import Study
from calotype.validation import validate

SETTINGS = {"studies": ["dots"], "seeds": 5}
DATASETS = {
    "dots": {
        "source": "dots",
        "drawing": {"minimum": 0, "maximum": 5, "width": 40, "quality": 75},
        "splits": {
            "train": {"images": 10, "seed": 1},
            "test": {"images": 5, "seed": 2},
            "test-large": {"images": 50, "seed": 3},
        },
        "prepare": ["grey", "scale"],
    }
}
STUDY = {
    "title": "Counting dots",
    "dataset": "dots",
    "task": "count",
    "tests": ["test"],
    "defaults": {"loss": "huber", "batch_size": 32, "optimizer": {"name": "adam", "learning_rate": 0.001}},
    "variants": {
        "wide": {"model": "dots_source", "epochs": 3},
        "deep": {"model": "dots_source", "epochs": 4, "label": "Deep", "description": "Deeper.", "seeds": 2},
    },
    "claims": [{"variant": "wide", "split": "test", "metric": "exact", "value": 0.9, "says": "Nine in ten."}],
}
FILES = {"images": "a" * 64, "labels": "b" * 64}
CLOTHES = {
    "source": "idx",
    "fetch": {"files": FILES, "sources": [{"folder": "/usr/share/clothes"}, {"url": "https://example.org/clothes"}]},
    "splits": {
        "train": {"images": "images", "labels": "labels", "number": 20},
        "test": {"images": "images", "labels": "labels", "first": 20},
    },
    "prepare": ["scale"],
    "classes": ["Shirt", "Bag", "Ankle boot"],
}
DIGITS = {
    "source": "csv",
    "fetch": {"files": {"digits.csv": "c" * 64}, "sources": [{"python": "scikit-learn"}]},
    "splits": {"train": {"table": "digits.csv", "number": 20}, "test": {"table": "digits.csv", "first": 20}},
    "classes": ["0", "1"],
}
FETCHED = DATASETS | {"clothes": CLOTHES, "digits": DIGITS}
CLASSIFY = {
    "title": "Clothes",
    "dataset": "clothes",
    "task": "classify",
    "tests": ["test"],
    "example": 20,
    "defaults": {
        "model": "dense",
        "model_arguments": {"units": [4]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "epochs": 2,
        "batch_size": 8,
    },
    "variants": {
        "plain": {},
        "held-out": {"validation_split": 0.1, "restore_best_weights": True, "monitor": "val_accuracy"},
        "perceptron": {"model": "sklearn.neural_network.MLPClassifier", "model_arguments": {}},
    },
    "claims": [
        {"variant": "plain", "split": "test", "metric": "accuracy", "between": [0.9, 0.93], "says": "90 to 93 %."},
        {"variant": "plain", "split": "test", "metric": "accuracy", "similar_to": "perceptron", "says": "Alike."},
        {"variant": "plain", "metric": "training_accuracy", "at_least": 0.5, "says": "Half of them."},
        {"variant": "plain", "metric": "parameters", "value": 100, "says": "A hundred.", "note": "Not really."},
    ],
}
REMOVED = object()
NO_CHOICE = "restore_best_weights and patience need validation or validation_split: never choose on test images"
SMOOTHING = "label_smoothing needs loss: categorical_crossentropy or binary_crossentropy"
OF_COUNTS, OF_CLASSES = (", ".join(TASK_METRICS[task]) for task in ("count", "classify"))


def changed(base: Any, where: str, value: Any) -> Any:
    """A copy with another value at a place such as `variants.wide.epochs`."""
    result = place = copy.deepcopy(base)
    *path, last = where.split(".")
    for step in path:
        place = place[int(step) if isinstance(place, list) else step]
    if value is REMOVED:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return result


class Project:
    """A folder with config files, as a user would have it."""

    def __init__(self, folder):
        self.folder = folder
        self.settings: dict[str, Any] = SETTINGS
        (folder / "config" / "studies").mkdir(parents=True)
        self.datasets(DATASETS)
        self.study(STUDY)

    def write(self, name: str, content: Any) -> None:
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        (self.folder / "config" / name).write_text(text, encoding="utf-8")

    def datasets(self, content: Any) -> "Project":
        self.write("datasets.yaml", content)
        return self

    def study(self, content: Any, name: str = "dots") -> "Project":
        self.write(f"studies/{name}.yaml", content)
        return self

    def load(self, settings: Any = None) -> config.Config:
        return load(self.settings if settings is None else settings, root=self.folder)

    def complaint(self, settings: Any = None) -> str:
        with pytest.raises(CalotypeError) as problem:
            self.load(settings)
        return str(problem.value)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture
def classes(tmp_path):
    """A project with datasets of every kind, and a study that classifies."""
    project = Project(tmp_path)
    project.settings = SETTINGS | {"studies": ["dots", "clothes"]}
    project.datasets(FETCHED)
    return project.study(CLASSIFY, "clothes")


# ---- What is right ---------------------------------------------------------------------------------------------------


def test_shipped_config_loads(root):
    settings = yaml.safe_load((root / "config/config.yaml").read_text(encoding="utf-8"))
    studies = sorted(path.stem for path in (root / "config/studies").glob("*.yaml"))
    assert set(settings["studies"]) | set(settings["paper"]) <= set(studies)
    shipped = load(settings, root=root)
    assert sorted(shipped.studies) == studies, "any study may be asked for by its name"
    check_studies(shipped)
    assert (sorted(shipped.studies), shipped.broken) == (studies, {})


def test_variants_take_what_they_leave_out_from_the_defaults(project):
    variants = project.load().studies["dots"].variants
    assert (variants["wide"].epochs, variants["deep"].epochs) == (3, 4)
    for variant in variants.values():
        assert (variant.loss, variant.batch_size, variant.optimizer.learning_rate) == ("huber", 32, 0.001)


def test_a_variant_may_differ_from_the_defaults(project):
    project.study(changed(STUDY, "variants.wide.optimizer", {"name": "sgd"}))
    optimizer = project.load().studies["dots"].variants["wide"].optimizer
    assert (optimizer.name, optimizer.learning_rate) == ("sgd", None), "a mapping is replaced, not mixed"


def test_an_optimizer_by_its_name_is_the_one_with_no_settings(project):
    project.study(changed(changed(STUDY, "variants.wide.optimizer", "sgd"), "variants.deep.optimizer", {"name": "sgd"}))
    variants = project.load().studies["dots"].variants
    assert variants["wide"].optimizer == variants["deep"].optimizer == Optimizer(name="sgd")


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


@pytest.mark.parametrize(("given", "expected"), [({}, 1.0), ({"checkpoint_minutes": 0}, 0.0)])
def test_at_most_a_minute_of_a_training_is_lost_where_nobody_says_otherwise(project, given, expected):
    assert project.load(SETTINGS | given).settings.checkpoint_minutes == expected


def test_classes_of_a_study_are_those_of_its_dataset(classes):
    loaded = classes.load()
    assert loaded.classes("clothes") == ["Shirt", "Bag", "Ankle boot"]
    assert loaded.classes("dots") == [], "counts are no classes"


def test_trainings_may_diverge_unless_a_study_forbids_it_and_that_trains_nothing_again(project):
    loaded = project.study(STUDY).load().studies["dots"]
    strict = project.study(STUDY | {"may_diverge": False}).load().studies["dots"]
    assert (loaded.may_diverge, strict.may_diverge) == (True, False)
    assert loaded.variants["wide"].recipe() == strict.variants["wide"].recipe()


def test_headline_of_a_study_is_the_first_metric_of_its_task_or_the_one_it_names(classes):
    studies = classes.load().studies
    assert (studies["dots"].headline, studies["clothes"].headline) == ("exact", "accuracy")
    studies = classes.study(CLASSIFY | {"metric": "error"}, "clothes").load().studies
    assert studies["clothes"].headline == "error"


def test_a_table_shows_the_headline_first_and_accuracy_or_error_but_not_both():
    assert shown("classify", "accuracy") == ["accuracy", "log_loss"]
    assert shown("classify", "error") == ["error", "log_loss"]
    assert shown("classify", "log_loss")[0] == "log_loss"
    assert shown("count", "off_by_more_than_one") == ["off_by_more_than_one", "exact", "sum_of_squared_errors"]


def test_a_table_shows_the_usual_metrics_beside_a_headline_that_is_none_of_them():
    assert shown("classify", "macro_f1") == ["macro_f1", "accuracy", "log_loss"]
    assert shown("count", "r2") == ["r2", "exact", "off_by_more_than_one", "sum_of_squared_errors"]
    assert shown("regress", "r2") == ["r2", "mean_absolute_error", "root_mean_squared_error"]


def test_a_study_may_choose_the_metrics_of_its_tables_and_their_first_is_its_headline(classes):
    chosen = ["balanced_accuracy", "macro_f1", "accuracy", "error"]
    study = classes.study(CLASSIFY | {"metrics": chosen}, "clothes").load().studies["clothes"]
    assert (study.headline, study.shown) == ("balanced_accuracy", chosen)
    both = CLASSIFY | {"metrics": chosen, "metric": "balanced_accuracy"}
    assert classes.study(both, "clothes").load().studies["clothes"].headline == "balanced_accuracy"
    plain = classes.study(CLASSIFY, "clothes").load().studies["clothes"]
    assert plain.shown == ["accuracy", "log_loss"], "what nobody chose is as it was"
    assert plain.variants["plain"].recipe() == study.variants["plain"].recipe(), "and nothing is trained again"


@pytest.mark.parametrize(
    ("metrics", "complaint"),
    [
        (["acuracy"], "metrics.0: 'acuracy' is not one of exact, .* Hint: did you mean `accuracy`\\?"),
        (["accuracy", "exact"], "metrics.1: task classify has accuracy, .*, not exact."),
        (["training_accuracy"], "metrics.0: task classify has accuracy, .*, not training_accuracy."),
        (["error", "error"], "metrics: a metric stands there twice."),
        ([], r"metrics: \[\] is empty."),
        ("accuracy", 'metrics: "accuracy" is not a list.'),
        (
            ["accuracy", "top_3"],
            "metrics.1: `top_3` takes 4 classes or more, and `clothes` has 3.\nHint: known: accura.*",
        ),
        (["roc_auc"], "metrics.0: `roc_auc` takes 2 classes, and `clothes` has 3.\nHint: .*"),
    ],
)
def test_metrics_that_a_study_cannot_show_are_named_with_what_it_can(classes, metrics, complaint):
    found = classes.study(CLASSIFY | {"metrics": metrics}, "clothes").complaint()
    assert re.fullmatch(f"config/studies/clothes.yaml: {complaint}", found)


def test_two_headlines_are_refused(classes):
    study = CLASSIFY | {"metrics": ["accuracy", "error"], "metric": "error"}
    assert classes.study(study, "clothes").complaint() == (
        "config/studies/clothes.yaml: metrics: the first is the headline, but metric says error, and this begins with "
        "accuracy; leave metric out, or put it first."
    )


@pytest.mark.parametrize("where", ["metric", "claims.0.metric"])
def test_a_metric_of_more_classes_than_there_are_is_refused_wherever_it_stands(classes, where):
    study = changed(CLASSIFY, where, "top_5")
    found = classes.study(study, "clothes").complaint()
    assert found.startswith(
        f"config/studies/clothes.yaml: {where}: `top_5` takes 6 classes or more, and `clothes` has 3"
    )


@pytest.mark.parametrize(("names", "metric"), [("ab", "roc_auc"), ("abcd", "top_3"), ("abcdef", "top_5")])
def test_metrics_are_offered_as_soon_as_there_are_the_classes_for_them(classes, names, metric):
    classes.datasets(changed(FETCHED, "clothes.classes", [*names]))
    assert classes.study(CLASSIFY | {"metric": metric}, "clothes").load().studies["clothes"].headline == metric
    assert metric in offered("classify", len(names))


def test_every_metric_of_a_task_can_be_claimed_and_shown():
    assert set(get_args(MetricName)) == set(METRICS)
    for names in TASK_METRICS.values():
        assert set(names) <= set(METRICS)
        assert all(METRICS[name].tested for name in names)


def test_an_augmentation_by_its_name_is_the_one_with_no_settings(project):
    project.study(changed(STUDY, "variants.wide.augment", ["flip", {"name": "shift", "pixels": 2}]))
    found = project.load().studies["dots"].variants["wide"].augment
    assert found == [Augmentation(name="flip"), Augmentation(name="shift", pixels=2)]


def test_preparation_of_a_split_names_all_that_decides_it(classes):
    """What is not in it does not prepare the split anew; what is has to be taken by the readers of raw.py."""
    datasets = classes.load().datasets
    found = {name: dataset.preparation("test") for name, dataset in datasets.items()}
    assert found == {
        "dots": {
            "width": 40,
            "minimum": 0,
            "maximum": 5,
            "source": "dots",
            "split": "test",
            "steps": ["grey", "scale"],
        },
        "clothes": {
            "images": "images",
            "labels": "labels",
            "first": 20,
            "number": None,
            "files": FILES,
            "source": "idx",
            "split": "test",
            "steps": ["scale"],
            "classes": 3,
        },
        "digits": {
            "table": "digits.csv",
            "first": 20,
            "number": None,
            "files": {"digits.csv": "c" * 64},
            "source": "csv",
            "split": "test",
            "steps": ["grey", "scale"],
            "classes": 2,
        },
    }
    for preparation in found.values():
        keywords = set(preparation) - {"source", "split", "steps", "files"}
        assert keywords == set(signature(READERS[preparation["source"]]).parameters) - {"folder"}


def test_names_of_classes_prepare_nothing_anew_but_their_number_does(classes):
    def preparation(names):
        classes.datasets(changed(FETCHED, "clothes.classes", names))
        return classes.load().datasets["clothes"].preparation("train")

    assert preparation(["a", "b", "c"]) == preparation(["x", "y", "z"]) != preparation(["a", "b", "c", "d"])


def test_a_folder_of_local_data_may_be_named(project):
    assert project.load().settings.local_data is None
    assert project.load(SETTINGS | {"local_data": "/scratch/data/"}).settings.local_data == "/scratch/data"
    assert "local_data: '~/data' is not a plain path" in project.complaint(SETTINGS | {"local_data": "~/data"})


def test_anchors_and_merge_keys_of_yaml_work(project):
    """`<<: *name` is how YAML users share keys between variants."""
    text = yaml.safe_dump(changed(STUDY, "variants", REMOVED), sort_keys=False)
    text += "variants:\n  wide: &wide\n    model: dots_source\n    epochs: 3\n  deep:\n    <<: *wide\n    epochs: 4\n"
    variants = project.study(text).load().studies["dots"].variants
    assert (variants["deep"].model, variants["deep"].epochs) == ("dots_source", 4)


def test_a_learning_rate_written_as_1e_3_is_understood_or_explained(project):
    """PyYAML follows YAML 1.1, in which 1e-3 is a text and 1.0e-3 a number."""
    project.study(yaml.safe_dump(STUDY, sort_keys=False).replace("learning_rate: 0.001", "learning_rate: 1e-3"))
    try:
        understood = project.load().studies["dots"].variants["wide"].optimizer.learning_rate == 0.001
        complaint = ""
    except CalotypeError as error:
        understood, complaint = False, str(error)
    assert understood or re.search(r"Hint: .*1\.0e-3", complaint)


# ---- What is wrong with a value --------------------------------------------------------------------------------------

KINDS = "give exactly one of value, at_most, at_least, between, as_low_as, similar_to"
STUDY_FILE, DATASETS_FILE, SETTINGS_FILE = "config/studies/dots.yaml", "config/datasets.yaml", "config/config.yaml"


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        ("variants.wide.epochs", -3, "variants.wide.epochs: -3 is not a positive whole number."),
        ("variants.wide.epochs", 0, "variants.wide.epochs: 0 is not a positive whole number."),
        ("variants.wide.epochs", "10", 'variants.wide.epochs: "10" is not a whole number.'),
        ("variants.wide.epochs", True, "variants.wide.epochs: true is not a whole number."),
        ("variants.wide.epochs", 10.0, "variants.wide.epochs: 10.0 is not a whole number."),
        ("variants.wide.epochs", None, "variants.wide.epochs: null is not a whole number."),
        ("variants.wide.epochs", [10], "variants.wide.epochs: [10] is not a whole number."),
        ("variants.wide.seeds", 0, "variants.wide.seeds: 0 is not a positive whole number."),
        ("variants.wide.label", 3, "variants.wide.label: 3 is not text."),
        ("variants.wide.scale_targets", "yes", 'variants.wide.scale_targets: "yes" is neither true nor false.'),
        ("variants.wide.scale_targets", 1, "variants.wide.scale_targets: 1 is neither true nor false."),
        ("variants.wide.augment", "symmetries", 'variants.wide.augment: "symmetries" is not a list.'),
        ("variants.wide.model_arguments", [1], "variants.wide.model_arguments: [1] is not a mapping."),
        ("variants.wide", "dots_source", 'variants.wide: "dots_source" is not a mapping.'),
        ("variants.wide", None, "variants.wide: null is not a mapping."),
        ("variants", {}, "variants: {} is empty."),
        ("variants", ["wide"], 'variants: ["wide"] is not a mapping.'),
        ("tests", [], "tests: [] is empty."),
        ("tests", "test", 'tests: "test" is not a list.'),
        ("tests", ["test", "test"], "tests: a split stands there twice."),
        ("title", REMOVED, "title: is missing."),
        ("variants.wide.model", REMOVED, "variants.wide.model: is missing."),
        ("claims.0.value", "0.9", 'claims.0.value: "0.9" is not a number.'),
        ("claims.0.value", REMOVED, f"claims.0: {KINDS}."),
        ("claims.0.at_most", 0.5, f"claims.0: {KINDS}."),
        ("claims.0.value", 90, "claims.0: 90.0 is not a share; write 90 % as 0.90."),
        ("claims.0.value", -0.1, "claims.0: -0.1 is not a share; write 90 % as 0.90."),
        (
            "variants.wide.optimizer",
            {"name": "adam", "arguments": {"learning_rate": 0.1}},
            "variants.wide.optimizer: arguments: learning_rate has a key of its own, beside name.",
        ),
    ],
)
def test_wrong_value_in_a_study_is_named_with_file_and_key(project, where, value, complaint):
    assert project.study(changed(STUDY, where, value)).complaint() == f"{STUDY_FILE}: {complaint}"


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        ("dots.splits.train.images", "10", 'dots.splits.train.images: "10" is not a whole number.'),
        ("dots.splits.train.seed", -1, "dots.splits.train.seed: -1 is out of range: it must be >= 0."),
        ("dots.splits.train.seed", REMOVED, "dots.splits.train.seed: is missing."),
        ("dots.splits", {}, "dots.splits: {} is empty."),
        ("dots.drawing.maximum", 26, "dots.drawing.maximum: 26 is out of range: it must be <= 25."),
        ("dots.drawing.minimum", 5, "dots.drawing: minimum (5) must be below maximum (5)."),
        ("dots.drawing.quality", 101, "dots.drawing.quality: 101 is out of range: it must be <= 100."),
        ("dots.prepare", ["grey", "grey"], "dots: prepare: a step stands there twice."),
        ("dots", None, "dots.source: is missing."),
        ("dots", "dots", 'dots: "dots" is not a mapping.'),
    ],
)
def test_wrong_value_in_a_dataset_is_named_with_file_and_key(project, where, value, complaint):
    lines = project.datasets(changed(DATASETS, where, value)).complaint().splitlines()
    assert f"{DATASETS_FILE}: {complaint}" in lines


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("seeds", True, "seeds: true is not a whole number."),
        ("seeds", 0, "seeds: 0 is not a positive whole number."),
        ("seeds_per_job", "3", 'seeds_per_job: "3" is not a whole number.'),
        ("checkpoint_minutes", -1, "checkpoint_minutes: -1 is out of range: it must be >= 0.0."),
        ("checkpoint_minutes", "5", 'checkpoint_minutes: "5" is not a number.'),
        ("checkpoint_minutes", float("inf"), "checkpoint_minutes: Infinity is not a finite number."),
        ("studies", "dots", 'studies: "dots" is not a list.'),
        ("studies", ["../dots"], 'studies.0: "../dots" is not a plain name (letters, digits, - and _).'),
        ("results", None, "results: null is not text."),
        ("paper", "dots", 'paper: "dots" is not a list.'),
        ("studies", ["dots", "dots"], "studies: a study stands there twice."),
        ("paper", ["dots", "dots"], "paper: a study stands there twice."),
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
    assert complaint.endswith("data and results must be two folders.")


@pytest.mark.parametrize("metric", ["exact", "off_by_more_than_one"])
@pytest.mark.parametrize("bound", ["value", "at_most", "at_least"])
def test_claims_of_shares_lie_between_none_and_all(project, metric, bound):
    base = {"variant": "wide", "split": "test", "metric": metric, "says": "It says so."}
    for number in (0, 0.5, 1):
        project.study(changed(STUDY, "claims", [base | {bound: number}])).load()
    for number in (-0.01, 1.01, 50):
        complaint = project.study(changed(STUDY, "claims", [base | {bound: number}])).complaint()
        assert "is not a share; write 90 % as 0.90" in complaint
    project.study(changed(STUDY, "claims", [base | {"metric": "sum_of_squared_errors", bound: 50}])).load()


def test_defaults_and_claims_with_nothing_below_them_are_none(project):
    """What is left of a key whose lines are commented out."""
    variants = {"wide": {**STUDY["defaults"], **STUDY["variants"]["wide"]}}
    bare = {key: value for key, value in STUDY.items() if key not in ("defaults", "claims")} | {"variants": variants}
    expected = project.study(bare).load().studies["dots"]
    assert project.study(bare | {"defaults": None, "claims": None}).load().studies["dots"] == expected
    project.study(changed(bare | {"defaults": None}, "variants.wide.epochs", 0))
    assert project.complaint() == f"{STUDY_FILE}: variants.wide.epochs: 0 is not a positive whole number."


def test_defaults_that_are_no_mapping_are_named(project):
    complaint = project.study(changed(STUDY, "defaults", [])).complaint()
    assert complaint.splitlines()[0] == f"{STUDY_FILE}: defaults: [] is not a mapping."


def test_settings_file_is_named_as_the_user_named_it(project):
    with pytest.raises(CalotypeError, match=r"^my/settings\.yaml: seeds: 0 is not a positive whole number\.$"):
        load(SETTINGS | {"seeds": 0}, "my/settings.yaml", project.folder)


@pytest.mark.parametrize(
    ("rate", "complaint"), [(-1, "-1 is not a positive number."), (-0.5, "-0.5 is not a positive number.")]
)
def test_a_learning_rate_is_not_asked_to_be_whole(project, rate, complaint):
    project.study(changed(STUDY, "variants.wide.optimizer", {"name": "adam", "learning_rate": rate}))
    assert project.complaint() == f"{STUDY_FILE}: variants.wide.optimizer.learning_rate: {complaint}"


@pytest.mark.parametrize("rate", [float("nan"), float("inf")])
def test_a_learning_rate_that_is_no_number_is_refused(project, rate):
    project.study(changed(STUDY, "variants.wide.optimizer", {"name": "adam", "learning_rate": rate}))
    assert f"{STUDY_FILE}: variants.wide.optimizer.learning_rate: " in project.complaint()


def test_wrong_value_in_defaults_is_reported_there_and_once(project):
    project.study(changed(STUDY, "defaults.batch_size", 0))
    assert project.complaint() == f"{STUDY_FILE}: defaults.batch_size: 0 is not a positive whole number."


def test_wrong_value_deep_in_defaults_is_reported_there_and_once(project):
    project.study(changed(STUDY, "defaults.optimizer.name", "rmsporp"))
    complaint = project.complaint()
    assert complaint.startswith(f"{STUDY_FILE}: defaults.optimizer.name: 'rmsporp' is not one of ")
    assert complaint.endswith("Hint: did you mean `rmsprop`?")
    assert complaint.count("\n") == 0


def test_a_mistake_of_one_variant_is_not_blamed_on_the_defaults(project):
    study = changed(STUDY, "variants.wide.batch_size", -1)
    assert project.study(study).complaint().startswith(f"{STUDY_FILE}: variants.wide.batch_size: -1 ")


def test_all_mistakes_of_a_file_are_reported_at_once(project):
    study = changed(changed(STUDY, "variants.wide.epochs", -3), "variants.deep.epochs", "4")
    assert project.study(changed(study, "task", "cuont")).complaint().splitlines() == [
        f"{STUDY_FILE}: task: 'cuont' is not one of count, classify, regress. Hint: did you mean `count`?",
        f"{STUDY_FILE}: variants.wide.epochs: -3 is not a positive whole number.",
        f'{STUDY_FILE}: variants.deep.epochs: "4" is not a whole number.',
    ]


def test_a_long_wrong_value_does_not_flood_the_terminal(project):
    assert len(project.study(changed(STUDY, "variants.wide.epochs", "x" * 10_000)).complaint()) < 200


# ---- A study of numbers ----------------------------------------------------------------------------------------------

REGRESS = STUDY | {"task": "regress", "claims": []}


def refused(study):
    """What a study file says of itself, whatever its dataset."""
    with pytest.raises(CalotypeError) as problem:
        validate(Study, study, STUDY_FILE)
    return str(problem.value)


def test_a_study_of_numbers_takes_the_losses_of_counts_and_has_its_own_metrics():
    study = validate(Study, REGRESS, STUDY_FILE)
    assert study.headline == "mean_absolute_error"
    assert study.shown == ["mean_absolute_error", "root_mean_squared_error", "r2"]
    assert study.variants["wide"].loss == "huber"
    assert (
        validate(Study, changed(REGRESS, "variants.wide.scale_targets", True), STUDY_FILE)
        .variants["wide"]
        .scale_targets
    )


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        ("variants.wide.loss", "categorical_crossentropy",
         "variants.wide.loss: categorical_crossentropy does not fit task regress."),
        ("metric", "exact", "metric: task regress has mean_absolute_error, root_mean_squared_error, r2, not exact."),
        ("example", 1, "example: only task classify has probabilities to show."),
    ],
)  # fmt: skip
def test_what_belongs_to_counts_or_classes_is_refused_in_a_study_of_numbers(where, value, complaint):
    assert refused(changed(REGRESS, where, value)) == f"{STUDY_FILE}: {complaint}"


# ---- What is wrong with a dataset that is fetched, and with a study that classifies ---------------------------------

CLOTHES_FILE = "config/studies/clothes.yaml"


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        ("clothes.source", REMOVED, "clothes.source: is missing."),
        ("clothes.source", "dots", "clothes.fetch: is not a known key."),
        ("clothes.source", "idxx", "clothes.source: 'idxx' is not one of dots, idx, csv, npz, images, arrays."),
        ("clothes.source", 3, "clothes.source: 3 is not one of dots, idx, csv, npz, images, arrays."),
        ("clothes.source", ["idx"], "clothes.source: ['idx'] is not one of dots, idx, csv, npz, images, arrays."),
        ("clothes.source", "csv", "clothes.splits.train.table: is missing."),
        ("clothes.classes", REMOVED, "clothes.classes: is missing."),
        ("clothes.classes", ["Shirt"], 'clothes.classes: ["Shirt"] is too short: it must have at least 2.'),
        ("clothes.classes", ["Shirt", "Shirt"], "clothes: classes: a name stands there twice."),
        ("clothes.classes", [0, 1], "clothes.classes.0: 0 is not text."),
        ("clothes.fetch", REMOVED, "clothes.fetch: is missing."),
        ("clothes.fetch.files", {}, "clothes.fetch.files: {} is empty."),
        ("clothes.fetch.sources", [], "clothes.fetch.sources: [] is empty."),
        (
            "clothes.fetch.files.images",
            "abc",
            'clothes.fetch.files.images: "abc" is not a SHA-256 (64 of 0-9 and a-f).',
        ),
        ("clothes.fetch.files.images", None, "clothes.fetch.files.images: null is not text."),
        (
            "clothes.fetch.files",
            FILES | {"../../etc/passwd": "a" * 64},
            'clothes.fetch.files.../../etc/passwd: "../../etc/passwd" is not a plain file name (letters, digits, . - '
            "and _).",
        ),
        (
            "clothes.fetch.sources.0",
            {"url": "ftp://example.org"},
            'clothes.fetch.sources.0.url: "ftp://example.org" is not a web address (http:// or https://).',
        ),
        (
            "clothes.fetch.sources.0",
            {"npm": "a; rm -rf /"},
            'clothes.fetch.sources.0.npm: "a; rm -rf /" is not a plain file name (letters, digits, . - and _).',
        ),
        (
            "clothes.fetch.sources.0",
            {},
            "clothes.fetch.sources.0: give exactly one of folder, url, npm, debian, python.",
        ),
        (
            "clothes.fetch.sources.1",
            {"npm": "a", "debian": "b"},
            "clothes.fetch.sources.1: give exactly one of folder, url, npm, debian, python.",
        ),
        ("clothes.splits.test.images", "imags", "clothes: splits.test.images: imags is not among fetch.files."),
        ("clothes.splits.train.labels", "label", "clothes: splits.train.labels: label is not among fetch.files."),
        ("digits.splits.test.table", "digit.csv", "digits: splits.test.table: digit.csv is not among fetch.files."),
        ("clothes.splits.train.labels", REMOVED, "clothes.splits.train.labels: is missing."),
        ("clothes.splits.train.first", -1, "clothes.splits.train.first: -1 is out of range: it must be >= 0."),
        ("digits.splits.train.number", 0, "digits.splits.train.number: 0 is not a positive whole number."),
        ("digits.splits", {}, "digits.splits: {} is empty."),
        ("digits.prepare", ["scale", "scale"], "digits: prepare: a step stands there twice."),
        (
            "digits.prepare",
            ["blurr"],
            "digits.prepare.0: 'blurr' is not one of grey, colour, resize, crop, pad, threshold, invert, blur, "
            "morphology, contrast, scale, normalise, own.",
        ),
    ],
)
def test_wrong_value_in_a_fetched_dataset_is_named_with_file_and_key(classes, where, value, complaint):
    lines = classes.datasets(changed(FETCHED, where, value)).complaint().splitlines()
    assert f"{DATASETS_FILE}: {complaint}" in [line.split(" Hint:")[0] for line in lines]


@pytest.mark.parametrize(
    ("where", "value", "hint"),
    [
        ("clothes.source", "ixd", "did you mean `idx`?"),
        ("clothes.fetch.file", {}, "did you mean `files`?"),
        ("clothes.splits.train.image", "a", "did you mean `images`?"),
        ("digits.splits.train.tables", "a", "did you mean `table`?"),
        ("clothes.fetch.sources.0.folders", "a", "did you mean `folder`?"),
        ("clothes.class", [], "did you mean `classes`?"),
    ],
)
def test_misspelt_key_of_a_fetched_dataset_is_answered_with_the_right_one(classes, where, value, hint):
    complaint = classes.datasets(changed(FETCHED, where, value)).complaint()
    assert complaint.startswith(f"{DATASETS_FILE}: {where}: ")
    assert complaint.endswith(f"Hint: {hint}")


CHANGES = get_args(Augmentation.model_fields["name"].annotation)


def claim(**changes):
    return {"variant": "plain", "split": "test", "metric": "accuracy", "says": "It says so."} | changes


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        # the task
        ("task", "count", "variants.plain.loss: categorical_crossentropy does not fit task count."),
        (
            "dataset",
            "dots",
            "task: the labels of `dots` are counts, not classes.\nHint: task: count has such labels.",
        ),
        ("variants.plain.loss", "huber", "variants.plain.loss: huber does not fit task classify."),
        (
            "variants.plain.scale_targets",
            True,
            "variants.plain.scale_targets: only tasks count and regress have targets to scale.",
        ),
        ("metric", "exact", f"metric: task classify has {OF_CLASSES}, not exact."),
        ("metric", "parameters", f"metric: task classify has {OF_CLASSES}, not parameters."),
        ("example", -1, "example: -1 is out of range: it must be >= 0."),
        ("example", True, "example: true is not a whole number."),
        ("feature_maps", "plian", "feature_maps: there is no variant `plian`.\nHint: did you mean `plain`?"),
        ("feature_maps", "perceptron", "feature_maps: `perceptron` has no convolution: it is scikit-learn's."),
        # the recipe
        (
            "variants.plain.monitor",
            "val_accuracy",
            "variants.plain: monitor: val_accuracy needs validation or validation_split.",
        ),
        (
            "variants.plain.monitor",
            "val_auc",
            "variants.plain: monitor: val_auc is not recorded; these are: val_loss, val_accuracy, loss, accuracy.",
        ),
        (
            "variants.plain.training_metrics",
            ["r2_score"],
            "variants.plain: training_metrics: r2_score does not fit loss categorical_crossentropy; these do: auc, "
            "precision, recall, mean_absolute_error, mean_squared_error, root_mean_squared_error, "
            "categorical_crossentropy, kl_divergence, top_k_categorical_accuracy.",
        ),
        (
            "variants.plain.training_metrics",
            ["auc", "auc"],
            "variants.plain: training_metrics: a metric stands there twice.",
        ),
        (
            "variants.plain.reduce_on_plateau",
            {},
            "variants.plain: monitor: val_loss needs validation or validation_split.",
        ),
        (
            "variants.held-out",
            {
                "validation_split": 0.1,
                "reduce_on_plateau": {},
                "optimizer": {"name": "sgd", "learning_rate": 0.1, "schedule": "cosine"},
            },
            "variants.held-out: reduce_on_plateau: schedule cosine sets the rate already.",
        ),
        ("variants.plain.mode", "max", "variants.plain: mode and min_delta need restore_best_weights or patience."),
        ("variants.plain.min_delta", 0.1, "variants.plain: mode and min_delta need restore_best_weights or patience."),
        (
            "variants.plain.loss",
            "binary_crossentropy",
            "variants.plain.loss: `binary_crossentropy` takes 2 classes, and `clothes` has 3.\n"
            "Hint: take categorical_crossentropy.",
        ),
        ("variants.plain.validation", "train", "variants.plain: validation: a split that is trained on; name another."),
        (
            "variants.plain.validation",
            "test",
            "variants.plain.validation: `test` is also a test split.\n"
            "Hint: no choice is made on test images: give another split, or `validation_split`.",
        ),
        (
            "variants.plain.validation",
            "tset",
            "variants.plain.validation: the dataset `clothes` has no split `tset`.\nHint: did you mean `test`?",
        ),
        (
            "variants.held-out.validation",
            "more",
            "variants.held-out: validation and validation_split: give one of them.",
        ),
        # weights of classes
        (
            "variants.plain.class_weight",
            "even",
            "variants.plain.class_weight: 'even' is neither `balanced` nor a mapping of classes to weights, such as "
            "{leaf: 2.5}.",
        ),
        (
            "variants.plain.class_weight",
            7,
            "variants.plain.class_weight: 7 is neither `balanced` nor a mapping of "
            "classes to weights, such as {leaf: 2.5}.",
        ),
        ("variants.plain.class_weight", {"Bag": -1}, "variants.plain.class_weight: Bag: -1 is not a number from 0."),
        (
            "variants.plain.class_weight",
            {False: 1},
            "variants.plain.class_weight: False is not the name of a class; put it in quotes.",
        ),
        (
            "variants.plain.class_weight",
            {"Bog": 2},
            "variants.plain.class_weight: `clothes` has no class `Bog`.\nHint: did you mean `Bag`?",
        ),
        (
            "variants.plain.class_weight",
            [1.0, 2.0],
            "variants.plain.class_weight: has 2 weights, and `clothes` 3 classes.",
        ),
        (
            "variants.plain",
            {"label_smoothing": 0.1, "loss": "sparse_categorical_crossentropy"},
            f"variants.plain: {SMOOTHING}.",
        ),
        (
            "variants.plain.label_smoothing",
            1.0,
            "variants.plain.label_smoothing: 1.0 is out of range: it must be < 1.0.",
        ),
        (
            "variants.plain.restore_best_weights",
            True,
            f"variants.plain: {NO_CHOICE}.",
        ),
        (
            "variants.plain.patience",
            3,
            f"variants.plain: {NO_CHOICE}.",
        ),
        ("variants.held-out.patience", 0, "variants.held-out.patience: 0 is not a positive whole number."),
        (
            "variants.plain.validation_split",
            1.0,
            "variants.plain.validation_split: 1.0 is out of range: it must be < 1.0.",
        ),
        (
            "variants.plain.validation_split",
            -0.1,
            "variants.plain.validation_split: -0.1 is out of range: it must be >= 0.0.",
        ),
        (
            "variants.plain.augment",
            ["flop"],
            f"variants.plain.augment.0.name: 'flop' is not one of {', '.join(CHANGES)}. Hint: did you mean `flip`?",
        ),
        ("variants.plain.augment", ["shift"], "variants.plain.augment.0: shift needs pixels."),
        (
            "variants.plain.augment",
            ["flip", {"name": "flip", "pixels": 2}],
            "variants.plain.augment.1: flip takes no pixels.",
        ),
        (
            "variants.plain.augment",
            [{"name": "affine", "zoom": 0.1}],
            "variants.plain.augment.0: affine needs degrees.",
        ),
        (
            "variants.plain.augment",
            [{"name": "affine", "zoom": 0.1, "degrees": 5.0, "pixels": 1}],
            "variants.plain.augment.0: affine takes no pixels.",
        ),
        (
            "variants.plain.augment",
            [{"name": "shift", "pixels": 1, "zoom": 0.1}],
            "variants.plain.augment.0: shift takes no zoom.",
        ),
        (
            "variants.plain.augment",
            [{"name": "affine", "zoom": 1.0, "degrees": 5.0}],
            "variants.plain.augment.0.zoom: 1.0 is out of range: it must be < 1.0.",
        ),
        (
            "variants.plain.test_views",
            ["flipp"],
            "variants.plain.test_views.0: 'flipp' is not one of flip, shift. Hint: did you mean `flip`?",
        ),
        (
            "variants.plain.augment",
            [{"name": "erase", "pixels": 0}],
            "variants.plain.augment.0.pixels: 0 is not a positive whole number.",
        ),
        (
            "variants.plain.augment",
            [{"name": "erase", "pixel": 2}],
            "variants.plain.augment.0.pixel: is not a known key. Hint: did you mean `pixels`?",
        ),
        # claims
        ("claims.0", claim(), f"claims.0: {KINDS}."),
        ("claims.0", claim(value=0.9, between=[0.8, 0.9]), f"claims.0: {KINDS}."),
        ("claims.0", claim(value=0.9, similar_to="perceptron"), f"claims.0: {KINDS}."),
        ("claims.0", claim(between=[0.93, 0.9]), "claims.0: between: 0.93 is above 0.9."),
        ("claims.0", claim(between=[90, 93]), "claims.0: 90.0 is not a share; write 90 % as 0.90."),
        ("claims.0", claim(as_low_as=7), "claims.0: 7.0 is not a share; write 90 % as 0.90."),
        ("claims.0", claim(as_low_as=0.1, value=0.1), f"claims.0: {KINDS}."),
        ("claims.0", claim(between=[0.9]), "claims.0.between: [0.9] is too short: it must have at least 2."),
        (
            "claims.0",
            claim(between=[0.7, 0.8, 0.9]),
            "claims.0.between: [0.7, 0.8, 0.9] is too long: it must have at most 2.",
        ),
        ("claims.0", claim(value=float("nan")), "claims.0.value: NaN is not a finite number."),
        (
            "claims.1.similar_to",
            "perceptro",
            "claims.1.similar_to: there is no variant `perceptro`.\nHint: did you mean `perceptron`?",
        ),
        ("claims.0", claim(split=None, value=0.9), "claims.0: accuracy needs a split."),
        ("claims.0", claim(metric="parameters", value=1), "claims.0: parameters takes no split."),
        ("claims.0", claim(metric="training_accuracy", value=0.9), "claims.0: training_accuracy takes no split."),
        (
            "claims.0",
            claim(metric="parameters", split=None, at_most=1),
            "claims.0: a claim on parameters has a value.",
        ),
        (
            "claims.0",
            claim(metric="exact", value=0.9),
            f"claims.0.metric: task classify has {OF_CLASSES}, parameters, training_accuracy, not exact.",
        ),
        (
            "claims.0",
            claim(variant="perceptron", metric="training_accuracy", split=None, value=0.9),
            "claims.0.metric: `perceptron` has no training_accuracy: scikit-learn's models record none.",
        ),
        (
            "claims.0",
            claim(similar_to="perceptron", metric="training_accuracy", split=None),
            "claims.0.metric: `perceptron` has no training_accuracy: scikit-learn's models record none.",
        ),
        (
            "source",
            {"title": "A page", "url": "example.org"},
            'source.url: "example.org" is not a web address (http:// or https://).',
        ),
    ],
)
def test_wrong_value_in_a_study_that_classifies_is_named_with_file_and_key(classes, where, value, complaint):
    assert classes.study(changed(CLASSIFY, where, value), "clothes").complaint() == f"{CLOTHES_FILE}: {complaint}"


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        ("metric", "accuracy", f"metric: task count has {OF_COUNTS}, not accuracy."),
        ("example", 1, "example: only task classify has probabilities to show."),
        ("feature_maps", "wide", "feature_maps: needs an example to show them on."),
        ("variants.wide.loss", "categorical_crossentropy", "variants.wide.loss: categorical_crossentropy does not fit "
         "task count."),
        ("variants.wide", STUDY["variants"]["wide"] | {"monitor": "val_accuracy", "validation_split": 0.1},
         "variants.wide: monitor: val_accuracy is not recorded; these are: val_loss, loss."),
        ("variants.wide.label_smoothing", 0.1, f"variants.wide: {SMOOTHING}."),
        ("claims.0.metric", "accuracy", f"claims.0.metric: task count has {OF_COUNTS}, parameters, not accuracy."),
        ("claims.0", {"variant": "wide", "metric": "training_accuracy", "value": 0.9, "says": "It says so."},
         f"claims.0.metric: task count has {OF_COUNTS}, parameters, not training_accuracy."),
    ],
)  # fmt: skip
def test_what_belongs_to_classes_is_refused_in_a_study_that_counts(project, where, value, complaint):
    assert project.study(changed(STUDY, where, value)).complaint() == f"{STUDY_FILE}: {complaint}"


@pytest.mark.parametrize(
    ("number", "limits", "shown"),
    [
        (2, (None, None), range(20, 22)),
        (None, (None, None), range(20, 10_000)),
        (None, (3, 3), range(20, 23)),
        (2, (3, 3), range(20, 22)),
        (9, (3, 5), range(20, 25)),  # one variant that sees it suffices
        (9, (3, None), range(20, 29)),
    ],
)
def test_an_example_that_no_run_is_tested_on_is_refused_before_anything_is_trained(classes, number, limits, shown):
    """Images keep the numbers that they have in their file: these begin with 20."""
    classes.datasets(changed(FETCHED, "clothes.splits.test.number", number))
    variants = {name: {"test_images": n} if n else {} for name, n in zip("ab", limits, strict=True)}
    base = CLASSIFY | {"claims": [], "variants": variants}
    for example in (shown[0], shown[-1]):
        classes.study(base | {"example": example}, "clothes").load()
    for example in (0, shown[0] - 1, *([shown[-1] + 1] if shown[-1] < 9999 else [])):
        complaint = classes.study(base | {"example": example}, "clothes").complaint()
        assert complaint == f"{CLOTHES_FILE}: example: {example} is not among the images that are tested on."


@pytest.mark.parametrize(
    ("entry", "first"),
    [({"source": "images"}, 1), ({"source": "arrays", "arrays": {"images": "x.npy", "labels": "y.npy"}}, 0)],
)
def test_an_example_of_images_of_ones_own_is_looked_for_when_they_are_known(classes, entry, first):
    splits = {"train": {"share": 0.5}, "test": {"share": 0.5}}
    classes.datasets(FETCHED | {"clothes": {"folder": "x", "classes": ["a", "b"], "splits": splits} | entry})
    base = CLASSIFY | {"claims": [], "variants": {"a": {"test_images": 3}}}
    for example in (first, 999_999):
        classes.study(base | {"example": example}, "clothes").load()
    complaint = classes.study(base | {"example": first - 1}, "clothes").complaint()
    assert "not among the images" in complaint or "out of range" in complaint


PERCEPTRON = "sklearn.neural_network.MLPClassifier"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"optimizer": "adamw"}, "optimizer"),
        ({"optimizer": {"name": "sgd", "learning_rate": 0.1, "schedule": "cosine"}}, "optimizer.schedule"),
        ({"optimizer": {"name": "sgd", "arguments": {"weight_decay": 0.1}}}, "optimizer.arguments"),
        ({"optimizer": {"name": "adam", "arguments": {"momentum": 0.9}}}, "optimizer.arguments"),
        ({"loss": "sparse_categorical_crossentropy"}, "loss"),
        ({"label_smoothing": 0.1}, "label_smoothing"),
        ({"augment": ["flip"]}, "augment"),
        ({"test_views": ["flip"]}, "test_views"),
        ({"validation": "more"}, "validation"),
        ({"monitor": "loss", "patience": 3}, "monitor"),
        ({"validation_split": 0.1}, "validation_split"),
        ({"validation_split": 0.1, "restore_best_weights": True}, "validation_split"),
    ],
)
def test_what_scikit_learn_cannot_do_is_refused_before_a_job_waits_in_a_queue(classes, changes, key):
    """Else it would stand in the report as if it had been done."""
    variant = CLASSIFY["variants"]["perceptron"] | changes
    complaint = classes.study(changed(CLASSIFY, "variants.perceptron", variant), "clothes").complaint()
    where = f"{CLOTHES_FILE}: variants.perceptron: {key}: {PERCEPTRON} cannot do this"
    assert complaint == f"{where}; leave it out, or use a Keras model."


def test_what_scikit_learn_can_do_is_taken(classes):
    for optimizer in (
        "sgd",
        "adam",
        {"name": "sgd", "learning_rate": 0.1, "arguments": {"momentum": 0.9, "nesterov": True}},
    ):
        variant = CLASSIFY["variants"]["perceptron"] | {"optimizer": optimizer, "test_images": 5}
        classes.study(changed(CLASSIFY, "variants.perceptron", variant), "clothes").load()


@pytest.mark.parametrize("source", ["idx", "npz"])
def test_who_has_such_files_is_told_how_to_name_them(classes, source):
    entry = {"source": source, "folder": "data", "classes": ["a", "b"], "splits": {"train": {"share": 0.5}}}
    complaint = classes.datasets(FETCHED | {"mine": entry}).complaint()
    assert complaint.endswith("\nHint: `source: arrays` takes such files of your own.")


def test_a_study_that_counts_classes_is_refused(classes):
    study = changed(STUDY, "dataset", "clothes")
    complaint = classes.study(study).complaint()
    where = f"{STUDY_FILE}: task: the labels of `clothes` are classes, not counts."
    assert complaint == f"{where}\nHint: task: classify has such labels."


def test_what_claims_may_hold_is_taken(classes):
    made = [
        claim(between=[0.9, 0.9]),
        claim(metric="log_loss", between=[0.5, 70]),
        claim(metric="error", similar_to="perceptron"),
        claim(metric="training_accuracy", split=None, between=[0.97, 0.98]),
        claim(metric="parameters", split=None, value=804554),
        claim(metric="error", as_low_as=0.07),
    ]
    found = classes.study(CLASSIFY | {"claims": made}, "clothes").load().studies["clothes"].claims
    assert [entry.numbers() for entry in found] == [[0.9, 0.9], [0.5, 70], [], [0.97, 0.98], [804554], [0.07]]


# ---- Names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        ("varaints", "variants"),
        ("variants.wide.epoch", "epochs"),
        ("variants.wide.model_argument", "model_arguments"),
        ("claims.0.splits", "split"),
    ],
)
def test_misspelt_key_of_a_study_is_answered_with_the_right_one(project, where, meant):
    complaint = project.study(changed(STUDY, where, 1)).complaint()
    assert complaint == f"{STUDY_FILE}: {where}: is not a known key. Hint: did you mean `{meant}`?"


def test_misspelt_key_of_an_optimizer_is_answered_with_the_right_one(project):
    project.study(changed(STUDY, "variants.wide.optimizer", {"name": "adam", "learning_rat": 0.1}))
    where = "variants.wide.optimizer.learning_rat"
    assert project.complaint() == f"{STUDY_FILE}: {where}: is not a known key. Hint: did you mean `learning_rate`?"


def test_misspelt_key_in_defaults_is_answered_there_and_once(project):
    complaint = project.study(changed(STUDY, "defaults.batchsize", 1)).complaint()
    assert complaint == f"{STUDY_FILE}: defaults.batchsize: is not a known key. Hint: did you mean `batch_size`?"


@pytest.mark.parametrize(
    ("where", "meant"),
    [("dots.spilts", "splits"), ("dots.drawing.qualty", "quality"), ("dots.splits.train.image", "images")],
)
def test_misspelt_key_of_a_dataset_is_answered_with_the_right_one(project, where, meant):
    complaint = project.datasets(changed(DATASETS, where, 1)).complaint()
    assert complaint == f"{DATASETS_FILE}: {where}: is not a known key. Hint: did you mean `{meant}`?"


def test_misspelt_key_of_the_settings_is_answered_with_the_right_one(project):
    complaint = project.complaint(SETTINGS | {"seeds_per_jobs": 3})
    assert complaint == f"{SETTINGS_FILE}: seeds_per_jobs: is not a known key. Hint: did you mean `seeds_per_job`?"


@pytest.mark.parametrize("name", ["optimizer", "train", "augment"])
def test_misspelt_key_is_answered_even_where_a_variant_is_called_like_a_key(project, name):
    study = changed(STUDY, f"variants.{name}", STUDY["variants"]["wide"] | {"epoch": 3})
    complaint = project.study(study).complaint()
    assert complaint == f"{STUDY_FILE}: variants.{name}.epoch: is not a known key. Hint: did you mean `epochs`?"


@pytest.mark.parametrize(
    ("where", "value", "complaint", "hint"),
    [
        ("variants.wide.loss", "hubre", "'hubre' is not one of mean_squared_error, ", "did you mean `huber`?"),
        ("claims.0.metric", "exactly", "'exactly' is not one of exact, ", "did you mean `exact`?"),
        ("dataset", "dost", "`dost` is not in config/datasets.yaml.", "did you mean `dots`?"),
        ("variants.wide.train", "trian", "the dataset `dots` has no split `trian`.", "did you mean `train`?"),
        ("claims.0.split", "tset", "the dataset `dots` has no split `tset`.", "did you mean `test`?"),
        ("claims.0.variant", "wied", "there is no variant `wied`.", "did you mean `wide`?"),
        ("variants.wide.optimizer", "Adam", "'Adam' is not one of ", "did you mean `adam`?"),
    ],
)
def test_misspelt_name_is_answered_with_the_right_one(project, where, value, complaint, hint):
    found = project.study(changed(STUDY, where, value)).complaint()
    assert found.startswith(f"{STUDY_FILE}: {where}")
    assert complaint in found
    assert "Hint: " + hint in found


def test_misspelt_study_is_answered_with_the_right_one(project):
    complaint = project.complaint({"studies": ["dost"]})
    assert complaint.startswith(f"{SETTINGS_FILE}: studies: there is no study `dost` (config/studies/dost.yaml).")
    assert "Hint: did you mean `dots`?" in complaint


def test_misspelt_test_split_is_answered_with_the_right_one(project):
    complaint = project.study(changed(STUDY, "tests", ["test", "test-lrage"])).complaint()
    assert complaint.startswith(f"{STUDY_FILE}: tests: the dataset `dots` has no split `test-lrage`.")
    assert "Hint: did you mean `test-large`?" in complaint


def test_a_name_like_no_other_is_answered_with_those_that_there_are(project):
    assert "Hint: known: train, test, test-large." in project.study(changed(STUDY, "tests", ["zzz"])).complaint()


def test_a_model_is_never_tested_on_its_training_images(project):
    study = changed(STUDY, "tests", ["test", "train"])
    complaint = project.study(study).complaint()
    assert complaint.startswith(f"{STUDY_FILE}: variants.wide.train: `train` is also a test split.")
    assert "\nHint: " in complaint


def test_a_claim_about_a_split_that_is_not_tested_is_refused(project):
    complaint = project.study(changed(STUDY, "claims.0.split", "test-large")).complaint()
    assert complaint == f"{STUDY_FILE}: claims.0.split: `test-large` is not among the study's tests."


def test_misspelt_study_of_the_paper_is_looked_for_there(project):
    complaint = project.complaint(SETTINGS | {"paper": ["dost"]})
    assert complaint.startswith(f"{SETTINGS_FILE}: paper: there is no study `dost` (config/studies/dost.yaml).")
    assert "Hint: did you mean `dots`?" in complaint


@pytest.mark.parametrize("name", ["benchmarks", "checkpoints", "logs", "paper", "prepared", "report"])
def test_a_study_does_not_overwrite_what_the_workflow_keeps_in_results(project, name):
    """Nor if nobody asks for it yet: `snakemake paper` means something else."""
    complaint = f"config/studies/{name}.yaml: a study cannot be called `{name}`: that name is taken."
    assert project.study(STUDY, name).load().broken == {name: complaint + "\nHint: rename the file."}
    assert project.complaint({"studies": [name]}).startswith(complaint)


def test_a_variant_does_not_overwrite_the_figures(project):
    complaint = project.study(changed(STUDY, "variants.figures", STUDY["variants"]["wide"])).complaint()
    assert complaint == f"{STUDY_FILE}: variants: a variant cannot be called `figures`."


@pytest.mark.parametrize("name", ["a/b", "..", "", "a b", "-n", ".hidden", "é"])
def test_a_variant_that_cannot_be_a_folder_is_refused(project, name):
    complaint = project.study(changed(STUDY, "variants", {name: STUDY["variants"]["wide"]})).complaint()
    assert complaint.startswith(f"{STUDY_FILE}: variants.{name}: ")
    assert "is not a plain name" in complaint


@pytest.mark.parametrize("name", ["a/b", "..", "dots (old", "a b"])
def test_a_dataset_that_cannot_be_a_folder_is_refused(project, name):
    assert "is not a plain name" in project.datasets(DATASETS | {name: DATASETS["dots"]}).complaint()


@pytest.mark.parametrize("name", [2024, True, None, 0.5])
def test_a_variant_whose_name_yaml_takes_for_a_number_is_answered_in_words(project, name):
    """`0.5:` and `2024:` are tempting names for variants."""
    complaint = project.study(changed(STUDY, "variants", {name: STUDY["variants"]["wide"]})).complaint()
    assert complaint.startswith(f"{STUDY_FILE}: variants.")
    assert "name" in complaint or "text" in complaint


def test_two_variants_with_one_label_do_not_become_one_in_the_figures(project):
    """Figures and tables tell variants apart by their labels."""
    study = changed(changed(STUDY, "variants.wide.label", "Net"), "variants.deep.label", "Net")
    complaint = project.study(study).complaint()
    assert "Net" in complaint
    assert "label" in complaint


# ---- Files -----------------------------------------------------------------------------------------------------------


def test_a_key_that_stands_twice_is_refused_with_its_line(project):
    text = "title: One\ndataset: dots\ntitle: Two\n"
    complaint = project.study(text).complaint()
    assert "studies/dots.yaml, line 3: not valid YAML: the key 'title' stands there twice." in complaint


def test_a_variant_that_stands_twice_is_refused_with_its_line(project):
    text = yaml.safe_dump(STUDY, sort_keys=False).replace("  deep:\n", "  wide:\n")
    line = text[: text.rindex("  wide:")].count("\n") + 1
    complaint = project.study(text).complaint()
    assert f"studies/dots.yaml, line {line}: not valid YAML: the key 'wide' stands there twice." in complaint


@pytest.mark.parametrize(("text", "line"), [("title: [\n", 2), ("title: a\n\tdataset: b\n", 2), ("a: b: c\n", 1)])
def test_broken_yaml_is_named_with_its_line(project, text, line):
    complaint = project.study(text).complaint()
    assert re.search(rf"config/studies/dots\.yaml, line [{line}{line - 1 or 1}]: not valid YAML: ", complaint)
    assert "\nHint: check indentation, colons and quotes." in complaint


def test_text_in_another_encoding_is_refused_in_words(project):
    (project.folder / "config/studies/dots.yaml").write_bytes("title: Zählen".encode("latin-1"))
    assert "config/studies/dots.yaml, line 1: not UTF-8 text." in project.complaint()


def test_empty_files_are_answered_with_what_is_missing(project):
    assert {f"{STUDY_FILE}: {key}: is missing." for key in ("title", "dataset", "task", "tests", "variants")} == set(
        project.study("").complaint().splitlines()
    )
    assert f"{DATASETS_FILE}: names no dataset." in project.datasets("# nothing yet\n").complaint()


def test_a_project_may_begin_with_nothing(tmp_path):
    assert not load({}, root=tmp_path).datasets
    (tmp_path / "config").mkdir()
    (tmp_path / DATASETS_FILE).write_text("# nothing yet\n")
    assert not load({"studies": []}, root=tmp_path).datasets


@pytest.mark.parametrize(("text", "shown"), [("- a\n- b\n", '["a", "b"]'), ("dots\n", '"dots"'), ("3\n", "3")])
def test_files_that_are_no_mapping_are_answered_in_words(project, text, shown):
    assert project.study(text).complaint() == f"{STUDY_FILE}: {shown} is not a mapping."
    assert f"{DATASETS_FILE}: names no dataset." in project.datasets(text).complaint()


def test_a_missing_datasets_file_is_answered_with_the_one_that_is_there(project):
    complaint = project.complaint(SETTINGS | {"datasets": "config/dataset.yaml"})
    assert "config/dataset.yaml: there is no such file." in complaint
    assert "Hint: did you mean `datasets.yaml`?" in complaint


# ---- What is trained again -------------------------------------------------------------------------------------------


def test_labels_descriptions_and_seeds_retrain_nothing(project):
    before = project.load().studies["dots"].variants["wide"].recipe()
    study = copy.deepcopy(STUDY)
    study["variants"]["wide"] |= {"label": "Another", "description": "More words.", "seeds": 50}
    study |= {"title": "Another", "claims": [], "description": "More.", "source": {"title": "A page"}}
    settings = SETTINGS | {"seeds": 9, "seeds_per_job": 1, "results": "elsewhere"}
    assert project.study(study).load(settings).studies["dots"].variants["wide"].recipe() == before
    assert set(before) <= set(Recipe.model_fields)


def test_keys_that_came_later_retrain_nothing_as_long_as_nobody_sets_them(classes):
    """Results that were there before such a key are still those of the same config."""
    study = changed(CLASSIFY, "variants.plain.augment", ["flip"])
    found = classes.study(study, "clothes").load().studies["clothes"].variants["plain"].recipe()
    assert found.keys() == {
        "model", "model_arguments", "loss", "label_smoothing", "optimizer", "epochs", "batch_size", "train",
        "scale_targets", "augment", "validation_split", "monitor", "restore_best_weights", "patience", "test_images",
        "test_views", "precision", "jit_compile", "threads",
    }  # fmt: skip
    assert found["optimizer"].keys() == {"name", "learning_rate", "schedule", "warmup", "arguments"}
    assert found["augment"][0].keys() == {"name", "pixels", "degrees", "zoom"}


def test_weights_of_classes_are_given_by_name_and_kept_by_place(classes):
    """So that another name of a class retrains nothing."""
    for given in ({"Bag": 2}, {"Bag": 2.0, "Shirt": 1}, [1.0, 2.0, 1.0]):
        study = changed(CLASSIFY, "variants.plain.class_weight", given)
        found = classes.study(study, "clothes").load().studies["clothes"].variants["plain"].recipe()
        assert found["class_weight"] == [1.0, 2.0, 1.0]
    numbers = CLASSIFY | {"dataset": "digits", "example": None, "claims": [], "variants": {"plain": {}}}
    classes.study(changed(numbers, "variants.plain.class_weight", {1: 3}), "clothes")
    assert classes.load().studies["clothes"].variants["plain"].class_weight == [1.0, 3.0]


def test_a_validation_split_is_prepared_for_the_variant_that_names_it(classes):
    classes.datasets(changed(FETCHED, "clothes.splits.more", CLOTHES["splits"]["train"]))
    assert classes.load().splits_of("clothes") == ["train", "test"]
    found = classes.study(changed(CLASSIFY, "variants.plain.validation", "more"), "clothes").load()
    assert found.splits_of("clothes") == ["train", "test", "more"]
    assert found.studies["clothes"].variants["plain"].splits == ["train", "more"]


RECIPE: dict[str, Any] = {"model": "dense", "optimizer": {"name": "sgd"}, "epochs": 1, "batch_size": 1}
OTHER: dict[str, Any] = {
    "model": "fashion_source",
    "model_arguments": {"units": [5]},
    "loss": "sparse_categorical_crossentropy",
    "label_smoothing": 0.1,
    "optimizer": {"name": "adam", "learning_rate": 0.01},
    "train": "more",
    "scale_targets": True,
    "augment": ["symmetries"],
    "validation_split": 0.2,
    "validation": "again",
    "monitor": "val_accuracy",
    "mode": "max",
    "restore_best_weights": True,
    "reduce_on_plateau": {"factor": 0.5},
    "class_weight": "balanced",
    "training_metrics": ["auc"],
    "test_views": ["flip"],
    "precision": "mixed_bfloat16",
    "jit_compile": True,
}


@pytest.mark.parametrize("key", Recipe.model_fields)
def test_everything_in_the_recipe_retrains(classes, key):
    study, variant, content = ("dots", "wide", STUDY) if key == "scale_targets" else ("clothes", "plain", CLASSIFY)
    splits = dict.fromkeys(("more", "again"), CLOTHES["splits"]["train"])
    classes.datasets(changed(FETCHED, "clothes.splits", CLOTHES["splits"] | splits))
    held_out = {"validation": "more"} if key == "validation" else {"validation_split": 0.1}
    content = changed(content, f"variants.{variant}", content["variants"][variant] | held_out | {"patience": 3})

    def recipe(content):
        return classes.study(content, study).load().studies[study].variants[variant].recipe()

    before, after = recipe(content), recipe(changed(content, f"variants.{variant}.{key}", OTHER.get(key, 7)))
    assert {name for name in before | after if before.get(name) != after.get(name)} == {key}


@pytest.mark.parametrize("keys", [{"seeds_per_job": 2}, {"seeds": 9}, {"label": "x"}, {"description": "x"}])
def test_pack_size_and_names_are_no_part_of_the_recipe(classes, keys):
    before = classes.load().studies["clothes"].variants["plain"].recipe()
    after = classes.study(changed(CLASSIFY, "variants.plain", keys), "clothes").load()
    assert after.studies["clothes"].variants["plain"].recipe() == before


def test_a_study_that_shows_more_retrains_nothing(classes):
    before = classes.load().studies["clothes"].variants["plain"].recipe()
    study = CLASSIFY | {"metric": "error", "example": 23, "feature_maps": "plain", "claims": []}
    after = classes.study(study, "clothes").load(SETTINGS | {"paper": ["clothes"], "local_data": "elsewhere"})
    assert after.studies["clothes"].variants["plain"].recipe() == before


def test_a_recipe_survives_the_way_into_a_job_and_back(project):
    """Snakemake hands params to scripts as plain data."""
    project.study(changed(STUDY, "variants.wide.augment", ["flip", {"name": "erase", "pixels": 3}]))
    recipe = project.load().studies["dots"].variants["wide"].recipe()
    assert json.loads(json.dumps(recipe)) == recipe
    assert Recipe(**recipe).model_dump() == recipe


# ---- What the config promises to exist -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", get_args(Optimizer.model_fields["name"].annotation))
def test_every_optimizer_that_the_config_allows_is_one_of_keras(tensorflow, name):
    optimizer = tensorflow.training.make_optimizer(Optimizer(name=name), steps=10)
    assert isinstance(optimizer, tensorflow.keras.optimizers.Optimizer)
    assert type(optimizer).__name__.lower() == name


@pytest.mark.slow
@pytest.mark.parametrize("name", get_args(Recipe.model_fields["loss"].annotation))
def test_every_loss_that_the_config_allows_is_one_of_keras(tensorflow, name):
    loss, made = tensorflow.keras.losses.get(name), Recipe(**RECIPE | {"loss": name})
    true, right, wrong = [[1.0]], [[1.0]], [[0.5 if made.binary else 3.0]]
    if made.classifies and not made.binary:
        true, right, wrong = [[1]] if made.sparse else [[0.0, 1.0]], [[0.0, 1.0]], [[0.5, 0.5]]
    true, right, wrong = (tensorflow.tf.constant(value) for value in (true, right, wrong))
    least = 1 if name == "poisson" else 0
    assert float(loss(true, right)[0]) == pytest.approx(least, abs=1e-6)
    assert float(loss(true, wrong)[0]) > least + 0.04


@pytest.mark.slow
@pytest.mark.parametrize("name", get_args(TrainingMetric))
def test_every_metric_that_the_config_allows_is_one_of_keras_and_is_better_the_way_keras_says(tensorflow, name):
    metric = tensorflow.keras.metrics.get({"class_name": name, "config": {"name": name}})
    assert metric.name == name
    losses = ("huber", "categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy")
    fits = []
    for loss in losses:
        try:
            fits.append(Recipe(**RECIPE | {"loss": loss, "training_metrics": [name], "monitor": name}))
        except ValidationError:
            continue
    assert fits
    assert fits[0].more_is_better == (metric._direction == "up")


# ---- Schemas ---------------------------------------------------------------------------------------------------------


def test_schemas_of_the_editors_are_those_of_the_config(root):
    expected = {name: json.dumps(schema, indent=2) + "\n" for name, schema in config.schemas().items()}
    found = {path.name: path.read_text(encoding="utf-8") for path in (root / "workflow/schemas").glob("*.json")}
    assert found == expected, "generate workflow/schemas anew"


@pytest.mark.parametrize("file", ["study", "datasets", "config"])
def test_editors_explain_every_key(file):
    schema = config.schemas()[f"{file}.schema.json"]
    parts = {file: schema, **schema.get("$defs", {})}
    assert sum(len(part.get("properties", {})) for part in parts.values()) >= 9
    for name, part in parts.items():
        for key, entry in part.get("properties", {}).items():
            assert entry.get("description"), f"{name}.{key} has no description"


@pytest.mark.parametrize("schema", sorted(config.schemas()))
def test_schemas_are_valid(schema):
    jsonschema.Draft202012Validator.check_schema(config.schemas()[schema])


def test_editors_do_not_complain_about_the_shipped_config(root):
    files = {"config/config.yaml": "config", "config/datasets.yaml": "datasets"}
    files |= {str(path.relative_to(root)): "study" for path in (root / "config/studies").glob("*.yaml")}
    for file, kind in files.items():
        text = (root / file).read_text(encoding="utf-8")
        jsonschema.validate(yaml.safe_load(text), config.schemas()[f"{kind}.schema.json"])
        reference = re.search(r"\$schema=(\S+)", text)
        assert reference, f"{file} names no schema"
        assert (root / file).parent.joinpath(reference[1]).resolve() == root / f"workflow/schemas/{kind}.schema.json"


@pytest.mark.parametrize("kind", ["idx", "csv", "dots"])
def test_editors_take_every_kind_of_dataset_and_no_mixture_of_them(kind):
    valid = jsonschema.Draft202012Validator(config.schemas()["datasets.schema.json"]).is_valid
    entry = {"idx": CLOTHES, "csv": DIGITS, "dots": DATASETS["dots"]}[kind]
    other = {"idx": "csv", "csv": "dots", "dots": "idx"}[kind]
    assert valid({"some": entry})
    assert not valid({"some": entry | {"source": other}})
    assert not valid({"some": {key: value for key, value in entry.items() if key != "source"}})
    assert not valid({"some": entry | {"sauce": "dots"}})


def test_editors_take_an_augmentation_and_an_optimizer_by_name_or_with_settings():
    valid = jsonschema.Draft202012Validator(config.schemas()["study.schema.json"]).is_valid
    for augment in (["flip"], [{"name": "shift", "pixels": 2}], ["flip", {"name": "erase", "pixels": 2}]):
        assert valid(changed(CLASSIFY, "variants.plain.augment", augment))
        assert valid(changed(CLASSIFY, "defaults.augment", augment))
    assert not valid(changed(CLASSIFY, "variants.plain.augment", ["flop"]))
    assert not valid(changed(CLASSIFY, "variants.plain.optimizer", "sgdd"))


@pytest.mark.parametrize("key", ["label", "description", "seeds", "epochs", "seeds_per_job"])
def test_editors_and_the_workflow_agree_on_what_defaults_may_hold(project, key):
    study = changed(STUDY, f"defaults.{key}", "text" if key in ("label", "description") else 3)
    for variant in study["variants"].values():
        variant.pop(key, None)
    in_editor = jsonschema.Draft202012Validator(config.schemas()["study.schema.json"]).is_valid(study)
    try:
        project.study(study).load()
        in_workflow = True
    except CalotypeError:
        in_workflow = False
    assert in_editor == in_workflow


# ---- Packs -----------------------------------------------------------------------------------------------------------


def seeds_of(packs):
    return [seed for first, last in packs for seed in range(first, last + 1)]


def test_seeds_are_cut_into_packs():
    assert plan_packs(7, 3) == [(0, 2), (3, 5), (6, 6)]
    assert plan_packs(1, 5) == [(0, 0)]
    assert plan_packs(6, 3) == [(0, 2), (3, 5)]


def test_more_seeds_do_not_retrain_the_old_ones():
    old = plan_packs(5, 3)
    assert plan_packs(10, 3, old) == [(0, 2), (3, 4), (5, 7), (8, 9)]


def test_another_pack_size_retrains_nothing():
    old = plan_packs(10, 3)
    for size in range(1, 12):
        assert plan_packs(10, size, old) == old


def test_fewer_seeds_retrain_nothing():
    old = plan_packs(10, 4)
    assert plan_packs(5, 4, old) == [(0, 3), (4, 7)]
    assert plan_packs(10, 4, old) == old


def test_lost_pack_is_trained_again_and_no_other():
    assert plan_packs(9, 3, [(0, 2), (6, 8)]) == [(0, 2), (3, 5), (6, 8)]
    assert plan_packs(9, 5, [(0, 2), (6, 8)]) == [(0, 2), (3, 5), (6, 8)]


def any_packs(rng: random.Random) -> list[tuple[int, int]]:
    """Packs as a user could have left them in a folder: of any size, with gaps, even overlapping."""
    starts = [rng.randrange(30) for _ in range(rng.randrange(6))]
    return [(first, first + rng.randrange(8)) for first in starts]


def test_every_seed_is_in_exactly_one_pack_whatever_is_there():
    rng = random.Random(1)
    for _ in range(3000):
        seeds, size, there = rng.randint(1, 40), rng.randint(1, 10), any_packs(rng)
        packs = plan_packs(seeds, size, there)
        covered = seeds_of(packs)
        assert covered == list(range(len(covered)))
        assert len(covered) >= seeds
        assert len(covered) == seeds or packs[-1] in there, "only a pack that exists may reach beyond the seeds"
        assert all(last - first < size for first, last in packs if (first, last) not in there)
        assert all(first < seeds for first, _ in packs)


def test_plan_does_not_change_while_its_packs_finish_in_any_order():
    """Every job of a cluster run makes the plan anew, and must find its own pack in it."""
    rng = random.Random(2)
    for _ in range(1500):
        seeds, size, there = rng.randint(1, 40), rng.randint(1, 10), any_packs(rng)
        plan = plan_packs(seeds, size, there)
        waiting = [pack for pack in plan if pack not in there]
        rng.shuffle(waiting)
        for pack in waiting:
            there.append(pack)
            rng.shuffle(there)
            assert plan_packs(seeds, size, there) == plan


def test_no_seed_is_ever_trained_twice_by_a_user_who_changes_their_mind():
    """Seeds and pack sizes go up and down, and runs are broken off; what is finished stays."""
    rng = random.Random(3)
    for _ in range(1000):
        there: list[tuple[int, int]] = []
        for _ in range(rng.randint(1, 8)):
            seeds = rng.randint(1, 40)
            plan = plan_packs(seeds, rng.randint(1, 10), there)
            assert {pack for pack in there if pack[0] < seeds} <= set(plan)
            new = [pack for pack in plan if pack not in there]
            there += rng.sample(new, rng.randint(0, len(new)))
            assert len(set(seeds_of(there))) == len(seeds_of(there))
