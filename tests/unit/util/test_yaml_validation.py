"""An error in a config file is one line that names file and key, and suggests the intended word."""

import re

import pytest
import yaml
from unit.projects import DATASETS_FILE, KINDS, REMOVED, STUDY, STUDY_FILE, changed

from calotype.tasks.registry import TASKS
from calotype.util.errors import CalotypeError

# ---- Invalid values --------------------------------------------------------------------------------------------------


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
        ("variants.wide.augment", "dihedral", 'variants.wide.augment: "dihedral" is not a list.'),
        ("variants.wide.model_arguments", [1], "variants.wide.model_arguments: [1] is not a mapping."),
        ("variants.wide", "dots_source", 'variants.wide: "dots_source" is not a mapping.'),
        ("variants.wide", None, "variants.wide: null is not a mapping."),
        ("variants", {}, "variants: {} is empty."),
        ("variants", ["wide"], 'variants: ["wide"] is not a mapping.'),
        ("tests", [], "tests: [] is empty."),
        ("tests", "test", 'tests: "test" is not a list.'),
        ("tests", ["test", "test"], "tests: duplicate split."),
        ("title", REMOVED, "title: is missing."),
        ("variants.wide.model", REMOVED, "variants.wide.model: is missing."),
        ("claims.0.value", "0.9", 'claims.0.value: "0.9" is not a number.'),
        ("claims.0.value", REMOVED, f"claims.0: {KINDS}."),
        ("claims.0.at_most", 0.5, f"claims.0: {KINDS}."),
        ("claims.0.value", 90, "claims.0: 90.0 is not a fraction; write 90 % as 0.90."),
        ("claims.0.value", -0.1, "claims.0: -0.1 is not a fraction; write 90 % as 0.90."),
        (
            "variants.wide.optimizer",
            {"name": "adam", "arguments": {"learning_rate": 0.1}},
            "variants.wide.optimizer: arguments: learning_rate is not allowed here; set it beside `name`.",
        ),
    ],
)
def test_wrong_value_in_a_study_is_named_with_file_and_key(project, where, value, complaint):
    assert project.study(changed(STUDY, where, value)).complaint() == f"{STUDY_FILE}: {complaint}"


@pytest.mark.parametrize(
    ("rate", "complaint"), [(-1, "-1 is not a positive number."), (-0.5, "-0.5 is not a positive number.")]
)
def test_a_learning_rate_is_not_asked_to_be_whole(project, rate, complaint):
    project.study(changed(STUDY, "variants.wide.optimizer", {"name": "adam", "learning_rate": rate}))
    assert project.complaint() == f"{STUDY_FILE}: variants.wide.optimizer.learning_rate: {complaint}"


@pytest.mark.parametrize("rate", [float("nan"), float("inf")])
def test_a_learning_rate_that_is_nan_or_infinite_is_refused(project, rate):
    project.study(changed(STUDY, "variants.wide.optimizer", {"name": "adam", "learning_rate": rate}))
    assert f"{STUDY_FILE}: variants.wide.optimizer.learning_rate: " in project.complaint()


def test_all_errors_of_a_file_are_reported_at_once(project):
    study = changed(changed(STUDY, "variants.wide.epochs", -3), "variants.deep.epochs", "4")
    assert project.study(changed(study, "task", "cuont")).complaint().splitlines() == [
        f"{STUDY_FILE}: task: 'cuont' is not one of {', '.join(TASKS)}. Hint: did you mean `count`?",
        f"{STUDY_FILE}: variants.wide.epochs: -3 is not a positive whole number.",
        f'{STUDY_FILE}: variants.deep.epochs: "4" is not a whole number.',
    ]


def test_a_long_wrong_value_does_not_flood_the_terminal(project):
    assert len(project.study(changed(STUDY, "variants.wide.epochs", "x" * 10_000)).complaint()) < 200


# ---- Defaults --------------------------------------------------------------------------------------------------------


def test_empty_defaults_and_claims_are_allowed(project):
    """A key whose lines are commented out has no value."""
    variants = {"wide": {**STUDY["defaults"], **STUDY["variants"]["wide"]}}
    bare = {key: value for key, value in STUDY.items() if key not in ("defaults", "claims")} | {"variants": variants}
    expected = project.study(bare).load().studies["dots"]
    assert project.study(bare | {"defaults": None, "claims": None}).load().studies["dots"] == expected
    project.study(changed(bare | {"defaults": None}, "variants.wide.epochs", 0))
    assert project.complaint() == f"{STUDY_FILE}: variants.wide.epochs: 0 is not a positive whole number."


def test_defaults_that_are_no_mapping_are_named(project):
    complaint = project.study(changed(STUDY, "defaults", [])).complaint()
    assert complaint.splitlines()[0] == f"{STUDY_FILE}: defaults: [] is not a mapping."


def test_wrong_value_in_defaults_is_reported_there_and_once(project):
    project.study(changed(STUDY, "defaults.batch_size", 0))
    assert project.complaint() == f"{STUDY_FILE}: defaults.batch_size: 0 is not a positive whole number."


def test_wrong_value_deep_in_defaults_is_reported_there_and_once(project):
    project.study(changed(STUDY, "defaults.optimizer.name", "rmsporp"))
    complaint = project.complaint()
    assert complaint.startswith(f"{STUDY_FILE}: defaults.optimizer.name: 'rmsporp' is not one of ")
    assert complaint.endswith("Hint: did you mean `rmsprop`?")
    assert complaint.count("\n") == 0


