"""Settings of clusters under which jobs fail, wait or vanish: the user reads why, and the call ends or finishes.

All calls run side by side, on two private Slurms with edited settings.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster.head_jobs import LEFT, cancel, head_command, outlive, until
from cluster.private_slurm import PrivateSlurm
from cluster.slurm_config import GPU_NODES, GPUS_PER_NODE, SEARCH_PATH, URGENT, user_name
from cluster.test_cluster import PATIENCE, PRINTED, PROFILE, SNAKEMAKE

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

REPOSITORY = Path(__file__).parents[2]
STRICT = (
    *("JobRequeue=0", "PreemptMode=CANCEL", "MaxArraySize=0", "AccountingStorageEnforce=associations,limits,qos"),
    f"PartitionName=gpu Nodes={','.join(GPU_NODES)} MaxTime=2 GraceTime=0",
)
DONE = "touch {output}"


@dataclass(frozen=True)
class Case:
    """A call of the small workflow."""

    shell: str = DONE  # of its jobs
    jobs: int = 1
    train: Mapping[str, Any] = field(default_factory=dict)  # resources
    options: Sequence[str] = ()
    strict: bool = True  # on which Slurm
    meanwhile: Callable[[PrivateSlurm, Path], None] | None = None  # gets the folder
    homeless: bool = False  # the nodes cannot write HOME


def _running(folder: Path) -> str:
    """Wait until the first job of a call runs its rule; return it."""
    until(lambda: any("waits" in log.read_text() for log in folder.glob("logs/*.log")))
    return re.findall(r"SLURM jobid (\d+)", (folder / PRINTED).read_text())[0]


def _preempt(slurm: PrivateSlurm, folder: Path) -> None:
    job = _running(folder)
    node = slurm.client("squeue", "--noheader", f"--job={job}", "--format=%N").strip()
    gpus = [f"--partition={URGENT}", f"--nodelist={node}", f"--gres=gpu:{GPUS_PER_NODE}", "--mem=100"]
    slurm.client("sbatch", "--output=/dev/null", *gpus, "--wrap=sleep 1")


def _cancel(slurm: PrivateSlurm, folder: Path) -> None:
    slurm.client("scancel", _running(folder))


def _when_explained(*command: str) -> Callable[[PrivateSlurm, Path], None]:
    """Return a function that waits until the call explains its waiting job, and lets it start."""

    def run(slurm: PrivateSlurm, folder: Path) -> None:
        until(lambda: "1 job waits" in (folder / PRINTED).read_text())
        slurm.client(*command)

    return run


def _silence(slurm: PrivateSlurm, folder: Path) -> None:
    _running(folder)
    slurm.kill_controller()
    until(lambda: "Slurm has not answered" in (folder / PRINTED).read_text())
    slurm.start_controller()
    (folder / "end").touch()


GPU = {"slurm_partition": "gpu", "gres": "gpu:1"}
# The first attempt waits to be hit.
HIT = "if [ -e {log}.2 ]; then touch {output}; else touch {log}.2; echo waits > {log}; sleep 60; fi"
UNTIL_END = "until [ -e end ]; do sleep 0.5; done; touch {output}"
SPENT = ("sacctmgr", "-i", "modify", "account", "spent", "set")
LATER = ("scontrol", "update", "ReservationName=later")
# The second job stays in the queue until the end.
DEFERRED = "'--begin=now+1hour' if wildcards.first == '001' and not __import__('os').path.exists('end') else ''"
# Slurm's controller removes jobs that have ended once a minute, so the first look comes after that.
LATE = ["--slurm-init-seconds-before-status-checks", "75"]
CASES = {
    "never": Case(jobs=2, train=GPU | {"runtime": "3 * attempt"}),
    "preempted": Case(HIT, train=GPU | {"runtime": 2}, meanwhile=_preempt),
    "limited": Case(jobs=3, train={"slurm_account": "single"}),
    "waits": Case(f"sleep 12; {DONE}", jobs=2, train={"slurm_account": "slow"}),
    "few": Case(f"sleep 12; {DONE}", jobs=2, train={"qos": "few"}),
    "spent": Case(train={"slurm_account": "spent"}, meanwhile=_when_explained(*SPENT, "grptresmins=cpu=-1")),
    "reserved": Case(train={"slurm_extra": "--reservation=later"}, meanwhile=_when_explained(*LATER, "StartTime=now")),
    "silence": Case(f"echo waits > {{log}}; {UNTIL_END}", strict=False, meanwhile=_silence),
    "head": Case(f"echo waits > {{log}}; {UNTIL_END}", jobs=2, train={"slurm_extra": DEFERRED}, meanwhile=outlive),
    "stopped": Case(f"echo waits > {{log}}; {UNTIL_END}", meanwhile=cancel),
    "refused": Case(jobs=5, train={"slurm_partition": "gpux"}),
    "cancelled": Case("echo waits > {log}; sleep 60", meanwhile=_cancel, options=["--retries", "0"]),
    "homeless": Case(homeless=True),
    "silent": Case("echo the bug >&2; exit 3", options=["--retries", "0"]),
    "forgotten": Case(jobs=2, strict=False),
    "lost": Case("exit 3", strict=False, options=["--retries", "0", *LATE]),
}


HEADS = ("head", "stopped")  # Snakemake runs in a job


@dataclass(frozen=True)
class Ended:
    """A call that has ended."""

    status: int
    printed: str
    folder: Path

    def block(self, job: str) -> str:
        """Return the first report of a job: its line and the indented ones after it. `job` is an expression."""
        found = re.search(rf"^Failed: {job}\n(  .*\n)*", self.printed, re.MULTILINE)
        assert found is not None, self.printed
        return found[0]

    def at_end(self) -> str:
        """Return what is printed after the last job."""
        found = re.search(r"^\d+ jobs? failed:\n(  .*\n)*", self.printed, re.MULTILINE)
        assert found is not None, self.printed
        return found[0]


def start(name: str, slurm: PrivateSlurm, folder: Path) -> subprocess.Popen[bytes]:
    """Start the call of a case in its own folder."""
    case = CASES[name]
    for path in ("slurm", "profiles"):
        shutil.copytree(REPOSITORY / path, folder / path)
    shutil.copy2(Path(__file__).with_name("small.smk"), folder / "Snakefile")
    profile = PROFILE | {"set-resources": {"train": {"runtime": 10, **case.train}}}
    (folder / "slurm/config.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    (folder / "logs").mkdir()
    (folder / f"logs/dots-{name}-000-000.log").write_text("error: of an earlier call\n", encoding="utf-8")
    environment = dict(slurm.env)
    if case.homeless:
        wrapper = folder / "bin/sbatch"
        wrapper.parent.mkdir()
        real = shutil.which("sbatch", path=SEARCH_PATH)
        wrapper.write_text(f'#!/bin/sh\nHOME=/dev/null exec {real} "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)
        environment["PATH"] = f"{wrapper.parent}:{environment['PATH']}"
    values = {"library": REPOSITORY / "workflow", "name": name, "jobs": case.jobs}
    config = [*(f"{key}={value}" for key, value in values.items()), f"shell='{case.shell}'"]
    options = ["--slurm-init-seconds-before-status-checks", "3", *case.options]
    command = head_command(folder) if name in HEADS else [str(SNAKEMAKE), "--profile", "slurm"]
    with (folder / PRINTED).open("wb") as printed:
        return subprocess.Popen(
            [*command, *options, "--config", *config],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
        )


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Ended]]:
    """Run all calls side by side."""
    base = tmp_path_factory.mktemp("settings")
    with (
        PrivateSlurm(base / "strict", cred_expire=10, settings=STRICT) as strict,
        PrivateSlurm(base / "bare", settings=["MinJobAge=5"], accounting=False) as bare,
    ):
        for account, limit in (("single", "maxsubmitjobs=1"), ("slow", "grpjobs=1"), ("spent", "grptresmins=cpu=0")):
            strict.client("sacctmgr", "-i", "add", "account", account)
            strict.client("sacctmgr", "-i", "add", "user", user_name(), f"account={account}")
            what = (
                ["account", account] if limit.startswith("grp") else ["user", user_name(), f"where account={account}"]
            )
            strict.client("sacctmgr", "-i", "modify", *" ".join(what).split(), "set", limit)
        strict.client("sacctmgr", "-i", "add", "qos", "few", "maxjobsperuser=1")
        strict.client("sacctmgr", "-i", "modify", "user", user_name(), "set", "qos+=few")
        when = ("StartTime=now+60minutes", "Duration=60", "Flags=IGNORE_JOBS")
        strict.client("scontrol", "create", "reservation", LATER[-1], *when, "Nodes=c2", f"Users={user_name()}")
        slurms = {name: strict if case.strict else bare for name, case in CASES.items()}
        folders = {name: base / name for name in CASES}
        calls = {name: start(name, slurms[name], folders[name]) for name in CASES}
        try:
            hits = {name: case.meanwhile for name, case in CASES.items() if case.meanwhile is not None}
            with ThreadPoolExecutor(len(hits)) as pool:
                later = [pool.submit(hits[name], slurms[name], folders[name]) for name in hits if name != "silence"]
                hits["silence"](bare, folders["silence"])  # a daemon ends with the thread that has started it
                for each in later:
                    each.result()
            status = {name: call.wait(PATIENCE) for name, call in calls.items()}
        finally:
            for call in calls.values():
                call.kill()
        yield {name: Ended(status[name], (folders[name] / PRINTED).read_text(), folders[name]) for name in CASES}


FINISHES = ("preempted", "limited", "waits", "few", "spent", "reserved", "silence", "head", "homeless", "forgotten")


@pytest.mark.parametrize("name", FINISHES)
def test_a_study_finishes_under_settings_that_stop_or_hide_jobs(ended, name):
    assert ended[name].status == 0, ended[name].printed
    assert len([*(ended[name].folder / "results").rglob("*.txt")]) == CASES[name].jobs


def test_no_call_warns_of_accounts_or_shows_a_traceback(ended):
    for call in ended.values():
        assert "SLURM account" not in call.printed
        assert "Traceback" not in call.printed


def test_a_job_that_exceeds_the_limit_of_its_partition_is_not_left_in_the_queue(ended):
    call = ended["never"]
    assert call.status != 0
    block = call.block("train dots/never, seed [01]")
    assert re.search(r"Slurm job \d+ was removed from the queue\. PartitionTimeLimit: it asks for 3 min", block), block
    assert "the limit of partition gpu is 2 min: it will never start." in block
    assert "Hint: limit `runtime` of this rule in the profile, such as `runtime: min(60 * attempt, 2)`." in block
    assert call.printed.count("has been submitted") == 2, "it is submitted again, with a longer time"
    assert call.at_end().startswith("2 jobs failed:\n")
    assert call.at_end().count("it will never start") == 1
    assert "jobs wait" not in call.printed


def test_a_preempted_job_that_the_cluster_cancels_is_submitted_again(ended):
    block = ended["preempted"].block("train dots/preempted, seed 0")
    assert re.search(r"Slurm job \d+ on g[12]: PREEMPTED\n", block), block
    assert re.search(r"memory: asked for 1,000 MiB.*; time: asked for 2 min, ran \d+ s\n", block), block
    assert "Submitted again: attempt 2 of 4." in block
    assert "    waits\n" in block, "the log of this attempt"


def test_a_limit_on_submitted_jobs_costs_no_retry(ended):
    printed = ended["limited"].printed
    assert printed.count("Slurm accepts no more jobs now (sbatch: error: AssocMaxSubmitJobLimit).") == 1
    assert printed.count("has been submitted") == 3
    assert "Failed" not in printed
    assert "Trying to restart" not in printed


def test_a_waiting_job_is_explained_once(ended):
    printed = ended["waits"].printed
    assert len(re.findall(r"1 job waits in partition cpu, for 0 min so far: train dots/waits, seed [01]", printed)) == 1
    assert "  AssocGrpJobsLimit: the jobs of your account or QoS use all that they may use at a time." in printed


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("few", "QOSMaxJobsPerUserLimit: you have as many running jobs as your account or QoS allows."),
        ("spent", "AssocGrpCPUMinutesLimit: the budget of your account or QoS is used up."),
        ("reserved", "Reservation: it waits for its reservation."),
    ],
)
def test_a_user_reads_why_a_job_waits_for_limits_and_reservations(ended, name, reason):
    assert f"  {reason}" in ended[name].printed


def test_a_user_reads_that_slurm_is_silent_and_that_it_answers_again(ended):
    printed = ended["silence"].printed
    assert "Slurm has not answered `squeue` for" in printed
    assert printed.index("Slurm has not answered") < printed.index("Slurm answers again.")
    assert "Failed" not in printed


def test_a_head_job_goes_on_after_a_requeue_and_after_its_time_limit(ended):
    printed = ended["head"].printed
    # On a busy machine, more jobs follow.
    assert printed.count("SLURM run ID") >= 3, printed
    assert printed.count("Unlocked working directory.") >= 2
    assert printed.count("Submitted batch job") >= 1
    assert len(re.findall("dots_head_001_001", printed)) >= 3, "it waits in the queue for an hour"
    assert (ended["head"].folder / LEFT).read_text(encoding="utf-8") == ""


def test_the_end_of_a_head_job_by_hand_ends_its_jobs(ended):
    assert "Terminating processes on user request" in ended["stopped"].printed
    assert (ended["stopped"].folder / LEFT).read_text(encoding="utf-8") == ""


def test_a_refused_job_shows_the_error_of_sbatch_and_is_not_submitted_again(ended):
    call = ended["refused"]
    assert call.status != 0
    assert (
        call.printed.count("Slurm refused it: sbatch: error: invalid partition specified: gpux") == 2
    )  # and at the end
    assert call.printed.count("for the same reason.") == 4
    assert call.at_end().startswith("5 jobs failed:\n")
    assert "and 2 more" in call.at_end()
    assert "Hint: set `slurm_partition` in the profile; `sinfo -s` lists the partitions." in call.at_end()
    assert "earlier call" not in call.printed


def test_a_job_cancelled_by_hand_ends_the_call(ended):
    call = ended["cancelled"]
    assert call.status != 0
    assert re.search(r"Slurm job \d+ on c[12]: CANCELLED", call.block("train dots/cancelled, seed 0"))
    assert "CANCELLED" in call.at_end()


def test_the_log_of_slurm_stands_for_that_of_a_rule_that_wrote_none(ended):
    call = ended["silent"]
    assert call.status != 0
    block = call.block("train dots/silent, seed 0")
    assert "FAILED, exit status 1" in block
    assert "log: slurm-logs/rule_train/dots_silent_000_000/" in block
    assert "    the bug\n" in block
    assert "Building DAG" not in block
    assert "earlier call" not in call.printed
    assert "FAILED, exit status 1" in call.at_end()


def test_a_job_that_left_the_queue_without_a_result_ends_the_call(ended):
    call = ended["lost"]
    assert call.status != 0
    assert "left the queue" in call.block("train dots/lost, seed 0")
