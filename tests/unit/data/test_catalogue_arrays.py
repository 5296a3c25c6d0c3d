"""The catalogue of images in arrays: given or random splits, nothing on both sides, no object ever unpickled."""

import logging
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from calotype.config.dataset_arrays import ArraysDataset
from calotype.data.catalogue import write_catalogue
from calotype.data.prepared_split import open_split
from calotype.preparation.prepare import read_split, write_split
from calotype.util.errors import CalotypeError
from calotype.util.yaml_validation import validate

NUMBER = 30
IMAGES = np.random.default_rng(1).integers(0, 256, (NUMBER, 5, 4, 3), np.uint8)
LABELS = np.arange(NUMBER) % 3
PEOPLE = np.arange(NUMBER) // 3
CLASSES = ["calm", "glad", "sad"]
FACES = {"images": "faces.npz:images", "labels": "faces.npz:labels"}
HALVES = {"train": {"share": 0.5}, "test": {"share": 0.5}}


def idx(array: np.ndarray) -> bytes:
    """An array as the content of an IDX file."""
    return (
        bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the same images in an .npz file, in .npy files, and, grey, in IDX files."""
    (tmp_path / "faces").mkdir()
    save(tmp_path / "faces")
    np.save(tmp_path / "faces/images.npy", IMAGES)
    np.save(tmp_path / "faces/labels.npy", LABELS)
    for part, chosen in (("train", slice(0, 20)), ("t10k", slice(20, None))):
        (tmp_path / f"faces/{part}-images-idx3-ubyte").write_bytes(idx(IMAGES[chosen, ..., 0]))
        (tmp_path / f"faces/{part}-labels-idx1-ubyte").write_bytes(idx(LABELS[chosen]))
    return tmp_path / "faces"


def save(folder: Path, **arrays: object) -> None:
    """Save the .npz file, with other arrays in the place of some."""
    known = {"images": IMAGES, "labels": LABELS, "people": PEOPLE}
    np.savez(folder / "faces.npz", **{name: np.asarray(array) for name, array in (known | arrays).items()})


def dataset(folder: Path, /, **keys) -> ArraysDataset:
    entry = {"source": "arrays", "folder": str(folder), "classes": CLASSES, "arrays": FACES, "splits": HALVES} | keys
    return validate(ArraysDataset, {key: value for key, value in entry.items() if value is not None}, "datasets.yaml")


def catalogue(folder: Path, /, **keys) -> pd.DataFrame:
    """The catalogue, in the order of the arrays."""
    files = folder.parent / "catalogue.csv", folder.parent / "catalogue.json"
    write_catalogue(dataset(folder, **keys), *files)
    found = pd.read_csv(files[0], dtype={"split": str, "group": str}, keep_default_na=False)
    return found.sort_values(["path", "number"], ignore_index=True)


def refused(folder: Path, /, **keys) -> str:
    with pytest.raises(CalotypeError) as problem:
        catalogue(folder, **keys)
    return str(problem.value)


# ---- Splits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arrays", [FACES, {"images": "images.npy", "labels": "labels.npy"}, FACES | {"labels": "labels.npy"}]
)
def test_random_splits_get_the_same_part_of_each_class_and_the_same_images_each_time(folder, arrays):
    found = catalogue(folder, arrays=arrays)
    assert found.number.tolist() == [*range(NUMBER)]
    assert found.label.tolist() == LABELS.tolist()
    assert found.groupby(["split", "label"]).size().tolist() == [5] * 6
    assert found[["height", "width", "channels", "bits"]].drop_duplicates().values.tolist() == [[5, 4, 3, 8]]
    assert catalogue(folder, arrays=arrays).equals(found)
    assert not catalogue(folder, arrays=arrays, random={"seed": 1}).split.equals(found.split)


def test_a_validation_part_is_dealt_out_like_the_others(folder):
    splits = {"train": {"share": 0.6}, "validation": {"share": 0.2}, "test": {"share": 0.2}}
    assert catalogue(folder, splits=splits).split.value_counts().to_dict() == {"train": 18, "validation": 6, "test": 6}


def test_images_of_one_person_are_never_on_both_sides(folder):
    found = catalogue(folder, arrays=FACES | {"groups": "faces.npz:people"})
    assert found.groupby("group").split.nunique().max() == 1
    assert {*found.split} == {"train", "test"}


def test_images_come_in_random_order_and_not_class_by_class(folder):
    save(folder, labels=np.sort(LABELS))
    catalogue(folder)
    order = pd.read_csv(folder.parent / "catalogue.csv")
    assert order.label[order.split == "train"].tail(8).nunique() == 3


TRAIN = {"images": "train-images-idx3-ubyte", "labels": "train-labels-idx1-ubyte"}
TEST = {"images": "t10k-images-idx3-ubyte", "labels": "t10k-labels-idx1-ubyte"}


def test_splits_may_have_files_of_their_own_as_mnist_has_them(folder):
    found = catalogue(folder, arrays=None, splits={"train": TRAIN, "test": TEST})
    assert found.split.value_counts().to_dict() == {"train": 20, "test": 10}
    assert ((found.split == "test") == (found.path == TEST["images"])).all()


def test_a_validation_part_may_be_taken_of_the_training_files_where_the_test_is_given(folder):
    splits = {"train": TRAIN | {"share": 0.8}, "validation": TRAIN | {"share": 0.2}, "test": TEST}
    found = catalogue(folder, arrays=None, splits=splits)
    assert found.split.value_counts().to_dict() == {"train": 16, "test": 10, "validation": 4}
    assert {*found.path[found.split == "test"]} == {TEST["images"]}


def test_splits_may_be_parts_of_the_arrays_that_one_names(folder, caplog):
    splits = {"train": {"number": 15}, "validation": {"first": 15, "number": 5}, "test": {"first": 22}}
    with caplog.at_level(logging.WARNING, "calotype"):
        found = catalogue(folder, splits=splits)
    assert found.split.tolist() == ["train"] * 15 + ["validation"] * 5 + [""] * 2 + ["test"] * 8
    assert "faces.npz:images: 2 image(s) are in no split" in caplog.text


def test_parts_that_overlap_or_reach_beyond_the_end_are_named(folder):
    said = refused(folder, splits={"train": {"number": 20}, "test": {"first": 15}})
    assert "splits.test: image 15 of faces.npz:images is in `train` already" in said
    said = refused(folder, splits={"train": {"number": 20}, "test": {"first": 25, "number": 6}})
    assert "splits.test: image 30 of faces.npz:images, counted from 0, is asked for, but there are 30" in said
    said = refused(folder, splits={"train": {}, "test": {}})
    assert "image 0 of faces.npz:images is in `train` already" in said


# ---- The same image twice --------------------------------------------------------------------------------------------


def test_the_same_pixels_on_both_sides_are_an_error_that_lists_them_by_number(folder):
    images = IMAGES.copy()
    images[29] = images[4]
    save(folder, images=images)
    splits = {"train": {"number": 20}, "test": {"first": 20}}
    said = refused(folder, splits=splits)
    assert "1 image(s) have the same pixels as one of another split" in said
    assert "faces.npz:images, image 4 (train) = faces.npz:images, image 29 (test)" in said
    assert "allow_duplicates: true" in said
    assert len(catalogue(folder, splits=splits, allow_duplicates=True)) == NUMBER


def test_a_file_that_is_train_and_test_at_once_is_noticed(folder):
    (folder / TEST["images"]).write_bytes((folder / TRAIN["images"]).read_bytes())
    (folder / TEST["labels"]).write_bytes((folder / TRAIN["labels"]).read_bytes())
    said = refused(folder, arrays=None, splits={"train": TRAIN, "test": TEST})
    assert "20 image(s) have the same pixels" in said
    assert "and 15 more" in said


# ---- Labels, weights, groups -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        LABELS.astype(np.uint8),
        LABELS.astype(np.uint64),
        LABELS.astype(np.float32),
        LABELS[:, None],
        np.array(CLASSES)[LABELS],
        np.array(CLASSES).astype("S")[LABELS],
    ],
    ids=["bytes", "unsigned", "whole floats", "column", "names", "names in bytes"],
)
def test_labels_are_the_same_in_whatever_type_they_were_saved(folder, labels):
    save(folder, labels=labels)
    assert catalogue(folder).label.tolist() == LABELS.tolist()


def test_numbers_in_one_array_and_names_in_another_are_refused_in_words(folder):
    np.save(folder / "named.npy", np.array(CLASSES)[LABELS[20:]])
    said = refused(folder, arrays=None, splits={"train": TRAIN, "test": TEST | {"labels": "named.npy"}})
    assert "train-images-idx3-ubyte, image 0: the label '0' is no class" in said


def test_true_and_false_are_the_second_and_the_first_class(folder):
    save(folder, labels=LABELS == 1)
    assert catalogue(folder, classes=["no", "yes"]).label.tolist() == (LABELS == 1).astype(int).tolist()


BAD_LABELS = {
    "negative": (np.where(LABELS == 1, -1, LABELS), "image 1: the label -1 is not one of the 3 classes, 0 to 2"),
    "from one on": (LABELS + 1, "image 2: the label 3 is not one of the 3 classes, 0 to 2"),
    "too large": (LABELS.astype(np.uint64) + 2**63, "image 0: the label 9223372036854775808 is not one of the 3"),
    "halves": (LABELS / 2, "image 1: the label 0.5 is not one of the 3 classes"),
    "nan": (np.where(LABELS == 1, np.nan, LABELS), "image 1: nan is not a number"),
    "another name": (np.array(["calm", "glad", "said"])[LABELS], "image 2: the label 'said' is no class"),
    "no name": (np.array(["calm", "glad", ""])[LABELS], "image 2: the label '' is no class (it is empty)"),
    "one class absent": (LABELS % 2, "no image of: sad"),
    "one-hot": (np.eye(3)[LABELS], "labels.argmax(axis=1)"),
    "one number": (np.int64(3), "is a single number, not one of the labels an image"),
    "fewer": (LABELS[:-1], "faces.npz:labels has 29 labels for 30 images"),
    "complex": (LABELS * 1j, "faces.npz:labels holds complex128"),
    "dates": (LABELS.astype("datetime64[s]"), "faces.npz:labels holds datetime64[s]"),
    "objects": (np.array([object()] * NUMBER), "`labels` holds Python objects, which are never read"),
    "no text": (np.array([b"\xff"] * NUMBER), "faces.npz:labels: not UTF-8 text"),
}


@pytest.mark.parametrize("what", BAD_LABELS)
def test_labels_that_are_no_classes_are_named_with_their_image(folder, what):
    labels, problem = BAD_LABELS[what]
    save(folder, labels=labels)
    assert problem in refused(folder)


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        (np.where(LABELS == 1, 10**9, LABELS), "image 1: 1000000000"),
        (np.where(LABELS == 1, 2**63, LABELS.astype(np.uint64)), "image 1: 9223372036854775808"),
        (LABELS - 1, "image 0: -1"),
        (LABELS / 2, "image 1: 0.5"),
        (np.full(NUMBER, 7), "every count is 7"),
        (np.full(NUMBER, np.inf), "image 0: inf is not a number"),
    ],
    ids=["a billion", "beyond", "negative", "halves", "all alike", "infinite"],
)
def test_a_count_that_no_figure_can_show_is_named_with_its_image(folder, labels, problem):
    save(folder, labels=labels)
    assert problem in refused(folder, labels="counts", classes=None)


def test_counts_and_numbers_are_read_as_they_are(folder):
    assert catalogue(folder, labels="counts", classes=None).label.tolist() == LABELS.tolist()
    save(folder, labels=LABELS / 7)
    assert catalogue(folder, labels="numbers", classes=None).label.tolist() == (LABELS / 7).tolist()


def test_weights_are_those_of_their_array_and_one_where_a_split_has_none(folder):
    np.save(folder / "weights.npy", np.arange(20) / 2)
    found = catalogue(folder, arrays=None, splits={"train": TRAIN | {"weights": "weights.npy"}, "test": TEST})
    assert found.weight[found.split == "train"].tolist() == (np.arange(20) / 2).tolist()
    assert {*found.weight[found.split == "test"]} == {1.0}
    for wrong, problem in ((-1.0, "the weight is negative"), (np.nan, "nan is not a number")):
        np.save(folder / "weights.npy", np.full(20, wrong))
        splits = {"train": TRAIN | {"weights": "weights.npy"}, "test": TEST}
        assert problem in refused(folder, arrays=None, splits=splits)


def test_images_without_a_group_are_named(folder):
    save(folder, people=np.where(PEOPLE == 1, "", PEOPLE.astype(str)))
    said = refused(folder, arrays=FACES | {"groups": "faces.npz:people"})
    assert "faces.npz:people: nothing stands there for:\n  image 3\n  image 4" in said


# ---- Files that are broken -------------------------------------------------------------------------------------------


BAD_IMAGES = {
    "floats": (IMAGES / 255, "faces.npz:images holds float64"),
    "signed": (IMAGES.astype(np.int8), "faces.npz:images holds int8"),
    "flat": (IMAGES.reshape(NUMBER, -1), "faces.npz:images is 30 x 60"),
    "channels first": (np.moveaxis(IMAGES, 3, 1), "faces.npz:images is 30 x 3 x 5 x 4"),
    "with alpha": (np.concatenate([IMAGES, IMAGES[..., :1]], axis=3), "faces.npz:images is 30 x 5 x 4 x 4"),
    "one image": (IMAGES[0, ..., 0], "faces.npz:images is 5 x 4"),
    "none": (IMAGES[:0], "faces.npz:images is 0 x 5 x 4 x 3"),
    "objects": (np.array([object()] * NUMBER), "`images` holds Python objects, which are never read"),
}


@pytest.mark.parametrize("what", BAD_IMAGES)
def test_arrays_that_are_no_images_are_named_with_the_reason(folder, what):
    images, problem = BAD_IMAGES[what]
    save(folder, images=images)
    assert problem in refused(folder)


def test_what_is_missing_is_named_and_what_was_meant(folder):
    assert "has no array `image`.\nHint: did you mean `images`?" in refused(
        folder, arrays=FACES | {"images": "faces.npz:image"}
    )
    assert "nowhere.npy: cannot be read: No such file" in refused(folder, arrays=FACES | {"images": "nowhere.npy"})


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00", b"\x80\x04\x95"])
def test_a_broken_npy_file_is_named_and_never_unpickled(folder, content):
    (folder / "images.npy").write_bytes(content)
    said = refused(folder, arrays=FACES | {"images": "images.npy"})
    assert "images.npy: the array cannot be read" in said
    assert "\nHint: bring it back" in said


def test_objects_in_an_npy_file_are_never_unpickled(folder):
    np.save(folder / "labels.npy", np.array([object()] * NUMBER))
    assert "labels.npy: the array holds Python objects" in refused(folder, arrays=FACES | {"labels": "labels.npy"})


def test_no_hint_says_to_delete_what_is_the_users_own(folder):
    for name in ("faces.npz", "images.npy", TRAIN["images"]):
        (folder / name).write_bytes((folder / name).read_bytes()[:100])
    for images in ("faces.npz:images", "images.npy", TRAIN["images"]):
        assert "Hint: delete" not in refused(folder, arrays=FACES | {"images": images})


# ---- What comes after it ---------------------------------------------------------------------------------------------


def test_a_prepared_split_holds_the_images_of_the_catalogue_with_their_numbers(folder):
    keys = {"arrays": FACES | {"groups": "faces.npz:people"}, "prepare": []}
    catalogue(folder, **keys)
    made = dataset(folder, **keys)
    raw = read_split(made.preparation("test"), folder.parent / "catalogue.json", made.place())
    write_split(raw, folder.parent / "test.npy", folder.parent / "test.json", split="test", steps=[])
    split = open_split(folder.parent / "test.npy")
    assert np.array_equal(split.images, IMAGES[split.ids].astype(np.float32))
    assert split.labels.tolist() == LABELS[split.ids].tolist()
    assert len({(PEOPLE[number], group) for number, group in zip(split.ids, split.groups, strict=True)}) == 5


@pytest.mark.parametrize("images", [IMAGES[:20], IMAGES[::-1]])
def test_arrays_that_changed_since_are_noticed(folder, images):
    catalogue(folder)
    made = dataset(folder)
    save(folder, images=images)
    raw = read_split(made.preparation("test"), folder.parent / "catalogue.json", made.place())
    with pytest.raises(CalotypeError, match=r"faces.npz:images, image \d+: was changed after it was catalogued"):
        list(raw.records)


def test_an_array_is_read_once_and_never_copied_as_floats(folder):
    catalogue(folder)
    made = dataset(folder)
    records = read_split(made.preparation("train"), folder.parent / "catalogue.json", made.place()).records
    images = [image for _, _, image in records]
    assert all(image.dtype == np.uint8 and np.shares_memory(image, images[0].base) for image in images)


def test_the_same_arrays_in_another_file_give_the_same_catalogue_but_for_the_name(folder):
    one, two = catalogue(folder), catalogue(folder, arrays={"images": "images.npy", "labels": "labels.npy"})
    assert one.drop(columns="path").equals(two.drop(columns="path"))


# ---- The entry in datasets.yaml --------------------------------------------------------------------------------------

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


def test_what_names_no_image_is_no_part_of_what_the_catalogue_depends_on(folder):
    plain = dataset(folder).catalogue()
    same = {"labels": "classes", "random": {"seed": 0}, "prepare": [], "allow_duplicates": False}
    assert dataset(folder / "..", **same).catalogue() == plain
    assert dataset(folder, random={"seed": 1}).catalogue() != plain
    again = ArraysDataset(**plain, **dataset(folder).place())
    assert again == dataset(folder)


def test_only_the_files_that_are_named_are_watched(folder):
    assert dataset(folder).files() == ["faces.npz"]
    assert dataset(folder, arrays=None, splits={"train": TRAIN, "test": TEST}).files() == sorted(
        [*TRAIN.values(), *TEST.values()]
    )
