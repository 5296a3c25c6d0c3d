"""The preparation as a list of OpenCV steps: what a config may say, what each step does, and what is measured."""

import json
from fractions import Fraction
from itertools import pairwise
from typing import Any

import cv2
import jsonschema
import numpy as np
import pytest
import yaml

from calotype import config, figures, figures_steps
from calotype.checks import check_own_steps
from calotype.config import load
from calotype.datasets import DotsDataset, IdxDataset
from calotype.errors import CalotypeError
from calotype.images import BLOCK, measure, prepare, steps_of, write_measured, write_split
from calotype.layout import Layout
from calotype.provenance import own_code
from calotype.raw import Raw
from calotype.splits import open_split
from calotype.steps import (
    ALONE,
    STEPS,
    Known,
    before_measuring,
    check_steps,
    measured_split,
    plain_steps,
    read_steps,
    titled,
)

WHITE = {np.uint8: 255, np.uint16: 65535}
KINDS = pytest.mark.parametrize("kind", WHITE, ids=lambda kind: kind.__name__)
CHANNELS = pytest.mark.parametrize("channels", [1, 3])


def noise(height=9, width=8, channels=1, kind: Any = np.uint8, seed=1):
    """An image in which no pixel says anything of another."""
    return np.random.default_rng(seed).integers(0, WHITE[kind] + 1, (height, width, channels), dtype=kind)


def step(name, **keys):
    return {"name": name, **keys}


def windows(image, size, mode):
    """The square around each pixel, shape (height, width, channels, size * size)."""
    margin = size // 2
    padded = np.pad(image.astype(float), ((margin, margin), (margin, margin), (0, 0)), mode)
    found = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(0, 1))
    return found.reshape(*found.shape[:3], -1)


def gaussian(size, sigma):
    ticks = np.arange(size) - size // 2
    line = np.exp(-(ticks**2) / (2 * sigma**2))
    return np.outer(line / line.sum(), line / line.sum()).ravel()


# ---- Each step, against numbers that another way gives ---------------------------------------------------------------


@KINDS
@CHANNELS
def test_without_a_step_pixels_are_what_they_were(kind, channels):
    image = noise(channels=channels, kind=kind)
    result = prepare(image, [])
    assert result.dtype == np.float32
    assert np.array_equal(result, image)


@KINDS
def test_grey_is_the_mean_of_the_channels_or_their_luminance(kind):
    image = noise(channels=3, kind=kind)
    np.testing.assert_allclose(prepare(image, ["grey"])[..., 0], image.mean(axis=2), rtol=1e-6)
    expected = 0.299 * image[..., 0] + 0.587 * image[..., 1] + 0.114 * image[..., 2]
    np.testing.assert_allclose(prepare(image, [step("grey", method="luminance")])[..., 0], expected, rtol=1e-6)


def test_luminance_is_the_one_that_opencv_has_for_its_own_images():
    image = noise(channels=3)
    found = prepare(image, [step("grey", method="luminance")])[..., 0]
    assert np.abs(found - cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)).max() <= 0.51, "but for the rounding"


@pytest.mark.parametrize("method", ["mean", "luminance"])
def test_grey_leaves_one_channel_as_it_is(method):
    assert np.array_equal(prepare(noise(), [step("grey", method=method)]), noise())


def test_colour_makes_three_equal_channels_and_leaves_three_as_they_are():
    assert np.array_equal(prepare(noise(), ["colour"]), np.repeat(noise(), 3, axis=2))
    assert np.array_equal(prepare(noise(channels=3), ["colour"]), noise(channels=3))


@KINDS
@CHANNELS
def test_shrinking_takes_the_mean_of_the_pixels_that_become_one(kind, channels):
    image = noise(12, 20, channels, kind)
    result = prepare(image, [step("resize", width=5, height=4)])
    expected = image.reshape(4, 3, 5, 4, channels).mean(axis=(1, 3))
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def shrunk(line, size):
    """The means of a line's parts, of which each pixel may belong to two in some proportion."""
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


@pytest.mark.parametrize("name", ["nearest", "linear", "cubic", "lanczos", "area"])
def test_an_interpolation_that_is_asked_for_is_taken_and_leaves_no_pixel_beyond_white(name):
    image = (noise() > 127).astype(np.uint8) * 255
    result = prepare(image, [step("resize", width=21, height=17, interpolation=name)])
    flag = {"nearest": cv2.INTER_NEAREST_EXACT, "lanczos": cv2.INTER_LANCZOS4}.get(name)
    flag = getattr(cv2, f"INTER_{name.upper()}") if flag is None else flag
    expected = cv2.resize(image[..., 0].astype(np.float32), (21, 17), interpolation=flag)
    assert result.shape == (17, 21, 1)
    assert np.array_equal(result[..., 0], expected.clip(0, 255))
    assert (expected.min() < -1 or expected.max() > 256) == (name in ("cubic", "lanczos"))


def test_nearest_takes_pixels_as_they_are():
    image = noise(4, 6)
    result = prepare(image, [step("resize", width=18, height=12, interpolation="nearest")])
    assert np.array_equal(result, image.repeat(3, axis=0).repeat(3, axis=1))


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [((40, 20), (10, 10), (10, 5)), ((20, 40), (10, 10), (5, 10)), ((3, 3), (9, 6), (6, 6)),
     ((100, 1), (10, 10), (10, 1)), ((7, 5), (14, 10), (14, 10)), ((5, 7), (3, 3), (2, 3))],
)  # fmt: skip
def test_an_image_that_keeps_its_aspect_is_as_large_as_fits(size, box, expected):
    image = noise(size[1], size[0])
    found = prepare(image, [step("resize", width=box[0], height=box[1], keep_aspect=True)]).shape
    assert found == (expected[1], expected[0], 1)


@CHANNELS
def test_a_crop_comes_from_the_middle_or_from_where_it_is_asked_for(channels):
    image = noise(9, 8, channels)
    assert np.array_equal(prepare(image, [step("crop", width=4, height=3)]), image[3:6, 2:6])
    assert np.array_equal(prepare(image, [step("crop", width=4, height=3, left=0, top=6)]), image[6:9, 0:4])
    assert np.array_equal(prepare(image, [step("crop", width=8, height=9)]), image)


@KINDS
@CHANNELS
@pytest.mark.parametrize(("border", "mode"), [("value", "constant"), ("edge", "edge"), ("reflect", "reflect")])
def test_a_border_is_what_numpy_makes_of_it(kind, channels, border, mode):
    image = noise(4, 5, channels, kind)
    result = prepare(image, [step("pad", width=10, height=9, border=border)])
    assert np.array_equal(result, np.pad(image, ((2, 3), (2, 3), (0, 0)), mode))


def test_a_border_of_a_value_has_it_in_every_channel():
    result = prepare(noise(2, 2, 6), [step("pad", width=4, height=2, value=7.5)])
    assert (result[:, [0, 3]] == 7.5).all()
    assert np.array_equal(result[:, 1:3], noise(2, 2, 6))


@KINDS
@CHANNELS
def test_pixels_above_a_fixed_value_become_white_and_the_others_black(kind, channels):
    image = noise(channels=channels, kind=kind)
    value = int(np.median(image))
    result = prepare(image, [step("threshold", method="fixed", value=value)])
    assert np.array_equal(result, (image > value) * np.float32(WHITE[kind]))


