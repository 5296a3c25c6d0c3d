"""Drawn images are read completely, or refused with the reason."""

import cv2
import numpy as np
import pytest

from calotype.data.draw_dots import write_split as draw_split
from calotype.data.read_dots import read_drawn, read_image
from calotype.util.errors import CalotypeError

RANGE = {"minimum": 0, "maximum": 5}


@pytest.fixture
def folder(tmp_path):
    """Return a folder of twelve drawn images that a test may break."""
    folder = tmp_path / "data" / "dots" / "train"
    draw_split(folder, images=12, seed=1, width=40, quality=75, **RANGE)
    return folder


def refused(folder):
    """Return the message with which a broken folder is refused."""
    with pytest.raises(CalotypeError) as problem:
        list(read_drawn(folder, width=40, **RANGE).records)
    return str(problem.value)


def test_drawn_images_are_read_one_after_the_other_with_their_numbers_and_counts(folder):
    raw = read_drawn(folder, width=40, **RANGE)
    assert (raw.size, raw.minimum, raw.maximum, raw.classes) == (12, 0, 5, None)
    lines = [line.split(",") for line in (folder / "labels.csv").read_text().splitlines()[1:]]
    for (number, count, pixels), line in zip(raw.records, lines, strict=True):
        assert [number, count] == [int(cell) for cell in line[-2:]]
        assert np.array_equal(pixels, cv2.imread(str(folder / f"img{number}.jpg")))


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
    """A file system may leave zeros at the end of a file after a power cut."""
    image = folder / "img7.jpg"
    content = image.read_bytes()
    image.write_bytes(content[:600] + bytes(len(content) - 600))
    assert f"{image}: truncated" in refused(folder)


def test_the_channels_of_a_drawn_image_are_equal_so_that_none_comes_first(folder):
    for _, _, image in read_drawn(folder, width=40, **RANGE).records:
        assert (image == image[..., :1]).all()


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
    assert f"{folder / 'img7.jpg'}: has a label, but the image is missing." in refused(folder)


def test_several_labels_without_image_are_counted(folder):
    (folder / "img3.jpg").unlink()
    (folder / "img7.jpg").unlink()
    assert f"{folder / 'img3.jpg'}: has a label, but the image is missing (2 in all)." in refused(folder)


def test_image_without_label_is_named(folder):
    rewrite(folder, lambda lines: [*lines[:7], *lines[8:]])
    assert f"{folder / 'img7.jpg'}: has no label." in refused(folder)


def test_image_with_two_labels_is_named(folder):
    rewrite(folder, lambda lines: [*lines, lines[7]])
    assert f"{folder / 'labels.csv'}: duplicate image 7." in refused(folder)


@pytest.mark.parametrize("count", [-1, 6])
def test_count_out_of_range_is_named(folder, count):
    rewrite(folder, lambda lines: [*lines[:7], f"7,7,{count}", *lines[8:]])
    assert f"{folder / 'labels.csv'}: image 7: the count {count} is not in 0..5." in refused(folder)


def test_columns_of_the_labels_are_told_apart_by_their_names_and_not_by_their_places(folder):
    expected = [record[:2] for record in read_drawn(folder, width=40, **RANGE).records]
    rewrite(folder, lambda lines: [",".join(line.split(",")[::-1]) for line in lines])
    assert [record[:2] for record in read_drawn(folder, width=40, **RANGE).records] == expected
    rewrite(folder, lambda lines: [*lines[:7], "6,7,7", *lines[8:]])
    assert f"{folder / 'labels.csv'}: image 7: the count 6 is not in 0..5." in refused(folder)


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
    assert f"{folder / 'labels.csv'}: file not found." in refused(folder)


def test_folder_without_images_is_named(folder):
    for image in folder.glob("*.jpg"):
        image.unlink()
    rewrite(folder, lambda lines: lines[:1])
    assert f"{folder}: no images found." in refused(folder)
