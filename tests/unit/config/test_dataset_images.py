"""The entry of a user's image files: errors name their key, and the keys of the catalogue are known."""

import pytest
from unit.flowers import FULL, GIVEN, TABLE, dataset

from calotype.config.dataset_images import ImagesDataset
from calotype.util.errors import CalotypeError

WRONG = {
    "no classes": ({"classes": None}, "classes: name two or more"),
    "one class": ({"classes": ["daisy"]}, "classes: name two or more"),
    "a class twice": ({"classes": ["daisy", "daisy"]}, "classes: duplicate name"),
    "a class above": ({"classes": ["daisy", ".."]}, "classes: '..': must be the name of a folder"),
    "a class elsewhere": ({"classes": ["daisy", "/etc"]}, "classes: '/etc': must be the name of a folder"),
    "a class without name": ({"classes": ["daisy", ""]}, "classes: empty name"),
    "classes of numbers": ({"labels": "numbers", "table": TABLE}, "classes: not allowed for numbers"),
    "numbers of folders": ({"labels": "numbers", "classes": None}, "labels: numbers need a table"),
    "another kind": ({"labels": "boxes"}, "'boxes' is not one of classes, counts, numbers"),
    "no folder": ({"folder": ""}, "folder: "),
    "no splits": ({"splits": {}}, "splits: .*is empty"),
    "too much": ({"splits": {"a": {"share": 0.7}, "b": {"share": 0.4}}}, "the sum of the shares of a, b is above 1"),
    "nothing": ({"splits": {"a": {"share": 0.0}}}, "0.0 is not a positive number"),
    "in per cent": ({"splits": {"a": {"share": 70}}}, "share: 70.* is out of range"),
    "negative": ({"splits": {"a": {"share": -0.5}}}, "is not a positive number"),
    "two ways": ({"splits": {"a": {"share": 0.5, "folder": "a"}}}, "exactly one of share, folder, value"),
    "no way": ({"splits": {"a": {}}}, "exactly one of share, folder, value"),
    "mixed": ({"splits": {"a": {"share": 0.5}, "b": {"folder": "b"}}}, "all must have the same key"),
    "a folder in a folder": ({"splits": {"a": {"folder": "x/y"}}}, "'x/y' is not the name of one folder in `folder`"),
    "a folder of two splits": ({"splits": {"a": {"folder": "x"}, "b": {"folder": "x"}}}, "duplicate folder"),
    "a reserved name": ({"splits": {"catalogue": {"share": 0.5}}}, "splits: `catalogue` is a reserved name"),
    "a value of nothing": ({"splits": GIVEN}, "`value` needs table.split"),
    "a column for nothing": ({"table": FULL}, "table.split: the splits have a share"),
    "folders and a table": ({"table": TABLE, "splits": {"a": {"folder": "x"}}}, "with a table use `value` or `share`"),
    "strata of numbers": (
        {"labels": "numbers", "classes": None, "table": TABLE, "random": {"stratify": True}},
        "random.stratify: needs classes, but the labels are numbers",
    ),
    "a table elsewhere": ({"table": {"file": "../labels.csv"}}, "table.file: must be inside `folder`"),
    "strata for nothing": (
        {"splits": {"a": {"folder": "x"}}, "random": {"stratify": True}},
        "random.stratify: needs splits with a `share`",
    ),
    "a pattern that is none": ({"random": {"group_pattern": "("}}, "not a regular expression"),
    "a pattern without group": ({"random": {"group_pattern": "x"}}, "no group in brackets"),
    "two groups": (
        {"table": TABLE | {"group": "plate"}, "random": {"group_pattern": "(x)"}},
        "the table already has a column `group`",
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


def test_what_moves_or_names_no_image_is_no_part_of_what_the_catalogue_depends_on(tmp_path):
    plain = dataset(tmp_path).catalogue()
    same = {"ignore": ["*.txt"], "prepare": [], "alpha": "refuse", "unlabelled": "refuse", "labels": "classes"}
    assert dataset(tmp_path.parent, **same).catalogue() == plain
    assert dataset(tmp_path, alpha="white").catalogue() != plain
    assert dataset(tmp_path, random={"seed": 1}).catalogue() != plain
    assert ImagesDataset(**plain, **dataset(tmp_path).place()) == dataset(tmp_path)
