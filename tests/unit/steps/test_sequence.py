"""Lists of steps: their errors before images are read, and the dependencies of a prepared split."""

import json
from functools import partial

import pytest
from unit.preparations import DOTS, load_with, step

from calotype.config.dataset_drawn import DotsDataset
from calotype.config.dataset_fetched import IdxDataset
from calotype.config.paths import Layout
from calotype.steps.base import Known, step_title
from calotype.steps.registry import STEPS, read_steps
from calotype.steps.sequence import check_steps, measured_split, plain_steps
from calotype.util.errors import CalotypeError


@pytest.fixture
def loaded(tmp_path):
    return partial(load_with, tmp_path)


# ---- Dependencies of a split -----------------------------------------------------------------------------------------


def test_without_a_word_images_become_grey_and_are_scaled(loaded):
    assert loaded().datasets["dots"].prepare == read_steps(["grey", "scale"])


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
    assert read_steps(json.loads(json.dumps(found))) == dataset.prepare == read_steps(dataset.prepare)


def test_to_write_out_a_default_prepares_nothing_again(loaded):
    said = [step("resize", width=9, height=9, interpolation="auto", keep_aspect=False), step("contrast", tiles=8)]
    with pytest.raises(CalotypeError, match="put `grey` before it"):
        loaded(said)
    found, short = (
        loaded(["grey", *steps]).datasets["dots"].preparation("train")["steps"]
        for steps in (said, [step("resize", width=9, height=9), "contrast"])
    )
    assert found == short


def test_a_default_of_a_step_that_is_spelled_out_prepares_nothing_again(loaded):
    short, long = ([step("resize", width=9, height=9, **more)] for more in ({}, {"keep_aspect": False}))
    prepared = [loaded(steps).datasets["dots"].preparation("train") for steps in (short, long)]
    assert prepared[0] == prepared[1]


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


# ---- Checks before images are read -----------------------------------------------------------------------------------


def test_properties_that_are_unknown_before_images_are_read_are_no_error():
    steps = read_steps([step("threshold", method="otsu"), step("crop", width=9999, height=8), "contrast", "scale"])
    check_steps(steps, Known())
    steps = read_steps(
        ["scale", step("custom", function="a.py:f"), "contrast", step("pad", width=2, height=2, value=300)]
    )
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
    assert measured_split(read_steps(["grey", step("normalise", mean=1, std=2)])) is None


# ---- Jobs, previews and titles ---------------------------------------------------------------------------------------


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


def test_previews_are_those_of_the_splits_that_are_used(loaded):
    found = Layout(loaded()).previews(["dots"])
    assert found == [
        f"results/prepared/dots/{split}-preview{suffix}"
        for split in ("train", "test")
        for suffix in (".pdf", ".svg", ".png")
    ]


def test_a_title_says_what_a_step_was_given_and_no_default():
    found = [
        step_title(entry)
        for entry in read_steps(
            [
                *LONG[:2],
                *LONG[6:9],
                step("normalise", mean=0.25, std=[1, 2]),
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
        ("normalise", "mean 0.25, std 1, 2"),
        ("normalise", "range 0 to 1, levels 0 to 16"),
    ]


def test_each_step_that_measures_takes_its_numbers():
    """Else its images would be prepared without them."""
    measuring = [step for step in STEPS.values() if "measures" in vars(step)]
    assert measuring
    assert all("with_measured" in vars(step) for step in measuring)
