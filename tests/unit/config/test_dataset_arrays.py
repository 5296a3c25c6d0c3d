"""The entry of a user's arrays: what is wrong is named with its key, and what decides the catalogue is told."""

import pytest
from unit.faces import FACES, TEST, TRAIN, dataset

from calotype.config.dataset_arrays import ArraysDataset
from calotype.util.errors import CalotypeError

WRONG = {
    "no arrays": ({"arrays": None}, "splits.train: names no images and labels, and `arrays` does neither"),
    "for nothing": ({"splits": {"train": TRAIN, "test": TEST}}, "arrays: every split names its own"),
    "no labels": ({"arrays": {"images": "faces.npz:images"}}, "arrays.labels: is missing"),
    "images alone": ({"splits": {"a": {"images": "images.npy"}}}, "images and labels: give both, or neither"),
    "weights alone": ({"splits": {"a": {"weights": "w.npy"}}}, "weights: give images and labels, too"),
    "a share of a part": ({"splits": {"a": {"share": 0.5, "first": 3}}}, "first: images of a `share` are dealt out"),
    "some dealt": ({"splits": {"a": {"share": 0.5}, "b": {"first": 3}}}, "of a, b, which share images, all have a"),
    "too much": ({"splits": {"a": {"share": 0.7}, "b": {"share": 0.4}}}, "the shares of a, b are more than 1 in all"),
    "two sorts of labels": (
        {"arrays": None, "splits": {"a": TRAIN, "b": TRAIN | {"labels": TEST["labels"]}}},
        "the images of train-images-idx3-ubyte have one array each",
    ),
    "groups of some": (
        {"arrays": None, "splits": {"a": TRAIN | {"groups": "g.npy"}, "b": TEST}},
        "some have groups, others have none",
    ),
    "strata of given splits": ({"splits": {"a": {}}, "random": {"stratify": True}}, "nothing is dealt out"),
    "strata of numbers": (
        {"labels": "numbers", "classes": None, "random": {"stratify": True}},
        "random.stratify: labels that are numbers have no classes",
    ),
    "a pattern of no names": ({"random": {"group_pattern": "(x)"}}, "group_pattern: is not a known key"),
    "a taken name": ({"splits": {"catalogue": {"share": 0.5}}}, "a split cannot be called `catalogue`"),
    "no array": ({"arrays": FACES | {"images": "faces.npz"}}, "name an array of the file: faces.npz:array"),
    "an array of a file": ({"arrays": FACES | {"images": "images.npy:x"}}, "images.npy is no .npz file"),
    "above": ({"arrays": FACES | {"images": "../images.npy"}}, "arrays.images: lies in `folder`"),
    "elsewhere": ({"arrays": FACES | {"images": "/etc/passwd"}}, "arrays.images: lies in `folder`"),
    "hidden": ({"arrays": FACES | {"images": "a/.b.npy"}}, "arrays.images: lies in `folder`"),
    "no name": ({"arrays": FACES | {"images": ""}}, "arrays.images: "),
    "no classes": ({"classes": None}, "classes: name two or more"),
    "classes of counts": ({"labels": "counts"}, "classes: labels that are counts have none"),
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
    same = {"labels": "classes", "random": {"seed": 0}, "prepare": [], "allow_duplicates": False}
    assert dataset(tmp_path / "..", **same).catalogue() == plain
    assert dataset(tmp_path, random={"seed": 1}).catalogue() != plain
    again = ArraysDataset(**plain, **dataset(tmp_path).place())
    assert again == dataset(tmp_path)


def test_only_the_files_that_are_named_are_watched(tmp_path):
    assert dataset(tmp_path).files() == ["faces.npz"]
    assert dataset(tmp_path, arrays=None, splits={"train": TRAIN, "test": TEST}).files() == sorted(
        [*TRAIN.values(), *TEST.values()]
    )
