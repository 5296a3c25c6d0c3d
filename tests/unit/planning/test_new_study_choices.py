"""new_study says where it takes labels, splits, groups and weights from, and asks if several places are possible."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from unit.new_studies import fill, image

from calotype.config import load
from calotype.planning.findings import findings
from calotype.planning.folder_scan import FolderScan, scan_folder
from calotype.planning.new_study import write_study
from calotype.util.errors import CalotypeError

pytestmark = pytest.mark.usefixtures("config_folder")
NUMBER = 20
TREES = [("ash", "elm")[i % 2] for i in range(NUMBER)]


def numbered(folder: str = "x") -> list[str]:
    """Write images without folders of classes; return their names."""
    Path(folder).mkdir(parents=True)
    for i in range(NUMBER):
        image(i).save(Path(folder, f"{i}.png"))
    return [f"{i}.png" for i in range(NUMBER)]


def table(header: str, *columns: Sequence[object], file: str = "x/labels.csv") -> None:
    lines = [",".join(map(str, line)) for line in zip(*columns, strict=True)]
    Path(file).write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def two_classes() -> list[str]:
    """Write a folder for each of two classes; return the paths of the images."""
    fill("x/ash", image(1), 10)
    fill("x/elm", image(2), 10)
    return [f"{name}/{i}.png" for name in ("ash", "elm") for i in range(10)]


def scanned(place: str = "x", **asked: Any) -> FolderScan:
    return scan_folder(Path(place), load.Settings(**asked))


def lines_of(place: str = "x", **asked: Any) -> list[str]:
    return [line.strip() for line in findings("mine", scanned(place, **asked))]


def refused(*parts: str, place: str = "x", **asked: Any) -> None:
    with pytest.raises(CalotypeError) as caught:
        scanned(place, **asked)
    for part in (*parts, "\nHint: "):
        assert part in str(caught.value)


# ---- What is said ----------------------------------------------------------------------------------------------------


def test_the_first_lines_say_what_was_taken_why_and_what_else_is_possible():
    names = numbered()
    splits = ["train"] * 12 + ["test"] * 8
    patients, plates = [i // 2 for i in range(20)], [i // 4 for i in range(20)]
    columns = names, TREES, ["a", "b"] * 10, splits, patients, plates, [70] * 20
    table("image,species,type,split,patient,plate,weight", *columns)
    assert lines_of()[1:6] == [
        "labels: the column `species` of labels.csv, by its name; or label=type",
        "task: classify, the labels are text",
        "given splits: the column `split`, by its name: train, test; or split=none",
        "groups: images with the same `patient` stay in one split: the column `patient`, by its name; or group=none, "
        "group=plate, group=type",
        "weights: none; or weight=weight",
    ]


def test_the_first_lines_say_that_labels_are_names_of_folders():
    two_classes()
    said = lines_of()
    assert said[1] == "labels: the names of the folders; there is no table of labels"
    assert said[2] == "splits: at random, 80 % train and 20 % test"


@pytest.mark.parametrize(
    ("labels", "column", "task", "others"),
    [
        ([i % 3 for i in range(20)], "class", "classify", "; or task=count, task=regress"),
        ([i % 3 for i in range(20)], "bugs", "classify", "; or task=count, task=regress"),
        ([20 + i for i in range(20)], "age", "regress", "; or task=count, task=classify"),
        ([20 + i for i in range(20)], "label", "regress", "; or task=count, task=classify"),
        ([i % 7 for i in range(20)], "bug_count", "count", "; or task=classify, task=regress"),
        ([i % 7 - 1 for i in range(20)], "count", "regress", "; or task=count, task=classify"),
        ([i / 8 for i in range(20)], "class", "regress", "; or task=count, task=classify"),
        (TREES, "count", "classify", ""),
        (["2 m", "3 d"] * 10, "class", "classify", ""),
        (["1st", "2nd", "3rd", "4th"] * 5, "class", "classify", ""),
        (["3", "x", "y", "z"] * 5, "class", "classify", ""),
    ],
)
def test_the_task_and_the_other_tasks_are_said(labels, column, task, others):
    table(f"image,{column}", numbered(), labels)
    (line,) = [line for line in lines_of() if line.startswith("task: ")]
    assert re.fullmatch(rf"task: {task}, .*", line)
    assert line.endswith(others)
    assert ("; or" in line) == bool(others)


def test_groups_and_weights_of_a_table_without_them_are_said():
    table("image,label,split", numbered(), TREES, ["train"] * 12 + ["test"] * 8)
    assert lines_of()[4:6] == ["groups: none", "weights: none"]


def test_a_table_of_one_split_is_refused_with_a_way_out():
    table("image,label,split", numbered(), TREES, ["train"] * 20)
    refused("only the split train was found", "split=none splits at random")
    assert not scanned(split="none").splits


@pytest.mark.parametrize("task", ["count", "classify", "regress"])
def test_the_task_can_be_chosen(task):
    table("image,class", numbered(), [i % 3 for i in range(20)])
    write_study("mine", scanned(task=task), load.Settings())
    assert load.load({"studies": ["mine"]}).studies["mine"].task == task
    assert any(line.startswith(f"task: {task}, as you chose") for line in lines_of(task=task))


def test_labels_that_do_not_fit_the_chosen_task_are_named():
    table("image,class", numbered(), TREES)
    refused("20 of 20 labels are not numbers:\n  line 2: 'ash'", task="regress")
    refused("20 of 20 labels are not numbers:\n  line 2: 'ash'", task="count")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["1", "01", "2", "2"], "similar classes: '01' and '1' differ"),
        (["oak", "Oak", "elm", "elm"], "similar classes: 'Oak' and 'oak' differ"),
        (["oak", "elm", "NA", "n/a"], "unclear class: 'n/a', 'NA' may stand for a missing label"),
        (["5-Jan", "elm", "Mar-1", "elm"], "unclear class: '5-Jan', 'Mar-1' may be a name that a spreadsheet changed"),
        (["oak", "elm", "oak; elm", "elm"], "unclear class: 'oak; elm' may name several classes"),
    ],
)
def test_doubtful_classes_are_named(labels, words):
    table("image,label", numbered(), labels * 5)
    assert words in "\n".join(lines_of())


def test_groups_that_a_typing_error_separates_are_named():
    patients = [("p1", "P1 ", "p2", "p3")[i % 4] for i in range(20)]
    table("image,label,patient", numbered(), TREES, patients)
    assert "similar groups: 'P1 ' and 'p1' differ only in spaces" in "\n".join(lines_of())


# ---- Questions about columns -----------------------------------------------------------------------------------------


def test_several_columns_that_can_be_the_label_are_a_question():
    names = numbered()
    table("image,dx,dx_type,sex,age,remark", names, TREES, ["h", "c"] * 10, ["m", "f"] * 10,
          range(20), [f"remark {i}" for i in range(20)])  # fmt: skip
    refused("has several columns that can hold the labels: `dx`, `dx_type`, `sex`, `age`.", "such as label=dx.")
    assert scanned(label="dx").labels == dict(zip(names, TREES, strict=True))
    refused("label: column `dy` not found in x/labels.csv.", "did you mean `dx`?", label="dy")


@pytest.mark.parametrize("one", ["1", "1.0", "True"])
def test_a_column_for_each_class_is_named(one):
    zero = {"1": "0", "1.0": "0.0", "True": "False"}[one]
    columns = [[one if i % 3 == k else zero for i in range(20)] for k in range(3)]
    table("image,age,oak,elm,ash", numbered(), range(20), *columns)
    refused("has a column of 0 and 1 for each class (`oak`, `elm`, `ash`)", "add a column `label`")
    assert scanned(label="elm").table.entry["label"] == "elm"


def test_columns_can_be_chosen_or_left_out():
    splits = ["train"] * 12 + ["test"] * 8
    table("image,label,split,patient,plate,weight", numbered(), TREES, splits, [i // 2 for i in range(20)],
          [i // 4 for i in range(20)], [1.5] * 20)  # fmt: skip
    assert scanned().table.entry == {
        "file": "labels.csv", "image": "image", "label": "label", "split": "split", "group": "patient",
    }  # fmt: skip
    seen = scanned(split="none", group="plate", weight="weight")
    assert seen.table.entry == {
        "file": "labels.csv", "image": "image", "label": "label", "group": "plate", "weight": "weight",
    }  # fmt: skip
    assert not seen.splits
    assert "group" not in scanned(group="none").table.entry
    for key in ("split", "group", "weight"):
        refused(f"{key}: column `wrong` not found in x/labels.csv", **{key: "wrong"})
    refused("split: x/labels.csv: column `plate` gives no splits: '0', '1', '2'.", split="plate")


def test_columns_of_a_folder_without_a_table_are_an_error():
    two_classes()
    for key in ("label", "split", "group", "weight"):
        with pytest.raises(CalotypeError, match=f"{key}: names a column, but x has no table of labels"):
            scanned(**{key: "wrong"})
    refused("task: `count` needs numbers, and folders give classes", task="count")


# ---- Questions about tables ------------------------------------------------------------------------------------------


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


# ---- Sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "asked", "steps"),
    [
        ([(120, 160)], None, [{"name": "resize", "width": 64, "height": 48}]),
        ([(120, 160)], 80, [{"name": "resize", "width": 80, "height": 60}]),
        ([(120, 160)], 160, []),
        ([(30, 40)], 20, [{"name": "resize", "width": 20, "height": 15}]),
        ([(30, 40)], None, []),
        (
            [(120, 160), (90, 160)],
            128,
            [
                {"name": "resize", "width": 128, "height": 128, "keep_aspect": True},
                {"name": "pad", "width": 128, "height": 128},
            ],
        ),
    ],
)
def test_the_size_can_be_chosen(sizes, asked, steps):
    fill("x/ash", image(1, sizes[0]))
    fill("x/elm", image(2, sizes[-1]))
    write_study("mine", scanned(), load.Settings(size=asked))
    found = load.load({"studies": ["mine"]}).datasets["mine"].prepare[:-1]
    assert [{key: getattr(step, key) for key in keys} for step, keys in zip(found, steps, strict=True)] == steps
