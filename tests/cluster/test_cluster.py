"""A small dots study on a real Slurm with `snakemake --profile slurm`, checked with sacct."""

import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from cluster.private_slurm import PrivateSlurm
from cluster.slurm_config import memory_is_constrained
from cluster.slurm_jobs import Job
from conftest import Project

from calotype.jobs.job_use import job_uses
from calotype.jobs.used_kinds import used_kinds
from calotype.planning import slurm_forecast

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SNAKEMAKE = Path(sys.executable).with_name("snakemake")
PROFILE = yaml.safe_load((Path(__file__).parents[2] / "slurm/config.yaml").read_text(encoding="utf-8"))
PRINTED = "printed-on-the-cluster.txt"
PATIENCE = 1800  # s; a call takes one to two minutes on an idle machine
OUTAGE = 20  # s; Snakemake asks for the state of a job 3 s and 16 s after its submission
PACK = "results/dots/accurate/seeds-000-000"


@dataclass(frozen=True)
class Call(Project):
    """One call of Snakemake on the cluster: a project, the output, and the submitted jobs in order."""

    printed: str
    jobs: list[Job]

    def jobs_of(self, rule: str) -> list[Job]:
        """Return the jobs of a rule or group, which Snakemake writes into their comments."""
        return [job for job in self.jobs if re.match(rf"rule_{rule}(_|$)", job.comment)]


def start(slurm: PrivateSlurm, folder: Path, *targets: str) -> subprocess.Popen[bytes]:
    """Call Snakemake with the Slurm profile from a project's folder."""
    # Check jobs sooner than the profile says: the third check comes when most jobs have just ended.
    options = ["--profile", "slurm", "--slurm-init-seconds-before-status-checks", "3"]
    environment = {key: value for key, value in slurm.env.items() if key != "PYTHONDONTWRITEBYTECODE"}
    with (folder / PRINTED).open("wb") as printed:
        return subprocess.Popen(
            [str(SNAKEMAKE), *options, *targets],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
        )


def finish(slurm: PrivateSlurm, folder: Path, snakemake: subprocess.Popen[bytes], patience: float = PATIENCE) -> Call:
    """Wait for the successful end of a call, for at most `patience` seconds."""
    try:
        problem = f"exit status {snakemake.wait(patience)}"
    except subprocess.TimeoutExpired:
        snakemake.kill()
        snakemake.wait()
        problem = f"not at its end after {patience:g} s; it may have lost a job"
    printed = (folder / PRINTED).read_text(encoding="utf-8", errors="replace")
    if snakemake.returncode:
        logs = [log.read_text(errors="replace") for log in sorted((folder / "slurm-logs").rglob("*.log"))]
        pytest.fail("\n".join([printed, *logs, problem]))
    run = re.search(r"SLURM run ID: (\S+)", printed)
    assert run is not None, printed
    return Call(folder, printed, [job for job in slurm.jobs() if job.name == run[1]])


def call(slurm: PrivateSlurm, folder: Path, *targets: str, patience: float = PATIENCE) -> Call:
    """Call Snakemake and wait for the end."""
    return finish(slurm, folder, start(slurm, folder, *targets), patience)


def at_attempt(expression: str | int, attempt: int, threads: int = 1) -> int:
    """Return the value of an expression of the profile at an attempt."""
    return int(eval(str(expression), {"attempt": attempt, "threads": threads}))


@pytest.fixture(scope="module")
def everything(slurm, finished_once, tmp_path_factory) -> Call:
    """Run the whole study on Slurm, with the config of the local run `finished_once`; a pack trains side by side."""
    folder = tmp_path_factory.mktemp("everything") / "project"
    shutil.copytree(finished_once.folder, folder, ignore=shutil.ignore_patterns("results", ".snakemake"))
    shutil.rmtree(folder / "data")  # not by its name: the library has a package of that name
    project = Project(folder)
    study = project.study()
    study["variants"]["source"]["side_by_side"] = 2
    project.write_study(study)
    return call(slurm, folder)


