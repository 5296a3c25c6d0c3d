"""Only killed jobs are retried, in every version of Snakemake."""

import os
import py_compile
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake import jobs
from snakemake.scheduling.job_scheduler import JobScheduler

from calotype.jobs import retries
from calotype.util.entry_point import FINAL


@pytest.fixture
def installed(monkeypatch, tmp_path_factory):
    """Replace Snakemake's retries, for a call that began at second 1000, and restore them."""
    for kind in (jobs.Job, jobs.GroupJob):
        monkeypatch.setattr(kind, "restart_times", kind.restart_times)
    assert retries.install(1000) is None
    packages = tmp_path_factory.mktemp("packages")
    monkeypatch.setattr(retries.sysconfig, "get_path", lambda _: str(packages))
    retries.repair_packages.cache_clear()
    yield packages
    retries.repair_packages.cache_clear()


def job(log: Path, times: int = 3) -> SimpleNamespace:
    return SimpleNamespace(log=[str(log)], rule=SimpleNamespace(restart_times=times))


def log(folder: Path, last: str, written: float) -> Path:
    file = folder / f"{len([*folder.iterdir()])}.log"
    file.write_text(f"seed 0, epoch 1\n{last}\n", encoding="utf-8")
    os.utime(file, (written, written))
    return file


@pytest.mark.usefixtures("installed")
def test_a_job_with_an_error_of_this_call_is_not_retried_and_a_killed_one_is(tmp_path):
    times = jobs.Job.restart_times.fget
    assert times(job(log(tmp_path, FINAL, 1001))) == 0
    assert times(job(log(tmp_path, "seed 0, epoch 2", 1001))) == 3
    assert times(job(tmp_path / "none.log")) == 3


@pytest.mark.usefixtures("installed")
def test_an_error_of_an_earlier_call_does_not_keep_a_killed_job_from_its_retries(tmp_path):
    assert jobs.Job.restart_times.fget(job(log(tmp_path, FINAL, 999))) == 3


def test_a_package_truncated_by_a_full_disk_does_not_fail_the_jobs_of_the_next_call(installed, tmp_path):
    """A job that cannot import it ends before it writes a log."""
    (installed / "module.py").write_text("TEXT = 'text'", encoding="utf-8")
    file = Path(py_compile.compile(str(installed / "module.py")))
    os.truncate(file, 30)
    jobs.Job.restart_times.fget(job(log(tmp_path, FINAL, 1001)))
    assert file.exists(), "reading all packages takes seconds: not after an error of the job itself"
    assert jobs.Job.restart_times.fget(job(tmp_path / "none.log")) == 3
    assert not file.exists()


@pytest.mark.usefixtures("installed")
def test_a_group_is_not_retried_when_one_of_its_jobs_would_fail_again(tmp_path):
    killed, failed = job(log(tmp_path, "", 1001)), job(log(tmp_path, FINAL, 1001))
    times = jobs.GroupJob.restart_times.fget
    assert times(SimpleNamespace(jobs=[killed, killed])) == 3
    assert times(SimpleNamespace(jobs=[killed, failed])) == 0


def test_a_snakemake_with_other_retries_is_noticed():
    assert retries.fits(jobs, JobScheduler)
    assert not retries.fits(jobs, type("Renamed", (), {}))
    assert not retries.fits(jobs, type("Other", (), {"_handle_error": lambda _, job: job.attempt}))
    assert not retries.fits(SimpleNamespace(Job=jobs.Job), JobScheduler)
    plain = type("Plain", (), {"restart_times": 3})
    assert not retries.fits(SimpleNamespace(Job=plain, GroupJob=plain), JobScheduler)


def test_an_unknown_snakemake_stays_unchanged_with_a_message():
    """Run in another process, whose Snakemake has another scheduler."""
    code = (
        "import sys\n"
        "from snakemake import jobs\n"
        "sys.modules['snakemake.scheduling.job_scheduler'] = None\n"
        "from calotype.jobs import retries\n"
        "before = jobs.Job.restart_times\n"
        "print(retries.install(0))\n"
        "print(jobs.Job.restart_times is before)\n"
    )
    folder = Path(__file__).parents[3] / "workflow"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    said, same = done.stdout.splitlines()
    assert said.startswith("Snakemake 9.")
    assert "--retries 0" in said
    assert same == "True"
