"""The kinds of faults that occur on a real cluster.

A strike hits a running training at a random moment; a condition holds during a whole round.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol

import psutil
from cluster.daemons import job_of
from cluster.private_slurm import PrivateSlurm
from cluster.slurm_config import GPUS_PER_NODE, GRACE, URGENT, user_name
from cluster.slurm_jobs import Job

from calotype.jobs.leases import read_sign

LONGEST_OUTAGE = 600.0  # s of the controller
LOST_NODES = 2  # in a round: Snakemake avoids failed nodes, and some nodes must be left


@dataclass(frozen=True)
class Training:
    """A running training."""

    process: psutil.Process
    job: str  # the Slurm job
    node: str
    pack: str
    cpu: float  # CPU time in s

    def __str__(self) -> str:
        return f"{self.pack} (job {self.job} on {self.node}, process {self.process.pid})"


def running_trainings(slurm: PrivateSlurm) -> list[Training]:
    """Find the running training jobs among the processes, because Slurm's daemons may be down."""
    found = []
    for process in slurm.processes():
        try:
            if _is_fork(process) and (pack := _pack_of(process)):
                node = process.environ().get("SLURMD_NODENAME", "")
                found.append(Training(process, job_of(process) or "", node, pack, process.cpu_times().user))
        except psutil.Error:
            continue  # it has just ended
    return sorted((training for training in found if training.job and training.node), key=lambda each: each.pack)


def _is_fork(process: psutil.Process) -> bool:
    """Check that a process is a fork of the server that has imported the libraries of trainings."""
    parent = process.parent()
    return parent is not None and all("calotype.jobs.warm_process" in each.cmdline() for each in (process, parent))


def _pack_of(process: psutil.Process) -> str | None:
    """Return the pack that a process holds or waits for, by its heartbeat."""
    for heartbeat in Path(process.cwd()).glob("results/checkpoints/*/*/heartbeat-*.json"):
        sign = read_sign(heartbeat)
        if sign is not None and sign.process == process.pid:
            variant, first, last = re.fullmatch(r"(.+), seeds (\d+) to (\d+)", sign.name).groups()
            return f"{variant} {int(first):03d}-{int(last):03d}"
    return None


class Stage(Protocol):
    """Operations of a round that a fault may use."""

    slurm: PrivateSlurm
    random: Random
    lost_nodes: int

    def later(self, seconds: float, what: str, action: Callable[[], None]) -> None:
        """Run an action after a time, or when the round ends."""

    def kill_head(self) -> None:
        """Kill Snakemake, but not its jobs."""

    def start_head(self) -> None:
        """Call Snakemake again."""


@dataclass(frozen=True)
class Strike:
    """A fault at one moment."""

    name: str
    hit: Callable[[Stage, Training], str | None]  # hits a running training and describes the fault; None: not possible
    asks_slurm: bool = True  # whether it needs slurmctld


def _kill_training(_: Stage, training: Training) -> str:
    training.process.kill()
    return str(training)


def _kill_node(stage: Stage, training: Training) -> str | None:
    if stage.lost_nodes == LOST_NODES or not stage.slurm.is_up(f"slurmd-{training.node}"):
        return None
    stage.lost_nodes += 1
    stage.slurm.kill_node(training.node)
    # Slurm declares a node dead after half a minute. A node that returns earlier has lost its jobs, too.
    away = stage.random.uniform(3, 45)
    stage.later(away, f"node {training.node} is back", lambda: stage.slurm.start_node(training.node))
    return f"{training.node} for {away:.0f} s, with {training}"


def _cancel(stage: Stage, training: Training) -> str:
    stage.slurm.client("scancel", training.job)
    return str(training)


def _requeue(stage: Stage, training: Training) -> str:
    stage.slurm.client("scontrol", "requeue", training.job)
    return str(training)


def _preempt(stage: Stage, training: Training) -> str:
    gpus = [f"--partition={URGENT}", f"--nodelist={training.node}", f"--gres=gpu:{GPUS_PER_NODE}", "--mem=100"]
    job = stage.slurm.client("sbatch", "--parsable", "--output=/dev/null", *gpus, "--wrap=sleep 5").strip()
    return f"job {job} takes {training.node} from {training}"


def _later(stage: Stage, seconds: float, what: str, action: Callable[[], None]) -> None:
    """Run an action after a time, when the daemons that it asks are up."""

    def run() -> None:
        if stage.slurm.is_up("slurmctld") and stage.slurm.is_up("slurmdbd"):
            action()
        else:
            stage.later(10, what, run)

    stage.later(seconds, what, run)


def _preempt_and_cancel(stage: Stage, training: Training) -> str:
    def mode(name: str) -> None:
        stage.slurm.client("scontrol", "update", "PartitionName=gpu", f"PreemptMode={name}")

    mode("CANCEL")
    _later(stage, 2 * GRACE, "preempted jobs are requeued again", lambda: mode("REQUEUE"))
    return _preempt(stage, training)


