"""new_study says where it takes labels, splits, groups and weights from; columns, task and size can be chosen."""

import re

import pytest
from unit.new_studies import TREES, fill, image, lines_of, numbered, refused, scanned, table, two_classes

from calotype.config import load
from calotype.planning.new_study import write_study
from calotype.tasks.registry import TASKS
from calotype.util.errors import CalotypeError

pytestmark = pytest.mark.usefixtures("config_folder")

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


@pytest.mark.parametrize("task", TASKS)
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
