"""Steps in a config: valid and invalid entries, and the registration of a step."""

from functools import partial
from types import ModuleType
from typing import Any, Literal

import jsonschema
import pytest
from unit.preparations import DATASETS_FILE, DOTS, examples, load_with, step

from calotype.config import load
from calotype.steps import tone
from calotype.steps.base import Step
from calotype.steps.registry import STEPS, read_steps
from calotype.steps.tone import Grey
from calotype.util.code_digest import NO_RESULT, reach
from calotype.util.errors import CalotypeError
from calotype.util.typed import by_name


@pytest.fixture
def loaded(tmp_path):
    return partial(load_with, tmp_path)


# ---- Invalid lists ---------------------------------------------------------------------------------------------------

# Each: the value of `prepare:`, and the start of the error.
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
    ([step("pad", width=50, height=50, border="zero")], ".prepare.0.pad.border: 'zero' is not one of value, white"),
    ([step("pad", width=50, height=50, border="edge", value=3)], ".prepare.0.pad: value: border `edge` takes none"),
    ([step("pad", width=50, height=50, value="white")], '.prepare.0.pad.value: "white" is not a number'),
    ([step("pad", width=50, height=50, value=float("nan"))], ".prepare.0.pad.value: NaN is not a finite number"),
    ([step("threshold", value=3)], ".prepare.0.threshold.method: is missing"),
    ([step("threshold", method="fixed")], ".prepare.0.threshold: value: method `fixed` needs it"),
    ([step("threshold", method="fixed", value=3, block=3)], ".prepare.0.threshold: block: method `fixed` takes none"),
    ([step("threshold", method="otsu", value=3)], ".prepare.0.threshold: value: method `otsu` takes none"),
    ([step("threshold", method="otsu", window="flat")], ".prepare.0.threshold: window: method `otsu` takes none"),
    ([step("threshold", method="adaptive")], ".prepare.0.threshold: block: method `adaptive` needs it"),
    ([step("threshold", method="adaptive", block=10)], ".prepare.0.threshold.block: 10 is even; the width must be"),
    ([step("threshold", method="adaptive", block=1)], ".prepare.0.threshold.block: 1 is out of range: it must be >= 3"),
    ([step("threshold", method="adaptiv", block=3)], ".prepare.0.threshold.method: 'adaptiv' is not one of fixed, ots"),
    ([step("threshold", method="fixed", value=True)], ".prepare.0.threshold.value: true is not a number"),
    ([step("blur")], ".prepare.0.blur.size: is missing"),
    (["blur"], ".prepare.0.blur.size: is missing"),
    ([step("blur", size=4)], ".prepare.0.blur.size: 4 is even; the width must be odd, so that there"),
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
    (["normalise"], ".prepare.0.normalise: give `range`, or `mean` and `std`, or `split`"),
    ([step("normalise", mean=3)], ".prepare.0.normalise: give `range`, or `mean` and `std`, or `split`"),
    ([step("normalise", mean=3, std=1, range=[0, 1])], ".prepare.0.normalise: give `range`, or `mean` and"),
    ([step("normalise", split="train", range=[0, 1])], ".prepare.0.normalise: give `range`, or `mean` and"),
    ([step("normalise", mean=3, std=0)], ".prepare.0.normalise.std.0: 0 is not a positive number"),
    ([step("normalise", mean="a", std=1)], ".prepare.0.normalise.mean: 'a' is neither a number nor a list of"),
    ([step("normalise", mean=[], std=1)], ".prepare.0.normalise.mean: [] is empty"),
    ([step("normalise", mean=[1, "b"], std=1)], '.prepare.0.normalise.mean.1: "b" is not a number'),
    ([step("normalise", mean=[1, 2], std=[1, 2, 3])], ".prepare.0.normalise: mean has 2 numbers, std 3"),
    ([step("normalise", range=[1])], ".prepare.0.normalise.range: [1] is too short: it must have at least 2"),
    ([step("normalise", range=[0, 1, 2])], ".prepare.0.normalise.range: [0, 1, 2] is too long: it must have at most 2"),
    ([step("normalise", range=[1, 0])], ".prepare.0.normalise: range: 1 is not below 0"),
    ([step("normalise", range=[0, 1], levels=[16, 16])], ".prepare.0.normalise: levels: 16 is not below 16"),
    ([step("normalise", levels=[0, 1], split="train")], ".prepare.0.normalise: levels: needs range"),
    ([step("custom")], ".prepare.0.custom.function: is missing"),
    ([step("custom", function="tools.py")], '.prepare.0.custom.function: "tools.py" is not `path/to/file.py:function`'),
    ([step("custom", function="tools:f")], '.prepare.0.custom.function: "tools:f" is not `path/to/file.py:function`'),
    ([step("custom", function="t.py:f", arguments=[3])], ".prepare.0.custom.arguments: [3] is not a mapping"),
    ([step("custom", function="t.py:f", argument={})], ".prepare.0.custom.argument: is not a known key"),
    # the order, and what is known of drawn images: 40 x 40 px in colour
    (["grey", "grey"], ": prepare: duplicate step `grey`"),
    (["scale", "invert", "scale"], ": prepare: duplicate step `scale`"),
    (["colour", "colour"], ": prepare: duplicate step `colour`"),
    (["grey", "scale", step("threshold", method="otsu")],
     ": prepare.2.threshold: method `otsu` needs the grey levels that were read, and there are none after `scale`: "
     "put it before `scale`"),
    (["grey", "scale", "contrast"], ": prepare.2.contrast: it needs the grey levels that were read, and there are non"),
    (["scale", step("blur", method="median", size=7)], ": prepare.1.blur: size: a median above 5 px needs the grey le"),
    ([step("normalise", range=[0, 1]), "scale"], ": prepare.1.scale: it needs the grey levels that were read, and the"),
    ([step("normalise", mean=1, std=1), "invert"], ": prepare.1.invert: there is no white after `normalise`"),
    ([step("threshold", method="otsu")], ": prepare.0.threshold: method `otsu` needs one channel, and the image has 3"),
    (["contrast"], ": prepare.0.contrast: it needs one channel, and the image has 3: put `grey` before it"),
    (["grey", "colour", "contrast"], ": prepare.2.contrast: it needs one channel, and the image has 3"),
    ([step("crop", width=41, height=4)], ": prepare.0.crop: 41 x 4 px do not lie within the image, which has 40 x 40"),
    ([step("crop", width=4, height=4, left=37, top=0)], ": prepare.0.crop: 4 x 4 px at left 37, top 0 do not lie with"),
    ([step("resize", width=9, height=9), step("crop", width=10, height=9)], ": prepare.1.crop: 10 x 9 px do not lie "),
    ([step("pad", width=39, height=50)], ": prepare.0.pad: the image has 40 x 40 px, more than 39 x 50 px"),
    ([step("pad", width=50, height=50, value=-1)], ": prepare.0.pad: value: -1 is not in 0..255, the range of the pi"),
    (["scale", step("pad", width=50, height=50, value=128)], ": prepare.1.pad: value: 128 is not in 0..1, the range"),
    ([step("threshold", method="fixed", value=256)], ": prepare.0.threshold: value: 256 is not in 0..255"),
    (["scale", step("threshold", method="fixed", value=128)], ": prepare.1.threshold: value: 128 is not in 0..1"),
    (["grey", step("contrast", tiles=41)], ": prepare.1.contrast: tiles: 41 per row and column, but the image"),
    (["grey", step("normalise", mean=[1, 2, 3], std=1)], ": prepare.1.normalise: mean: has 3 numbers, and the i"),
    ([step("normalise", mean=1, std=[1, 2])], ": prepare.0.normalise: std: has 2 numbers, and the image 3"),
    ([step("normalise", split="trian")], ": prepare.0.normalise.split: split `trian` not found; splits are train"),
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
        (step("custom", funktion="a.py:f", function="a.py:f"), "did you mean `function`?"),
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


