"""The use of jobs, from the output of a real sacct (Slurm 22.05) or from our own records, and the advice on it."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from calotype.jobs import job_record, requests
from calotype.jobs.job_use import SNAKEMAKE, JobUse, job_uses
from calotype.jobs.used_kinds import used_kinds

# A private Slurm printed it: 21425001 was killed for memory, 21425035 requeued, 21425036 ran until its time limit.
PRINTED = Path(__file__).with_name("sacct_of_jobs.txt")
SUBMITTED = 1796019896.0
TRAIN = "train digits/source, seeds 2 to 3"
ASKED = {"cpus": 1, "memory_mib": 400, "minutes": 60, "gpus": 1}


@pytest.fixture
def sacct(tmp_path, monkeypatch):
    """Put a sacct on the path that prints the output and notes its arguments."""
    program = tmp_path / "bin/sacct"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called.txt\ncat {PRINTED}\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "called.txt"


@pytest.fixture
def no_slurm(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))


def line(job, name=TRAIN, **changes):
    base = {
        "job": job,
        "call": "a-call",
        "name": name,
        "submitted": SUBMITTED,
        "attempt": 1,
        "kinds": ["train"],
        "about": ["digits"],
        "asked": ASKED,
        "members": 1,
        "seeds": 2,
    }
    return base | changes


def record(results, *lines):
    file = results / job_record.FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(each) + "\n" for each in lines))


def attempt(results, number, job, **changes):
    file = results / f"benchmarks/attempts/digits/source/{number}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    used = {"seconds": 4.0, "cpu_seconds": 0.7, "memory_mib": 146, "gpu": {}}
    base = {"name": TRAIN.removeprefix("train "), "state": "completed", "began": SUBMITTED + 10 + number, "job": job}
    file.write_text(json.dumps(base | {"used": used} | changes))


def uses(results, studies=("digits",)):
    return job_uses(results, studies, ["images"])


def test_one_sacct_tells_what_all_jobs_asked_for_and_used(tmp_path, sacct):
    group = {"kinds": ["claims", "evaluate", "figures_classify"], "seeds": 0, "members": 3}
    again = line("21425006", attempt=2, call="another-call")
    record(tmp_path, line("21425001"), again, line("21425010", "group of 3 jobs of digits", **group))
    killed, done, others = uses(tmp_path)
    (called,) = sacct.read_text().splitlines()
    assert "--name=a-call,another-call" in called
    assert (killed.state, done.state) == ("OUT_OF_MEMORY", "COMPLETED"), "the job itself says FAILED"
    assert (killed.memory_mib, killed.minutes, killed.cpus, killed.gpus) == (400, 60, 1, 1)
    assert (done.memory_mib, done.minutes, done.waited, done.ran) == (800, 120, 0, 30)
    assert done.cpu_seconds == pytest.approx(7.163)
    assert done.used_mib == pytest.approx((159880 + 877268) / 1024), "Snakemake and the step at the same time"
    assert (others.kind, others.cpus, others.gpus) == ("claims, evaluate, figures", 2, 0)


@pytest.mark.usefixtures("sacct")
def test_memory_that_a_training_has_measured_replaces_that_with_mapped_pages(tmp_path):
    record(tmp_path, line("21425006"))
    attempt(tmp_path, 1, "21425006", used={"seconds": 14.0, "memory_mib": 310, "gpu": {"busy_percent": 7.0}})
    (use,) = uses(tmp_path)
    assert use.used_mib == 310 + SNAKEMAKE
    assert use.gpu == {"busy_percent": 7.0}
    assert use.cpu_seconds == pytest.approx(7.163), "of the whole job"


@pytest.mark.usefixtures("sacct")
def test_a_requeued_job_has_two_attempts_and_one_at_its_time_limit_is_told(tmp_path):
    record(tmp_path, line("21425035"), line("21425036", "train digits/source, seeds 4 to 5"))
    assert [use.state for use in uses(tmp_path)] == ["REQUEUED", "COMPLETED", "TIMEOUT"]
    assert [use.waited for use in uses(tmp_path)][:2] == [0, 37]


@pytest.mark.usefixtures("no_slurm")
def test_without_accounting_our_own_records_count(tmp_path):
    ended = {"job": "1", "state": "FAILED", "start": SUBMITTED + 5, "ended": SUBMITTED + 65}
    record(tmp_path, line("1"), ended, line("2", attempt=2), ended | {"job": "2", "state": "COMPLETED"})
    attempt(tmp_path, 1, "1", state="killed")
    killed, done = uses(tmp_path)
    assert (killed.state, killed.waited, killed.ran) == ("FAILED", 5, 60)
    assert (killed.memory_mib, killed.minutes, killed.gpus, killed.used_mib) == (400, 60, 1, 146 + SNAKEMAKE)
    assert (done.completed, done.first, done.used_mib) == (True, False, None)


@pytest.mark.usefixtures("no_slurm")
def test_a_job_that_finished_after_its_call_was_killed_counts_as_completed(tmp_path):
    record(tmp_path, line("1"))
    attempt(tmp_path, 1, "1")
    (use,) = uses(tmp_path)
    assert use.completed


@pytest.mark.usefixtures("no_slurm")
def test_without_accounting_the_requeues_of_a_job_count_as_attempts(tmp_path):
    record(tmp_path, line("1"), {"job": "1", "state": "COMPLETED", "start": SUBMITTED + 5, "ended": SUBMITTED + 65})
    attempt(tmp_path, 1, "1", state="stopped", asked={"restarts": 0})
    attempt(tmp_path, 2, "1", asked={"restarts": 1})
    assert [(use.state, use.ran) for use in uses(tmp_path)] == [("REQUEUED", 4.0), ("COMPLETED", 4.0)]


@pytest.mark.usefixtures("no_slurm")
def test_local_trainings_count_with_their_killed_attempts(tmp_path):
    attempt(tmp_path, 1, None, state="killed")
    attempt(tmp_path, 2, None)
    assert [(use.kind, use.state, use.used_mib) for use in uses(tmp_path)] == [
        ("train", "KILLED", 146),
        ("train", "COMPLETED", 146),
    ]
    assert uses(tmp_path, ["another"]) == []


@pytest.mark.usefixtures("no_slurm")
def test_jobs_of_earlier_results_do_not_count(tmp_path):
    ends = [{"job": str(job), "state": "COMPLETED", "start": SUBMITTED, "ended": SUBMITTED + 9} for job in (1, 2)]
    record(tmp_path, line("1"), ends[0], line("2", TRAIN.replace("train", "train_on_cpu")), ends[1])
    assert len(uses(tmp_path)) == 1


@pytest.mark.usefixtures("no_slurm")
def test_a_line_that_a_crash_cut_off_hides_no_other(tmp_path):
    record(tmp_path, line("1"))
    with (tmp_path / job_record.FILE).open("a") as file:
        file.write('{"job": "2", "call": "a-c\n{"job": "9", "state": "COMPLETED", "start": 1, "ended": 2}\n[]\n')
        file.write(json.dumps(line("3", "train digits/source, seeds 4 to 5")) + "\n")
    assert [job.job for job in job_record.read(tmp_path)] == ["1", "3"]


@pytest.mark.parametrize(
    ("given", "gpus"),
    [
        ({"gres": "gpu:1"}, 1),
        ({"gres": "gpu:a100:2"}, 2),
        ({"gres": "gpu"}, 1),
        ({"gpu": 1, "gpu_model": "a100"}, 1),
        ({"slurm_extra": "--signal=TERM@60 --gpus=1"}, 1),
        ({"gres": ""}, 0),
        ({"gres": "shard:2"}, 0),
        ({}, 0),
    ],
)
def test_gpus_are_counted_in_each_form_of_a_request(given, gpus):
    assert job_record.gpus_of(given) == gpus


# ---- Advice ----------------------------------------------------------------------------------------------------------


def job(number=0, **changes):
    base = JobUse(
        kind="train",
        name=f"train digits/source, seeds {3 * number} to {3 * number + 2}",
        state="COMPLETED",
        seeds=3,
        ran=180.0,
        cpus=1,
        memory_mib=4000,
        minutes=60,
        gpus=1,
        used_mib=841,
    )
    return replace(base, **changes)


def advice(*some):
    (kind,) = used_kinds(some)
    return kind.advice


def test_advice_names_a_request_that_is_enough():
    assert advice(*[job(number) for number in range(10)]) == [
        "asked for 4,000 MiB, used up to 841 MiB: `mem_mb: 1250` is enough.",
        "limit 60 min, ran at most 3 min: set `seeds_per_job: 30` for digits/source, so that jobs take up to half an "
        "hour.",
    ]
    assert advice(job()) == [
        "asked for 4,000 MiB, used up to 841 MiB: `mem_mb: 1250` is enough.",
        "limit 60 min, ran at most 3 min: Slurm starts jobs with `runtime: 10` earlier, in gaps.",
    ]


def test_nothing_is_advised_where_jobs_used_nearly_what_they_asked_for():
    assert advice(job(used_mib=2900, ran=1500.0), job(1, used_mib=2000, ran=1700.0)) == []
    assert advice(job(used_mib=None, ran=None)) == []


def test_a_job_killed_for_memory_gets_a_larger_request_not_a_smaller_one():
    killed = job(state="OUT_OF_MEMORY", memory_mib=400, used_mib=396, ran=1700.0)
    (sentence,) = advice(killed, job(memory_mib=800, used_mib=563, ran=1700.0, first=False))
    assert sentence == (
        "asked for 400 MiB at first, and 1 attempt was killed for memory; used up to 563 MiB: `mem_mb: 750` is enough "
        "from the start."
    )


def test_a_job_that_reached_its_time_limit_is_not_told_to_ask_for_less():
    assert advice(job(ran=60.0, used_mib=3900), job(1, ran=60.0, used_mib=3900, state="TIMEOUT")) == []


def test_the_time_of_a_group_of_rules_is_not_advised_on():
    assert advice(job(kind="prepare", members=20, seeds=0, used_mib=3900)) == []


def test_an_idle_gpu_is_told():
    (sentence,) = advice(job(gpu={"busy_percent": 7.0}, used_mib=3900, ran=1700.0))
    assert sentence.startswith("the GPU was busy for 7 % of the time:")
    assert advice(job(gpu={"busy_percent": 80.0}, used_mib=3900, ran=1700.0)) == []


def test_a_job_that_asked_for_no_gpu_gets_no_advice_on_that_of_its_machine():
    assert advice(job(gpu={"busy_percent": 7.0}, gpus=0, used_mib=3900, ran=1700.0)) == []


@pytest.mark.parametrize("used", [1, 99, 240, 800, 841, 1601, 3999, 6400, 6401, 30_000])
def test_a_request_is_never_below_what_was_used(used):
    assert used * 1.25 <= requests.memory(used) < used * 1.25 + 1000
    assert requests.minutes(used) >= 2 * used / 60
    assert requests.seeds(15, used) >= 1


def test_kinds_sum_attempts_times_and_gpu_hours():
    (kind,) = used_kinds(
        [
            job(ran=3600.0, waited=10.0, cpu_seconds=1800.0, gpu={"busy_percent": 20.0, "energy_joules": 3600}),
            job(
                ran=1800.0, waited=30.0, cpu_seconds=2700.0, state="FAILED", gpu={"busy_percent": 50.0, "memory_mib": 9}
            ),
        ]
    )
    assert (kind.jobs, len(kind.uses), kind.early) == (1, 2, 1)
    assert (kind.waited, kind.ran, kind.longest, kind.gpu_hours) == (20, 5400, 3600, 1.5)
    assert (kind.gpu_busy, kind.gpu_mib, kind.watt_hours) == (pytest.approx(30), 9, 1)
    assert kind.used_cores == pytest.approx(4500 / 5400)
