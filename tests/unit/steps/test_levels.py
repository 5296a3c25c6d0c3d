"""Levels: rescaled pixels match the formula."""

import numpy as np
import pytest
from unit.preparations import CHANNELS, KINDS, WHITE, independent, noise, prepare, step


@independent("scale")
@KINDS
@CHANNELS
def test_scaled_goes_from_black_to_white_whatever_the_type(kind, channels):
    image = noise(channels=channels, kind=kind)
    image[0, 0], image[0, 1] = 0, WHITE[kind]
    result = prepare(image, ["scale"])
    np.testing.assert_allclose(result, image / WHITE[kind], atol=1e-6)
    assert (result.min(), result.max()) == (0, pytest.approx(1, abs=1e-6))


@pytest.mark.parametrize("channels", [2, 4, 5, 7])
def test_scaling_takes_images_of_many_channels(channels):
    image = noise(9, 7, channels)
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


@pytest.mark.parametrize(
    ("ends", "levels", "low", "factor"), [([-1, 1], [0, 16], -1, 1 / 8), ([2, 5], [40, 46], 2 - 20, 1 / 2)]
)
def test_normalised_by_fixed_levels_all_images_are_treated_alike(ends, levels, low, factor):
    image = noise()
    result = prepare(image, [step("normalise", range=ends, levels=levels)])
    np.testing.assert_allclose(result, image.astype(float) * factor + low, rtol=1e-5, atol=1e-5)


def test_what_lies_outside_fixed_levels_stays_there_in_the_steps_that_follow():
    image = noise()
    steps = [step("normalise", range=[0, 1], levels=[50, 100])]
    height, width = image.shape[:2]
    same = step("resize", width=width, height=height)
    assert prepare(image, steps).max() > 1
    assert np.array_equal(prepare(image, [*steps, same]), prepare(image, steps))


@independent("normalise", mean=0.3, std=0.7)
@pytest.mark.parametrize("mean", [100, [100], [100, 120, 140]])
@pytest.mark.parametrize("std", [50, [50], [50, 60, 70.5]])
def test_normalised_by_numbers_each_channel_has_its_own_zero_and_unit(mean, std):
    image = noise(channels=3)
    result = prepare(image, [step("normalise", mean=mean, std=std)])
    np.testing.assert_allclose(result, (image - np.array(mean, float)) / np.array(std, float), rtol=1e-5, atol=1e-6)