def test_nothing_is_measured_on_images_that_are_tested_on(loaded):
    with pytest.raises(CalotypeError) as problem:
        loaded(["scale", step("normalise", split="test")])
    assert str(problem.value).startswith("config/studies/dots.yaml: tests: `normalise` of `dots` measures mean and std")
    assert "\nHint: never measure on test images" in str(problem.value)


def test_editors_take_steps_by_name_or_with_settings():
    valid = jsonschema.Draft202012Validator(load.schemas()["datasets.schema.json"]).is_valid

    def taken(prepare):
        return valid({"dots": DOTS | {"prepare": prepare}})

    for name in STEPS:
        try:
            complete = bool(read_steps([name]))
        except CalotypeError:
            complete = False
        assert taken([name]) == complete
    assert taken([step("resize", width=24, height=24, keep_aspect=True), "grey"])
    assert taken([step("normalise", mean=0.5, std=[1, 2, 3])])
    for wrong in (["gray"], ["resize"], [step("resize", width=3)], [step("scale", by=3)], "grey", [{"resize": {}}]):
        assert not taken(wrong)


# ---- Registration ----------------------------------------------------------------------------------------------------


def module_of(**members):
    """Return a module of steps, as a user of the library would."""
    made = ModuleType("made")
    for name, value in members.items():
        value.__module__ = "made"
        setattr(made, name, value)
    return made


class Gamma(Step):
    """A step that does not declare its range."""

    name: Literal["gamma"]

    def apply(self, images, known):
        return images + known.white


class Grey2(Grey):
    """A second grey."""


def test_a_step_that_does_not_say_what_follows_it_cannot_be_registered():
    with pytest.raises(TypeError, match=r"made\.Gamma lacks after"):
        by_name([module_of(Gamma=Gamma)], Step)


def test_two_steps_of_one_name_are_refused():
    with pytest.raises(TypeError, match=r"made\.Grey2: duplicate name `grey`"):
        by_name([tone, module_of(Grey2=Grey2)], Step)


@pytest.mark.parametrize("name", STEPS)
def test_another_limit_in_a_check_prepares_nothing_again(name):
    found = reach(f"{STEPS[name].__module__}:{STEPS[name].__name__}", NO_RESULT).definitions
    assert not [each for each in found if each.startswith("calotype.steps.base:need_")]


def test_every_step_is_held_against_another_implementation_than_opencv():
    assert {*examples()} == {*STEPS}
