"""Filters: each pixel comes from the square around it as numpy computes it."""

import numpy as np
import pytest
from unit.preparations import CHANNELS, KINDS, WHITE, allowed, gaussian, independent, noise, prepare, step, windows


@independent("blur", size=3)
@KINDS
@CHANNELS
@pytest.mark.parametrize("size", [3, 5, 9])
def test_a_box_blur_is_the_mean_of_the_square_around_a_pixel(kind, channels, size):
    image = noise(14, 13, channels, kind)
    expected = windows(image, size, "reflect").mean(axis=-1)
    np.testing.assert_allclose(prepare(image, [step("blur", method="box", size=size)]), expected, rtol=1e-4)


@KINDS
@CHANNELS
@pytest.mark.parametrize("sigma", [None, 0.5, 2.0])
def test_a_gaussian_blur_weighs_the_square_around_a_pixel(kind, channels, sigma):
    image = noise(14, 13, channels, kind)
    expected = windows(image, 5, "reflect") @ gaussian(5, sigma or 0.3 * (2 - 1) + 0.8)
    keys = {} if sigma is None else {"sigma": sigma}
    np.testing.assert_allclose(prepare(image, [step("blur", size=5, **keys)]), expected, rtol=1e-4)


@KINDS
@pytest.mark.parametrize("keys", [{"method": "box"}, {}, {"sigma": 1.0}, {"sigma": 3.0}], ids=str)
def test_no_blurred_pixel_is_brighter_than_white_or_darker_than_black(kind, keys):
    """Weights are rounded, and for some sizes their sum is above one."""
    for size in (3, 5, 11, 15, 21):
        for steps in ([step("blur", size=size, **keys)], ["scale", step("blur", size=size, **keys)]):
            white = 1 if "scale" in steps else WHITE[kind]
            bright = prepare(np.full((9, 8, 1), WHITE[kind], kind), steps)
            assert bright.max() <= white
            assert bright.min() == pytest.approx(white)
            assert (prepare(np.zeros((9, 8, 1), kind), steps) == 0).all()


@pytest.mark.parametrize("method", ["box", "gaussian"])
def test_numbers_that_are_no_grey_levels_are_blurred_and_not_cut_off(method):
    image = noise(14, 13).astype(np.float64) * 3 - 400
    weights = np.full(25, 1 / 25) if method == "box" else gaussian(5, 0.3 * (2 - 1) + 0.8)
    found = prepare(image, [step("blur", method=method, size=5)])
    np.testing.assert_allclose(found, windows(image, 5, "reflect") @ weights, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("kind", "size"), [(np.uint8, 3), (np.uint8, 5), (np.uint8, 9), (np.uint16, 3), (np.uint16, 5)]
)
@CHANNELS
def test_a_median_is_that_of_the_square_around_a_pixel(kind, size, channels):
    image = noise(14, 13, channels, kind)
    expected = np.median(windows(image, size, "edge"), axis=-1)
    assert np.array_equal(prepare(image, [step("blur", method="median", size=size)]), expected)


KERNELS = {
    "rectangle": np.ones((5, 5), bool),
    "cross": np.add.outer(np.arange(5) == 2, np.arange(5) == 2),
}


@independent("morphology", operation="open", size=3)
@KINDS
@CHANNELS
@pytest.mark.parametrize("shape", KERNELS)
@pytest.mark.parametrize("iterations", [1, 2])
@pytest.mark.parametrize("operation", allowed("morphology", "operation"))
def test_bright_regions_shrink_and_grow_by_the_kernel(kind, channels, shape, iterations, operation):
    image = noise(12, 11, channels, kind)

    def least(values):  # beyond the edge there is nothing
        margin = np.pad(values, ((2, 2), (2, 2), (0, 0)), constant_values=np.inf)
        found = np.lib.stride_tricks.sliding_window_view(margin, (5, 5), axis=(0, 1))
        return found[..., KERNELS[shape]].min(axis=-1)

    def most(values):
        return -least(-values)

    one, other = {"erode": (least, None), "dilate": (most, None), "open": (least, most), "close": (most, least)}[
        operation
    ]
    expected = image.astype(float)
    for change in [one] * iterations + [other] * iterations * (other is not None):
        expected = change(expected)
    keys = {"operation": operation, "size": 5, "shape": shape, "iterations": iterations}
    assert np.array_equal(prepare(image, [step("morphology", **keys)]), expected)


@pytest.mark.parametrize("size", [3, 7, 9, 15])
def test_an_ellipse_is_the_disk_of_its_rows(size):
    image = np.zeros((size, size, 1), np.uint8)
    radius = size // 2
    image[radius, radius] = 255
    result = prepare(image, [step("morphology", operation="dilate", size=size, shape="ellipse")])
    offsets = np.arange(size) - radius
    half = np.rint(radius * np.sqrt((radius**2 - offsets**2) / radius**2))
    assert np.array_equal(result[..., 0], (np.abs(offsets) <= half[:, None]) * np.float32(255))