@pytest.fixture(scope="module")
def short_of_memory(slurm, everything, tmp_path_factory) -> Call:
    """Run one training again, first with too little memory, and with the accounting down for a time."""
    folder = tmp_path_factory.mktemp("short-of-memory") / "project"
    shutil.copytree(everything.folder, folder)
    shutil.rmtree(folder / PACK)
    profile = yaml.safe_load((folder / "slurm/config.yaml").read_text(encoding="utf-8"))
    profile["set-resources"]["train"]["mem_mb"] = "400 * 4 ** (attempt - 1)"
    (folder / "slurm/config.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    snakemake = start(slurm, folder, f"{PACK}/history.csv")
    while snakemake.poll() is None and "RUNNING" not in slurm.client("squeue", "--noheader", "--format=%T"):
        time.sleep(0.2)
    with slurm.accounting_away():
        time.sleep(OUTAGE)
    return finish(slurm, folder, snakemake)


def test_every_training_runs_on_the_gpu_partition_with_one_gpu(slurm, everything):
    trainings = everything.jobs_of("train")
    assert len(trainings) == 2
    steps = {step.id: step for step in slurm.jobs(steps=True)}
    for job in trainings:
        assert (job.partition, job.state) == (PROFILE["set-resources"]["train"]["slurm_partition"], "COMPLETED")
        assert job.nodes in ("g1", "g2")
        assert job.requested["gres/gpu"] == job.allocated["gres/gpu"] == "1"
        assert steps[f"{job.id}.0"].allocated["gres/gpu"] == "1", "the job has a GPU, but its training does not see it"


def test_a_figure_as_target_is_a_job_that_plots_nothing_else(slurm, finished_once, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(finished_once.folder, folder, symlinks=True)
    figures = folder / "results/dots/figures"
    before = (figures / "seeds.pdf").read_bytes()
    for name in ("seeds.pdf", "training-curves.pdf"):
        (figures / name).unlink()
    asked = call(slurm, folder, "results/dots/figures/seeds.pdf")
    assert [job.state for job in asked.jobs] == ["COMPLETED"]
    assert (figures / "seeds.pdf").read_bytes() == before
    assert not (figures / "training-curves.pdf").exists()


def test_a_training_run_gets_the_memory_and_time_of_the_profile_and_the_cores_of_its_recipe(everything):
    profile = PROFILE["set-resources"]["train"]
    threads = yaml.safe_load((everything.folder / "config/studies/dots.yaml").read_text())["defaults"]["threads"]
    for job in everything.jobs_of("train"):
        cores = 2 * threads if "source" in job.comment else threads  # two runs side by side
        assert job.requested_mib == at_attempt(profile["mem_mb"], 1, cores)
        assert job.minutes == at_attempt(profile["runtime"], 1)
        assert int(job.allocated["cpu"]) == cores
    log = everything.folder / "results/logs/train/dots/source/000-001.log"
    assert "training on cpu, 2 runs of 1 thread(s)" in log.read_text(encoding="utf-8")


def test_small_rules_share_two_jobs_and_take_no_gpu_node(everything):
    small = [*everything.jobs_of("data"), *everything.jobs_of("paper")]
    assert len(small) == 2
    assert len(everything.jobs) == 6  # two packs, and predictions of two test splits
    for job in small:
        assert (job.partition, job.state) == ("cpu", "COMPLETED")
        assert "gres/gpu" not in job.allocated


@pytest.mark.parametrize(("group", "cores"), [("data", "1"), ("paper", "2")])  # figures are plotted two at a time
def test_small_rules_that_share_a_job_request_no_more_than_one_needs(everything, group, cores):
    (job,) = everything.jobs_of(group)
    assert job.allocated["cpu"] == cores
    assert job.requested_mib == at_attempt(PROFILE["default-resources"]["mem_mb"], 1)
    assert job.minutes < 60


def test_a_cluster_run_ends_with_its_results_and_leaves_no_logs_of_successful_jobs(everything):
    assert "Report: results/report.html" in everything.printed
    assert not list((everything.folder / "slurm-logs").rglob("*.log"))


def test_cluster_and_laptop_write_the_same_bytes(everything, finished_once):
    here, there = everything.digests(), finished_once.digests()
    suffixes = {Path(name).suffix for name in here}
    assert {".h5", ".csv", ".npz", ".npy", ".tex", ".svg", ".pdf", ".png", ".jpg"} <= suffixes
    assert here == there


def test_a_second_call_submits_nothing(slurm, everything):
    before = everything.digests()
    again = call(slurm, everything.folder)
    assert "Nothing to be done" in again.printed
    assert again.jobs == []
    assert everything.digests() == before


def test_a_refused_training_job_is_reported_by_the_whole_workflow(slurm, finished_once, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(finished_once.folder, folder, symlinks=True)
    shutil.rmtree(folder / PACK)
    Project(folder).edit("slurm/config.yaml", "slurm_partition: gpu", "slurm_partition: gpux")
    assert start(slurm, folder, f"{PACK}/history.csv").wait(PATIENCE) != 0
    printed = (folder / PRINTED).read_text(encoding="utf-8")
    report = "train dots/accurate, seed 0\n{}  Slurm refused it: sbatch: error: invalid partition specified: gpux"
    assert f"Failed: {report.format('')}" in printed
    assert f"1 job failed:\n  {report.format('  ')}" in printed


def test_the_same_images_that_are_prepared_again_submit_no_training(slurm, everything, tmp_path):
    """The tables of the study, which a new claim changes, share one job, and run all of it."""
    folder = tmp_path / "project"
    shutil.copytree(everything.folder, folder)
    project = Project(folder)
    project.edit("config/datasets.yaml", "  - scale\n  source: dots", "  - scale\n  - invert\n  source: dots")
    project.run("results/prepared/dots/train.json")
    project.edit("config/datasets.yaml", "  - invert\n", "")
    project.edit("config/studies/dots.yaml", "value: 0.9", "value: 0.8")
    again = call(slurm, folder)
    assert "Not needed, as their inputs have the same content as last time: predict (2), train (1)." in again.printed
    assert [len(again.jobs_of(group)) for group in ("data", "paper")] == [1, 1]
    assert len(again.jobs) == 2
    changed = {path for path, digest in again.digests().items() if everything.digests().get(path) != digest}
    assert {Path(path).stem.partition("-")[0] for path in changed} == {"claims", "report", "seeds"}


def test_a_training_run_that_ran_out_of_memory_is_retried_with_more(slurm, short_of_memory):
    killed, finished = short_of_memory.jobs
    assert f"Slurm job {killed.id} on {killed.nodes}: OUT_OF_MEMORY" in short_of_memory.printed
    assert "memory: asked for 400 MiB, used " in short_of_memory.printed
    (step,) = [step for step in slurm.jobs(steps=True) if re.fullmatch(rf"{killed.id}\.\d+", step.id)]
    # If Slurm cannot limit memory, it measures it and cancels jobs above the limit.
    assert step.state == ("OUT_OF_MEMORY" if memory_is_constrained() else "CANCELLED")
    assert killed.state in ("OUT_OF_MEMORY", "FAILED")
    assert killed.requested_mib == 400
    assert finished.state == "COMPLETED"
    assert finished.requested_mib == 1600
    assert finished.minutes == 2 * killed.minutes
    assert finished.allocated["gres/gpu"] == "1"


def test_the_report_compares_what_jobs_asked_for_with_what_slurm_says_they_used(everything):
    text = (everything.folder / "results/report.html").read_text(encoding="utf-8")
    table = text[text.index('id="used"') :]
    for kind in ("train", "predict", "claims, evaluate, figures"):
        assert f'<th scope="row">{kind}</th>' in table
    assert re.search(r"train: asked for [\d,]+ MiB, used up to [\d,]+ MiB: <code>mem_mb: \d+</code> is enough", table)


def test_the_killed_attempt_of_a_training_run_counts_in_the_costs(slurm, short_of_memory, monkeypatch):
    for name in ("PATH", "SLURM_CONF", "MYSQL_UNIX_PORT"):
        monkeypatch.setenv(name, slurm.env[name])
    found = job_uses(short_of_memory.folder / "results", ["dots"], ["dots"])
    attempts = [use for use in found if "dots/accurate" in use.name]
    assert [use.state for use in attempts] == ["OUT_OF_MEMORY", "COMPLETED"]
    killed, done = attempts
    assert (killed.memory_mib, done.memory_mib) == (400, 1600)
    assert (killed.gpus, killed.minutes) == (1, at_attempt(PROFILE["set-resources"]["train"]["runtime"], 1))
    assert killed.ran > 0 < done.cpu_seconds
    assert 400 < done.used_mib < 1600
    (train,) = [kind for kind in used_kinds(attempts) if kind.kind == "train"]
    assert "asked for 400 MiB at first, and 1 attempt was killed for memory" in train.advice[0]


def test_check_asks_slurm_when_a_training_would_start(slurm, monkeypatch):
    for name in ("PATH", "SLURM_CONF"):
        monkeypatch.setenv(name, slurm.env[name])
    asked = {"slurm_partition": "gpu", "gres": "gpu:1", "mem_mb": 4000, "runtime": 60, "_cores": 1}
    assert re.match(r"would start (now|at )", slurm_forecast._start(asked))
    assert re.match(r"would start (now|at )", slurm_forecast._start(asked | {"gres": "", "gpu": 1}))
    assert "invalid partition specified: gpux" in slurm_forecast._start(asked | {"slurm_partition": "gpux"})


def test_no_job_is_lost_while_the_accounting_is_down(short_of_memory):
    assert len(short_of_memory.jobs) == 2


def test_a_killed_training_is_not_retried_inside_its_job(short_of_memory):
    log = short_of_memory.folder / f"slurm-logs/rule_train/dots_accurate_000_000/{short_of_memory.jobs[0].id}.log"
    text = log.read_text(encoding="utf-8")
    assert "Error in rule train" in text
    assert "Trying to restart" not in text


def test_a_second_attempt_of_a_training_run_gives_the_same_bytes(everything, short_of_memory):
    first, second = (
        {name: digest for name, digest in each.digests().items() if name.startswith(PACK)}
        for each in (everything, short_of_memory)
    )
    assert first
    assert first == second


def test_the_private_slurm_ends_its_jobs_and_all_its_processes(tmp_path):
    with PrivateSlurm(tmp_path / "slurm") as own:
        own.client("sbatch", "--partition=gpu", "--gres=gpu:1", "--output=/dev/null", "--wrap=sleep 600")
        assert own.processes()
    assert own.processes() == []


def test_a_private_slurm_that_does_not_start_leaves_no_process(tmp_path):
    own = PrivateSlurm(tmp_path / "slurm")
    (own.folder / "slurmctld.out").mkdir(parents=True)  # it cannot write there: by then, three daemons run
    with pytest.raises(IsADirectoryError):
        own.__enter__()
    assert own.processes() == []
