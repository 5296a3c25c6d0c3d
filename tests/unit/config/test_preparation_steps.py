"""The list of steps: what a config may say, what is answered to all else, and what a prepared split depends on."""

import json
from functools import partial
from typing import Any

import jsonschema
import pytest
from unit.preparations import DATASETS_FILE, DOTS, load_with, step

from calotype.config import load
from calotype.config.datasets import DotsDataset, IdxDataset
from calotype.config.paths import Layout
from calotype.config.preparation_steps import ALONE, Known, check_steps, measured_split, plain_steps, read_steps, titled
from calotype.util.errors import CalotypeError


@pytest.fixture
def loaded(tmp_path):
    return partial(load_with, tmp_path)


# ---- What a split depends on -----------------------------------------------------------------------------------------


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


# ---- What is wrong with a list ---------------------------------------------------------------------------------------

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


def test_nothing_is_measured_on_images_that_are_tested_on(loaded):
    with pytest.raises(CalotypeError) as problem:
        loaded(["scale", step("normalise", split="test")])
    assert str(problem.value).startswith(
        "config/studies/dots.yaml: tests: `normalise` measures mean and deviation of `dots`"
    )
    assert "\nHint: nothing is taken from images that are tested on" in str(problem.value)


def test_editors_take_steps_by_name_or_with_settings():
    valid = jsonschema.Draft202012Validator(load.schemas()["datasets.schema.json"]).is_valid

    def taken(prepare):
        return valid({"dots": DOTS | {"prepare": prepare}})

    assert taken(LONG)
    assert taken([*ALONE])
    assert taken([step("normalise", mean=0.5, deviation=[1, 2, 3])])
    for wrong in (["gray"], ["resize"], [step("resize", width=3)], [step("scale", by=3)], "grey", [{"resize": {}}]):
        assert not taken(wrong)


# ---- What is known before images are read ----------------------------------------------------------------------------


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


def test_steps_without_a_split_measure_nothing():
    assert measured_split(read_steps(["grey", step("normalise", mean=1, deviation=2)])) is None


# ---- Jobs, sheets and titles -----------------------------------------------------------------------------------------


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
