"""The entry of a user's arrays: errors name their key, and the keys of the catalogue are known."""

import pytest
from unit.faces import FACES, TEST, TRAIN, dataset

from calotype.config.dataset_arrays import ArraysDataset
from calotype.util.errors import CalotypeError

WRONG = {
    "no arrays": ({"arrays": None}, "splits.train: images and labels are missing, here and under `arrays`"),
    "for nothing": ({"splits": {"train": TRAIN, "test": TEST}}, "arrays: not used: every split names its own"),
    "no labels": ({"arrays": {"images": "faces.npz:images"}}, "arrays.labels: is missing"),
    "images alone": ({"splits": {"a": {"images": "images.npy"}}}, "images and labels: give both or neither"),
    "weights alone": ({"splits": {"a": {"weights": "w.npy"}}}, "weights: needs images and labels"),
    "a share and a first image": ({"splits": {"a": {"share": 0.5, "first": 3}}}, "first: not allowed with `share`"),
    "some at random": ({"splits": {"a": {"share": 0.5}, "b": {"first": 3}}}, "splits: a, b use the same arrays"),
    "too much": ({"splits": {"a": {"share": 0.7}, "b": {"share": 0.4}}}, "the sum of the shares of a, b is above 1"),
    "two sorts of labels": (
        {"arrays": None, "splits": {"a": TRAIN, "b": TRAIN | {"labels": TEST["labels"]}}},
        "train-images-idx3-ubyte must have the same labels",
    ),
    "groups of some": (
        {"arrays": None, "splits": {"a": TRAIN | {"groups": "g.npy"}, "b": TEST}},
        "groups are missing in some splits",
    ),
    "strata of given splits": ({"splits": {"a": {}}, "random": {"stratify": True}}, "needs splits with a `share`"),
    "strata of numbers": (
        {"labels": "numbers", "classes": None, "random": {"stratify": True}},
        "random.stratify: needs classes, but the labels are numbers",
    ),
    "a pattern of no names": ({"random": {"group_pattern": "(x)"}}, "group_pattern: is not a known key"),
    "a reserved name": ({"splits": {"catalogue": {"share": 0.5}}}, "splits: `catalogue` is a reserved name"),
    "no array": ({"arrays": FACES | {"images": "faces.npz"}}, "name an array of the file: faces.npz:<array>"),
    "an array of a file": ({"arrays": FACES | {"images": "images.npy:x"}}, "images.npy is not an .npz file"),
    "above": ({"arrays": FACES | {"images": "../images.npy"}}, "arrays.images: must be inside `folder`"),
    "elsewhere": ({"arrays": FACES | {"images": "/etc/passwd"}}, "arrays.images: must be inside `folder`"),
    "hidden": ({"arrays": FACES | {"images": "a/.b.npy"}}, "arrays.images: must be inside `folder`"),
    "no name": ({"arrays": FACES | {"images": ""}}, "arrays.images: "),
    "no classes": ({"classes": None}, "classes: name two or more"),
    "classes of counts": ({"labels": "counts"}, "classes: not allowed for counts"),
    "a name of the labels beside names of classes": ({"label": {"name": "a"}}, "label: not allowed for classes"),
    "a misspelt key": ({"array": FACES}, "array: is not a known key.*did you mean `arrays`"),
    "a misspelt array": ({"arrays": FACES | {"group": "g.npy"}}, "group: is not a known key.*did you mean `groups`"),
    "a number": ({"arrays": FACES | {"images": 7}}, "arrays.images: 7 is not text"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_entry_is_named_with_its_key(tmp_path, what):
    keys, problem = WRONG[what]
    with pytest.raises(CalotypeError, match=problem) as caught:
        dataset(tmp_path, **keys)
    assert str(caught.value).startswith("datasets.yaml: ")


def test_what_names_no_image_is_no_part_of_what_the_catalogue_depends_on(tmp_path):
    plain = dataset(tmp_path).catalogue()
    same = {"labels": "classes", "random": {"seed": 0}, "prepare": [], "duplicates": "refuse"}
    assert dataset(tmp_path / "..", **same).catalogue() == plain
    assert dataset(tmp_path, random={"seed": 1}).catalogue() != plain
    named = dataset(tmp_path, labels="numbers", classes=[], label={"name": "diameter", "unit": "mm"})
    assert named.catalogue() == dataset(tmp_path, labels="numbers", classes=[]).catalogue()
    again = ArraysDataset(**plain, **dataset(tmp_path).place())
    assert again == dataset(tmp_path)


def test_only_the_files_that_are_named_are_watched(tmp_path):
    assert {*dataset(tmp_path).named().values()} == {"faces.npz"}
    found = dataset(tmp_path, arrays=None, splits={"train": TRAIN, "test": TEST})
    assert {*found.named().values()} == {*TRAIN.values(), *TEST.values()}
    assert "ignore" not in found.place(), "else all files of the folder are watched"
