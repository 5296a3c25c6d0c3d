"""Geometry: sizes and interpolated pixels match an independent implementation."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from unit.preparations import CHANNELS, KINDS, WHITE, allowed, independent, noise, prepare, step

from calotype.util.errors import CalotypeError


@independent("resize", width=5, height=13)
@KINDS
@CHANNELS
def test_shrinking_takes_the_mean_of_the_pixels_that_become_one(kind, channels):
    image = noise(12, 20, channels, kind)
    result = prepare(image, [step("resize", width=5, height=4)])
    expected = image.reshape(4, 3, 5, 4, channels).mean(axis=(1, 3))
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def shrunk(line, size):
    """Return the mean of each part of a line; a pixel may belong to two parts in some proportion."""
    scale = Fraction(len(line), size)
    result = []
    for i in range(size):
        first, last = i * scale, (i + 1) * scale
        parts = [max(Fraction(0), min(last, k + 1) - max(first, k)) for k in range(len(line))]
        result.append(sum(float(part / scale) * float(value) for part, value in zip(parts, line, strict=True)))
    return result


def test_shrinking_by_no_whole_number_weighs_pixels_by_their_parts():
    image = noise(1, 11)
    result = prepare(image, [step("resize", width=7, height=1)])
    np.testing.assert_allclose(result[0, :, 0], shrunk(image[0, :, 0], 7), rtol=1e-5)


def grown(line, size):
    """Linear interpolation between the middles of pixels."""
    places = (np.arange(size) + 0.5) * len(line) / size - 0.5
    return np.interp(places, np.arange(len(line)), line)


def test_growing_interpolates_between_the_middles_of_pixels():
    image = noise(1, 6)
    result = prepare(image, [step("resize", width=15, height=1)])
    np.testing.assert_allclose(result[0, :, 0], grown(image[0, :, 0].astype(float), 15), rtol=1e-5, atol=1e-3)


def test_an_axis_that_shrinks_loses_no_pixel_though_the_other_grows():
    image = noise(12, 6)
    result = prepare(image, [step("resize", width=15, height=4)])
    rows = image[..., 0].reshape(4, 3, 6).mean(axis=1)
    np.testing.assert_allclose(result[..., 0], [grown(row, 15) for row in rows], rtol=1e-5, atol=1e-3)


def test_resizing_to_the_same_size_changes_nothing():
    assert np.array_equal(prepare(noise(), [step("resize", width=8, height=9)]), noise())


@pytest.mark.parametrize("name", [name for name in allowed("resize", "interpolation") if name != "auto"])
def test_an_interpolation_that_is_asked_for_is_taken_and_leaves_no_pixel_beyond_white(name):
    image = (noise() > 127).astype(np.uint8) * 255
    result = prepare(image, [step("resize", width=21, height=17, interpolation=name)])
    flag = {"nearest": cv2.INTER_NEAREST_EXACT, "lanczos": cv2.INTER_LANCZOS4}.get(name)
    flag = getattr(cv2, f"INTER_{name.upper()}") if flag is None else flag
    expected = cv2.resize(image[..., 0].astype(np.float32), (21, 17), interpolation=flag)
    assert result.shape == (17, 21, 1)
    assert np.array_equal(result[..., 0], expected.clip(0, 255))
    assert (expected.min() < -1 or expected.max() > 256) == (name in ("cubic", "lanczos"))


def test_numbers_that_are_no_grey_levels_are_not_cut_off():
    image = (noise() > 127) * 2.0 - 1
    result = prepare(image, [step("resize", width=21, height=17, interpolation="cubic")])
    assert result.min() < -1.01
    assert result.max() > 1.01


def test_nearest_takes_pixels_as_they_are():
    image = noise(4, 6)
    result = prepare(image, [step("resize", width=18, height=12, interpolation="nearest")])
    assert np.array_equal(result, image.repeat(3, axis=0).repeat(3, axis=1))


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [((40, 20), (10, 10), (10, 5)), ((20, 40), (10, 10), (5, 10)), ((3, 3), (9, 6), (6, 6)),
     ((100, 1), (10, 10), (10, 1)), ((7, 5), (14, 10), (14, 10)), ((5, 7), (3, 3), (2, 3)),
     ((1, 100), (10, 10), (1, 10)), ((4, 2), (3, 3), (3, 2)), ((2, 4), (3, 3), (2, 3)), ((40, 20), (5, 5), (5, 3))],
)  # fmt: skip
def test_an_image_that_keeps_its_aspect_is_as_large_as_fits(size, box, expected):
    image = noise(size[1], size[0])
    found = prepare(image, [step("resize", width=box[0], height=box[1], keep_aspect=True)]).shape
    assert found == (expected[1], expected[0], 1)


@independent("crop", width=4, height=5)
@CHANNELS
def test_a_crop_comes_from_the_middle_or_from_where_it_is_asked_for(channels):
    image = noise(9, 8, channels)
    assert np.array_equal(prepare(image, [step("crop", width=4, height=3)]), image[3:6, 2:6])
    assert np.array_equal(prepare(image, [step("crop", width=4, height=3, left=0, top=6)]), image[6:9, 0:4])
    assert np.array_equal(prepare(image, [step("crop", width=4, height=3, left=4, top=0)]), image[0:3, 4:8])
    assert np.array_equal(prepare(image, [step("crop", width=5, height=4)]), image[2:6, 1:6])
    assert np.array_equal(prepare(image, [step("crop", width=8, height=9)]), image)
    for left, top in ((5, 0), (0, 7)):
        with pytest.raises(CalotypeError, match="do not lie within the image"):
            prepare(image, [step("crop", width=4, height=3, left=left, top=top)])


@independent("pad", width=20, height=20)
@KINDS
@CHANNELS
@pytest.mark.parametrize("border", allowed("pad", "border"))
def test_a_border_is_what_numpy_makes_of_it(kind, channels, border):
    image = noise(4, 5, channels, kind)
    result = prepare(image, [step("pad", width=10, height=9, border=border)])
    constant = {"value": 0, "white": WHITE[kind]}
    how = {"mode": "constant", "constant_values": constant[border]} if border in constant else {"mode": border}
    assert np.array_equal(result, np.pad(image, ((2, 3), (2, 3), (0, 0)), **how))


def test_an_image_that_has_the_size_already_gets_no_border():
    assert np.array_equal(prepare(noise(9, 8), [step("pad", width=8, height=9)]), noise(9, 8))
    assert np.array_equal(prepare(noise(9, 8), [step("pad", width=8, height=9, border="edge")]), noise(9, 8))
    for width, height in ((7, 9), (8, 8)):
        with pytest.raises(CalotypeError, match=f"the image has 8 x 9 px, more than {width} x {height} px"):
            prepare(noise(9, 8), [step("pad", width=width, height=height)])


def test_a_border_of_a_value_has_it_in_every_channel():
    result = prepare(noise(2, 2, 6), [step("pad", width=4, height=2, value=7.5)])
    assert (result[:, [0, 3]] == 7.5).all()
    assert np.array_equal(result[:, 1:3], noise(2, 2, 6))
