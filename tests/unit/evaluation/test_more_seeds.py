"""An open comparison or claim says how many seeds would tell, and what they cost by the measured times."""

import math

import numpy as np
import pytest
from unit.pages import origin

from calotype.evaluation.more_seeds import MoreSeeds, cost_text, seeds_text, worth_text

CPU = [origin("wide", 0, 4, seconds={str(i): 3600.0 for i in range(5)}, config={"threads": 2})]
GPU = [
    origin("deep", 0, 1, seconds={"0": 1800.0, "1": 1800.0}, config={"threads": 4}, machine={"device": "NVIDIA A100"})
]


def test_seeds_cost_cores_by_threads_or_gpus_by_the_median_time_of_a_seed():
    assert cost_text(CPU, {"wide": 3}) == "about 6 core hours"
    assert cost_text(CPU, {"wide": 300}) == "about 600 core hours"
    assert cost_text([*CPU, *GPU], {"wide": 1, "deep": 3}) == "about 2 core hours and 1.5 GPU hours"
    assert cost_text([origin("wide", 0, 0, seconds={"0": 0.3})], {"wide": 200}) == "about 1 core minute"


def test_the_number_of_further_seeds_is_that_of_each_variant():
    assert seeds_text(24, {"wide": 5, "deep": 2}, [*CPU, *GPU]) == (
        "24 seeds of each would tell (19 and 22 more, about 38 core hours and 11 GPU hours)"
    )
    assert seeds_text(7, {"wide": 5}, CPU) == "7 seeds would tell (2 more, about 4 core hours)"
    assert seeds_text(math.inf, {"wide": 5}, CPU) == "10,000 seeds would not tell; test on more images"
    assert seeds_text(5, {"wide": 5}, CPU).startswith("5 seeds tell in 80 % of studies")
    assert "unknown" in seeds_text(math.nan, {"wide": 5}, CPU)


def test_a_smallest_difference_is_written_in_points_or_in_the_unit_of_the_metric():
    assert (worth_text(0.005, True), worth_text(0.25, False)) == ("0.5 points", "0.25")


def open_claim(**kind):
    return {"variant": "wide", "metric": "exact", "at_most": None, "at_least": None, "as_low_as": None} | kind


def mean_of(values):
    """Return a line of the summary of a share whose images add no chance beyond that of the seeds."""
    mean, variance = float(np.mean(values)), float(np.var(values, ddof=1)) / len(values)
    return {"mean": mean, "standard_error": math.nan, "independent_images": mean * (1 - mean) / variance}


def test_an_open_bound_says_how_many_seeds_would_tell():
    values = np.random.default_rng(1).normal(0.9, 0.02, 5).tolist()
    more = MoreSeeds("exact", 0.01, CPU)
    told = more.text(open_claim(at_most=0.9), values, mean_of(values), 100)
    assert told.endswith("core hours) if the mean is 1 point from the bound")
    needed = int(told.split()[0])
    assert 34 < needed < 200, "34 seeds of this spread have 80 % power; the forecast has an upper bound of the spread"


@pytest.mark.parametrize(
    ("more", "claim"),
    [
        (MoreSeeds("exact", None, CPU), open_claim(at_most=0.9)),
        (MoreSeeds("log_loss", 0.01, CPU), open_claim(at_most=0.9)),
        (MoreSeeds("exact", 0.01, CPU), open_claim()),
    ],
)
def test_nothing_is_forecast_without_a_smallest_difference_of_this_metric(more, claim):
    values = [0.88, 0.9, 0.92]
    assert more.text(claim, values, mean_of(values), 100) == ""


def test_a_claim_on_the_lowest_runs_says_how_many_runs_would_refute_it():
    told = MoreSeeds("exact", 0.01, CPU).text(open_claim(as_low_as=0.5), [0.9] * 5, {}, 100)
    assert told == "without a run as low, 73 seeds would tell (68 more, about 136 core hours)"
