"""Arrays of .npz files: valid files are read, others are refused."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from calotype.data.npz import read_images, read_part
from calotype.util.errors import CalotypeError

IMAGES, LABELS = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3), np.array([0, 1, 2, 1, 0])


def written(folder: Path, **arrays) -> Path:
    np.savez(folder / "a.npz", **({"x": IMAGES, "y": LABELS} | arrays))
    return folder / "a.npz"


@pytest.mark.parametrize("images", [IMAGES, IMAGES.astype(np.uint16) * 257, np.stack([IMAGES] * 3, axis=-1)])
@pytest.mark.parametrize("labels", [LABELS, LABELS.astype(np.uint8), LABELS[:, None]])
def test_images_and_labels_come_as_they_were_saved(tmp_path, images, labels):
    pixels, numbers = read_images(written(tmp_path, x=images, y=labels), "x", "y")
    assert np.array_equal(pixels.reshape(images.shape), images)
    assert pixels.dtype == images.dtype
    assert numbers.tolist() == LABELS.tolist()
    assert pixels.ndim == 4


def test_a_part_of_the_file_keeps_the_numbers_of_its_images(tmp_path):
    written(tmp_path)
    where = {"file": "a.npz", "images": "x", "labels": "y", "first": 1, "number": 3, "classes": 3}
    raw = read_part(tmp_path, **where)
    assert [(number, label) for number, label, _ in raw.records] == [(1, 1), (2, 2), (3, 1)]
    with pytest.raises(CalotypeError, match=r"image 7 not found; the 5 images are numbered from 0"):
        read_part(tmp_path, **where | {"number": 7})
    with pytest.raises(CalotypeError, match=r"image 2: the label 2 is not one of the 2 classes"):
        read_part(tmp_path, **where | {"classes": 2})


BAD = {
    "another array": ({"x": IMAGES}, "z", "y", "array `z` not found"),
    "objects": ({"x": np.array([object()] * 5)}, "x", "y", "holds Python objects, which are never read"),
    "NaN": ({"x": np.full((5, 4, 3), np.nan)}, "x", "y", "`x` holds float64"),
    "one image": ({"x": IMAGES[0]}, "x", "y", "`x` is 4 x 3"),
    "two channels": ({"x": np.zeros((5, 4, 3, 2), np.uint8)}, "x", "y", "`x` is 5 x 4 x 3 x 2"),
    "nothing": ({"x": IMAGES[:0], "y": LABELS[:0]}, "x", "y", "`x` is 0 x 4 x 3"),
    "fewer labels": ({"y": LABELS[:3]}, "x", "y", "`y` has 3 labels for 5 images"),
    "halves": ({"y": LABELS / 2}, "x", "y", "`y` is float64"),
    "text": ({"y": LABELS.astype(str)}, "x", "y", "`y` is <U"),
    "one-hot": ({"y": np.eye(3, dtype=int)[LABELS]}, "x", "y", "`y` is 5 x 3; there must be one of the labels"),
    "a column of rows": (
        {"y": np.zeros((5, 1, 1), int)},
        "x",
        "y",
        "`y` is 5 x 1 x 1; there must be one of the labels",
    ),
    "one label": ({"y": np.int64(3)}, "x", "y", "`y` is a single number"),
    "beyond": ({"y": np.array([0, 1, 2**63, 1, 0], np.uint64)}, "x", "y", f"`y`: {2**63} is not a class"),
}


@pytest.mark.parametrize("what", BAD)
def test_arrays_that_are_no_images_or_labels_are_named_with_the_reason(tmp_path, what):
    arrays, images, labels, problem = BAD[what]
    with pytest.raises(CalotypeError, match=problem) as caught:
        read_images(written(tmp_path, **arrays), images, labels)
    assert "a.npz: " in str(caught.value)
    assert ("one-hot" in str(caught.value)) is (what == "one-hot")


def test_the_largest_number_that_labels_can_be_is_not_refused(tmp_path):
    labels = np.array([0, 1, 2**63 - 1, 1, 0], np.uint64)
    assert read_images(written(tmp_path, y=labels), "x", "y")[1].tolist() == labels.tolist()


class Burglar:
    """Object that runs code when it is unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('unpickled')",)


@pytest.mark.parametrize("content", [b"", b"no zip", pickle.dumps(Burglar())])
def test_a_file_that_is_no_npz_file_is_never_unpickled(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(CalotypeError, match=r"a.npz: not an .npz file"):
        read_images(tmp_path / "a.npz", "x", "y")


def test_a_pickle_inside_an_npz_file_is_never_unpickled(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", pickle.dumps(Burglar()))
        archive.writestr("y.npy", b"")
    with pytest.raises(CalotypeError, match=r"`x` cannot be read"):
        read_images(path, "x", "y")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_off_is_named(tmp_path, part):
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(CalotypeError, match=r"a.npz: "):
        read_images(path, "x", "y")


def test_a_damaged_byte_is_noticed(tmp_path):
    path = written(tmp_path)
    content = bytearray(path.read_bytes())
    content[content.index(IMAGES.tobytes()) + 7] ^= 1
    path.write_bytes(content)
    with pytest.raises(CalotypeError, match=r"a.npz: "):
        read_images(path, "x", "y")
