"""Images are read whole or refused by name, and prepared as the config says."""

import json
import os

import cv2
import numpy as np
import pytest

from calotype.dots import write_split
from calotype.errors import CalotypeError
from calotype.files import sha256
from calotype.images import open_split, prepare, prepare_split, read_image, read_labels

RANGE = {"minimum": 0, "maximum": 5}


@pytest.fixture
def folder(tmp_path):
    """Twelve drawn images; each test may break what it likes."""
    folder = tmp_path / "data" / "dots" / "train"
    write_split(folder, images=12, seed=1, width=40, quality=75, **RANGE)
    return folder


def prepared(folder, **changes):
    """Prepare a folder as the workflow does, and give the paths of array and manifest."""
    results = folder.parents[2] / "results"
    array, manifest = results / "train.npy", results / "train.json"
    options = {"split": "train", "width": 40, "steps": ["grey", "scale"], **RANGE, **changes}
    prepare_split(folder, array, manifest, **options)
    return array, manifest


def refused(folder, **changes):
    """The message with which a broken folder is refused; nothing of a result may be left."""
    with pytest.raises(CalotypeError) as problem:
        prepared(folder, **changes)
    results = folder.parents[2] / "results"
    assert list(results.glob("*")) == list(results.glob(".*")) == [], "something half-written is left"
    return str(problem.value)


# ---- The steps -------------------------------------------------------------------------------------------------------


def coloured(height=9, width=8):
    """An image whose channels have nothing to do with each other."""
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_grey_is_the_mean_of_the_channels_and_not_the_luminance():
    image = coloured()
    result = prepare(image, ["grey"])
    assert result.shape == (9, 8, 1)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[..., 0], image.astype(float).mean(axis=2), rtol=1e-5)
    luminance = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    assert np.abs(result[..., 0] - luminance).max() > 10, "this image could not tell one from the other"


@pytest.mark.parametrize("steps", [["grey", "scale"], ["scale", "grey"], ["scale"]])
def test_scaled_images_lie_between_zero_and_one(steps):
    image = coloured()
    image[0, 0], image[0, 1] = 0, 255
    result = prepare(image, steps)
    expected = image / 255 if steps == ["scale"] else image.mean(axis=2, keepdims=True) / 255
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=1e-6)
    assert result.min() == 0
    assert result.max() == pytest.approx(1, abs=1e-6)


def test_an_image_is_not_changed_by_its_preparation():
    image = coloured()
    before = image.copy()
    prepare(image, ["grey", "scale"])
    assert np.array_equal(image, before)


def test_a_step_that_does_not_exist_is_named():
    with pytest.raises(CalotypeError, match="there is no step `blur`"):
        prepare(coloured(), ["blur"])


# ---- A whole split ---------------------------------------------------------------------------------------------------


def test_images_labels_and_ids_stay_together(folder):
    split = open_split(prepared(folder)[0])
    labels = read_labels(folder, **RANGE)
    assert split.ids.tolist() == labels.imageId.tolist() == list(range(1, 13))
    assert split.labels.tolist() == labels.numberOfFeatures.tolist()
    for image, number in zip(split.images, split.ids, strict=True):
        expected = cv2.imread(str(folder / f"img{number}.jpg")).astype(float).mean(axis=2) / 255
        np.testing.assert_allclose(image[..., 0], expected, atol=1e-6)


def test_images_keep_the_order_of_the_labels_file(folder):
    header, *rows = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join([header, *rows[::-1]]) + "\n")
    split = open_split(prepared(folder)[0])
    assert split.ids.tolist() == list(range(12, 0, -1))
    expected = cv2.imread(str(folder / "img12.jpg"), cv2.IMREAD_GRAYSCALE) / 255
    np.testing.assert_allclose(split.images[0, ..., 0], expected, atol=0.01)


def test_a_large_split_is_not_read_into_memory(folder):
    split = open_split(prepared(folder)[0])
    for part in (split.images, split.labels, split.ids):
        assert isinstance(part, np.memmap)
    assert split.images.shape == (12, 40, 40, 1)
    assert (split.images.dtype, split.labels.dtype, split.ids.dtype) == (np.float32, np.int64, np.int64)
    with pytest.raises(ValueError, match="read-only"):
        split.images[0] = 0


def test_prepared_without_grey_keeps_three_channels(folder):
    assert open_split(prepared(folder, steps=["scale"])[0]).images.shape == (12, 40, 40, 3)


def test_manifest_tells_whether_the_array_changed(folder):
    array, manifest = prepared(folder)
    assert json.loads(manifest.read_text()) == {
        "split": "train",
        "sha256": sha256(array),
        "images": 12,
        "shape": [40, 40, 1],
        **RANGE,
    }


def test_prepared_twice_gives_the_same_bytes(folder):
    first = [path.read_bytes() for path in prepared(folder)]
    assert [path.read_bytes() for path in prepared(folder)] == first


def test_a_full_disk_leaves_no_half_prepared_array(folder, files_no_longer_than):
    """Through a memory map a full disk would be a signal that ends the process: so in a child."""
    child = os.fork()
    if child == 0:
        try:
            with files_no_longer_than(20_000):
                prepared(folder)
        except CalotypeError as error:
            os._exit(0 if "train.npy: cannot be written" in str(error) else 3)
        finally:
            os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not (folder.parents[2] / "results" / "train.npy").exists()
    assert not (folder.parents[2] / "results" / "train.json").exists()


# ---- Broken images ---------------------------------------------------------------------------------------------------


