"""The entry of a dataset defines its preparation; an error in it names the file and key."""

from inspect import signature
from pkgutil import resolve_name

import pytest
from unit.projects import DATASETS, DATASETS_FILE, FETCHED, FILES, REMOVED, changed

from calotype.config.datasets import DATASETS as SOURCES
from calotype.steps.registry import STEPS

# ---- Dependencies of a prepared split --------------------------------------------------------------------------------


def test_what_decides_which_images_a_split_has_is_read_by_its_reader(classes):
    """The rest of an entry prepares nothing again."""
    datasets = classes.load().datasets
    part = {"first": 20, "number": None}
    expected = {
        "dots": {"width": 40, "minimum": 0, "maximum": 5},
        "clothes": {"images": "images", "labels": "labels", "files": FILES, "classes": 3, **part},
        "digits": {"table": "digits.csv", "files": {"digits.csv": "c" * 64}, "classes": 2, **part},
    }
    steps = {"dots": ["grey", "scale"], "clothes": ["scale"], "digits": ["grey", "scale"]}
    for name, dataset in datasets.items():
        reader, reading = dataset.reader, expected[name]
        plain = {"reader": reader, "reading": reading, "split": "test", "steps": steps[name]}
        assert dataset.preparation("test") == plain
        assert {*signature(resolve_name(reader)).parameters} == {*reading, "folder"} - {"files"}


def test_names_of_classes_prepare_nothing_again_but_their_number_does(classes):
    def preparation(names):
        classes.datasets(changed(FETCHED, "clothes.classes", names))
        return classes.load().datasets["clothes"].preparation("train")

    assert preparation(["a", "b", "c"]) == preparation(["x", "y", "z"]) != preparation(["a", "b", "c", "d"])


@pytest.mark.parametrize("name", ["dots", "clothes"])
def test_no_split_takes_the_name_of_the_catalogue(classes, name):
    entry = FETCHED[name] if name in FETCHED else DATASETS[name]
    split = next(iter(entry["splits"].values()))
    complaint = classes.datasets(FETCHED | {name: entry | {"splits": {"catalogue": split}}}).complaint()
    assert "splits: `catalogue` is a reserved name" in complaint


# ---- Invalid entries -------------------------------------------------------------------------------------------------


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
        ("dots.prepare", ["grey", "grey"], "dots: prepare: duplicate step `grey`."),
        ("dots", None, "dots.source: is missing."),
        ("dots", "dots", 'dots: "dots" is not a mapping.'),
    ],
)
def test_wrong_value_in_a_dataset_is_named_with_file_and_key(project, where, value, complaint):
    lines = project.datasets(changed(DATASETS, where, value)).complaint().splitlines()
    assert f"{DATASETS_FILE}: {complaint}" in lines


@pytest.mark.parametrize("name", ["a/b", "..", "dots (old", "a b"])
def test_a_dataset_that_cannot_be_a_folder_is_refused(project, name):
    assert "is not a plain name" in project.datasets(DATASETS | {name: DATASETS["dots"]}).complaint()


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        ("clothes.source", REMOVED, "clothes.source: is missing."),
        ("clothes.source", "dots", "clothes.fetch: is not a known key."),
        ("clothes.source", "idxx", f"clothes.source: 'idxx' is not one of {', '.join(SOURCES)}."),
        ("clothes.source", 3, f"clothes.source: 3 is not one of {', '.join(SOURCES)}."),
        ("clothes.source", ["idx"], f"clothes.source: ['idx'] is not one of {', '.join(SOURCES)}."),
        ("clothes.source", "csv", "clothes.splits.train.table: is missing."),
        ("clothes.classes", REMOVED, "clothes.classes: is missing."),
        ("clothes.classes", ["Shirt"], 'clothes.classes: ["Shirt"] is too short: it must have at least 2.'),
        ("clothes.classes", ["Shirt", "Shirt"], "clothes: classes: duplicate name `Shirt`."),
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
        ("digits.prepare", ["scale", "scale"], "digits: prepare: duplicate step `scale`."),
        ("digits.prepare", ["blurr"], f"digits.prepare.0: 'blurr' is not one of {', '.join(STEPS)}."),
    ],
)
def test_wrong_value_in_a_fetched_dataset_is_named_with_file_and_key(classes, where, value, complaint):
    lines = classes.datasets(changed(FETCHED, where, value)).complaint().splitlines()
    assert f"{DATASETS_FILE}: {complaint}" in [line.split(" Hint:")[0] for line in lines]


@pytest.mark.parametrize("source", ["idx", "npz"])
def test_who_has_such_files_is_told_how_to_name_them(classes, source):
    entry = {"source": source, "folder": "data", "classes": ["a", "b"], "splits": {"train": {"share": 0.5}}}
    complaint = classes.datasets(FETCHED | {"mine": entry}).complaint()
    assert complaint.endswith("\nHint: `source: arrays` reads your own files of this kind.")


# ---- Misspelt keys ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "meant"),
    [("dots.spilts", "splits"), ("dots.drawing.qualty", "quality"), ("dots.splits.train.image", "images")],
)
def test_misspelt_key_of_a_dataset_is_answered_with_the_right_one(project, where, meant):
    complaint = project.datasets(changed(DATASETS, where, 1)).complaint()
    assert complaint == f"{DATASETS_FILE}: {where}: is not a known key. Hint: did you mean `{meant}`?"


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