def test_an_error_in_one_variant_is_not_reported_in_the_defaults(project):
    study = changed(STUDY, "variants.wide.batch_size", -1)
    assert project.study(study).complaint().startswith(f"{STUDY_FILE}: variants.wide.batch_size: -1 ")


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
        ("dataset", "dost", "`dost` not found in config/datasets.yaml.", "did you mean `dots`?"),
        ("variants.wide.train", "trian", "the dataset `dots` has no split `trian`.", "did you mean `train`?"),
        ("claims.0.split", "tset", "the dataset `dots` has no split `tset`.", "did you mean `test`?"),
        ("claims.0.variant", "wied", "variant `wied` not found.", "did you mean `wide`?"),
        ("variants.wide.optimizer", "Adam", "'Adam' is not one of ", "did you mean `adam`?"),
    ],
)
def test_misspelt_name_is_answered_with_the_right_one(project, where, value, complaint, hint):
    found = project.study(changed(STUDY, where, value)).complaint()
    assert found.startswith(f"{STUDY_FILE}: {where}")
    assert complaint in found
    assert "Hint: " + hint in found


def test_misspelt_test_split_is_answered_with_the_right_one(project):
    complaint = project.study(changed(STUDY, "tests", ["test", "test-lrage"])).complaint()
    assert complaint.startswith(f"{STUDY_FILE}: tests: the dataset `dots` has no split `test-lrage`.")
    assert "Hint: did you mean `test-large`?" in complaint


def test_an_unknown_name_is_answered_with_all_known_names(project):
    complaint = project.study(changed(STUDY, "tests", ["zzz"])).complaint()
    assert "Hint: allowed values are train, test, test-large." in complaint


@pytest.mark.parametrize("name", ["a/b", "..", "", "a b", "-n", ".hidden", "é"])
def test_a_variant_that_cannot_be_a_folder_is_refused(project, name):
    complaint = project.study(changed(STUDY, "variants", {name: STUDY["variants"]["wide"]})).complaint()
    assert complaint.startswith(f"{STUDY_FILE}: variants.{name}: ")
    assert "is not a plain name" in complaint


@pytest.mark.parametrize("name", [2024, True, None, 0.5])
def test_a_variant_with_a_number_for_a_name_gives_an_error_about_its_name(project, name):
    """`0.5:` and `2024:` are tempting names for variants."""
    complaint = project.study(changed(STUDY, "variants", {name: STUDY["variants"]["wide"]})).complaint()
    assert complaint.startswith(f"{STUDY_FILE}: variants.")
    assert "name" in complaint or "text" in complaint


# ---- Files -----------------------------------------------------------------------------------------------------------


def test_a_duplicate_key_is_refused_with_its_line(project):
    text = "title: One\ndataset: dots\ntitle: Two\n"
    complaint = project.study(text).complaint()
    assert "studies/dots.yaml, line 3: not valid YAML: duplicate key 'title'.\nHint: write the key once." in complaint


def test_a_duplicate_variant_is_refused_with_its_line(project):
    text = yaml.safe_dump(STUDY, sort_keys=False).replace("  deep:\n", "  wide:\n")
    line = text[: text.rindex("  wide:")].count("\n") + 1
    complaint = project.study(text).complaint()
    assert f"studies/dots.yaml, line {line}: not valid YAML: duplicate key 'wide'." in complaint


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("title: [\n", 2, "check indentation, colons and quotes."),
        ("title: a\n\tdataset: b\n", 2, "indent with spaces, not tabs."),
        ("variants:\n  wide:\n\tepochs: 1\n", 3, "indent with spaces, not tabs."),
        ("variants:\n\twide: {}\n", 2, "indent with spaces, not tabs."),
        ("a: b: c\n", 1, "check indentation, colons and quotes."),
    ],
)
def test_broken_yaml_is_named_with_its_line(project, text, line, hint):
    complaint = project.study(text).complaint()
    assert re.search(rf"config/studies/dots\.yaml, line [{line}{line - 1 or 1}]: not valid YAML: ", complaint)
    assert f"\nHint: {hint}" in complaint


def mistyped_default(**variant) -> dict:
    """Return a study of three variants whose defaults have `epoch` instead of `epochs`."""
    variants = {name: {"model": "dots_source", **variant} for name in ("wide", "deep", "high")}
    return STUDY | {"defaults": STUDY["defaults"] | {"epoch": 60}, "claims": [], "variants": variants}


def test_a_mistyped_default_is_one_line_and_not_one_more_for_each_variant(project):
    complaint = project.study(mistyped_default()).complaint()
    assert complaint == f"{STUDY_FILE}: defaults.epoch: is not a known key. Hint: did you mean `epochs`?"


def test_a_mistyped_key_comes_before_other_errors(project):
    first, *others = project.study(mistyped_default(seeds=0)).complaint().split("\n")
    assert "defaults.epoch: is not a known key." in first
    assert [line.split(": ")[1] for line in others] == [f"variants.{name}.seeds" for name in ("wide", "deep", "high")]


def test_text_in_another_encoding_is_named(project):
    (project.folder / "config/studies/dots.yaml").write_bytes("title: Zählen".encode("latin-1"))
    assert "config/studies/dots.yaml, line 1: not UTF-8 text." in project.complaint()


def test_empty_files_are_answered_with_the_missing_keys(project):
    assert {f"{STUDY_FILE}: {key}: is missing." for key in ("title", "dataset", "task", "tests", "variants")} == set(
        project.study("").complaint().splitlines()
    )
    assert f"{DATASETS_FILE}: no dataset found." in project.datasets("# nothing yet\n").complaint()


@pytest.mark.parametrize(("text", "shown"), [("- a\n- b\n", '["a", "b"]'), ("dots\n", '"dots"'), ("3\n", "3")])
def test_a_file_that_is_no_mapping_is_named(project, text, shown):
    assert project.study(text).complaint() == f"{STUDY_FILE}: {shown} is not a mapping."
    assert f"{DATASETS_FILE}: no dataset found." in project.datasets(text).complaint()


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