def test_truncated_jpeg_is_named_and_refused(folder):
    image = folder / "img7.jpg"
    image.write_bytes(image.read_bytes()[:-200])
    message = refused(folder)
    assert f"{image}: truncated" in message
    assert f"Hint: delete {folder}" in message


@pytest.mark.parametrize("kept", [1, 100, 700, -1])
def test_jpeg_truncated_anywhere_is_named_and_refused(folder, kept):
    image = folder / "img7.jpg"
    image.write_bytes(image.read_bytes()[:kept])
    assert f"{image}: truncated" in refused(folder)


def test_jpeg_that_lost_its_tail_to_zeros_is_named_and_refused(folder):
    """As file systems leave a file that was being written when the power went."""
    image = folder / "img7.jpg"
    content = image.read_bytes()
    image.write_bytes(content[:600] + bytes(len(content) - 600))
    assert f"{image}: truncated" in refused(folder)


def test_empty_image_is_named_and_refused(folder):
    (folder / "img7.jpg").write_bytes(b"")
    assert f"{folder / 'img7.jpg'}: truncated, or not a JPEG file (0 bytes)." in refused(folder)


@pytest.mark.parametrize("content", [b"<html>404</html>", b"\xff\xd8\xff\xd9", b"\x00" * 50 + b"\xff\xd9"])
def test_file_that_is_no_image_is_named_and_refused(folder, content):
    (folder / "img7.jpg").write_bytes(content)
    assert f"{folder / 'img7.jpg'}: " in refused(folder)


def test_image_of_another_size_is_named_with_its_size(folder):
    cv2.imwrite(str(folder / "img7.jpg"), np.zeros((40, 44, 3), np.uint8))
    assert f"{folder / 'img7.jpg'}: 44 x 40 px instead of 40 x 40." in refused(folder)


def test_one_grey_channel_in_a_file_is_read_like_three(folder):
    cv2.imwrite(str(folder / "img7.jpg"), np.full((40, 40), 200, np.uint8))
    assert read_image(folder / "img7.jpg", 40).shape == (40, 40, 3)


def test_missing_image_is_named_when_read(tmp_path):
    with pytest.raises(CalotypeError, match=r"img9\.jpg: cannot be read: No such file"):
        read_image(tmp_path / "img9.jpg", 40)


# ---- Broken labels ---------------------------------------------------------------------------------------------------


def rewrite(folder, change):
    """Change the lines of the labels file (the first is the header)."""
    lines = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join(change(lines)) + "\n")


def test_label_without_image_is_named(folder):
    (folder / "img7.jpg").unlink()
    assert f"{folder / 'img7.jpg'}: has a label, but there is no such image." in refused(folder)


def test_several_labels_without_image_are_counted(folder):
    (folder / "img3.jpg").unlink()
    (folder / "img7.jpg").unlink()
    assert f"{folder / 'img3.jpg'}: has a label, but there is no such image (2 in all)." in refused(folder)


def test_image_without_label_is_named(folder):
    rewrite(folder, lambda lines: [*lines[:7], *lines[8:]])
    assert f"{folder / 'img7.jpg'}: has no label." in refused(folder)


def test_image_with_two_labels_is_named(folder):
    rewrite(folder, lambda lines: [*lines, lines[7]])
    assert f"{folder / 'labels.csv'}: image 7 stands there twice." in refused(folder)


@pytest.mark.parametrize("count", [-1, 6])
def test_count_out_of_range_is_named(folder, count):
    rewrite(folder, lambda lines: [*lines[:7], f"7,7,{count}", *lines[8:]])
    assert f"{folder / 'labels.csv'}: image 7: the count {count} is not in 0..5." in refused(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"imageId;numberOfFeatures\n1;2\n",
        b'"","imageId","numberOfFeatures"\n1,1,two\n',
        b'"","imageId","numberOfFeatures"\n1,1,\n',
        b'"","imageId","numberOfFeatures"\n1,1,2.5\n',
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
    ],
    ids=["empty", "semicolons", "word", "gap", "fraction", "binary"],
)
def test_labels_file_that_cannot_be_read_is_named(folder, content):
    (folder / "labels.csv").write_bytes(content)
    message = refused(folder)
    assert message.startswith(f"{folder / 'labels.csv'}: not a table of imageId and numberOfFeatures: ")
    assert "\nHint: delete " in message


def test_missing_labels_file_is_named(folder):
    (folder / "labels.csv").unlink()
    assert f"{folder / 'labels.csv'}: there is no such file." in refused(folder)


def test_folder_without_images_is_named(folder):
    for image in folder.glob("*.jpg"):
        image.unlink()
    rewrite(folder, lambda lines: lines[:1])
    assert f"{folder}: there are no images." in refused(folder)


# ---- Broken arrays ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [0, 5, 60, -1000], ids=["empty", "magic", "header", "half"])
def test_truncated_array_is_named_and_refused(folder, kept):
    array, _ = prepared(folder)
    array.write_bytes(array.read_bytes()[:kept])
    with pytest.raises(CalotypeError, match=r"train\.npy: not a prepared array") as problem:
        open_split(array)
    assert "\nHint: delete it" in str(problem.value)


def test_array_of_another_program_is_named_and_refused(tmp_path):
    np.save(tmp_path / "train.npy", np.zeros((3, 40, 40)))
    with pytest.raises(CalotypeError, match=r"train\.npy: not a prepared array"):
        open_split(tmp_path / "train.npy")


def test_missing_array_is_named(tmp_path):
    with pytest.raises(CalotypeError, match=r"train\.npy: not a prepared array: .*No such file"):
        open_split(tmp_path / "train.npy")
