"""Tone: grey levels and channels match an implementation in NumPy."""

import cv2
import numpy as np
import pytest
from unit.preparations import CHANNELS, KINDS, WHITE, gaussian, independent, noise, prepare, step, windows


@independent("grey")
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


@independent("colour")
def test_colour_makes_three_equal_channels_and_leaves_three_as_they_are():
    assert np.array_equal(prepare(noise(), ["colour"]), np.repeat(noise(), 3, axis=2))
    assert np.array_equal(prepare(noise(channels=3), ["colour"]), noise(channels=3))


@independent("threshold", method="fixed", value=99)
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
    steps = ["scale", step("normalise", mean=0.5, std=2), step("threshold", method="fixed", value=0)]
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
@pytest.mark.parametrize("share", [0.05, -0.02, None])
def test_an_adaptive_threshold_is_the_mean_around_a_pixel_less_a_constant(kind, channels, window, share):
    image = noise(12, 11, channels, kind)
    constant = (share or 0) * WHITE[kind]
    given = {} if share is None else {"constant": constant}
    weights = np.full(25, 1 / 25) if window == "flat" else gaussian(5, 0.3 * (2 - 1) + 0.8)
    limit = windows(image, 5, "edge") @ weights - constant
    found = prepare(image, [step("threshold", method="adaptive", block=5, window=window, **given)])
    sure = np.abs(image - limit) > 1e-3 * WHITE[kind]
    assert sure.mean() > 0.97
    assert np.array_equal(found[sure], ((image > limit) * np.float32(WHITE[kind]))[sure])


@independent("invert")
@KINDS
@CHANNELS
def test_inverted_is_what_is_missing_to_white(kind, channels):
    image = noise(channels=channels, kind=kind)
    assert np.array_equal(prepare(image, ["invert"]), WHITE[kind] - image.astype(np.float32))
    np.testing.assert_allclose(prepare(image, ["scale", "invert"]), 1 - image / WHITE[kind], atol=1e-6)


def equalised(image, levels, clip, tiles):
    """Contrast limited adaptive histogram equalisation (Zuiderveld 1994) of an image whose sides are whole tiles."""
    height, width = image.shape[0] // tiles, image.shape[1] // tiles
    limit = max(1, int(clip * height * width / levels))
    tables = np.empty((tiles, tiles, levels))
    for down, across in np.ndindex(tiles, tiles):
        tile = image[down * height : (down + 1) * height, across * width : (across + 1) * width]
        histogram = np.bincount(tile.ravel(), minlength=levels)
        spare = (histogram - limit).clip(0).sum()
        histogram = histogram.clip(max=limit) + spare // levels
        if rest := spare % levels:
            histogram[:: max(1, levels // rest)][:rest] += 1
        tables[down, across] = np.rint(histogram.cumsum() * (levels - 1) / (height * width)).clip(0, levels - 1)

    def beside(length, side):
        place = np.arange(length) / side - 0.5
        lower = np.floor(place).astype(int)
        return lower.clip(0), (lower + 1).clip(max=tiles - 1), place - lower

    above, below, down = (part[:, None] for part in beside(image.shape[0], height))
    left, right, across = (part[None] for part in beside(image.shape[1], width))
    upper = tables[above, left, image] * (1 - across) + tables[above, right, image] * across
    lower = tables[below, left, image] * (1 - across) + tables[below, right, image] * across
    return upper * (1 - down) + lower * down


@independent("contrast", tiles=2)
@KINDS
@pytest.mark.parametrize(("clip", "tiles"), [(3.0, 4), (1.0, 2), (40.0, 1)])
def test_contrast_makes_the_histogram_of_each_tile_even_up_to_a_limit(kind, clip, tiles):
    image = noise(32, 40, 1, kind) // 4
    result = prepare(image, [step("contrast", clip=clip, tiles=tiles)])
    assert np.abs(result[..., 0] - equalised(image[..., 0], WHITE[kind] + 1, clip, tiles)).max() <= 1
    assert result.std() > 1.2 * image.std() or clip == 1


def test_contrast_without_a_limit_in_one_tile_makes_all_grey_levels_as_frequent():
    image = (noise(64, 64).astype(float) ** 2 / 255).astype(np.uint8)
    result = prepare(image, [step("contrast", clip=1000, tiles=1)])
    ranks = np.array([(image <= level).mean() for level in range(256)]) * 255
    assert np.abs(result - ranks[image]).max() <= 1
