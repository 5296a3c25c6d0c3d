"""new_study asks which table gives the labels, and names tables that contradict folders, or that it does not use."""

from collections.abc import Callable
from pathlib import Path

import pytest
from unit.new_studies import NUMBER, TREES, lines_of, numbered, refused, scanned, table, two_classes

from calotype.config import load
from calotype.planning.new_study import write_study

pytestmark = pytest.mark.usefixtures("config_folder")


def test_several_tables_of_labels_are_a_question():
    names = numbered()
    table("image,label", names[:12], TREES[:12], file="x/train.csv")
    table("image,label", names[12:], TREES[12:], file="x/test.csv")
    refused(
        "several tables can give the labels:\n  test.csv: column `label`, 8 images\n  train.csv: column `label`, 12 ",
        "use one, such as table=train.csv; or join them in one table, with a column `split`.",
    )
    for asked in ({"table": "train.csv"}, {"place": "x/train.csv"}):
        said = lines_of(**asked)
        assert "table not used: test.csv: you chose train.csv" in said
        assert "ignored: 8 file(s), such as 12.png: not in the table" in said
        assert not [line for line in said if "not images" in line]
    refused("table: tests.csv not found in x.", "tables there are test.csv, train.csv.", table="tests.csv")
    refused("table: `test.csv`: `images` already names the table x/train.csv", table="test.csv", place="x/train.csv")


def test_the_chosen_column_chooses_the_table_too():
    names = numbered()
    table("image,stage", names, TREES, file="x/stages.csv")
    table("image,camera", names, TREES[::-1], file="x/cameras.csv")
    refused("several tables can give the labels:\n  cameras.csv: column `camera`")
    assert scanned(label="stage").table.entry["file"] == "stages.csv"
    assert "table not used: cameras.csv: label: column `stage` not found in x/cameras.csv" in lines_of(label="stage")
    refused("label: column `size` not found in x/", label="size")


def test_a_second_table_that_cannot_be_read_is_a_question_too():
    names = numbered()
    table("image,label", names, TREES)
    Path("x/new.csv").write_text("image;label\n0.png\n")
    refused("labels.csv: column `label`, 20 images\n  new.csv: line 2: not a table: 1 field instead of 2")
    assert scanned(table="labels.csv").table.entry["file"] == "labels.csv"


def test_a_table_that_names_no_image_is_no_question_and_is_not_called_an_image():
    table("image,label", numbered(), TREES)
    Path("x/microscope.csv").write_text("date,operator\n2024-01-05,me\n")
    Path("x/notes.txt").write_text("?")
    said = lines_of()
    assert "table not used: microscope.csv names none of the images, such as 0.png" in said
    assert "ignored: 1 file(s), such as notes.txt, which are not images" in said


def test_the_entry_ignores_other_tables_by_name_and_never_its_own():
    table("image,label", numbered(), TREES)
    for name in ("microscope.csv", "old.CSV", "notes.txt", "more.txt"):
        Path("x", name).write_text("?")
    write_study("mine", scanned(table="labels.csv"), load.Settings())
    ignore = load.load({"studies": ["mine"]}).datasets["mine"].ignore
    assert ignore == ["microscope.csv", "*.txt", "*.CSV"]


@pytest.mark.parametrize(("name", "pattern"), [("*", "?"), ("old.*", "*.?"), ("a.p?g", "a.p?g"), ("my.[x]", "*.[x]")])
def test_no_pattern_of_the_entry_ignores_an_image(name, pattern):
    two_classes()
    Path("x/ash", name).write_text("?")
    write_study("mine", scanned(), load.Settings())
    assert load.load({"studies": ["mine"]}).datasets["mine"].ignore == [pattern]


def other(path: str) -> str:
    return {"ash": "elm", "elm": "ash"}[path.split("/")[0]]


