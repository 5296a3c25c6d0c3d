"""The catalogue of images in arrays: given or random splits, nothing on both sides, no object ever unpickled."""

import logging

import numpy as np
import pandas as pd
import pytest
from unit.faces import (
    CLASSES,
    FACES,
    IMAGES,
    LABELS,
    NUMBER,
    PEOPLE,
    TEST,
    TRAIN,
    catalogue,
    refused,
    save,
)

# ---- Splits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arrays", [FACES, {"images": "images.npy", "labels": "labels.npy"}, FACES | {"labels": "labels.npy"}]
)
def test_random_splits_get_the_same_part_of_each_class_and_the_same_images_each_time(faces, arrays):
    found = catalogue(faces, arrays=arrays)
    assert found.number.tolist() == [*range(NUMBER)]
    assert found.label.tolist() == LABELS.tolist()
    assert found.groupby(["split", "label"]).size().tolist() == [5] * 6
    assert found[["height", "width", "channels", "bits"]].drop_duplicates().values.tolist() == [[5, 4, 3, 8]]
    assert catalogue(faces, arrays=arrays).equals(found)
    assert not catalogue(faces, arrays=arrays, random={"seed": 1}).split.equals(found.split)


def test_a_validation_split_is_drawn_at_random_like_the_others(faces):
    splits = {"train": {"share": 0.6}, "validation": {"share": 0.2}, "test": {"share": 0.2}}
    assert catalogue(faces, splits=splits).split.value_counts().to_dict() == {"train": 18, "validation": 6, "test": 6}


def test_images_of_one_person_are_never_on_both_sides(faces):
    found = catalogue(faces, arrays=FACES | {"groups": "faces.npz:people"})
    assert found.groupby("group").split.nunique().max() == 1
    assert {*found.split} == {"train", "test"}


def test_images_come_in_random_order_and_not_class_by_class(faces):
    save(faces, labels=np.sort(LABELS))
    catalogue(faces)
    order = pd.read_csv(faces.parent / "catalogue.csv")
    assert order.label[order.split == "train"].tail(8).nunique() == 3


def test_splits_may_have_files_of_their_own_as_mnist_has_them(faces):
    found = catalogue(faces, arrays=None, splits={"train": TRAIN, "test": TEST})
    assert found.split.value_counts().to_dict() == {"train": 20, "test": 10}
    assert ((found.split == "test") == (found.path == TEST["images"])).all()


def test_a_validation_split_may_be_drawn_from_the_training_files_beside_a_given_test_split(faces):
    splits = {"train": TRAIN | {"share": 0.8}, "validation": TRAIN | {"share": 0.2}, "test": TEST}
    found = catalogue(faces, arrays=None, splits=splits)
    assert found.split.value_counts().to_dict() == {"train": 16, "test": 10, "validation": 4}
    assert {*found.path[found.split == "test"]} == {TEST["images"]}


def test_splits_may_be_parts_of_the_arrays_that_one_names(faces, caplog):
    splits = {"train": {"number": 15}, "validation": {"first": 15, "number": 5}, "test": {"first": 22}}
    with caplog.at_level(logging.WARNING, "calotype"):
        found = catalogue(faces, splits=splits)
    assert found.split.tolist() == ["train"] * 15 + ["validation"] * 5 + [""] * 2 + ["test"] * 8
    assert "faces.npz:images: 2 image(s) are in no split" in caplog.text


def test_parts_that_overlap_or_reach_beyond_the_end_are_named(faces):
    said = refused(faces, splits={"train": {"number": 20}, "test": {"first": 15}})
    assert "splits.test: image 15 of faces.npz:images is already in `train`" in said
    said = refused(faces, splits={"train": {"number": 20}, "test": {"first": 25, "number": 6}})
    assert "splits.test: image 30 of faces.npz:images not found; the 30 images are numbered from 0" in said
    said = refused(faces, splits={"train": {}, "test": {}})
    assert "image 0 of faces.npz:images is already in `train`" in said


# ---- The same image twice --------------------------------------------------------------------------------------------


def test_the_same_pixels_on_both_sides_are_an_error_that_lists_them_by_number(faces):
    images = IMAGES.copy()
    images[29] = images[4]
    save(faces, images=images)
    splits = {"train": {"number": 20}, "test": {"first": 20}}
    said = refused(faces, splits=splits)
    assert "1 image(s) have the same pixels as one of another split" in said
    assert "faces.npz:images, image 4 (train) = faces.npz:images, image 29 (test)" in said
    assert "duplicates: allow" in said
    assert len(catalogue(faces, splits=splits, duplicates="allow")) == NUMBER


def test_a_file_that_is_train_and_test_at_once_is_noticed(faces):
    (faces / TEST["images"]).write_bytes((faces / TRAIN["images"]).read_bytes())
    (faces / TEST["labels"]).write_bytes((faces / TRAIN["labels"]).read_bytes())
    said = refused(faces, arrays=None, splits={"train": TRAIN, "test": TEST})
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
def test_labels_are_the_same_in_whatever_type_they_were_saved(faces, labels):
    save(faces, labels=labels)
    assert catalogue(faces).label.tolist() == LABELS.tolist()


def test_numbers_in_one_array_and_names_in_another_are_refused_in_words(faces):
    np.save(faces / "named.npy", np.array(CLASSES)[LABELS[20:]])
    said = refused(faces, arrays=None, splits={"train": TRAIN, "test": TEST | {"labels": "named.npy"}})
    assert "train-images-idx3-ubyte, image 0: the label '0' is not a class" in said