def test_a_fixed_value_counts_in_the_units_of_the_pixels_there():
    image = noise()
    expected = (image > 127.5).astype(np.float32)
    assert np.array_equal(prepare(image, ["scale", step("threshold", method="fixed", value=0.5)]), expected)
    steps = ["scale", step("normalise", mean=0.5, deviation=2), step("threshold", method="fixed", value=0)]
    assert np.array_equal(prepare(image, steps), expected), "where there is no white, 1 is"


@KINDS
def test_otsu_separates_the_grey_levels_best(kind):
    rng = np.random.default_rng(4)
    levels = rng.integers(0, 12, (20, 20, 1)) + 30 * (rng.random((20, 20, 1)) < 0.3)
    image = (levels * (5 if kind == np.uint8 else 1300)).astype(kind)

    def between(value):
        above = image > value
        share = above.mean()
        return share * (1 - share) * (image[above].mean() - image[~above].mean()) ** 2

    best = max((between(value), -float(value)) for value in np.unique(image)[:-1])[1]
    result = prepare(image, [step("threshold", method="otsu")])
    assert np.array_equal(result, (image > -best) * np.float32(WHITE[kind]))


@KINDS
@CHANNELS
@pytest.mark.parametrize("window", ["flat", "gaussian"])
def test_an_adaptive_threshold_is_the_mean_around_a_pixel_less_a_constant(kind, channels, window):
    image = noise(12, 11, channels, kind)
    constant = 0.05 * WHITE[kind]
    weights = np.full(25, 1 / 25) if window == "flat" else gaussian(5, 0.3 * (2 - 1) + 0.8)
    limit = windows(image, 5, "edge") @ weights - constant
    found = prepare(image, [step("threshold", method="adaptive", block=5, constant=constant, window=window)])
    sure = np.abs(image - limit) > 1e-3 * WHITE[kind]
    assert sure.mean() > 0.97
    assert np.array_equal(found[sure], ((image > limit) * np.float32(WHITE[kind]))[sure])


@KINDS
@CHANNELS
def test_inverted_is_what_is_missing_to_white(kind, channels):
    image = noise(channels=channels, kind=kind)
    assert np.array_equal(prepare(image, ["invert"]), WHITE[kind] - image.astype(np.float32))
    np.testing.assert_allclose(prepare(image, ["scale", "invert"]), 1 - image / WHITE[kind], atol=1e-6)


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


@KINDS
@CHANNELS
@pytest.mark.parametrize("shape", KERNELS)
@pytest.mark.parametrize("iterations", [1, 2])
@pytest.mark.parametrize("operation", ["erode", "dilate", "open", "close"])
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


def test_an_ellipse_is_the_one_of_opencv():
    image = np.zeros((9, 9, 1), np.uint8)
    image[4, 4] = 255
    result = prepare(image, [step("morphology", operation="dilate", size=7, shape="ellipse")])
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    assert np.array_equal(result[1:8, 1:8, 0], kernel * np.float32(255))
    assert kernel.sum() < 49


@KINDS
def test_contrast_is_that_of_opencv_in_the_type_that_was_read(kind):
    image = noise(32, 40, 1, kind) // 4
    expected = cv2.createCLAHE(3.0, (4, 4)).apply(image[..., 0])
    result = prepare(image, [step("contrast", clip=3, tiles=4)])
    assert np.array_equal(result[..., 0], expected)
    assert result.std() > 1.2 * image.std()


def test_contrast_without_a_limit_in_one_tile_makes_all_grey_levels_as_frequent():
    image = (noise(64, 64).astype(float) ** 2 / 255).astype(np.uint8)
    result = prepare(image, [step("contrast", clip=1000, tiles=1)])
    ranks = np.array([(image <= level).mean() for level in range(256)]) * 255
    assert np.abs(result - ranks[image]).max() <= 1


@KINDS
@CHANNELS
def test_scaled_goes_from_black_to_white_whatever_the_type(kind, channels):
    image = noise(channels=channels, kind=kind)
    image[0, 0], image[0, 1] = 0, WHITE[kind]
    result = prepare(image, ["scale"])
    np.testing.assert_allclose(result, image / WHITE[kind], atol=1e-6)
    assert (result.min(), result.max()) == (0, pytest.approx(1, abs=1e-6))


def test_scaling_takes_images_of_many_channels():
    image = noise(channels=7)
    np.testing.assert_allclose(prepare(image, ["scale"]), image / 255, atol=1e-6)


