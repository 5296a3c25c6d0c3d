"""The report's table of costs."""

import math
from dataclasses import replace

import pytest
from unit.pages import Page, origin, rendered

from calotype.jobs.job_use import JobUse
from calotype.report.jobs import Job, figure_jobs, read_job, train_job
from calotype.util.errors import CalotypeError


def test_a_job_too_short_to_be_measured_is_no_error(tmp_path):
    """Snakemake writes `-` or `NA` where it had no time to sample."""
    head = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    for gap in ("-", "NA"):
        (tmp_path / "job.tsv").write_text(
            head + f"0.1\t0:00:00\t{gap}\t{gap}\t{gap}\t{gap}\t{gap}\t{gap}\t0.00\t{gap}\n"
        )
        job = read_job(tmp_path / "job.tsv", "draw", "dots-train")
        assert job.seconds == 0.1
        assert math.isnan(job.cpu)
        assert math.isnan(job.memory)
    (tmp_path / "job.tsv").write_text(head + "12.5\t0:00:12\t816.2\t0\t0\t0\t0\t0\t90\t11.25\n")
    assert read_job(tmp_path / "job.tsv", "draw", "dots-train") == Job("draw", "dots-train", 12.5, 11.25, 816.2)


def test_a_broken_benchmark_is_named(tmp_path):
    file = tmp_path / "job.tsv"
    for content in (None, b"", b"s\th:m:s\n", b"a\tb\n1\t2\n", b"s\tcpu_time\tmax_rss\nlong\t1\t1\n", b"\xff\xfe"):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(CalotypeError, match=r"job\.tsv: cannot be read") as problem:
            read_job(file, "draw", "dots/train")
        assert "\nHint: delete it" in str(problem.value)


def test_each_figure_has_its_own_line_of_costs(tmp_path):
    file = tmp_path / "digits.csv"
    file.write_text(
        "figure,seconds,cpu_seconds,peak_memory_mib\nimports and tables,0.9,0.9,120.5\nseeds,0.5,0.4,130.1\n"
    )
    assert figure_jobs(file, "digits") == [
        Job("figures", "digits: imports and tables", 0.9, 0.9, 120.5), Job("figures", "digits: seeds", 0.5, 0.4, 130.1)
    ]  # fmt: skip
    with pytest.raises(CalotypeError, match=r"lost\.csv: cannot be read"):
        figure_jobs(tmp_path / "lost.csv", "digits")


def test_page_sums_the_cost_of_each_kind_of_job_and_lists_each_job_longest_first():
    short = Job("draw", "a", 1.5, math.nan, math.nan)
    page = Page(
        rendered([], [short, train_job(origin("wide", 0, 2)), train_job(origin("wide", 3, 5, wall_seconds=60.0))])
    )
    text = " ".join(page.text.split())
    assert "train294.066.0816" in text, "two jobs, their wall and CPU time, and the largest memory"
    assert "draw11.5––" in text
    assert (
        text.index("seeds 3 to 5: 60.0 s") < text.index("seeds 0 to 2: 34.0 s") < text.index("draw a: 1.5 s, CPU – s")
    )


def test_page_compares_requests_with_use_and_gives_advice_in_words():
    first = JobUse(
        kind="train",
        name="train dots/source, seed 0",
        state="OUT_OF_MEMORY",
        seeds=1,
        waited=4.0,
        ran=30.0,
        cpus=2,
        memory_mib=400,
        minutes=1440,
        gpus=1,
        cpu_seconds=15.0,
        used_mib=396,
        gpu={"busy_percent": 60.0, "memory_mib": 2048},
    )
    again = replace(first, state="COMPLETED", first=False, memory_mib=1600, used_mib=563, ran=3570.0)
    text = " ".join(Page(rendered([], [], [first, again])).text.split())
    assert "train1214 s60 min60 min / 1,440 min0.0 / 2563 / 4001.0060 %2,048" in text, "killed attempts count"
    assert "train: asked for 400 MiB at first, and 1 attempt was killed for memory" in text
    assert "`" not in text
    text = Page(rendered([], [], [replace(again, gpu={}, gpus=0, waited=None, used_mib=1500)])).text
    assert "Asked for and used" in text
    assert "GPU hours" not in text, "columns without a value are left out"
    assert "Waited" not in text


def test_page_without_records_of_jobs_has_no_empty_table():
    assert "Asked for and used" not in rendered([], [])
