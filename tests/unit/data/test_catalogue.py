"""The catalogue of a user's own images: nothing is dropped silently, nothing stands on both sides of a split."""

import json
import logging
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from unit.preparations import prepare

from calotype.config.dataset_images import ImagesDataset
from calotype.config.datasets import DATASETS
from calotype.data.catalogue import write_catalogue
from calotype.data.readers import read_raw
from calotype.util.errors import CalotypeError
from calotype.util.yaml_validation import validate

CLASSES = ["daisy", "rose", "tulip"]
EACH = 10  # images of a class
HALVES = {"train": {"share": 0.5}, "test": {"share": 0.5}}


def image(number: int, *, width: int = 6) -> Image.Image:
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (5, width, 3), np.uint8))


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    """A folder with a folder of images for each class."""
    for label, name in enumerate(CLASSES):
        (tmp_path / "flowers" / name).mkdir(parents=True)
        for i in range(EACH):
            image(100 * label + i).save(tmp_path / f"flowers/{name}/{i}.png")
    return tmp_path / "flowers"


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """A folder of images with a table of their labels."""
    (tmp_path / "cells/raw").mkdir(parents=True)
    lines = ["image,label,split,weight,plate"]
    for i in range(12):
        image(i).save(tmp_path / f"cells/raw/{i}.png")
        lines.append(f"raw/{i}.png,{CLASSES[i % 3]},{'train' if i < 8 else 'test'},{i / 2},plate-{i // 2}")
    (tmp_path / "cells/labels.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "cells"


def dataset(folder: Path, /, **keys) -> ImagesDataset:
    entry = {"source": "images", "folder": str(folder), "classes": CLASSES, "splits": HALVES} | keys
    return validate(ImagesDataset, {key: value for key, value in entry.items() if value is not None}, "datasets.yaml")


def catalogue(folder: Path, /, **keys) -> pd.DataFrame:
    """The catalogue, in the order of the paths as people count: 2.png before 10.png."""
    files = folder.parent / "catalogue.csv", folder.parent / "catalogue.json"
    write_catalogue(dataset(folder, **keys), *files)
    found = pd.read_csv(files[0], dtype={"path": str, "split": str, "group": str}, keep_default_na=False)
    padded = found.path.str.replace(r"\d+", lambda number: number[0].zfill(3), regex=True)
    return found.iloc[padded.argsort()].reset_index(drop=True)


# ---- A folder for each class -----------------------------------------------------------------------------------------


def test_each_image_has_its_class_and_each_split_its_part_of_each_class(flowers):
    found = catalogue(flowers)
    assert [CLASSES[label] for label in found.label] == [path.split("/")[0] for path in found.path]
    assert found.groupby(["split", "label"]).size().tolist() == [EACH // 2] * 6
    assert found[["height", "width", "channels", "bits"]].drop_duplicates().values.tolist() == [[5, 6, 3, 8]]


def test_the_images_of_a_split_are_numbered_in_the_order_of_their_paths(flowers):
    found = catalogue(flowers)
    for split in HALVES:
        assert found.number[found.split == split].tolist() == [*range(1, 16)]


def test_classes_have_the_order_of_the_config(flowers):
    found = catalogue(flowers, classes=["tulip", "daisy", "rose"])
    assert {*found.label[found.path.str.startswith("tulip/")]} == {0}


def test_the_same_folder_is_dealt_the_same_way_each_time_and_by_another_seed_another_way(flowers):
    one, two = catalogue(flowers), catalogue(flowers)
    assert one.equals(two)
    other = catalogue(flowers, random={"seed": 1})
    assert one.path.equals(other.path)
    assert not one.split.equals(other.split)


def test_the_last_tenth_of_the_training_images_holds_all_classes_and_no_half_of_a_group(flowers):
    catalogue(flowers)
    order = pd.read_csv(flowers.parent / "catalogue.csv")
    assert order.label.is_monotonic_increasing is False
    assert order[order.split == "train"].label.tail(8).nunique() == 3
    catalogue(flowers, random={"group_pattern": r"/(\d)\."})
    groups = pd.read_csv(flowers.parent / "catalogue.csv").group
    assert (groups != groups.shift()).sum() == groups.nunique()


def test_the_manifest_says_how_many_images_a_split_has(flowers):
    catalogue(flowers, splits={"train": {"share": 0.5}, "test": {"share": 0.3}})
    manifest = json.loads((flowers.parent / "catalogue.json").read_text())
    assert manifest["images"] == {"train": 15, "test": 9}
    assert manifest["left"] == 6


def test_splits_may_be_folders_that_hold_the_folders_of_the_classes(flowers, tmp_path):
    for split in ("training", "held-out"):
        (tmp_path / "both" / split).mkdir(parents=True)
    for name in CLASSES:
        (tmp_path / "both/held-out" / name).mkdir()
        for i in range(3):
            (flowers / f"{name}/{i}.png").rename(tmp_path / f"both/held-out/{name}/{i}.png")
        (flowers / name).rename(tmp_path / f"both/training/{name}")
    found = catalogue(tmp_path / "both", splits={"train": {"folder": "training/"}, "test": {"folder": "held-out"}})
    assert found.split.value_counts().to_dict() == {"train": 21, "test": 9}
    assert ((found.split == "test") == found.path.str.startswith("held-out/")).all()


def test_several_threads_find_the_same_as_one(flowers):
    (flowers / "rose/0.png").write_bytes((flowers / "rose/1.png").read_bytes())
    catalogue(flowers, allow_duplicates=True)
    files = flowers.parent / "threads.csv", flowers.parent / "threads.json"
    write_catalogue(dataset(flowers, allow_duplicates=True), *files, threads=3)
    assert files[0].read_bytes() == (flowers.parent / "catalogue.csv").read_bytes()


def test_an_image_whose_name_is_as_long_as_a_name_can_be_is_found(flowers):
    name = "daisy/" + "x" * 251 + ".png"
    image(900).save(flowers / name)
    assert name in {*catalogue(flowers).path}


def test_images_of_one_plant_stay_together_by_their_names(flowers):
    found = catalogue(flowers, random={"group_pattern": r"/(\d)\."})
    assert found.groupby("group").split.nunique().max() == 1
    with pytest.raises(CalotypeError, match=r"group_pattern: finds nothing in"):
        catalogue(flowers, random={"group_pattern": r"/(x\d)"})


def test_names_with_spaces_quotes_and_other_letters_are_kept(flowers):
    names = ["with space.png", "it's.png", 'a "b".png', "comma,semicolon;.png", "雛菊.png", "größe.png", "$(true).png"]
    for i, name in enumerate(names):
        image(900 + i).save(flowers / "daisy" / name)
    found = catalogue(flowers)
    assert {f"daisy/{name}" for name in names} <= {*found.path}


@pytest.mark.parametrize("name", ["line\nbreak.png", "tab\t.png", "bell\a.png"])
def test_a_name_that_cannot_be_printed_is_refused(flowers, name):
    image(900).save(flowers / "daisy" / name)
    with pytest.raises(CalotypeError, match=r"cannot be printed.*\n.*rename it"):
        catalogue(flowers)


def test_a_name_that_is_no_text_is_refused(flowers):
    os.rename(os.fsencode(flowers / "daisy/0.png"), os.fsencode(flowers / "daisy") + b"/\xff.png")
    with pytest.raises(CalotypeError, match="cannot be printed"):
        catalogue(flowers)


def test_hidden_files_and_those_to_be_ignored_are_no_images(flowers):
    for name in (".DS_Store", "Thumbs.db", "daisy/.hidden.png", "notes.txt"):
        (flowers / name).write_bytes(b"?")
    assert len(catalogue(flowers, ignore=["Thumbs.db", "*.txt"])) == 30


def test_a_file_that_is_no_image_is_never_dropped_silently(flowers):
    (flowers / "daisy/notes.txt").write_text("?")
    (flowers / "daisy/9.heic").write_text("?")
    with pytest.raises(CalotypeError, match=r"neither images.*\n  daisy/9.heic\n  daisy/notes.txt\nHint: .*`ignore`"):
        catalogue(flowers)


def test_a_folder_that_is_no_class_is_named_with_what_was_meant(flowers):
    (flowers / "rose").rename(flowers / "roses")
    with pytest.raises(CalotypeError, match=r"roses: 10 image.*\n.*did you mean `rose`"):
        catalogue(flowers)


def test_images_beside_the_folders_are_named(flowers):
    image(900).save(flowers / "lost.png")
    with pytest.raises(CalotypeError, match=r"\(beside the folders\): 1 image\(s\), such as lost.png"):
        catalogue(flowers)


def test_a_class_without_images_is_named(flowers):
    with pytest.raises(CalotypeError, match="no image of: lily"):
        catalogue(flowers, classes=[*CLASSES, "lily"])


def test_broken_images_are_all_named_at_once(flowers):
    for i in range(8):
        (flowers / f"rose/{i}.png").write_bytes(b"broken" if i else b"")
    with pytest.raises(CalotypeError, match=r"8 image\(s\) cannot be used:\n  rose/0.png: the file is empty") as caught:
        catalogue(flowers)
    assert "and 3 more" in str(caught.value)


def test_nothing_is_written_where_an_image_is_broken(flowers):
    (flowers / "rose/0.png").write_bytes(b"broken")
    with pytest.raises(CalotypeError):
        catalogue(flowers)
    assert [path.name for path in flowers.parent.iterdir()] == ["flowers"]


def test_a_link_out_of_the_folder_is_refused(flowers, tmp_path):
    image(900).save(tmp_path / "secret.png")
    (flowers / "rose/link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(CalotypeError, match=r"rose/link.png: a link to .*secret.png, outside"):
        catalogue(flowers)


def test_an_empty_folder_is_named(tmp_path):
    (tmp_path / "flowers").mkdir()
    with pytest.raises(CalotypeError, match="there are no images"):
        catalogue(tmp_path / "flowers")
    with pytest.raises(CalotypeError, match="there is no such folder"):
        catalogue(tmp_path / "nowhere")


def test_a_split_without_images_is_named(flowers):
    with pytest.raises(CalotypeError, match="the split `tiny` has no images"):
        catalogue(flowers, splits={"train": {"share": 0.99}, "tiny": {"share": 0.01}})


# ---- The same image twice --------------------------------------------------------------------------------------------


def sides(found: pd.DataFrame) -> tuple[str, str]:
    """The path of an image of the training part, and of one of the test part."""
    return found.path[found.split == "train"].iloc[0], found.path[found.split == "test"].iloc[0]


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_the_same_pixels_on_both_sides_are_an_error_that_lists_them(flowers, suffix):
    one, other = sides(catalogue(flowers))
    with Image.open(flowers / one) as opened:
        (flowers / other).unlink()
        opened.save((flowers / other).with_suffix(suffix))
    with pytest.raises(CalotypeError, match=r"1 image\(s\) have the same pixels") as caught:
        catalogue(flowers)
    assert one in str(caught.value)
    assert other.removesuffix(".png") in str(caught.value)
    assert "allow_duplicates" in str(caught.value)
    assert len(catalogue(flowers, allow_duplicates=True)) == 30


def test_the_same_pixels_on_one_side_are_told_but_allowed(flowers, caplog):
    found = catalogue(flowers)
    one, other = found.path[(found.split == "train") & (found.label == 0)].iloc[:2]
    (flowers / other).write_bytes((flowers / one).read_bytes())
    with caplog.at_level(logging.WARNING, "calotype"):
        catalogue(flowers)
    assert "1 image(s) are twice in their split" in caplog.text


# ---- A table of labels -----------------------------------------------------------------------------------------------

TABLE = {"file": "labels.csv"}
GIVEN = {"train": {"value": "train"}, "test": {"value": "test"}}
FULL = TABLE | {"split": "split", "weight": "weight", "group": "plate"}


def test_labels_splits_weights_and_groups_are_those_of_the_table(cells):
    found = catalogue(cells, table=FULL, splits=GIVEN)
    assert found.label.tolist() == [i % 3 for i in range(12)]
    assert found.split.tolist() == ["train"] * 8 + ["test"] * 4
    assert found.weight.tolist() == [i / 2 for i in range(12)]
    assert found.group.tolist() == [f"plate-{i // 2}" for i in range(12)]


def test_columns_may_have_other_names_and_tabs_between_them(cells):
    text = (cells / "labels.csv").read_text().replace("image,label", "Datei,Sorte").replace(",", "\t")
    (cells / "labels.csv").unlink()
    (cells / "Tabelle.TSV").write_text("\ufeff" + text, encoding="utf-8")
    found = catalogue(cells, table={"file": "Tabelle.TSV", "image": "Datei", "label": "Sorte"})
    assert found.label.tolist() == [i % 3 for i in range(12)]
    assert "weight" not in found


def test_no_column_weighs_images_that_the_config_does_not_name_as_weights(cells):
    assert "weight" not in catalogue(cells, table=TABLE)
    assert "weight" in catalogue(cells, table=TABLE | {"weight": "weight"})


def test_a_validation_part_that_the_table_gives_is_a_split_like_the_others(cells):
    text = (cells / "labels.csv").read_text().replace("raw/2.png,tulip,train", "raw/2.png,tulip,val")
    (cells / "labels.csv").write_text(text)
    keys = {"table": TABLE | {"split": "split"}, "splits": GIVEN | {"validation": {"value": "val"}}}
    assert catalogue(cells, **keys).split.tolist() == ["train"] * 2 + ["validation"] + ["train"] * 5 + ["test"] * 4
    assert [record[1] for record in raw_of(cells, "validation", **keys).records] == [2]


@pytest.mark.parametrize("table", [TABLE, TABLE | {"group": "plate"}], ids=["images", "groups"])
def test_a_table_that_was_sorted_anew_deals_no_test_image_to_the_training(cells, table):
    before = catalogue(cells, table=table)
    header, *lines = (cells / "labels.csv").read_text().splitlines()
    (cells / "labels.csv").write_text("\n".join([header, *sorted(lines, key=lambda line: line.split(",")[1:])]) + "\n")
    assert catalogue(cells, table=table).equals(before)


def test_plates_of_the_table_are_never_parted(cells):
    found = catalogue(cells, table=TABLE | {"group": "plate"})
    assert found.groupby("group").split.nunique().max() == 1


def test_given_splits_that_part_a_plate_are_refused(cells):
    text = (cells / "labels.csv").read_text().replace("plate-4", "plate-3")
    (cells / "labels.csv").write_text(text)
    with pytest.raises(CalotypeError, match=r"groups on both sides of a split:\n  plate-3: in test, train"):
        catalogue(cells, table=FULL, splits=GIVEN)


def test_images_that_the_table_puts_in_no_split_are_told(cells, caplog):
    text = (cells / "labels.csv").read_text().replace("raw/3.png,daisy,train", "raw/3.png,daisy,later")
    (cells / "labels.csv").write_text(text)
    with caplog.at_level(logging.WARNING, "calotype"):
        found = catalogue(cells, table=FULL, splits=GIVEN)
    assert "1 image(s) are in no split: the table says 'later'" in caplog.text
    assert found.split[3] == ""


def test_numbers_are_kept_in_full(cells):
    lines = ["image,label", *(f"raw/{i}.png,{i / 7!r}" for i in range(12))]
    (cells / "labels.csv").write_text("\n".join(lines))
    found = catalogue(cells, table=TABLE, labels="numbers", classes=None)
    assert found.label.tolist() == [i / 7 for i in range(12)]


def test_images_that_the_table_does_not_name_are_refused_or_left_out(cells, caplog):
    image(99).save(cells / "raw/99.png")
    with pytest.raises(CalotypeError, match=r"names no label of 1 image.*\n  raw/99.png\nHint: .*unlabelled: ignore"):
        catalogue(cells, table=TABLE)
    with caplog.at_level(logging.WARNING, "calotype"):
        assert len(catalogue(cells, table=TABLE, unlabelled="ignore")) == 12
    assert "1 image(s) without a label are left out, such as raw/99.png" in caplog.text


# What is done to the table of the cells, and what is said of it.
SPOILT = {
    "twice": (("raw/1.png", "raw/0.png"), "line 3: raw/0.png stands in line 2 already"),
    "twice, in other words": (("raw/1.png", "raw/../raw/0.png"), "line 3: raw/0.png stands in line 2 already"),
    "absent": (("raw/1.png", "raw/one.png"), r"line 3: there is no image raw/one.png"),
    "another suffix": (("raw/1.png", "raw/1.jpg"), r"line 3: there is no image raw/1.jpg .*did you mean"),
    "above": (("raw/1.png", "../secret.png"), r"line 3: '../secret.png' does not lie in"),
    "around": (("raw/1.png", "raw/../../secret.png"), r"line 3: .* does not lie in"),
    "absolute": (("raw/1.png", "/etc/passwd"), r"line 3: '/etc/passwd' does not lie in"),
    "no image": (("raw/1.png", ""), r"line 3: '' does not lie in"),
    "the folder": (("raw/1.png", "raw"), r"line 3: there is no image raw"),
    "too long": (("raw/1.png", "raw/" + "x" * 300 + ".png"), r"line 3: there is no image raw/x"),
    "unknown": (("raw/1.png,rose", "raw/1.png,roes"), "the label 'roes' is no class"),
    "empty": (("raw/1.png,rose", "raw/1.png,"), r"the label '' is no class \(it is empty\)"),
    "capital": (("raw/1.png,rose", "raw/1.png,Rose"), "the label 'Rose' is no class"),
    "weight": (("train,0.5,", "train,half,"), r"weight:\n  raw/1.png: 'half' is not a number"),
    "no weight": (("train,0.5,", "train,,"), r"weight:\n  raw/1.png: '' is not a number"),
    "NaN": (("train,0.5,", "train,nan,"), r"weight:\n  raw/1.png: 'nan' is not a number"),
    "infinite": (("train,0.5,", "train,inf,"), r"weight:\n  raw/1.png: 'inf' is not a number"),
    "negative": (("train,0.5,", "train,-0.5,"), "raw/1.png: the weight is negative"),
    "column": (("image,label", "image,lable"), r"has no column `label` \(table.label\).*\n.*did you mean `lable`"),
    "too many fields": (("raw/1.png,rose", "raw/1.png,rose,and,more"), "not a table"),
    "an open quote": (("raw/1.png,rose", 'raw/1.png,"rose'), r"not a table|is no class|names no label"),
    "a formula": (("raw/1.png,rose", "raw/1.png,=1+1"), r"the label '=1\+1' is no class"),
    "a command": (("raw/1.png,rose", "raw/1.png,$(reboot)"), "is no class"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_mistake_in_the_table_is_named_with_its_line_or_image(cells, what):
    (old, new), problem = SPOILT[what]
    text = (cells / "labels.csv").read_text()
    assert old in text
    (cells / "labels.csv").write_text(text.replace(old, new, 1))
    with pytest.raises(CalotypeError, match=problem) as caught:
        catalogue(cells, table=FULL, splits=GIVEN)
    assert "labels.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not a table"),
        (b"image,label\n", "has no lines"),
        (b"\xff\xfe\x00image", "not UTF-8 text"),
        (b"image,image,label\na,b,c\n", "no image|stands there twice"),
        (b"\x00\x00\x00", "has no column|not a table"),
        (b"PK\x03\x04 an .xlsx file", "has no column|not UTF-8|not a table|has no lines"),
    ],
)
def test_a_file_that_is_no_table_of_labels_is_named(cells, content, problem):
    (cells / "labels.csv").write_bytes(content)
    with pytest.raises(CalotypeError, match=problem):
        catalogue(cells, table=TABLE)


@pytest.mark.parametrize(
    "label", ["", "one", "1.5", "-1", "nan", "inf", "1e400", "0x10", "1001", "1000000000", "9" * 30]
)
def test_labels_that_are_no_counts_or_too_large_for_a_figure_are_named(cells, label):
    lines = ["image,label", *(f"raw/{i}.png,{label if i == 5 else i}" for i in range(12))]
    (cells / "labels.csv").write_text("\n".join(lines))
    with pytest.raises(CalotypeError, match=r"raw/5.png: "):
        catalogue(cells, table=TABLE, labels="counts", classes=None)


def test_counts_that_are_all_the_same_are_refused_before_a_training_on_nothing(cells):
    (cells / "labels.csv").write_text("\n".join(["image,label", *(f"raw/{i}.png,3" for i in range(12))]))
    with pytest.raises(CalotypeError, match="every count is 3: there is nothing to learn"):
        catalogue(cells, table=TABLE, labels="counts", classes=None)


# ---- What comes after it ---------------------------------------------------------------------------------------------


def raw_of(folder: Path, split: str, **keys):
    made = dataset(folder, **keys)
    listed = {"split": split, "catalogue": folder.parent / "catalogue.csv"}
    return read_raw(made.reader, folder, **listed, **made.reading(split))


def test_a_split_holds_its_images_labels_and_weights(cells):
    catalogue(cells, table=FULL, splits=GIVEN)
    raw = raw_of(cells, "test", table=FULL, splits=GIVEN)
    assert raw.size == 4
    records = list(raw.records)
    by_number = sorted(zip(records, raw.weights.tolist(), strict=True), key=lambda record: record[0][0])
    assert [(number, label, weight) for (number, label, _), weight in by_number] == [
        (1, 1, 5.0), (2, 2, 5.5), (3, 2, 4.0), (4, 0, 4.5),
    ]  # fmt: skip
    assert np.array_equal(by_number[0][0][2], np.asarray(image(10))), "by path, 10.png is the first"


def test_no_label_of_another_split_reaches_the_training_by_the_range_of_counts(cells):
    lines = ["image,label,split", *(f"raw/{i}.png,{i},{'train' if i < 8 else 'test'}" for i in range(12))]
    (cells / "labels.csv").write_text("\n".join(lines))
    keys = {"table": TABLE | {"split": "split"}, "splits": GIVEN, "labels": "counts", "classes": None}
    catalogue(cells, **keys)
    for split, expected in {"train": (0, 7), "test": (8, 11)}.items():
        raw = raw_of(cells, split, **keys)
        assert (raw.minimum, raw.maximum, raw.classes) == (*expected, None)


def test_an_image_that_changed_since_is_noticed(cells):
    catalogue(cells, table=FULL, splits=GIVEN)
    image(77).save(cells / "raw/8.png")
    with pytest.raises(CalotypeError, match=r"raw/8.png: was changed after it was catalogued"):
        list(raw_of(cells, "test", table=FULL, splits=GIVEN).records)


def test_red_is_the_first_channel_of_what_is_prepared_and_as_bright_as_red_looks(flowers):
    Image.new("RGB", (6, 5), (255, 0, 0)).save(flowers / "rose/0.png")
    found = catalogue(flowers)
    split, number = found.loc[found.path == "rose/0.png", ["split", "number"]].iloc[0]
    pixels = next(pixels for place, _, pixels in raw_of(flowers, split).records if place == number)
    assert pixels[0, 0].tolist() == [255, 0, 0]
    bright = prepare(pixels, [{"name": "grey", "method": "luminance"}])
    assert np.allclose(bright, 0.299 * 255)


# ---- The entry in datasets.yaml --------------------------------------------------------------------------------------

WRONG = {
    "no classes": ({"classes": None}, "classes: name two or more"),
    "one class": ({"classes": ["daisy"]}, "classes: name two or more"),
    "a class twice": ({"classes": ["daisy", "daisy"]}, "classes: duplicate name"),
    "a class above": ({"classes": ["daisy", ".."]}, "classes: each is the name of a folder"),
    "a class elsewhere": ({"classes": ["daisy", "/etc"]}, "classes: each is the name of a folder"),
    "a class without name": ({"classes": ["daisy", ""]}, "classes: one has no name"),
    "classes of numbers": ({"labels": "numbers", "table": TABLE}, "classes: labels that are numbers have none"),
    "numbers of folders": ({"labels": "numbers", "classes": None}, "labels: numbers need a table"),
    "another kind": ({"labels": "boxes"}, "'boxes' is not one of classes, counts, numbers"),
    "no folder": ({"folder": ""}, "folder: "),
    "no splits": ({"splits": {}}, "splits: .*is empty"),
    "too much": ({"splits": {"a": {"share": 0.7}, "b": {"share": 0.4}}}, "the shares of a, b are more than 1 in all"),
    "nothing": ({"splits": {"a": {"share": 0.0}}}, "0.0 is not a positive number"),
    "in per cent": ({"splits": {"a": {"share": 70}}}, "share: 70.* is out of range"),
    "negative": ({"splits": {"a": {"share": -0.5}}}, "is not a positive number"),
    "two ways": ({"splits": {"a": {"share": 0.5, "folder": "a"}}}, "exactly one of share, folder, value"),
    "no way": ({"splits": {"a": {}}}, "exactly one of share, folder, value"),
    "mixed": ({"splits": {"a": {"share": 0.5}, "b": {"folder": "b"}}}, "all have the same of share, folder, value"),
    "a folder in a folder": ({"splits": {"a": {"folder": "x/y"}}}, "'x/y' is not the name of one folder in `folder`"),
    "a split twice": ({"splits": {"a": {"folder": "x"}, "b": {"folder": "x"}}}, "two have the same folder"),
    "a taken name": ({"splits": {"catalogue": {"share": 0.5}}}, "that name is taken"),
    "a value of nothing": ({"splits": GIVEN}, "`value` needs table.split"),
    "a column for nothing": ({"table": FULL}, "table.split: the splits have a share"),
    "folders and a table": ({"table": TABLE, "splits": {"a": {"folder": "x"}}}, "with a table give `value` or `share`"),
    "strata of numbers": (
        {"labels": "numbers", "classes": None, "table": TABLE, "random": {"stratify": True}},
        "random.stratify: labels that are numbers have no classes",
    ),
    "a table elsewhere": ({"table": {"file": "../labels.csv"}}, "table.file: lies in `folder`"),
    "strata for nothing": (
        {"splits": {"a": {"folder": "x"}}, "random": {"stratify": True}},
        "random.stratify: the splits are given",
    ),
    "a pattern that is none": ({"random": {"group_pattern": "("}}, "not a regular expression"),
    "a pattern without group": ({"random": {"group_pattern": "x"}}, "no group in brackets"),
    "two groups": (
        {"table": TABLE | {"group": "plate"}, "random": {"group_pattern": "(x)"}},
        "the table has a column `group` already",
    ),
    "a seed that is none": ({"random": {"seed": -1}}, "out of range"),
    "a misspelt key": ({"clases": ["a", "b"]}, "clases: is not a known key.*did you mean `classes`"),
    "a misspelt column": ({"table": TABLE | {"lable": "x"}}, "lable: is not a known key.*did you mean `label`"),
    "alpha": ({"alpha": "green"}, "'green' is not one of refuse, drop, black, white"),
    "a list as folder": ({"folder": ["a"]}, "folder: .* is not text"),
    "a number as class": ({"classes": ["daisy", 1]}, "classes.1: 1 is not text"),
    "yes as class": ({"classes": ["daisy", True]}, "classes.1: true is not text"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_entry_is_named_with_its_key(tmp_path, what):
    keys, problem = WRONG[what]
    with pytest.raises(CalotypeError, match=problem) as caught:
        dataset(tmp_path, **keys)
    assert str(caught.value).startswith("datasets.yaml: ")


@pytest.mark.parametrize("source", DATASETS)
def test_no_split_of_any_kind_of_dataset_takes_the_name_of_the_catalogue(source):
    fetched = {"fetch": {"files": {"a": "0" * 64}, "sources": [{"folder": "x"}]}, "classes": CLASSES}
    entries = {
        "dots": ({}, {"images": 3, "seed": 1}),
        "idx": (fetched, {"images": "a", "labels": "a"}),
        "csv": (fetched, {"table": "a"}),
        "npz": (fetched, {"file": "a", "images": "x", "labels": "y"}),
        "images": ({"folder": "x", "classes": CLASSES}, {"share": 0.5}),
        "arrays": ({"folder": "x", "classes": CLASSES}, {"images": "x.npy", "labels": "y.npy"}),
    }
    entry, split = entries[source]
    validate(DATASETS[source], {"source": source, **entry, "splits": {"train": split}}, "datasets.yaml")
    with pytest.raises(CalotypeError, match="a split cannot be called `catalogue`: that name is taken"):
        validate(DATASETS[source], {"source": source, **entry, "splits": {"catalogue": split}}, "datasets.yaml")


def test_what_moves_or_names_no_image_is_no_part_of_what_the_catalogue_depends_on(flowers):
    plain = dataset(flowers).catalogue()
    same = {"ignore": ["*.txt"], "prepare": [], "alpha": "refuse", "unlabelled": "refuse", "labels": "classes"}
    assert dataset(flowers.parent, **same).catalogue() == plain
    assert dataset(flowers, alpha="white").catalogue() != plain
    assert dataset(flowers, random={"seed": 1}).catalogue() != plain
    assert ImagesDataset(**plain, **dataset(flowers).place()) == dataset(flowers)