def _refuse(stage: Stage, training: Training) -> str:
    def limit(number: int) -> None:
        stage.slurm.client("sacctmgr", "-i", "modify", "user", user_name(), "set", f"maxsubmitjobs={number}")

    limit(0)
    away = stage.random.uniform(10, 40)
    _later(stage, away, "Slurm accepts jobs again", lambda: limit(-1))
    stage.slurm.client("scancel", training.job)
    return f"for {away:.0f} s, after the end of {training}"


def _drain(stage: Stage, training: Training) -> str:
    def state(*words: str) -> None:
        stage.slurm.client("scontrol", "update", f"NodeName={training.node}", *words)

    state("State=DRAIN", "Reason=test")
    away = stage.random.uniform(10, 60)
    _later(stage, away, f"node {training.node} is no longer drained", lambda: state("State=RESUME"))
    stage.slurm.client("scontrol", "requeue", training.job)
    return f"{training.node} for {away:.0f} s, and {training} is requeued"


def _controller_away(stage: Stage, training: Training) -> str | None:
    if not stage.slurm.is_up("slurmctld"):
        return None
    stage.slurm.kill_controller()
    away = stage.random.uniform(60, LONGEST_OUTAGE)
    stage.later(away, "slurmctld is back", stage.slurm.start_controller)
    return f"for {away:.0f} s, beside {training}"


def _restart_controller(stage: Stage, training: Training) -> str | None:
    if not stage.slurm.is_up("slurmctld"):
        return None
    stage.slurm.kill_controller()
    away = stage.random.uniform(2, 15)
    stage.later(away, "slurmctld is back", stage.slurm.start_controller)
    return f"for {away:.0f} s, beside {training}"


def _accounting_away(stage: Stage, training: Training) -> str | None:
    if not stage.slurm.is_up("slurmdbd"):
        return None
    stage.slurm.stop_accounting()
    away = stage.random.uniform(5, 40)
    stage.later(away, "slurmdbd is back", stage.slurm.start_accounting)
    return f"for {away:.0f} s, beside {training}"


def _kill_head(stage: Stage, training: Training) -> str:
    stage.kill_head()
    away = stage.random.uniform(1, 15)
    stage.later(away, "Snakemake is called again", stage.start_head)
    return f"for {away:.0f} s, beside {training}"


KILLED = Strike("training killed", _kill_training, asks_slurm=False)
NODE = Strike("node failure", _kill_node)
CANCELLED = Strike("scancel", _cancel)
REQUEUED = Strike("requeue", _requeue)
PREEMPTED = Strike("preemption", _preempt)
CONTROLLER = Strike("slurmctld restart", _restart_controller)
ACCOUNTING = Strike("slurmdbd away", _accounting_away, asks_slurm=False)
HEAD = Strike("snakemake killed", _kill_head, asks_slurm=False)
PREEMPT_CANCELLED = Strike("preempted, cancelled", _preempt_and_cancel)
REFUSED = Strike("refused submissions", _refuse)
DRAINED = Strike("drained node", _drain)
AWAY = Strike("slurmctld away", _controller_away)
STRIKES = (
    *(KILLED, NODE, CANCELLED, REQUEUED, PREEMPTED, CONTROLLER, ACCOUNTING, HEAD),
    *(PREEMPT_CANCELLED, REFUSED, DRAINED, AWAY),
)


@dataclass(frozen=True)
class Condition:
    """A fault because the trainings request too little."""

    name: str
    ask: Callable[[dict[str, Any]], None]  # changes the Slurm profile
    hits: Callable[[Sequence[Job], Sequence[Job]], list[str]]  # job ids, of all training jobs and their steps


def _ask_for_little_time(profile: dict[str, Any]) -> None:
    profile["set-resources"]["train"] |= {"runtime": "1 * attempt", "slurm_extra": "--signal=TERM@30"}


def _ran_out_of_time(trainings: Sequence[Job], _: Sequence[Job]) -> list[str]:
    # The signal comes 30 s before the limit, or up to 30 s earlier, as Slurm checks every 30 s.
    out = [job for job in trainings if job.state != "COMPLETED" and job.seconds >= 60 * (job.minutes or 0) - 62]
    return [job.id for job in out]


def _ask_for_little_memory(profile: dict[str, Any]) -> None:
    profile["set-resources"]["train"]["mem_mb"] = "min(400 * 4 ** (attempt - 1), 4000)"


def _ran_out_of_memory(_: Sequence[Job], steps: Sequence[Job]) -> list[str]:
    # If Slurm cannot limit memory, it measures it and cancels jobs above the limit.
    return [step.id.split(".")[0] for step in steps if step.state in ("OUT_OF_MEMORY", "CANCELLED")]


TIME = Condition("time limit", _ask_for_little_time, _ran_out_of_time)
MEMORY = Condition("out of memory", _ask_for_little_memory, _ran_out_of_memory)
CONDITIONS = (TIME, MEMORY)