@KINDS
@CHANNELS
def test_normalised_to_a_range_every_image_goes_from_end_to_end(kind, channels):
    stack = np.stack([noise(channels=channels, kind=kind) // 2, noise(channels=channels, kind=kind, seed=2) // 3 + 9])
    result = prepare(stack, [step("normalise", range=[-1, 2])])
    for found, image in zip(result, stack.astype(float), strict=True):
        expected = -1 + 3 * (image - image.min()) / (image.max() - image.min())
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert (found.min(), found.max()) == (-1, 2)


def test_an_image_of_one_grey_level_is_normalised_to_the_low_end_and_not_to_nan():
    image = np.full((3, 4, 1), 77, np.uint8)
    assert (prepare(image, [step("normalise", range=[0.25, 1])]) == 0.25).all()


def test_normalised_by_fixed_levels_all_images_are_treated_alike():
    image = noise()
    result = prepare(image, [step("normalise", range=[-1, 1], levels=[0, 16])])
    np.testing.assert_allclose(result, image.astype(float) / 8 - 1, rtol=1e-5)


def test_what_lies_outside_fixed_levels_stays_there_in_the_steps_that_follow():
    image = noise()
    steps = [step("normalise", range=[0, 1], levels=[50, 100])]
    height, width = image.shape[:2]
    same = step("resize", width=width, height=height)
    assert prepare(image, steps).max() > 1
    assert np.array_equal(prepare(image, [*steps, same]), prepare(image, steps))


@pytest.mark.parametrize("mean", [100, [100], [100, 120, 140]])
@pytest.mark.parametrize("deviation", [50, [50], [50, 60, 70.5]])
def test_normalised_by_numbers_each_channel_has_its_own_zero_and_unit(mean, deviation):
    image = noise(channels=3)
    result = prepare(image, [step("normalise", mean=mean, deviation=deviation)])
    np.testing.assert_allclose(
        result, (image - np.array(mean, float)) / np.array(deviation, float), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("steps", [["grey", "contrast"], ["grey", step("threshold", method="otsu")],
                                   ["grey", step("blur", method="median", size=7)]])  # fmt: skip
def test_a_step_on_whole_numbers_gets_the_mean_of_channels_rounded(steps):
    image = noise(20, 20, 3)
    whole = np.rint(prepare(image, ["grey"])).astype(np.uint8)
    assert np.array_equal(prepare(image, steps), prepare(whole, steps[1:]))


# ---- Stacks ----------------------------------------------------------------------------------------------------------

EVERY: list[list[Any]] = [
    [], ["grey"], ["scale"], ["grey", "scale"], ["colour", "scale"], ["invert"], ["scale", "invert"],
    [step("grey", method="luminance"), "scale"],
    [step("resize", width=5, height=13)], [step("resize", width=9, height=4, interpolation="cubic"), "scale"],
    [step("resize", width=6, height=6, keep_aspect=True), step("pad", width=6, height=6, border="edge")],
    [step("crop", width=4, height=5)], [step("pad", width=20, height=20, value=3)],
    [step("threshold", method="fixed", value=99)], ["grey", step("threshold", method="otsu"), "scale"],
    [step("threshold", method="adaptive", block=3, constant=2)],
    [step("blur", size=3)], [step("blur", method="median", size=5)], [step("blur", method="box", size=3)],
    [step("morphology", operation="open", size=3)], ["grey", step("contrast", tiles=2), "scale"],
    [step("normalise", range=[0, 1])], ["scale", step("normalise", range=[-1, 1], levels=[0, 1])],
    ["scale", step("normalise", mean=0.3, deviation=0.7)],
]  # fmt: skip


@pytest.mark.parametrize("steps", EVERY, ids=str)
@pytest.mark.parametrize("kind", WHITE)
@CHANNELS
def test_an_image_comes_out_of_a_stack_with_the_bits_that_it_gets_alone(steps, kind, channels):
    stack = np.stack([noise(11, 9, channels, kind, seed) for seed in range(6)])
    before = stack.copy()
    result = prepare(stack, steps)
    alone = [prepare(image, steps) for image in stack]
    assert result.dtype == np.float32
    assert result.shape == (6, *alone[0].shape)
    assert result.tobytes() == b"".join(image.tobytes() for image in alone)
    assert np.array_equal(stack, before)


def test_every_step_is_tried_on_stacks():
    names = {entry.name for steps in EVERY for entry in read_steps(steps)}
    assert names == set(STEPS) - {"own"}


def raw_of(images, labels=None):
    labels = [i % 3 for i in range(len(images))] if labels is None else labels
    records = ((100 + i, label, image) for i, (image, label) in enumerate(zip(images, labels, strict=True)))
    return Raw(len(images), records, classes=3)


def written(folder, images, steps):
    write_split(raw_of(images), folder / "a.npy", folder / "a.json", split="train", steps=steps)
    return open_split(folder / "a.npy").images


def test_images_of_many_sizes_come_out_in_one(tmp_path):
    steps = ["grey", step("resize", width=12, height=12, keep_aspect=True), step("pad", width=12, height=12), "scale"]
    images = [noise(5 + i, 30 - i, 1 + 2 * (i % 2), seed=i) for i in range(9)]
    found = written(tmp_path, images, steps)
    assert found.shape == (9, 12, 12, 1)
    assert found.tobytes() == b"".join(prepare(image, steps).tobytes() for image in images)


def test_a_split_of_8_and_16_bits_is_scaled_image_by_image(tmp_path):
    images = [noise(), noise(kind=np.uint16), noise(seed=2)]
    found = written(tmp_path, images, ["scale"])
    for image, expected in zip(found, (images[0] / 255, images[1] / 65535, images[2] / 255), strict=True):
        np.testing.assert_allclose(image, expected, atol=1e-6)


@pytest.mark.parametrize(("odd", "shown"), [((9, 7, 1), "7 x 9 px (1 channel)"), ((9, 8, 3), "8 x 9 px (3 channels)")])
@pytest.mark.parametrize("place", [3, BLOCK // 72 + 5])
def test_an_image_that_comes_out_in_another_size_is_named_with_both_sizes(tmp_path, odd, shown, place):
    images = [noise()] * place + [noise(*odd)]
    with pytest.raises(CalotypeError) as problem:
        written(tmp_path, images, ["scale"])
    message, hint = str(problem.value).splitlines()
    assert message == (
        f"prepare: image {100 + place} comes out as {shown}, image 100 as 8 x 9 px (1 channel): "
        "all of a split must be alike."
    )
    assert "`resize`" in hint
    assert list(tmp_path.iterdir()) == []


# ---- What a job refuses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "steps", "complaint"),
    [
        (noise(), [step("crop", width=9, height=3)], ".0.crop: image 0: 9 x 3 px do not lie within the image, which h"),
        (noise(), [step("crop", width=3, height=3, left=6, top=0)], ".0.crop: image 0: 3 x 3 px at left 6, top 0 do n"),
        (noise(), ["scale", step("pad", width=7, height=20)], ".1.pad: image 0: the image has 8 x 9 px, more than 7 x"),
        (noise(), [step("pad", width=9, height=9, value=256)], ".0.pad: image 0: value: 256 is not in 0..255, "),
        (noise(), [step("threshold", method="fixed", value=300)], ".0.threshold: image 0: value: 300 is not in 0..255"),
        (noise(channels=3), ["contrast"], ".0.contrast: image 0: it needs one channel, and the image has 3: put `grey"),
        (noise(channels=3), [step("threshold", method="otsu")], ".0.threshold: image 0: method `otsu` needs one chann"),
        (noise(channels=2), [step("grey", method="luminance")], ".0.grey: image 0: method `luminance` needs one or th"),
        (noise(channels=4), ["colour"], ".0.colour: image 0: it needs one or three channels, and the image has 4."),
        (noise(4, 4), ["contrast"], ".0.contrast: image 0: tiles: 8 across and down are more than the image, 4 x 4 px"),
        (noise(kind=np.uint16), [step("blur", method="median", size=7)], ".0.blur: image 0: size: a median above 5 px"),
        (noise(channels=3), [step("normalise", mean=[1, 2], deviation=1)], ".0.normalise: image 0: mean: has 2 number"),
        (noise(), [step("normalise", split="train")], ".0.normalise: image 0: split `train` has to be measured first."),
        (noise() / 255, ["scale"], ".0.scale: image 0: it needs the grey levels that were read, and they are float64."),
        (noise().astype(int), [], ": image 0: pixels of int64, and not of uint8, uint16, float32 or float64."),
        (noise() > 9, [], ": image 0: pixels of bool, and not of uint8, "),
        (np.full((3, 3, 1), np.nan), [], ": image 0: a pixel is NaN or infinite."),
    ],
)  # fmt: skip
def test_what_cannot_be_done_to_an_image_is_an_error_that_names_both(image, steps, complaint):
    with pytest.raises(CalotypeError) as problem:
        prepare(image, steps)
    assert str(problem.value).startswith(f"prepare{complaint}")


def test_images_of_floats_are_taken_as_they_are():
    image = noise() / 300
    assert np.array_equal(prepare(image, []), image.astype(np.float32))


# ---- A function of the user's ----------------------------------------------------------------------------------------

OWN = """
import numpy as np

def darker(image, by=2):
    return image // by

def seen(image):
    seen.images.append(image)
    return image
seen.images = []

def corner(image, *, size=2):
    return image[:size, :size, 0]

def roots(image):
    return np.sqrt(image.astype(float))

def wider(image):
    return image.astype(np.uint16) * 257

def nothing(image): return None
def texts(image): return np.array([["a"]])
def objects(image): return image.astype(object)
def whole(image): return image.astype(int)
def mask(image): return image > 3
def flat(image): return image.ravel()
def many(image): return np.stack([image, image])
def nan(image): return np.full((2, 2), np.nan)
def infinite(image): return np.full((2, 2), np.inf)
def pairs(image): return np.concatenate([image, image], axis=-1)
def empty(image): return image[:0]
def broken(image): raise RuntimeError("no idea")
def changes(image):
    image[:] = 0
    return image
"""


@pytest.fixture
def own(tmp_path):
    """A function of a user's file, as a step."""
    (tmp_path / "tools.py").write_text(OWN)

    def named(function, **arguments):
        return step(
            "own", function=f"{tmp_path}/tools.py:{function}", **({"arguments": arguments} if arguments else {})
        )

    return named


@KINDS
@CHANNELS
def test_a_function_gets_the_pixels_as_they_were_read_and_its_arguments(own, kind, channels):
    image = noise(channels=channels, kind=kind)
    assert np.array_equal(prepare(image, [own("darker")]), image // 2)
    assert np.array_equal(prepare(image, [own("darker", by=5)]), image // 5)


def test_a_function_gets_whole_numbers_before_scale_and_floats_after_it(own, tmp_path):
    image = noise(channels=3)
    prepare(image, ["grey", own("seen"), "scale", own("seen")])
    from calotype import operations

    first, second = operations._function(f"{tmp_path}/tools.py:seen").images
    assert (first.dtype, second.dtype) == (np.uint8, np.float32)
    assert np.array_equal(first, np.rint(prepare(image, ["grey"])))
    assert np.array_equal(second, prepare(first, ["scale"]))


def test_a_function_may_give_other_sizes_types_and_dimensions(own):
    image = noise()
    assert np.array_equal(prepare(image, [own("corner", size=3)]), image[:3, :3])
    np.testing.assert_allclose(prepare(image, [own("roots")]), np.sqrt(image.astype(float)), rtol=1e-6)
    np.testing.assert_allclose(prepare(image, [own("wider"), "scale"]), image / 255, atol=1e-6)


def test_floats_of_a_function_have_no_white_to_be_scaled_by(own):
    with pytest.raises(
        CalotypeError, match=r"prepare\.1\.scale: image 0: it needs the grey levels .* none after `own`"
    ):
        prepare(noise(), [own("roots"), "scale"])
    assert prepare(noise(), ["scale", own("roots"), "invert"]).max() <= 1


def test_a_function_that_changes_what_it_gets_changes_nothing_else(own):
    stack = np.stack([noise(), noise(seed=2)])
    before = stack.copy()
    assert not prepare(stack, [own("changes")]).any()
    assert not prepare(stack, ["scale", own("changes")]).any()
    assert np.array_equal(stack, before)


def test_a_function_takes_a_stack_image_by_image(own):
    stack = np.stack([noise(seed=seed) for seed in range(5)])
    assert np.array_equal(prepare(stack, [own("darker")]), stack // 2)


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        ("nothing", "returned NoneType, not an array."),
        ("texts", "returned an array of <U1, not of uint8, uint16, float32 or float64."),
        ("objects", "returned an array of object, not of uint8, uint16, float32 or float64."),
        ("whole", "returned an array of int64, not of uint8, uint16, float32 or float64."),
        ("mask", "returned an array of bool, not of uint8, uint16, float32 or float64."),
        ("flat", "returned an array of shape (72), not (height, width) or (height, width, channels)."),
        ("many", "returned an array of shape (2 x 9 x 8 x 1), not (height, width) or (height, width, channels)."),
        ("empty", "returned an array of shape (0 x 8 x 1), not (height, width) or (height, width, channels)."),
        ("nan", "returned NaN or infinity among its numbers."),
        ("infinite", "returned NaN or infinity among its numbers."),
        ("pairs", "returned an image of 2 channels, not of 1 (grey) or 3 (colour)."),
        ("broken", "RuntimeError: no idea."),
    ],
)
def test_what_a_function_does_wrong_is_named_with_function_and_image(own, tmp_path, function, complaint):
    with pytest.raises(CalotypeError) as problem:
        written(
            tmp_path, [noise()], ["scale", step("invert"), own(function)] if function != "flat" else [own(function)]
        )
    place = 0 if function == "flat" else 2
    assert str(problem.value) == f"prepare.{place}.own: image 100: {tmp_path}/tools.py:{function}: {complaint}"


@pytest.mark.parametrize(
    ("text", "complaint"), [("def f(image:", "cannot be imported: SyntaxError"), ("f = 3", "there is no such function")]
)
def test_a_file_that_is_no_use_is_named(tmp_path, text, complaint):
    (tmp_path / "tools.py").write_text(text)
    with pytest.raises(CalotypeError, match=complaint):
        prepare(noise(), [step("own", function=f"{tmp_path}/tools.py:f")])
    with pytest.raises(CalotypeError, match="there is no Python file"):
        prepare(noise(), [step("own", function=f"{tmp_path}/tool.py:f")])


def test_another_code_of_a_function_is_another_identity_and_another_comment_is_not(tmp_path):
    digests = []
    for text in (
        "def f(image):\n    return image\n",
        "def f(image):  # as it is\n    return image\n",
        "def f(i):\n    return i\n",
    ):
        file = tmp_path / f"tools{len(digests)}.py"
        file.write_text(text)
        digests.append(own_code(f"{file}:f"))
    assert digests[0] == digests[1] != digests[2]


# ---- What is measured ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [[], ["scale"], ["grey", "scale"], [step("resize", width=5, height=5)]], ids=str)
@CHANNELS
def test_what_is_measured_is_mean_and_deviation_over_all_pixels_of_all_images(steps, channels):
    images = [noise(90, 100, channels, seed=seed) // (1 + seed % 5) for seed in range(80)]
    assert sum(image.size for image in images) > 2 * BLOCK
    found = measure(raw_of(images), steps)
    pixels = np.stack([prepare(image, steps) for image in images]).astype(float)
    np.testing.assert_allclose(found["mean"], pixels.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(found["deviation"], pixels.std(axis=(0, 1, 2)), rtol=1e-12)
    assert found == measure(raw_of(images), steps)


def test_a_small_deviation_beside_a_large_mean_is_not_lost():
    images = [np.full((100, 100, 1), 65000 + i % 2, np.uint16) for i in range(64)]
    found = measure(raw_of(images), [])
    assert found["mean"] == [pytest.approx(65000.5, rel=1e-13)]
    assert found["deviation"] == [pytest.approx(0.5, rel=1e-9)]


def test_measuring_needs_no_more_memory_for_more_images():
    drawn = []

    def records():
        for i in range(400):
            image = noise(60, 60, seed=i)
            drawn.append(image.ctypes.data)
            yield i, 0, image

    assert measure(Raw(400, records(), classes=3), ["scale"])["mean"] == [pytest.approx(0.5, abs=0.01)]
    assert len(set(drawn)) < 300, "places in memory are used again"


def test_normalised_by_what_is_measured_the_split_itself_has_mean_zero_and_deviation_one(tmp_path):
    plain = ["scale", step("normalise", split="train"), step("pad", width=9, height=9, border="edge")]
    train = [noise(channels=3, seed=i) // (1 + i % 3) for i in range(50)]
    steps = read_steps(plain)
    assert measured_split(steps) == "train"
    assert plain_steps(before_measuring(steps)) == ["scale"]
    file = tmp_path / "train.measured.json"
    write_measured(raw_of(train), file, split="train", steps=before_measuring(steps))
    found = json.loads(file.read_text())
    assert found == {"split": "train", **measure(raw_of(train), ["scale"])}
    whole = steps_of({"steps": plain}, [str(file)])
    assert [entry.name for entry in whole] == ["scale", "normalise", "pad"]
    result = np.stack([prepare(image, whole) for image in train])[:, :, :8]
    np.testing.assert_allclose(result.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(result.std(axis=(0, 1, 2)), 1, atol=1e-5)
    other = noise(channels=3, seed=99)
    expected = (other / 255 - np.array(found["mean"])) / np.array(found["deviation"])
    np.testing.assert_allclose(prepare(other, whole)[:, :8], expected, rtol=1e-4, atol=1e-5)


def test_images_that_are_all_alike_have_no_deviation_to_divide_by():
    with pytest.raises(CalotypeError, match=r"all pixels of channel 0 are 7: there is no deviation"):
        measure(raw_of([np.full((3, 3, 1), 7, np.uint8)] * 5), [])


def test_steps_without_a_split_measure_nothing():
    assert measured_split(read_steps(["grey", step("normalise", mean=1, deviation=2)])) is None


# ---- The config ------------------------------------------------------------------------------------------------------

DATASETS_FILE = "config/datasets.yaml"
DOTS = {
    "source": "dots",
    "drawing": {"width": 40},
    "splits": {"train": {"images": 10, "seed": 1}, "test": {"images": 5, "seed": 2}},
}
STUDY = {
    "title": "Dots",
    "dataset": "dots",
    "task": "count",
    "tests": ["test"],
    "defaults": {"model": "dots_source", "loss": "huber", "epochs": 1, "batch_size": 4, "optimizer": "adam"},
    "variants": {"plain": {}},
}


@pytest.fixture
def loaded(tmp_path):
    """The config of a project whose dataset is prepared in some way, or with some keys."""

    def made(prepare=..., study=STUDY, **keys):
        entry = DOTS | keys | ({} if prepare is ... else {"prepare": prepare})
        for name, content in (("datasets.yaml", {"dots": entry}), ("studies/dots.yaml", study)):
            file = tmp_path / "config" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(yaml.safe_dump(content, sort_keys=False))
        return load({"studies": ["dots"]}, root=tmp_path)

    return made


@pytest.mark.parametrize("steps", [[], ["scale"], ["grey", "scale"], ["scale", "grey"], ["grey"]])
def test_preparations_that_were_always_there_keep_their_identity(loaded, steps):
    assert loaded(steps).datasets["dots"].preparation("train") == {
        "width": 40,
        "minimum": 0,
        "maximum": 5,
        "source": "dots",
        "split": "train",
        "steps": steps,
    }
    assert loaded([{"name": name} for name in steps]).datasets["dots"].preparation("train")["steps"] == steps


def test_without_a_word_images_become_grey_and_are_scaled(loaded):
    assert loaded().datasets["dots"].preparation("train")["steps"] == ["grey", "scale"]


LONG = [
    step("crop", width=30, height=32, left=1, top=2),
    step("grey", method="luminance"),
    step("contrast", clip=3.5),
    step("blur", method="median", size=7),
    step("threshold", method="adaptive", block=11, constant=2.0, window="gaussian"),
    "invert",
    step("morphology", operation="open", size=3, shape="ellipse"),
    step("resize", width=24, height=24, keep_aspect=True),
    step("pad", width=24, height=24, border="edge"),
    "scale",
    step("normalise", split="train"),
    "colour",
]


def test_a_long_preparation_survives_the_way_into_a_job_and_back(loaded):
    """Snakemake hands params to scripts as plain data."""
    dataset = loaded(LONG).datasets["dots"]
    found = dataset.preparation("test")["steps"]
    assert found == LONG
    assert read_steps(json.loads(json.dumps(found))) == dataset.prepare == read_steps(dataset.prepare)


def test_what_is_the_default_is_no_part_of_the_identity(loaded):
    said = [step("resize", width=9, height=9, interpolation="auto", keep_aspect=False), step("contrast", tiles=8)]
    with pytest.raises(CalotypeError, match="put `grey` before it"):
        loaded(said)
    found = loaded(["grey", *said]).datasets["dots"].preparation("train")["steps"]
    assert found == ["grey", step("resize", width=9, height=9), "contrast"]


def test_every_number_of_a_step_is_part_of_the_identity():
    for place, entry in enumerate(LONG):
        for key in set(entry) - {"name"} if isinstance(entry, dict) else ():
            other = {"left": 2, "top": 1, "method": "mean", "clip": 3.6, "size": 5, "block": 9, "constant": 1.5}
            other |= {"width": 28, "height": 28, "border": "reflect", "operation": "close", "shape": "cross"}
            other |= {"window": "flat", "keep_aspect": False, "split": "test"}
            if key == "method" and entry["name"] != "grey":
                continue
            changed = [*LONG[:place], entry | {key: other[key]}, *LONG[place + 1 :]]
            assert plain_steps(read_steps(changed)) != plain_steps(read_steps(LONG)), (place, key)


# What stands under `prepare:`, and what is answered; the beginning of it.
WRONG: list[tuple[Any, str]] = [
    # the list
    (None, ".prepare: null is not a list"),
    ("grey", '.prepare: "grey" is not a list'),
    ({"name": "grey"}, '.prepare: {"name": "grey"} is not a list'),
    ([5], ".prepare.0: 5 is neither the name of a step nor a mapping with `name`"),
    ([None], ".prepare.0: None is neither the name of a step"),
    (["grey", ["scale"]], ".prepare.1: ['scale'] is neither the name of a step"),
    ([{}], ".prepare.0: name: is missing"),
    ([{"width": 3, "height": 4}], ".prepare.0: name: is missing"),
    ([{"resize": {"width": 3}}], ".prepare.0: a step is a name, or a mapping with `name`: write {name: resize, ...}"),
    # names
    (["gray"], ".prepare.0: 'gray' is not one of grey, "),
    (["grey", {"name": "resise", "width": 3}], ".prepare.1: 'resise' is not one of "),
    ([{"name": 3}], ".prepare.0: '3' is not one of "),
    (["Grey"], ".prepare.0: 'Grey' is not one of "),
    # keys
    ([step("grey", metod="mean")], ".prepare.0.grey.metod: is not a known key"),
    ([step("grey", method="median")], ".prepare.0.grey.method: 'median' is not one of mean, luminance"),
    ([step("colour", channels=3)], ".prepare.0.colour.channels: is not a known key"),
    ([step("scale", by=255)], ".prepare.0.scale.by: is not a known key"),
    ([step("invert", by=255)], ".prepare.0.invert.by: is not a known key"),
    ([step("resize", width=64)], ".prepare.0.resize.height: is missing"),
    ([step("resize", width=0, height=4)], ".prepare.0.resize.width: 0 is out of range: it must be >= 1"),
    ([step("resize", width=4, height=-4)], ".prepare.0.resize.height: -4 is out of range: it must be >= 1"),
    ([step("resize", width=4.5, height=4)], ".prepare.0.resize.width: 4.5 is not a whole number"),
    ([step("resize", width="64", height=4)], '.prepare.0.resize.width: "64" is not a whole number'),
    ([step("resize", width=20000, height=4)], ".prepare.0.resize.width: 20000 is out of range: it must be <= 16384"),
    ([step("resize", width=4, height=4, keep_aspect="yes")], '.prepare.0.resize.keep_aspect: "yes" is neither true no'),
    ([step("resize", width=4, height=4, interpolation="bilinear")], ".prepare.0.resize.interpolation: 'bilinear' is n"),
    ([step("resize", width=4, height=4, keep_aspekt=True)], ".prepare.0.resize.keep_aspekt: is not a known key"),
    ([step("crop", height=4)], ".prepare.0.crop.width: is missing"),
    ([step("crop", width=4, height=4, left=1)], ".prepare.0.crop: left and top: give both or neither; top is missing"),
    ([step("crop", width=4, height=4, top=1)], ".prepare.0.crop: left and top: give both or neither; left is missing"),
    ([step("crop", width=4, height=4, left=-1, top=1)], ".prepare.0.crop.left: -1 is out of range: it must be >= 0"),
    ([step("pad", width=50)], ".prepare.0.pad.height: is missing"),
    ([step("pad", width=50, height=50, border="zero")], ".prepare.0.pad.border: 'zero' is not one of value, edge, ref"),
    ([step("pad", width=50, height=50, border="edge", value=3)], ".prepare.0.pad: value: border `edge` takes none"),
    ([step("pad", width=50, height=50, value="white")], '.prepare.0.pad.value: "white" is not a number'),
    ([step("pad", width=50, height=50, value=float("nan"))], ".prepare.0.pad.value: NaN is not a finite number"),
    ([step("threshold", value=3)], ".prepare.0.threshold.method: is missing"),
    ([step("threshold", method="fixed")], ".prepare.0.threshold: value: method `fixed` needs it"),
    ([step("threshold", method="fixed", value=3, block=3)], ".prepare.0.threshold: block: method `fixed` takes none"),
    ([step("threshold", method="otsu", value=3)], ".prepare.0.threshold: value: method `otsu` takes none"),
    ([step("threshold", method="otsu", window="flat")], ".prepare.0.threshold: window: method `otsu` takes none"),
    ([step("threshold", method="adaptive")], ".prepare.0.threshold: block: method `adaptive` needs it"),
    ([step("threshold", method="adaptive", block=10)], ".prepare.0.threshold.block: 10 is even: only an odd number"),
    ([step("threshold", method="adaptive", block=1)], ".prepare.0.threshold.block: 1 is out of range: it must be >= 3"),
    ([step("threshold", method="adaptiv", block=3)], ".prepare.0.threshold.method: 'adaptiv' is not one of fixed, ots"),
    ([step("threshold", method="fixed", value=True)], ".prepare.0.threshold.value: true is not a number"),
    ([step("blur")], ".prepare.0.blur.size: is missing"),
    (["blur"], ".prepare.0.blur.size: is missing"),
    ([step("blur", size=4)], ".prepare.0.blur.size: 4 is even: only an odd number of px has a middle"),
    ([step("blur", size=-3)], ".prepare.0.blur.size: -3 is out of range: it must be >= 3"),
    ([step("blur", size=True)], ".prepare.0.blur.size: true is not a whole number"),
    ([step("blur", size=3, sigma=0)], ".prepare.0.blur.sigma: 0 is not a positive number"),
    ([step("blur", method="box", size=3, sigma=2)], ".prepare.0.blur: sigma: method `box` takes none"),
    ([step("blur", kernel=3, size=3)], ".prepare.0.blur.kernel: is not a known key"),
    ([step("morphology", size=3)], ".prepare.0.morphology.operation: is missing"),
    ([step("morphology", operation="opening", size=3)], ".prepare.0.morphology.operation: 'opening' is not one of ero"),
    ([step("morphology", operation="open", size=2)], ".prepare.0.morphology.size: 2 is even"),
    ([step("morphology", operation="open", size=3, shape="disk")], ".prepare.0.morphology.shape: 'disk' is not one of"),
    ([step("morphology", operation="open", size=3, iterations=0)], ".prepare.0.morphology.iterations: 0 is out of ran"),
    ([step("contrast", clip=0)], ".prepare.0.contrast.clip: 0 is not a positive number"),
    ([step("contrast", tiles=0)], ".prepare.0.contrast.tiles: 0 is out of range: it must be >= 1"),
    ([step("contrast", clip_limit=2)], ".prepare.0.contrast.clip_limit: is not a known key"),
    (["normalise"], ".prepare.0.normalise: give `range`, or `mean` and `deviation`, or `split`"),
    ([step("normalise", mean=3)], ".prepare.0.normalise: give `range`, or `mean` and `deviation`, or `split`"),
    ([step("normalise", mean=3, deviation=1, range=[0, 1])], ".prepare.0.normalise: give `range`, or `mean` and"),
    ([step("normalise", split="train", range=[0, 1])], ".prepare.0.normalise: give `range`, or `mean` and"),
    ([step("normalise", mean=3, deviation=0)], ".prepare.0.normalise.deviation.0: 0 is not a positive number"),
    ([step("normalise", mean="a", deviation=1)], ".prepare.0.normalise.mean: 'a' is neither a number nor a list of"),
    ([step("normalise", mean=[], deviation=1)], ".prepare.0.normalise.mean: [] is empty"),
    ([step("normalise", mean=[1, "b"], deviation=1)], '.prepare.0.normalise.mean.1: "b" is not a number'),
    ([step("normalise", mean=[1, 2], deviation=[1, 2, 3])], ".prepare.0.normalise: mean has 2 numbers, deviation 3"),
    ([step("normalise", range=[1])], ".prepare.0.normalise.range: [1] is too short: it must have at least 2"),
    ([step("normalise", range=[0, 1, 2])], ".prepare.0.normalise.range: [0, 1, 2] is too long: it must have at most 2"),
    ([step("normalise", range=[1, 0])], ".prepare.0.normalise: range: 1 is not below 0"),
    ([step("normalise", range=[0, 1], levels=[16, 16])], ".prepare.0.normalise: levels: 16 is not below 16"),
    ([step("normalise", levels=[0, 1], split="train")], ".prepare.0.normalise: levels: needs range"),
    ([step("own")], ".prepare.0.own.function: is missing"),
    ([step("own", function="tools.py")], '.prepare.0.own.function: "tools.py" is not `path/to/file.py:function`'),
    ([step("own", function="tools:f")], '.prepare.0.own.function: "tools:f" is not `path/to/file.py:function`'),
    ([step("own", function="t.py:f", arguments=[3])], ".prepare.0.own.arguments: [3] is not a mapping"),
    ([step("own", function="t.py:f", argument={})], ".prepare.0.own.argument: is not a known key"),
    # the order, and what is known of drawn images: 40 x 40 px in colour
    (["grey", "grey"], ": prepare: a step stands there twice"),
    (["scale", "invert", "scale"], ": prepare: a step stands there twice"),
    (["colour", "colour"], ": prepare: a step stands there twice"),
    (["grey", "scale", step("threshold", method="otsu")],
     ": prepare.2.threshold: method `otsu` needs the grey levels that were read, and there are none after `scale`: "
     "put it before `scale`"),
    (["grey", "scale", "contrast"], ": prepare.2.contrast: it needs the grey levels that were read, and there are non"),
    (["scale", step("blur", method="median", size=7)], ": prepare.1.blur: size: a median above 5 px needs the grey le"),
    ([step("normalise", range=[0, 1]), "scale"], ": prepare.1.scale: it needs the grey levels that were read, and the"),
    ([step("normalise", mean=1, deviation=1), "invert"], ": prepare.1.invert: there is no white after `normalise`"),
    ([step("threshold", method="otsu")], ": prepare.0.threshold: method `otsu` needs one channel, and the image has 3"),
    (["contrast"], ": prepare.0.contrast: it needs one channel, and the image has 3: put `grey` before it"),
    (["grey", "colour", "contrast"], ": prepare.2.contrast: it needs one channel, and the image has 3"),
    ([step("crop", width=41, height=4)], ": prepare.0.crop: 41 x 4 px do not lie within the image, which has 40 x 40"),
    ([step("crop", width=4, height=4, left=37, top=0)], ": prepare.0.crop: 4 x 4 px at left 37, top 0 do not lie with"),
    ([step("resize", width=9, height=9), step("crop", width=10, height=9)], ": prepare.1.crop: 10 x 9 px do not lie "),
    ([step("pad", width=39, height=50)], ": prepare.0.pad: the image has 40 x 40 px, more than 39 x 50 px"),
    ([step("pad", width=50, height=50, value=-1)], ": prepare.0.pad: value: -1 is not in 0..255, the values that pixe"),
    (["scale", step("pad", width=50, height=50, value=128)], ": prepare.1.pad: value: 128 is not in 0..1, the values"),
    ([step("threshold", method="fixed", value=256)], ": prepare.0.threshold: value: 256 is not in 0..255"),
    (["scale", step("threshold", method="fixed", value=128)], ": prepare.1.threshold: value: 128 is not in 0..1"),
    (["grey", step("contrast", tiles=41)], ": prepare.1.contrast: tiles: 41 across and down are more than the image"),
    (["grey", step("normalise", mean=[1, 2, 3], deviation=1)], ": prepare.1.normalise: mean: has 3 numbers, and the i"),
    ([step("normalise", mean=1, deviation=[1, 2])], ": prepare.0.normalise: deviation: has 2 numbers, and the image 3"),
    ([step("normalise", split="trian")], ": prepare.0.normalise.split: there is no split `trian`, only train, test"),
    ([step("normalise", split="train"), step("normalise", split="train")], ": prepare.1.normalise.split: step 0 measu"),
]  # fmt: skip


@pytest.mark.parametrize(("prepare", "complaint"), WRONG, ids=lambda value: str(value)[:60])
def test_a_wrong_preparation_is_answered_in_one_line_that_names_the_key(loaded, prepare, complaint):
    with pytest.raises(CalotypeError) as problem:
        loaded(prepare)
    lines = str(problem.value).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"{DATASETS_FILE}: dots{complaint}")


@pytest.mark.parametrize(
    ("entry", "hint"),
    [
        ("gray", "did you mean `grey`?"),
        ("color", "did you mean `colour`?"),
        ("normalize", "did you mean `normalise`?"),
        (step("resise", width=3, height=3), "did you mean `resize`?"),
        (step("resize", width=3, heigth=3, height=3), "did you mean `height`?"),
        (step("blur", size=3, sigam=2), "did you mean `sigma`?"),
        (step("blur", size=3, method="gausian"), "did you mean `gaussian`?"),
        (step("contrast", tile=2), "did you mean `tiles`?"),
        (step("own", funktion="a.py:f", function="a.py:f"), "did you mean `function`?"),
    ],
)
def test_a_misspelt_step_or_key_is_answered_with_the_right_one(loaded, entry, hint):
    with pytest.raises(CalotypeError) as problem:
        loaded([entry])
    assert str(problem.value).endswith(f"Hint: {hint}")


def test_two_mistakes_are_both_named(loaded):
    with pytest.raises(CalotypeError) as problem:
        loaded([step("blur", size=4), "scael"])
    assert len(str(problem.value).splitlines()) == 2


def test_what_is_not_known_before_images_are_read_is_no_mistake():
    steps = read_steps([step("threshold", method="otsu"), step("crop", width=9999, height=8), "contrast", "scale"])
    check_steps(steps, Known())
    steps = read_steps(["scale", step("own", function="a.py:f"), "contrast", step("pad", width=2, height=2, value=300)])
    check_steps(steps, Known(white=255, channels=3, size=(40, 40)))


def test_sizes_are_followed_through_the_steps():
    steps = [step("resize", width=20, height=10, keep_aspect=True), step("crop", width=10, height=10)]
    check_steps(read_steps(steps), Known(size=(40, 40)))
    with pytest.raises(ValueError, match="which has 20 x 5 px"):
        check_steps(read_steps(steps), Known(size=(80, 20)))


def test_what_files_of_grey_images_hold_is_known():
    common = {"fetch": {"files": {"a": "0" * 64}, "sources": [{"folder": "b"}]}, "classes": ["c", "d"]}
    entry = {"source": "idx", "splits": {"train": {"images": "a", "labels": "a"}}, **common}
    assert IdxDataset(**entry, prepare=["contrast"]).raw_images() == Known(white=255, channels=1)
    assert DotsDataset(**DOTS).raw_images() == Known(white=255, channels=3, size=(40, 40))
    with pytest.raises(ValueError, match=r"300 is not in 0\.\.255"):
        IdxDataset(**entry, prepare=[step("threshold", method="fixed", value=300)])


def test_nothing_is_measured_on_images_that_are_tested_on(loaded):
    with pytest.raises(CalotypeError) as problem:
        loaded(["scale", step("normalise", split="test")])
    assert str(problem.value).startswith(
        "config/studies/dots.yaml: tests: `normalise` measures mean and deviation of `dots`"
    )
    assert "\nHint: nothing is taken from images that are tested on" in str(problem.value)


def test_a_dataset_that_measures_nothing_has_no_job_for_it(loaded):
    layout = Layout(loaded(["grey", "scale"]))
    assert layout.measured("dots") == []
    assert "measure" not in dict(layout.jobs(["dots"]))


def test_all_splits_are_prepared_by_what_was_measured_on_one(loaded):
    splits = DOTS["splits"] | {"more": {"images": 3, "seed": 9}}
    layout = Layout(loaded(["scale", step("normalise", split="more")], splits=splits))
    assert layout.measured("dots") == ["results/prepared/dots/more.measured.json"]
    jobs = layout.jobs(["dots"])
    assert jobs[:4] == [("draw", "dots/train"), ("draw", "dots/test"), ("draw", "dots/more"), ("measure", "dots/more")]
    assert [what for stage, what in jobs if stage == "prepare"] == ["dots/train", "dots/test"]


def test_sheets_are_those_of_the_splits_that_are_used(loaded):
    found = Layout(loaded()).step_sheets(["dots"])
    assert found == [
        f"results/prepared/dots/{split}-steps{suffix}"
        for split in ("train", "test")
        for suffix in (".pdf", ".svg", ".png")
    ]


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"function": "nowhere.py:f"}, ".function: there is no file nowhere.py.\nHint: paths start from the working d"),
        ({"function": "tools.py:darkr"}, ".function: tools.py has no function `darkr`.\nHint: it has: darker, seen, c"),
        ({"function": "tools.py:darker", "arguments": {"bye": 2}}, ".arguments: `darker` takes no `bye`.\nHint: it ta"),
        ({"function": "tools.py:roots", "arguments": {"x": 2}}, ".arguments: `roots` takes no `x`.\nHint: it takes no"),
    ],
)  # fmt: skip
def test_a_function_that_is_not_there_is_answered_before_anything_runs(loaded, tmp_path, monkeypatch, entry, complaint):
    (tmp_path / "tools.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    right = loaded([step("own", function="tools.py:darker", arguments={"by": 3}), "scale"])
    check_own_steps(right.datasets["dots"], f"{DATASETS_FILE}: dots")
    wrong = loaded(["grey", step("own", **entry)])
    with pytest.raises(CalotypeError) as problem:
        check_own_steps(wrong.datasets["dots"], f"{DATASETS_FILE}: dots")
    assert str(problem.value).startswith(f"{DATASETS_FILE}: dots.prepare.1.own{complaint}")


def test_editors_take_steps_by_name_or_with_settings():
    valid = jsonschema.Draft202012Validator(config.schemas()["datasets.schema.json"]).is_valid

    def taken(prepare):
        return valid({"dots": DOTS | {"prepare": prepare}})

    assert taken(LONG)
    assert taken([*ALONE])
    assert taken([step("normalise", mean=0.5, deviation=[1, 2, 3])])
    for wrong in (["gray"], ["resize"], [step("resize", width=3)], [step("scale", by=3)], "grey", [{"resize": {}}]):
        assert not taken(wrong)


# ---- The figure ------------------------------------------------------------------------------------------------------


STYLED = pytest.mark.usefixtures("style")


@pytest.mark.parametrize(
    ("labels", "rows", "expected"),
    [
        ([2, 2, 0, 1, 0, 1], 3, [2, 3, 0]),
        ([2, 2, 0, 1, 0, 1], 4, [2, 4, 3, 0]),
        ([5, 5, 5, 5], 3, [0, 1, 2]),
        ([1, 0], 6, [1, 0]),
        (list(range(10)) * 3, 6, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_images_of_the_figure_show_as_many_labels_as_there_is_room_for(labels, rows, expected):
    assert figures_steps.chosen(np.array(labels), rows) == expected


def test_images_with_numbers_come_from_the_least_to_the_largest():
    assert figures_steps.chosen(np.array([0.5, 9.5, 3.5, 7.5, 1.5]), 3) == [0, 2, 1]
    assert figures_steps.chosen(np.array([2.5, 1.5]), 6) == [1, 0]


@pytest.mark.parametrize(
    ("label", "classes", "names", "facts", "expected"),
    [
        (1, ["oak", "beech"], ["a/1.png", "b/2.png"], {"classes": 2}, "2.png\nbeech"),
        (3, [], None, {"minimum": 0, "maximum": 9}, "image 7\ncount 3"),
        (3.14159, [], None, {}, "image 7\n3.142"),
    ],
)
def test_a_row_of_the_figure_is_called_by_file_and_label(label, classes, names, facts, expected):
    raw = Raw(2, iter(()), names=names, **facts)
    assert figures_steps.called((7, label, noise()), 1, raw, classes) == expected


@pytest.mark.parametrize(
    ("values", "white", "expected"),
    [([0, 0.5], 1, (0, 1)), ([-2, 3], 1, (-2, 3)), ([0, 7], 1, (0, 7)), ([4, 4], None, (4, 5))],
)
def test_pixels_outside_the_range_before_a_function_of_the_users_are_not_cut_off(values, white, expected):
    column = [(np.full((2, 2, 1), value, np.float32), Known(white=white)) for value in values]
    assert figures_steps._range(column) == expected


def test_the_images_that_were_chosen_are_those_that_are_shown():
    images = [noise(seed=seed) for seed in range(9)]
    records = figures_steps.pick(raw_of(images), [7, 2])
    assert [number for number, _, _ in records] == [107, 102]
    assert np.array_equal(records[0][2], images[7])


def test_a_split_is_not_read_beyond_the_last_image_that_is_shown():
    def records():
        for i in range(9):
            assert i <= 4, "read too far"
            yield i, 0, noise()

    assert [number for number, _, _ in figures_steps.pick(Raw(9, records(), classes=3), [1, 4])] == [1, 4]


@pytest.fixture
def drawn():
    """The figure of a preparation of colour images of several sizes."""

    def made(plain, channels=3):
        steps = read_steps(plain)
        records = [(i, i % 3, noise(20 + i, 24, channels, seed=i)) for i in range(4)]
        rows = figures_steps.all_stages(records, steps)
        return figures_steps.preparation_sheet(rows, steps, [f"image {i}\nShirt" for i in range(4)])

    return made


SHOWN = [
    "grey", step("resize", width=16, height=16), step("threshold", method="adaptive", block=5), "scale",
    step("normalise", mean=0.5, deviation=0.25),
]  # fmt: skip


@STYLED
def test_each_image_is_shown_as_it_was_read_and_after_each_step(drawn):
    figure = drawn(SHOWN)
    (axes,) = figure.axes
    assert len(axes.images) == 4 * (1 + len(SHOWN))
    words = [text.get_text() for text in axes.texts]
    for name in ("as read", "grey", "resize", "threshold", "scale", "normalise", "image 3\nShirt"):
        assert name in words
    joined = " ".join(" ".join(words).split())
    assert "16 × 16 px" in joined
    assert "method adaptive, block 5" in joined
    assert "several sizes" in joined


@STYLED
@pytest.mark.parametrize("count", [0, 1, 12])
def test_no_word_or_picture_of_the_figure_lies_outside_it_whatever_the_number_of_steps(drawn, count):
    figure = drawn([step("blur", size=3)] * count)
    width, height = figure.get_size_inches()
    assert width <= figures.DOUBLE + 1e-6
    (axes,) = figure.axes
    boxes = [image.get_extent() for image in axes.images]
    assert all(0 <= left < right <= width and 0 <= top < low <= height for left, right, low, top in boxes)
    lefts = sorted({round(left, 6) for left, *_ in boxes})
    assert all(b - a > 0.3 for a, b in pairwise(lefts))


@STYLED
def test_the_figure_has_the_same_bytes_every_time(drawn, tmp_path):
    for name in ("a", "b"):
        figures.save(drawn(SHOWN), [tmp_path / f"{name}{suffix}" for suffix in (".pdf", ".svg", ".png")])
    for suffix in (".pdf", ".svg", ".png"):
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


@STYLED
def test_a_large_image_is_printed_no_finer_than_paper_shows():
    image = noise(1500, 1200)
    rows = figures_steps.all_stages([(1, 0, image)], [])
    (axes,) = figures_steps.preparation_sheet(rows, [], ["image 1"]).axes
    assert max(axes.images[0].get_array().shape) < 700


@STYLED
def test_colours_are_printed_as_they_are():
    image = np.zeros((8, 8, 3), np.uint8)
    image[..., 0] = 255
    (axes,) = figures_steps.preparation_sheet(figures_steps.all_stages([(1, 0, image)], []), [], ["image 1"]).axes
    assert axes.images[0].get_array()[0, 0].tolist() == [255, 0, 0]


def test_a_title_says_what_a_step_was_given_and_no_default():
    found = [
        titled(entry)
        for entry in read_steps(
            [
                *LONG[:2],
                *LONG[6:9],
                step("normalise", mean=0.25, deviation=[1, 2]),
                step("normalise", range=[0, 1], levels=[0, 16]),
            ]
        )
    ]
    assert found == [
        ("crop", "30 × 32 px, left 1, top 2"),
        ("grey", "method luminance"),
        ("morphology", "operation open, size 3, shape ellipse"),
        ("resize", "24 × 24 px, keep aspect"),
        ("pad", "24 × 24 px, border edge"),
        ("normalise", "mean 0.25, deviation 1, 2"),
        ("normalise", "range 0 to 1, levels 0 to 16"),
    ]
