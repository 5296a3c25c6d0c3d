"""A new study of a table: columns, splits and groups are found, and problems are reported."""

import re
from pathlib import Path

import pytest
import yaml
from unit.new_studies import TABLE, image, relabelled, started

from calotype.planning.findings import findings
from calotype.planning.folder_scan import scan_folder
from calotype.util.errors import CalotypeError


def test_an_image_without_a_label_is_named_at_once(table):
    (table / "labels.csv").write_text(TABLE.replace("img/4.png,beech", "img/4.png,"))
    with pytest.raises(CalotypeError, match=r"column `species`: empty label:\n  line 6\n"):
        scan_folder(table)


def test_two_words_for_one_split_are_not_taken_for_splits(table):
    (table / "labels.csv").write_text(TABLE.replace("val", "training"))
    assert not scan_folder(table).splits


def test_the_test_images_of_a_split_that_is_given_stay_there_where_others_are_in_none(table):
    splits = ["train"] * 6 + ["test"] * 2 + ["exclude"] * 2
    said = relabelled(table, "image,split,grade", splits, "ababababab")
    assert "in no split: 2 image(s) with 'exclude' in the column `split`" in said
    dataset = started(table).datasets["mine"]
    assert (dataset.table.label, dataset.table.split) == ("grade", "split")
    assert {name: split.value for name, split in dataset.splits.items()} == {"train": "train", "test": "test"}


def test_a_split_in_words_of_its_own_is_not_passed_over_in_silence(table):
    said = relabelled(table, "image,split,label", ["lernen"] * 4 + ["prüfen"] * 6, "ababababab")
    assert "splits: at random, because of unclear values in the column `split`: 'prüfen', 'lernen'" in said
    assert "write `split: split` under `table`" in said
    assert '`splits: {train: {value: "prüfen"}, test: {value: lernen}}`' in said, "the larger one, where none is known"
    assert started(table).datasets["mine"].table.split is None
    for one, other in (("train", "prove"), ("learn", "test")):
        said = relabelled(table, "image,split,label", [one] * 4 + [other] * 6, "ababababab")
        assert f"`splits: {{train: {{value: {one}}}, test: {{value: {other}}}}}`" in said


def test_a_column_called_as_splits_are_is_never_taken_for_the_label(table):
    relabelled(table, "image,fold,grade", "0101010101", [i / 4 for i in range(10)])
    assert scan_folder(table).table.entry == {"file": "labels.csv", "image": "image", "label": "grade"}


@pytest.mark.parametrize("name", ["PatientID", "patientId", "patient id", "Subject-ID", "SUBJECT_ID"])
def test_the_images_of_one_patient_stay_together_however_the_column_is_spelt(table, name):
    relabelled(table, f"image,{name},label", [f"p{i // 2}" for i in range(10)], "ababababab")
    assert started(table).datasets["mine"].table.group == name


def test_unknown_groups_are_reported_if_images_are_split_at_random(leaves, table):
    words = "groups: unknown; if images belong together"
    assert words in "\n".join(findings("mine", scan_folder(leaves)))
    assert words not in relabelled(table, "image,patient,label", [i // 2 for i in range(10)], "ababababab")
    assert words not in relabelled(table, "image,split,label", ["train"] * 5 + ["test"] * 5, "ababababab")
    started(leaves)
    text = Path("config/datasets.yaml").read_text(encoding="utf-8")
    assert "Keep images that belong together" in text
    # The example in the comment is valid.
    random = yaml.safe_load(next(line for line in text.splitlines() if "group_pattern: " in line).strip("# "))
    assert re.search(random["random"]["group_pattern"], "patient-12/1.png")


@pytest.mark.parametrize(("name", "task"), [("weight", "regress"), ("site", "classify"), ("PatientID", "classify")])
def test_the_only_column_beside_the_images_is_their_label_whatever_it_is_called(table, name, task):
    relabelled(table, f"image,{name}", [f"{i / 3:.2f}" if task == "regress" else "ab"[i % 2] for i in range(10)])
    seen = scan_folder(table)
    assert seen.table.entry == {"file": "labels.csv", "image": "image", "label": name}
    assert seen.holds == ("numbers" if task == "regress" else "classes")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "image;label\nimg/0.png;a\nimg/1.png\n",
            ", line 3: not a table: 1 field instead of 2, separated by semicolons",
        ),
        ("image\nx.png\n", " names none of the images, such as img/0.png; it has only one column"),
        ("image,label\n0.png,a\n", " names none of the images: it has '0.png' for img/0.png"),
        ("image,label\nimg/0,a\n", " names none of the images: it has 'img/0' for img/0.png"),
        ("image,label\nimg\\0.png,a\n", " names none of the images: it has 'img\\\\0.png' for img/0.png"),
        ("image,label\n/data/img/0.PNG,a\n", " names none of the images: it has '/data/img/0.PNG' for img/0.png"),
        ("image,label\nimg/0.png,a\nm,b\nn,b\n", " names existing images in only 1 of its first 3 lines"),
        (
            "image,split\nimg/0.png,train\nimg/1.png,test\n",
            " names images, but no column for a label is left (`split` gives splits)",
        ),
        ("image\nimg/0.png\n", " names images, but no column for a label is left"),
        ("image,label\nimg/0.png,a\nimg/1.png,b,c\n", ", line 3: not a table: 3 fields instead of 2"),
        ("", ": not a table: it is empty"),
    ],
)
def test_why_a_table_is_not_used_is_said(table, text, reason):
    (table / "labels.csv").write_text(text)
    for place in (table, table / "labels.csv"):
        with pytest.raises(CalotypeError, match=re.escape(f"labels.csv{reason}")):
            scan_folder(place)


