"""A user's function is a step like the others, and its errors name it."""

from functools import partial

import numpy as np
import pytest
from unit.preparations import CHANNELS, DATASETS_FILE, KINDS, independent, load_with, noise, prepare, step, written

from calotype.config.static_checks import check_custom_steps
from calotype.steps import custom
from calotype.util.code_digest import custom_code
from calotype.util.errors import CalotypeError

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
    """Return a step that calls a function of a user's file."""
    (tmp_path / "tools.py").write_text(OWN)

    def named(function, **arguments):
        return step(
            "custom", function=f"{tmp_path}/tools.py:{function}", **({"arguments": arguments} if arguments else {})
        )

    return named


@pytest.fixture
def loaded(tmp_path):
    return partial(load_with, tmp_path)


# ---- Arguments and results -------------------------------------------------------------------------------------------


@independent("custom", function="a.py:f")
@KINDS
@CHANNELS
def test_a_function_gets_the_pixels_as_they_were_read_and_its_arguments(own, kind, channels):
    image = noise(channels=channels, kind=kind)
    assert np.array_equal(prepare(image, [own("darker")]), image // 2)
    assert np.array_equal(prepare(image, [own("darker", by=5)]), image // 5)


def test_a_function_gets_whole_numbers_before_scale_and_floats_after_it(own, tmp_path):
    image = noise(channels=3)
    prepare(image, ["grey", own("seen"), "scale", own("seen")])
    first, second = custom._function(f"{tmp_path}/tools.py:seen").images
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
        CalotypeError, match=r"prepare\.1\.scale: image 0: it needs the grey levels .* none after `custom`"
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


# ---- Errors ----------------------------------------------------------------------------------------------------------


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
        ("nan", "returned NaN or infinite values."),
        ("infinite", "returned NaN or infinite values."),
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
    assert str(problem.value) == f"prepare.{place}.custom: image 100: {tmp_path}/tools.py:{function}: {complaint}"


@pytest.mark.parametrize(
    ("text", "complaint"), [("def f(image:", "cannot be imported: SyntaxError"), ("f = 3", "function not found")]
)
def test_a_file_that_is_no_use_is_named(tmp_path, text, complaint):
    (tmp_path / "tools.py").write_text(text)
    with pytest.raises(CalotypeError, match=complaint):
        prepare(noise(), [step("custom", function=f"{tmp_path}/tools.py:f")])
    with pytest.raises(CalotypeError, match=r"tool\.py not found"):
        prepare(noise(), [step("custom", function=f"{tmp_path}/tool.py:f")])


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"function": "nowhere.py:f"}, ".function: file nowhere.py not found.\nHint: paths start from the working d"),
        ({"function": "tools.py:darkr"}, ".function: tools.py has no function `darkr`.\nHint: use one of darker, se"),
        ({"function": "tools.py:darker", "arguments": {"bye": 2}}, ".arguments: `darker` has no argument `bye`."),
        ({"function": "tools.py:roots", "arguments": {"x": 2}}, ".arguments: `roots` has no argument `x`.\nHint: remo"),
    ],
)  # fmt: skip
def test_a_function_that_is_not_there_is_answered_before_anything_runs(loaded, tmp_path, monkeypatch, entry, complaint):
    (tmp_path / "tools.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    right = loaded([step("custom", function="tools.py:darker", arguments={"by": 3}), "scale"])
    check_custom_steps(right.datasets["dots"], f"{DATASETS_FILE}: dots")
    wrong = loaded(["grey", step("custom", **entry)])
    with pytest.raises(CalotypeError) as problem:
        check_custom_steps(wrong.datasets["dots"], f"{DATASETS_FILE}: dots")
    assert str(problem.value).startswith(f"{DATASETS_FILE}: dots.prepare.1.custom{complaint}")


# ---- Preparing again -------------------------------------------------------------------------------------------------


def test_another_code_of_a_function_is_another_identity_and_another_comment_is_not(tmp_path):
    digests = []
    for text in (
        "def f(image):\n    return image\n",
        "def f(image):  # as it is\n    return image\n",
        "def f(i):\n    return i\n",
    ):
        file = tmp_path / f"tools{len(digests)}.py"
        file.write_text(text)
        digests.append(custom_code(f"{file}:f"))
    assert digests[0] == digests[1] != digests[2]
