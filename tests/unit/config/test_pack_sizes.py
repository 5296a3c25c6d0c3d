"""Number of seeds that share a job."""

import json

import pytest
from unit.config.test_paths import layout

from calotype.config.pack_sizes import WORTH_A_PACK, seeds_of_a_job
from calotype.jobs.requests import LONG


def _measured(root, variant, seconds, epochs):
    pack = root / f"out/dots/{variant}/seeds-000-000"
    pack.mkdir(parents=True)
    found = {"config": {"epochs": epochs}, "seconds": {"0": seconds}}
    (pack / "provenance.json").write_text(json.dumps(found), encoding="utf-8")


def test_runs_of_a_second_share_jobs_that_are_worth_their_start():
    number = seeds_of_a_job(1.0, side_by_side=1, runs=100)
    assert WORTH_A_PACK <= number * 1.0 <= LONG


def test_a_run_of_an_hour_has_a_job_of_its_own():
    assert seeds_of_a_job(3600.0, side_by_side=1, runs=100) == 1


def test_runs_side_by_side_fill_their_job():
    assert seeds_of_a_job(3600.0, side_by_side=4, runs=100) == 4
    assert seeds_of_a_job(LONG / 2, side_by_side=4, runs=1000) == 8


def test_a_study_keeps_enough_jobs_for_several_gpus():
    assert seeds_of_a_job(300.0, side_by_side=1, runs=16) == 2


def test_a_pack_has_never_more_than_half_an_hour_of_runs():
    assert seeds_of_a_job(100.0, side_by_side=1, runs=10_000) == 18


def test_automatic_packs_follow_the_time_of_earlier_runs_and_leave_existing_packs_alone(tmp_path):
    _measured(tmp_path, "wide", seconds=3600.0, epochs=50)
    slow = layout(tmp_path, seeds=4, seeds_per_job="auto")
    assert slow.run_seconds("dots", "wide") == pytest.approx(
        3600.0 / 50 * slow.config.studies["dots"].variants["wide"].epochs
    )
    assert slow.packs("dots", "wide")[0] == (0, 0)


def test_automatic_packs_follow_the_time_that_check_noted(tmp_path):
    first = layout(tmp_path, seeds=4, seeds_per_job="auto")
    file = tmp_path / first.noted_seconds
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"dots/wide": {"start": 15.0, "run": 7200.0}}), encoding="utf-8")
    noted = layout(tmp_path, seeds=4, seeds_per_job="auto")
    assert noted.packs("dots", "wide") == [(0, 0), (1, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize("text", ["{", "[]", '{"dots/wide": 3}'])
def test_a_damaged_note_of_times_stops_no_plan(tmp_path, text):
    first = layout(tmp_path, seeds=4, seeds_per_job="auto")
    file = tmp_path / first.noted_seconds
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    assert layout(tmp_path, seeds=4, seeds_per_job="auto").packs("dots", "wide")
