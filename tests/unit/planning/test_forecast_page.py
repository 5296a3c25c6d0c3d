"""The forecast adds up the costs, marks estimates, and warns of a disk that is too small."""

import math

import pytest

from calotype.planning.cost_forecast import Forecast, duration, page, size, table


def row(variant="a", *, packs=2, planned=4, seconds=600.0, known=True, memory=700.0, files=20.0, study="dots"):
    return Forecast(
        study, variant, parameters=338_881, planned=planned, packs=packs, seeds=3 * packs, seconds=seconds,
        known=known, memory=memory, files=files, checkpoints=4 * files,
        start=15.0, run=60.0, in_all=12, together=3, at_once=1, cores=1, device="cpu",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (45, "45 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (5300, "88 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (7200, "2.0 h"),
        (math.nan, "unknown"),
    ],
)
def test_durations_are_in_words(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("mib", "words"),
    [(0.34, "0.3 MiB"), (9.94, "9.9 MiB"), (10, "10 MiB"), (1023.4, "1023 MiB"), (1024, "1.0 GiB"), (3584, "3.5 GiB")],
)
def test_sizes_are_in_words(mib, words):
    assert size(mib) == words


def test_the_table_marks_guesses_and_sums_what_is_ahead():
    rows = [row("a"), row("b", known=False, seconds=60.0, files=4.0), row("c", packs=0, seconds=0.0, files=0.0)]
    assert table(rows) == [
        "study  variant  parameters  packs  seeds  core time   memory    files",
        "dots   a           338,881      2      6     10 min  700 MiB   20 MiB",
        "dots   b           338,881      2      6     60 s ?  700 MiB  4.0 MiB",
        "dots   c           338,881                     done",
        "total                           4     12     11 min            24 MiB",
    ]


def test_of_one_variant_there_is_no_sum():
    assert not any(line.startswith("total") for line in table([row("a"), row("b", packs=0)]))


def plan(rows, stages=None, *, free=5000.0, cores=2):
    return page(rows, {"train": 2, "report": 1} if stages is None else stages, prepared=3.0, free=free, cores=cores)


def test_the_page_counts_jobs_packs_time_memory_and_disk():
    rows = [row("a"), row("b", seconds=1800.0, memory=800.0, packs=3), row("c", packs=0, planned=5)]
    said = plan(rows)
    assert said[: len(table(rows)) + 1] == [*table(rows), ""]
    assert [" ".join(line.split()) for line in said[len(table(rows)) + 1 :]] == [
        "Jobs 3: train 2, report 1",
        "Done preparation; 8 of 13 packs",
        "Time about 40 min on one core, 20 min on 2 cores (this machine)",
        "Memory up to about 800 MiB per training job",
        "Disk 3.0 MiB prepared images (done); 4.9 GiB free",
        "40 MiB weights and predictions; up to 160 MiB checkpoints until evaluation",
    ]


def test_more_cores_do_not_make_one_pack_faster():
    assert any("10 min on 64" in line for line in plan([row("a"), row("b", packs=1)], cores=64))
    assert any("5 min on 64" in line for line in plan([row("a"), row("b", packs=4, seconds=1200.0)], cores=64))


@pytest.mark.parametrize(("known", "said"), [((True, True), False), ((True, False), True), ((False, False), True)])
def test_a_guess_is_explained_where_there_is_one(known, said):
    rows = [row(name, known=each) for name, each in zip("ab", known, strict=True)]
    assert any("?: estimated from the smoke test" in line for line in plan(rows)) is said


def test_where_all_is_done_nothing_is_said_of_time_and_memory():
    said = plan([row("a", packs=0)], {})
    assert any(line.split() == ["Jobs", "0"] for line in said)
    assert any(line.endswith("4 of 4 packs") for line in said)
    assert not any(line.startswith(("Time", "Memory")) or "weights" in line for line in said)


@pytest.mark.parametrize(("free", "warned"), [(99.9, True), (100.0, False), (101, False)])
def test_a_disk_that_is_too_small_for_weights_and_checkpoints_is_warned_of(free, warned):
    assert any("TOO LITTLE" in line for line in plan([row(files=20.0)], free=free)) is warned