def test_true_and_false_are_the_second_and_the_first_class(faces):
    save(faces, labels=LABELS == 1)
    assert catalogue(faces, classes=["no", "yes"]).label.tolist() == (LABELS == 1).astype(int).tolist()


BAD_LABELS = {
    "negative": (np.where(LABELS == 1, -1, LABELS), "image 1: the label -1 is not one of the 3 classes, 0 to 2"),
    "from one on": (LABELS + 1, "image 2: the label 3 is not one of the 3 classes, 0 to 2"),
    "too large": (LABELS.astype(np.uint64) + 2**63, "image 0: the label 9223372036854775808 is not one of the 3"),
    "halves": (LABELS / 2, "image 1: the label 0.5 is not one of the 3 classes"),
    "nan": (np.where(LABELS == 1, np.nan, LABELS), "image 1: nan is not a number"),
    "another name": (np.array(["calm", "glad", "said"])[LABELS], "image 2: the label 'said' is not a class"),
    "no name": (np.array(["calm", "glad", ""])[LABELS], "image 2: the label '' is not a class (it is empty)"),
    "one class absent": (LABELS % 2, "no image of: sad"),
    "one-hot": (np.eye(3)[LABELS], "labels.argmax(axis=1)"),
    "one number": (np.int64(3), "is a single number; there must be one of the labels for each image"),
    "fewer": (LABELS[:-1], "faces.npz:labels has 29 labels for 30 images"),
    "complex": (LABELS * 1j, "faces.npz:labels holds complex128"),
    "dates": (LABELS.astype("datetime64[s]"), "faces.npz:labels holds datetime64[s]"),
    "objects": (np.array([object()] * NUMBER), "`labels` holds Python objects, which are never read"),
    "no text": (np.array([b"\xff"] * NUMBER), "faces.npz:labels: not UTF-8 text"),
}


@pytest.mark.parametrize("what", BAD_LABELS)
def test_labels_that_are_no_classes_are_named_with_their_image(faces, what):
    labels, problem = BAD_LABELS[what]
    save(faces, labels=labels)
    assert problem in refused(faces)


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
def test_a_count_that_no_figure_can_show_is_named_with_its_image(faces, labels, problem):
    save(faces, labels=labels)
    assert problem in refused(faces, labels="counts", classes=None)


def test_counts_and_numbers_are_read_as_they_are(faces):
    assert catalogue(faces, labels="counts", classes=None).label.tolist() == LABELS.tolist()
    save(faces, labels=LABELS / 7)
    assert catalogue(faces, labels="numbers", classes=None).label.tolist() == (LABELS / 7).tolist()


def test_weights_are_those_of_their_array_and_one_where_a_split_has_none(faces):
    np.save(faces / "weights.npy", np.arange(20) / 2)
    found = catalogue(faces, arrays=None, splits={"train": TRAIN | {"weights": "weights.npy"}, "test": TEST})
    assert found.weight[found.split == "train"].tolist() == (np.arange(20) / 2).tolist()
    assert {*found.weight[found.split == "test"]} == {1.0}
    for wrong, problem in ((-1.0, "the weight is negative"), (np.nan, "nan is not a number")):
        np.save(faces / "weights.npy", np.full(20, wrong))
        splits = {"train": TRAIN | {"weights": "weights.npy"}, "test": TEST}
        assert problem in refused(faces, arrays=None, splits=splits)


def test_images_without_a_group_are_named(faces):
    save(faces, people=np.where(PEOPLE == 1, "", PEOPLE.astype(str)))
    said = refused(faces, arrays=FACES | {"groups": "faces.npz:people"})
    assert "faces.npz:people: empty for:\n  image 3\n  image 4" in said


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
def test_arrays_that_are_no_images_are_named_with_the_reason(faces, what):
    images, problem = BAD_IMAGES[what]
    save(faces, images=images)
    assert problem in refused(faces)


def test_what_is_missing_is_named_and_what_was_meant(faces):
    assert "array `image` not found.\nHint: did you mean `images`?" in refused(
        faces, arrays=FACES | {"images": "faces.npz:image"}
    )
    assert "nowhere.npy: cannot be read: No such file" in refused(faces, arrays=FACES | {"images": "nowhere.npy"})


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00", b"\x80\x04\x95"])
def test_a_broken_npy_file_is_named_and_never_unpickled(faces, content):
    (faces / "images.npy").write_bytes(content)
    said = refused(faces, arrays=FACES | {"images": "images.npy"})
    assert "images.npy: the array cannot be read" in said
    assert "\nHint: restore it" in said


def test_objects_in_an_npy_file_are_never_unpickled(faces):
    np.save(faces / "labels.npy", np.array([object()] * NUMBER))
    assert "labels.npy: the array holds Python objects" in refused(faces, arrays=FACES | {"labels": "labels.npy"})


def test_no_hint_says_to_delete_what_is_the_users_own(faces):
    for name in ("faces.npz", "images.npy", TRAIN["images"]):
        (faces / name).write_bytes((faces / name).read_bytes()[:100])
    for images in ("faces.npz:images", "images.npy", TRAIN["images"]):
        assert "Hint: delete" not in refused(faces, arrays=FACES | {"images": images})
