"""Image files in a catalogue: none is dropped silently, and errors name the file."""

import json
import logging
import os

import pandas as pd
import pytest
from unit.flowers import CLASSES, EACH, FULL, GIVEN, HALVES, TABLE, catalogue, dataset, image, raw_of

from calotype.data.catalogue import write_catalogue
from calotype.util.errors import CalotypeError

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


def test_the_same_folder_is_split_the_same_way_each_time_and_otherwise_by_another_seed(flowers):
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
    catalogue(flowers, duplicates="allow")
    files = flowers.parent / "threads.csv", flowers.parent / "threads.json"
    write_catalogue(dataset(flowers, duplicates="allow"), *files, threads=3)
    assert files[0].read_bytes() == (flowers.parent / "catalogue.csv").read_bytes()


def test_an_image_whose_name_is_as_long_as_a_name_can_be_is_found(flowers):
    name = "daisy/" + "x" * 251 + ".png"
    image(900).save(flowers / name)
    assert name in {*catalogue(flowers).path}


def test_images_of_one_plant_stay_together_by_their_names(flowers):
    found = catalogue(flowers, random={"group_pattern": r"/(\d)\."})
    assert found.groupby("group").split.nunique().max() == 1
    with pytest.raises(CalotypeError, match=r"group_pattern: finds no group in(?s:.*)\nHint: .* \(plant-\["):
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
    with pytest.raises(CalotypeError, match=r"not images.*\n  daisy/9.heic\n  daisy/notes.txt\nHint: .*`ignore`"):
        catalogue(flowers)


def test_a_table_beside_the_classes_is_called_a_table(flowers):
    (flowers / "labels.csv").write_text("image,label\n")
    with pytest.raises(
        CalotypeError, match=r"labels.csv\nHint: name labels.csv under `table` if it gives the labels; or"
    ):
        catalogue(flowers)


def test_a_folder_that_is_no_class_is_named_with_what_was_meant(flowers):
    (flowers / "rose").rename(flowers / "roses")
    with pytest.raises(CalotypeError, match=r"roses: 10 image.*\n.*did you mean `rose`"):
        catalogue(flowers)


def test_images_beside_the_folders_are_named(flowers):
    image(900).save(flowers / "lost.png")
    with pytest.raises(CalotypeError, match=r"\(outside all folders\): 1 image\(s\), such as lost.png"):
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
    with pytest.raises(CalotypeError, match="no images found"):
        catalogue(tmp_path / "flowers")
    with pytest.raises(CalotypeError, match="nowhere not found"):
        catalogue(tmp_path / "nowhere")


def test_a_split_without_images_is_named(flowers):
    with pytest.raises(CalotypeError, match="the split `tiny` has no images"):
        catalogue(flowers, splits={"train": {"share": 0.99}, "tiny": {"share": 0.01}})


# ---- A table of labels -----------------------------------------------------------------------------------------------


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


def test_a_validation_split_that_the_table_gives_is_a_split_like_the_others(cells):
    text = (cells / "labels.csv").read_text().replace("raw/2.png,tulip,train", "raw/2.png,tulip,val")
    (cells / "labels.csv").write_text(text)
    keys = {"table": TABLE | {"split": "split"}, "splits": GIVEN | {"validation": {"value": "val"}}}
    assert catalogue(cells, **keys).split.tolist() == ["train"] * 2 + ["validation"] + ["train"] * 5 + ["test"] * 4
    assert [record[1] for record in raw_of(cells, "validation", **keys).records] == [2]


@pytest.mark.parametrize("table", [TABLE, TABLE | {"group": "plate"}], ids=["images", "groups"])
def test_a_table_in_another_order_puts_no_test_image_into_the_training_split(cells, table):
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
    with pytest.raises(CalotypeError, match=r"groups in more than one split:\n  plate-3: in test, train"):
        catalogue(cells, table=FULL, splits=GIVEN)


def test_images_that_the_table_puts_in_no_split_are_told(cells, caplog):
    text = (cells / "labels.csv").read_text().replace("raw/3.png,daisy,train", "raw/3.png,daisy,later")
    (cells / "labels.csv").write_text(text)
    with caplog.at_level(logging.WARNING, "calotype"):
        found = catalogue(cells, table=FULL, splits=GIVEN)
    assert "1 image(s) are in no split: the table has 'later'" in caplog.text
    assert found.split[3] == ""


