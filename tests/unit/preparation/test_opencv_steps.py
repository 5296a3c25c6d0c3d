"""What each step does to pixels is what another way gives; what it cannot do is said with the image's number."""

from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import pytest
from unit.preparations import CHANNELS, KINDS, WHITE, noise, step

from calotype.config.preparation_steps import STEPS, read_steps
from calotype.preparation.prepare import prepare
from calotype.util.errors import CalotypeError


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
