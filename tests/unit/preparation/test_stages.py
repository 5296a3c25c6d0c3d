"""An image gives the same result in a stack and alone; an error of a step has the image's number."""

from typing import Any

import numpy as np
import pytest
from unit.preparations import CHANNELS, KINDS, WHITE, examples, noise, prepare, step

from calotype.preparation.stages import take
from calotype.steps.base import Known
from calotype.steps.registry import STEPS, read_steps
from calotype.util.errors import CalotypeError


@KINDS
@CHANNELS
def test_without_a_step_pixels_are_what_they_were(kind, channels):
    image = noise(channels=channels, kind=kind)
    result = prepare(image, [])
    assert result.dtype == np.float32
    assert np.array_equal(result, image)


@pytest.mark.parametrize("steps", [["grey", "contrast"], ["grey", step("threshold", method="otsu")],
                                   ["grey", step("blur", method="median", size=7)]])  # fmt: skip
def test_a_step_on_whole_numbers_gets_the_mean_of_channels_rounded(steps):
    image = noise(20, 20, 3)
    whole = np.rint(prepare(image, ["grey"])).astype(np.uint8)
    assert np.array_equal(prepare(image, steps), prepare(whole, steps[1:]))


# ---- Stacks ----------------------------------------------------------------------------------------------------------


def of_any(example):
    """Return a step for images with any number of channels; `grey` precedes it if it takes one."""
    try:
        read_steps([example])[0].check(Known(channels=3))
    except ValueError:
        return ["grey", example]
    return [example]


STACKED: list[list[Any]] = [
    [], ["scale"], ["grey", "scale"], ["scale", "grey"], ["colour", "scale"], ["invert"], ["scale", "invert"],
    [step("grey", method="luminance"), "scale"], [step("resize", width=9, height=4, interpolation="cubic"), "scale"],
    [step("resize", width=6, height=6, keep_aspect=True), step("pad", width=6, height=6, border="edge")],
    ["grey", step("threshold", method="otsu"), "scale"], [step("threshold", method="adaptive", block=3, constant=2)],
    [step("blur", method="median", size=5)], [step("blur", method="box", size=3)],
    [step("normalise", range=[0, 1])], ["scale", step("normalise", range=[-1, 1], levels=[0, 1])],
    *(of_any(example) for name, example in examples().items() if not STEPS[name].alone),
]  # fmt: skip


@pytest.mark.parametrize("steps", STACKED, ids=str)
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


def test_images_of_one_size_and_type_come_as_one_array_and_others_as_a_list():
    steps = read_steps(["scale", step("resize", width=3, height=2)])
    one, other, deep = noise(), noise(seed=2), noise(kind=np.uint16)
    found = take([one, other], steps, [7, 8])
    assert isinstance(found, np.ndarray)
    assert found.shape == (2, 2, 3, 1)
    for images in ([one, noise(9, 9)], [one, deep]):
        found = take(images, steps, [7, 8])
        assert isinstance(found, list)
        assert [image.shape for image in found] == [(2, 3, 1)] * 2
        for image, alone in zip(found, images, strict=True):
            assert np.array_equal(image, prepare(alone, ["scale", step("resize", width=3, height=2)]))


def test_the_second_of_two_images_is_the_one_that_is_named():
    with pytest.raises(CalotypeError, match=r"^prepare\.0\.crop: image 8: 5 x 5 px do not lie within"):
        take([noise(), noise(4, 4)], read_steps([step("crop", width=5, height=5)]), [7, 8])


# ---- Refused by a job ------------------------------------------------------------------------------------------------


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
        (noise(4, 4), ["contrast"], ".0.contrast: image 0: tiles: 8 per row and column, but the image has only 4 x 4"),
        (noise(kind=np.uint16), [step("blur", method="median", size=7)], ".0.blur: image 0: size: a median above 5 px"),
        (noise(channels=3), [step("normalise", mean=[1, 2], std=1)], ".0.normalise: image 0: mean: has 2 number"),
        (noise(), [step("normalise", split="train")], ".0.normalise: image 0: split `train` has to be measured first."),
        (noise() / 255, ["scale"], ".0.scale: image 0: it needs the grey levels that were read, and these are floats."),
        (noise().astype(int), [], ": image 0: pixels must be uint8, uint16, float32 or float64, not int64."),
        (noise() > 9, [], ": image 0: pixels must be uint8, uint16, float32 or float64, not bool."),
        (np.full((3, 3, 1), np.nan), [], ": image 0: a pixel is NaN or infinite."),
    ],
)  # fmt: skip
def test_what_cannot_be_done_to_an_image_is_an_error_that_names_both(image, steps, complaint):
    with pytest.raises(CalotypeError) as problem:
        prepare(image, steps)
    assert str(problem.value).startswith(f"prepare{complaint}")


def test_what_opencv_cannot_do_is_told_with_the_image_and_its_size():
    with pytest.raises(CalotypeError, match=r"^prepare\.0\.resize: image 0: OpenCV: .* \(2 x 3 px, 600 channels\)\.$"):
        prepare(noise(3, 2, 600), [step("resize", width=5, height=5)])


def test_images_of_floats_are_taken_as_they_are():
    image = noise() / 300
    assert np.array_equal(prepare(image, []), image.astype(np.float32))
