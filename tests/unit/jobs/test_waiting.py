"""Each reason for which jobs wait is said once, in words, with what to do."""

import pytest

from calotype.jobs.queue import Entry, minutes_of, seconds_of
from calotype.jobs.waiting import EXPLAINED_AFTER, Waiting, explain, never_starts


def entry(reason: str, detail: str = "", partition: str = "gpu", start: float | None = None) -> Entry:
    return Entry("PENDING", partition, 240, start, "", reason, detail or reason)


def name(job: str) -> str:
    return f"train dots/a, seed {job}"


@pytest.mark.parametrize(
    ("text", "minutes", "seconds"),
    [
        ("5:00", 5, None),
        ("2:30:00", 150, 9000),
        ("1-02:30:00", 1590, 95400),
        ("00:00:07", 0, 7),
        ("UNLIMITED", None, None),
        ("Partition_Limit", None, None),
        ("", None, None),
    ],
)
def test_the_times_of_slurm_are_read(text, minutes, seconds):
    assert minutes_of(text) == minutes
    assert seconds_of(text) == seconds


def test_a_wait_is_explained_after_some_minutes_once_and_again_with_another_reason():
    waiting, late = Waiting(), EXPLAINED_AFTER + 1
    assert waiting.tell({"1": entry("Priority")}, name, 0) == []
    (said,) = waiting.tell({"1": entry("Priority")}, name, late)
    assert said.startswith("1 job waits in partition gpu, for 3 min so far: train dots/a, seed 1 (Slurm job 1)\n")
    assert "Priority: jobs of higher priority come first" in said
    assert waiting.tell({"1": entry("Resources")}, name, 2 * late) == [], "these two alternate"
    (said,) = waiting.tell({"1": entry("AssocGrpGRES")}, name, 3 * late)
    assert "AssocGrpGRES: the jobs of your account or QoS use all that they may use at a time." in said
    assert waiting.tell({}, name, 4 * late) == []
    assert waiting.tell({"1": entry("AssocGrpGRES")}, name, 5 * late) == [], "a requeued job has a new wait"


def test_jobs_that_wait_for_the_same_reason_share_a_message_with_the_first_expected_start():
    waiting = Waiting()
    entries = {str(job): entry("Priority", start=86400.0 * (9 - job)) for job in range(5)}
    waiting.tell(entries, name, 0)
    (said,) = waiting.tell(entries, name, EXPLAINED_AFTER)
    assert said.startswith("5 jobs wait")
    assert "seed 2 (Slurm job 2) and 2 more\n" in said
    assert "Slurm expects the first to start on 6 Jan at " in said


@pytest.mark.parametrize(
    ("reason", "detail", "words"),
    [
        ("ReqNodeNotAvail", "ReqNodeNotAvail, UnavailableNodes:g1", "ReqNodeNotAvail, UnavailableNodes:g1: nodes"),
        ("QOSMaxJobsPerUserLimit", "", "as many running jobs as your account or QoS allows"),
        ("QOSMaxGRESPerUser", "", "use all that your account or QoS allows one user"),
        ("AssocGrpCPUMinutesLimit", "", "the budget of your account or QoS is used up"),
        ("JobHeldUser", "", "Hint: `scontrol release 7`"),
        ("Tea break", "", "Tea break: Slurm gives no other reason."),
    ],
)
def test_reasons_are_explained_in_words(reason, detail, words):
    assert words in explain("7", entry(reason, detail))


@pytest.mark.parametrize("reason", ["QOSMaxWallDurationPerJobLimit", "AssocMaxCpuPerJobLimit", "BadConstraints"])
def test_a_job_that_never_starts_is_told_from_one_that_waits(reason):
    assert never_starts(entry(reason))
    assert "it will never start" in explain("7", entry(reason))
    assert not never_starts(entry(reason, partition="gpu,cpu")), "the other partition may take it"
    assert not never_starts(entry("QOSMaxJobsPerUserLimit"))
    assert not never_starts(entry("Priority"))