def test_a_table_beside_folders_of_classes_is_not_passed_over_in_silence(leaves):
    (leaves / "labels.csv").write_text("image;label\noak/0.png;oak\nelm\n")
    said = "\n".join(findings("mine", scan_folder(leaves)))
    assert "table not used: labels.csv: line 3: not a table: 1 field instead of 2, separated by semicolons" in said


def test_lines_of_images_that_are_not_there_are_named(table):
    for i in (3, 5):
        (table / f"img/{i}.png").unlink()
    with pytest.raises(CalotypeError, match=r"labels.csv:\n  line 5: image img/3.png.*\n  line 7: image img/5.png"):
        scan_folder(table)


def test_classes_that_a_typing_error_separates_are_reported(table):
    said = relabelled(table, "image,label", ["oak", "oak ", "Oak", "elm", "elm"] * 2)
    assert "similar classes: 'Oak' and 'oak' and 'oak ' differ only in spaces, capitals or" in said


def test_nothing_is_said_of_a_fifth_where_the_splits_are_given(table):
    said = "\n".join(findings("mine", scan_folder(table)))
    assert "small class: `beech` has 5 images" in said
    assert "a fifth" not in said


def test_a_validation_split_that_is_given_chooses_the_epoch(table):
    (variant, *_) = started(table).studies["mine"].variants.values()
    assert (variant.validation, variant.validation_split) == ("validation", 0)


def test_what_is_kept_together_is_said(table):
    (table / "labels.csv").write_text(TABLE.replace("part", "remark"))
    assert "groups: images with the same `patient` stay in one split" in "\n".join(findings("mine", scan_folder(table)))


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("place", ["x", "x/labels.csv"])
def test_the_columns_of_a_table_are_found(place):
    found = started(Path(place)).datasets["mine"]
    assert found.table.model_dump() == {
        "file": "labels.csv", "image": "File Name", "label": "species", "split": "part", "weight": None,
        "group": "patient",
    }  # fmt: skip
    assert {name: split.value for name, split in found.splits.items()} == {
        "test": "test", "train": "train", "validation": "val",
    }  # fmt: skip
    assert found.classes == ["beech", "oak"]


@pytest.mark.parametrize(
    ("column", "values", "holds", "task"),
    [
        ("cell_count", range(10), "counts", "count"),
        ("class", [0, 1] * 5, "classes", "classify"),
        ("value", [i / 3 for i in range(10)], "numbers", "regress"),
        ("class", ["yes", "no"] * 5, "classes", "classify"),
    ],
)
def test_what_labels_are_is_seen_from_them(table, column, values, holds, task):
    lines = [f"img/{i}.png,{value}" for i, value in enumerate(values)]
    (table / "labels.csv").write_text("\n".join([f"image,{column}", *lines]))
    seen = scan_folder(table)
    assert seen.holds == holds
    study = started(table).studies["mine"]
    assert study.task == task
    assert study.variants["convolutions"].scale_targets == (task != "classify"), "1,000 to 6,000 would not be learnt"


def test_images_that_the_table_leaves_out_and_other_files_are_said(table):
    image(77).save("x/img/77.png")
    Path("x/notes.txt").write_text("?")
    dataset = started(table).datasets["mine"]
    assert dataset.unlabelled == "ignore"
    assert dataset.ignore == ["*.txt"]
    text = Path("config/datasets.yaml").read_text()
    assert "# 1 image(s) that the table does not name" in text


@pytest.mark.parametrize(
    ("files", "place", "problem"),
    [
        ([], "nowhere", "file or folder nowhere not found"),
        (["x/readme.txt"], "x", "no images found"),
        (["x/1.png"], "x", "must have a folder for each class, or a table"),
        (["x/a/1.png", "x/a/b/2.png"], "x", "only one class found, `a`"),
        (["x/a/1.png", "x/2.png"], "x", "must have a folder for each class, or a table of labels; see 2.png"),
        (["x/a.npz"], "x/a.npz", "must be a folder or a table"),
        (["x/a.png", "x/t.csv"], "x/t.csv", "x/t.csv names none of the images, such as a.png"),
        (["x/a/1.png", "x/a/2.png"], "x", "only one class found, `a`"),
    ],
)
@pytest.mark.usefixtures("config_folder")
def test_a_place_without_labels_is_told_what_is_needed(files, place, problem):
    for i, file in enumerate(files):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        image(i).save(file) if file.endswith(".png") else Path(file).write_text("a,b\n1,2\n")
    with pytest.raises(CalotypeError, match=problem):
        scan_folder(Path(place))


@pytest.mark.parametrize(
    ("column", "name"), [("diameter_mm", "diameter"), ("mass", "mass"), ("mm", "mm"), ("age: years", "age: years")]
)
def test_a_quantity_has_the_name_of_its_column_and_its_unit_is_left_to_the_user(table, column, name):
    relabelled(table, f"image,{column}", [f"{i / 3:.2f}" for i in range(10)])
    label = started(table).datasets["mine"].label
    assert (label.name, label.unit) == (name, "")
    line = next(line for line in Path("config/datasets.yaml").read_text().splitlines() if "  label: {name" in line)
    assert yaml.safe_load(line.rpartition(": {name")[2].join(["{name", ""])) == {"name": name, "unit": "mm"}
