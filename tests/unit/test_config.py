"""The config says what is wrong, where, and what to do; and decides what is trained again."""

import copy
import json
import random
import re
from typing import Any, get_args

import jsonschema
import pytest
import yaml

from calotype import config, provenance
from calotype.config import load, plan_packs
from calotype.errors import CalotypeError
from calotype.recipe import Optimizer, Recipe

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
REMOVED = object()


def changed(base: Any, where: str, value: Any) -> Any:
    """A copy with another value at a place such as `variants.wide.epochs`."""
    result = place = copy.deepcopy(base)
    *path, last = where.split(".")
    for step in path:
        place = place[int(step) if isinstance(place, list) else step]
    if value is REMOVED:
        del place[last]
    else:
        place[last] = value
    return result


class Project:
    """A folder with config files, as a user would have it."""

    def __init__(self, folder):
        self.folder = folder
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
        return load(SETTINGS if settings is None else settings, root=self.folder)

    def complaint(self, settings: Any = None) -> str:
        with pytest.raises(CalotypeError) as problem:
            self.load(settings)
        return str(problem.value)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


# ---- What is right ---------------------------------------------------------------------------------------------------


def test_shipped_config_loads(root):
    settings = yaml.safe_load((root / "config/config.yaml").read_text(encoding="utf-8"))
    studies = sorted(path.stem for path in (root / "config/studies").glob("*.yaml"))
    assert set(settings["studies"]) <= set(studies)
    shipped = load(settings | {"studies": studies}, root=root)
    for study in shipped.studies.values():
        for variant in study.variants.values():
            provenance.check_model(variant.model, variant.model_arguments, "model")


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
    assert project.load().splits_used("dots") == ["train", "test"]
    project.study(changed(STUDY, "tests", ["test-large"]))
    project.study(changed(STUDY, "claims", []) | {"tests": ["test"]}, "again")
    project.study(changed(STUDY, "claims", []) | {"tests": ["test-large"]}, "dots")
    assert project.load({"studies": ["dots", "again"]}).splits_used("dots") == ["train", "test", "test-large"]


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
        ("title", REMOVED, "title: is missing."),
        ("variants.wide.model", REMOVED, "variants.wide.model: is missing."),
        ("claims.0.value", "0.9", 'claims.0.value: "0.9" is not a number.'),
        ("claims.0.value", REMOVED, "claims.0: give exactly one of value, at_most, at_least."),
        ("claims.0.at_most", 0.5, "claims.0: give exactly one of value, at_most, at_least."),
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
        ("studies", "dots", 'studies: "dots" is not a list.'),
        ("studies", [], "studies: [] is empty."),
        ("studies", ["../dots"], 'studies.0: "../dots" is not a plain name (letters, digits, - and _).'),
        ("results", None, "results: null is not text."),
    ],
)
def test_wrong_value_in_the_settings_is_named_with_file_and_key(project, key, value, complaint):
    assert project.complaint(SETTINGS | {key: value}) == f"{SETTINGS_FILE}: {complaint}"


@pytest.mark.parametrize("key", ["data", "results"])
@pytest.mark.parametrize("path", ["", " ", "a{b", "a}b", "a*", "a?", "~/a", "$HOME/a"])
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
        f"{STUDY_FILE}: task: 'cuont' is not one of count. Hint: did you mean `count`?",
        f"{STUDY_FILE}: variants.wide.epochs: -3 is not a positive whole number.",
        f'{STUDY_FILE}: variants.deep.epochs: "4" is not a whole number.',
    ]


def test_a_long_wrong_value_does_not_flood_the_terminal(project):
    assert len(project.study(changed(STUDY, "variants.wide.epochs", "x" * 10_000)).complaint()) < 200


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


@pytest.mark.parametrize("name", ["prepared", "logs", "benchmarks"])
def test_a_study_does_not_overwrite_a_folder_of_the_workflow(project, name):
    complaint = project.study(STUDY, name).complaint({"studies": [name]})
    assert complaint.startswith(f"config/studies/{name}.yaml: a study cannot be called `{name}`")


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
    assert "config/studies/dots.yaml: cannot be read: " in project.complaint()


def test_empty_files_are_answered_with_what_is_missing(project):
    assert f"{SETTINGS_FILE}: studies: is missing." in project.complaint({}).splitlines()
    assert {f"{STUDY_FILE}: {key}: is missing." for key in ("title", "dataset", "task", "tests", "variants")} == set(
        project.study("").complaint().splitlines()
    )
    assert f"{DATASETS_FILE}: names no dataset." in project.datasets("# nothing yet\n").complaint()


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
    assert set(before) == set(Recipe.model_fields)


@pytest.mark.parametrize("key", [key for key in Recipe.model_fields if key != "optimizer"])
def test_everything_in_the_recipe_retrains(project, key):
    other: dict[str, Any] = {"model": "all_convolutional", "loss": "log_cosh", "train": "test-large"}
    other |= {"model_arguments": {"darkness": True}, "augment": ["symmetries"], "scale_targets": True}
    before = project.load().studies["dots"].variants["wide"].recipe()
    project.study(changed(STUDY, f"variants.wide.{key}", other.get(key, 7)))
    after = project.load().studies["dots"].variants["wide"].recipe()
    assert {name for name in before if before[name] != after[name]} == {key}


def test_a_recipe_survives_the_way_into_a_job_and_back(project):
    """Snakemake hands params to scripts as plain data."""
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
    loss = tensorflow.keras.losses.get(name)
    assert float(loss([[1.0]], [[1.0]])[0]) == pytest.approx(0, abs=1e-6)
    assert float(loss([[1.0]], [[3.0]])[0]) > 0.5


# ---- Schemas ---------------------------------------------------------------------------------------------------------


def test_schemas_of_the_editors_are_those_of_the_config(root):
    expected = {name: json.dumps(schema, indent=2) + "\n" for name, schema in config.schemas().items()}
    found = {path.name: path.read_text(encoding="utf-8") for path in (root / "workflow/schemas").glob("*.json")}
    assert found == expected, "generate workflow/schemas anew"


def test_editors_explain_every_key_of_a_study():
    study = config.schemas()["study.schema.json"]
    for name, part in {"Study": study, **study["$defs"]}.items():
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


@pytest.mark.parametrize("key", ["label", "description", "seeds", "epochs"])
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