def test_numbers_are_kept_in_full(cells):
    lines = ["image,label", *(f"raw/{i}.png,{i / 7!r}" for i in range(12))]
    (cells / "labels.csv").write_text("\n".join(lines))
    found = catalogue(cells, table=TABLE, labels="numbers", classes=None)
    assert found.label.tolist() == [i / 7 for i in range(12)]


def test_images_that_the_table_does_not_name_are_refused_or_left_out(cells, caplog):
    image(99).save(cells / "raw/99.png")
    with pytest.raises(
        CalotypeError, match=r"1 image\(s\) in .* not in the table:\n  raw/99.png\n.*unlabelled: ignore"
    ):
        catalogue(cells, table=TABLE)
    with caplog.at_level(logging.WARNING, "calotype"):
        assert len(catalogue(cells, table=TABLE, unlabelled="ignore")) == 12
    assert "Leaving out 1 image(s) without a label, such as raw/99.png" in caplog.text


# Each: the change of the table of cells, and the expected error.
SPOILT = {
    "twice": (("raw/1.png", "raw/0.png"), "line 3: duplicate of line 2: raw/0.png"),
    "twice, in other words": (("raw/1.png", "raw/../raw/0.png"), "line 3: duplicate of line 2: raw/0.png"),
    "absent": (("raw/1.png", "raw/one.png"), r"line 3: image raw/one.png"),
    "another suffix": (("raw/1.png", "raw/1.jpg"), r"line 3: image raw/1.jpg .*did you mean"),
    "above": (("raw/1.png", "../secret.png"), r"line 3: '../secret.png' is not in"),
    "around": (("raw/1.png", "raw/../../secret.png"), r"line 3: .* is not in"),
    "absolute": (("raw/1.png", "/etc/passwd"), r"line 3: '/etc/passwd' is not in"),
    "no image": (("raw/1.png", ""), r"line 3: '' is not in"),
    "the folder": (("raw/1.png", "raw"), r"line 3: image raw"),
    "too long": (("raw/1.png", "raw/" + "x" * 300 + ".png"), r"line 3: image raw/x"),
    "unknown": (("raw/1.png,rose", "raw/1.png,roes"), "the label 'roes' is not a class"),
    "empty": (("raw/1.png,rose", "raw/1.png,"), r"the label '' is not a class \(it is empty\)"),
    "capital": (("raw/1.png,rose", "raw/1.png,Rose"), "the label 'Rose' is not a class"),
    "weight": (("train,0.5,", "train,half,"), r"weight:\n  raw/1.png: 'half' is not a number"),
    "no weight": (("train,0.5,", "train,,"), r"weight:\n  raw/1.png: '' is not a number"),
    "NaN": (("train,0.5,", "train,nan,"), r"weight:\n  raw/1.png: 'nan' is not a number"),
    "infinite": (("train,0.5,", "train,inf,"), r"weight:\n  raw/1.png: 'inf' is not a number"),
    "negative": (("train,0.5,", "train,-0.5,"), "raw/1.png: the weight is negative"),
    "column": (("image,label", "image,lable"), r"column `label` \(table.label\).*\n.*did you mean `lable`"),
    "too many fields": (("raw/1.png,rose", "raw/1.png,rose,and,more"), "not a table"),
    "an open quote": (("raw/1.png,rose", 'raw/1.png,"rose'), r"not a table|is not a class|names no label"),
    "a formula": (("raw/1.png,rose", "raw/1.png,=1+1"), r"the label '=1\+1' is not a class"),
    "a command": (("raw/1.png,rose", "raw/1.png,$(reboot)"), "is not a class"),
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
    "label", ["", "one", "1.5", "-1", "nan", "inf", "1e400", "0x10", "1001", "1000000000", "9" * 30]
)
def test_labels_that_are_no_counts_or_too_large_for_a_figure_are_named(cells, label):
    lines = ["image,label", *(f"raw/{i}.png,{label if i == 5 else i}" for i in range(12))]
    (cells / "labels.csv").write_text("\n".join(lines))
    with pytest.raises(CalotypeError, match=r"raw/5.png: "):
        catalogue(cells, table=TABLE, labels="counts", classes=None)


def test_counts_that_are_all_the_same_are_refused_before_a_training_run_on_nothing(cells):
    (cells / "labels.csv").write_text("\n".join(["image,label", *(f"raw/{i}.png,3" for i in range(12))]))
    with pytest.raises(CalotypeError, match="every count is 3; a model cannot learn"):
        catalogue(cells, table=TABLE, labels="counts", classes=None)