@pytest.mark.parametrize(
    ("header", "labels", "words"),
    [
        (
            "image,label",
            other,
            "contradict each other for 20 image(s), such as ash/0.png: `elm` in the table, `ash` as",
        ),
        ("image,score", lambda path: path[4:5], "can be the names of the folders (ash, elm), or the column `score` of"),
        ("image,label", lambda path: path[:0] + "ash", "contradict each other for 10 image(s), such as elm/0.png"),
    ],
)
def test_folders_that_contradict_a_table_are_a_question(header: str, labels: Callable[[str], str], words: str):
    paths = two_classes()
    table(header, paths, map(labels, paths))
    refused(words, "table=labels.csv uses the table, table=none the folders.")
    seen = scanned(table="none")
    assert seen.folders
    assert lines_of(table="none")[3:5] == [
        "groups: unknown; if images belong together, such as those of a patient, see `random` in the entry",
        "table not used: labels.csv: you chose the folders",
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ash/0.png,dry", "or in labels.csv: line 22: duplicate of line 2: ash/0.png."),
        ("ash/99.png,dry", "or in labels.csv: line 22: image ash/99.png not found"),
        ("elm/0.jpg,dry", "or in labels.csv: line 22: image elm/0.jpg not found (did you mean `elm/0.png`?)."),
    ],
)
def test_a_table_with_errors_beside_folders_is_a_question(line, words):
    paths = two_classes()
    table("image,label", [*paths, line.split(",")[0]], [*TREES, "dry"])
    refused("the labels can be the names of the folders (ash, elm), ", words, "table=none uses the folders.")
    assert scanned(table="none").folders


def test_a_table_that_gives_the_folders_or_other_classes_is_no_contradiction():
    paths = two_classes()
    table("image,label", paths, [path.split("/")[0].upper() for path in paths])
    assert scanned().table
    table("image,label", paths, [("dry", "wet")[i % 2] for i in range(20)])
    assert scanned().classes == ["dry", "wet"]


def test_folders_named_as_splits_are_not_passed_over():
    names = [*numbered("x/train"), *numbered("x/test")]
    paths = [f"{('train', 'test')[i // 20]}/{name}" for i, name in enumerate(names)]
    table("image,label", paths, TREES * 2)
    refused("has no column of splits, but folders are named as splits: test, train.", "add a column `split`")
    assert not scanned(split="none").splits
    table("image,label,split", paths, TREES * 2, ["test"] * 20 + ["train"] * 20)
    refused("contradict each other in the split of 40 image(s)", "correct the table")
    table("image,label,split", paths, TREES * 2, ["train"] * 20 + ["test"] * 20)
    assert [*scanned().splits] == ["train", "test"]


def test_a_column_with_another_text_for_each_image_is_doubted():
    names, start = numbered(), "single images: 20 of 20 classes have one image, such as `0-5`; if these"
    table("image,age", names, [f"{i}-{i + 5}" for i in range(NUMBER)])
    assert [line for line in lines_of() if line.startswith(start)]
    table("image,age", names, [f"{i // 3}-{i // 3 + 5}" for i in range(NUMBER)])
    assert not [line for line in lines_of() if "single images" in line]


def test_what_is_unusual_in_the_text_of_a_table_is_said():
    names = numbered()
    lines = ["image;age", *(f"{name};{i},5" for i, name in enumerate(names))]
    Path("x/labels.csv").write_bytes("\r\n".join(lines).encode("utf-16"))
    assert lines_of()[1:4] == [
        "labels: the column `age` of labels.csv, the only column that can hold labels",
        "table: text in UTF-16; columns separated by semicolons; decimal commas in `age`, read as decimal points",
        "task: regress, as the labels are numbers; or task=count, task=classify",
    ]
    assert set(scanned().labels.values()) == {f"{i}.5" for i in range(NUMBER)}


def test_a_table_above_the_images_is_named():
    numbered("x/images")
    Path("x/labels.csv").write_text("image,label\nimages/0.png,ash\n")
    refused("x/labels.csv: not in x/images; images=x/labels.csv uses it", place="x/images")


@pytest.mark.parametrize("name", ["labels.xlsx", "labels.txt", "coco.json"])
def test_other_files_that_may_hold_labels_are_named(name):
    numbered()
    Path("x", name).write_text("?")
    refused(name, ".csv" if not name.endswith("xlsx") else "save it as CSV in UTF-8")
