"""One round: the small paper on the private Slurm with faults at random moments, and a record of the events."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

import psutil
from cluster.daemons import ClusterError
from cluster.private_slurm import PrivateSlurm
from cluster.slurm_config import URGENT
from conftest import SNAKEMAKE, Project
from faults.kinds import STRIKES, Condition, Strike, Training, running_trainings
from faults.paper import CHECKPOINT_MINUTES, differences, edit_profile
from faults.record import Record

TICK = 0.5  # s
# s of CPU that a process computes while another of its pack has loaded a library that trains. One that has put itself
# back into the queue has the library, and computes no more; one that has given back its runs only comes to its end.
COMPUTES = 3.0
SAMPLE = 3.0  # s between two looks at which trainings run
FIRST, GAP = (1.0, 6.0), (1.0, 8.0)  # s from the first training to the first fault, and from fault to fault
CALLS = 5  # of Snakemake, by a user who calls it again when it ended with an error
PATIENCE = 2400.0  # s for a round, or for one call; a round takes two to six minutes where little else runs
# s with no job in the queue after which a call is taken to wait for a job that it has lost. The plugin looks at its
# jobs at ever longer intervals, of three minutes at most.
LOST = 240.0
PRINTED = "printed.txt"
HISTORY = "history.txt"


class Round:
    """A call of Snakemake on the cluster, its faults, and the reactions of a user."""

    def __init__(
        self,
        slurm: PrivateSlurm,
        project: Project,
        name: str,
        random: Random,
        targets: Sequence[str] = (),
        begun: bool = False,
    ) -> None:
        """Prepare a round.

        Args:
            slurm: the cluster.
            project: a project for this round only.
            name: of the round, for the record.
            random: draws moments and targets of strikes.
            targets: of Snakemake; default: all.
            begun: whether a strike waits for a training with a checkpoint.
        """
        self.begun = begun
        self.slurm, self.project, self.random, self.targets = slurm, project, random, targets
        self.record = Record(name)
        self.lost_nodes = 0
        self._head: subprocess.Popen[bytes] | None = None
        self._due: list[tuple[float, str, Callable[[], None]]] = []
        self._began = self._sampled = self._busy = time.monotonic()
        self._struck_jobs: set[str] = set()
        self._beside: dict[str, dict[int, float]] = {}
        self._goes_on: set[str] = set()

    # ---- For strikes ----------------------------------------------------------------------------------------------

    def later(self, seconds: float, what: str, action: Callable[[], None]) -> None:
        """Run an action after a time, or when the round ends."""
        self._due.append((time.monotonic() + seconds, what, action))

    def kill_head(self) -> None:
        """Kill Snakemake, but not its jobs."""
        assert self._head is not None
        self._head.kill()
        self._head.wait()
        self._head = None

    def start_head(self) -> None:
        """Call Snakemake as README says; first unlock the folder if a killed call left it locked."""
        if any((self.project.folder / ".snakemake/locks").glob("*")):
            self._tell("the folder is locked: snakemake --unlock")
            self._snakemake("--unlock").wait(PATIENCE)
        # Check jobs sooner than the profile says.
        options = ["--slurm-init-seconds-before-status-checks", "3"]
        options += ["--config", f"checkpoint_minutes={CHECKPOINT_MINUTES}"]
        self._head = self._snakemake(*self.targets, *options)
        self.record.calls += 1
        self._busy = time.monotonic()

    # ---- The round ---------------------------------------------------------------------------------------------------

    def play(self, strikes: Sequence[Strike], conditions: Sequence[Condition], expected: dict[str, str]) -> Record:
        """Run the paper to its end.

        Args:
            strikes: in this order; each waits for a running training.
            conditions: during the whole round.
            expected: digests of the clean run.
        """
        before = {job.id for job in self.slurm.jobs()}
        for condition in conditions:
            edit_profile(self.project, condition.ask)
            self._tell(f"condition: {condition.name}")
        waiting = list(strikes)
        try:
            self.start_head()
            self._until_finished(waiting)
        finally:
            self._end()
        for strike in waiting:
            self._tell(f"no target was left for: {strike.name}")
        found = self.project.digests()
        self._until_idle()
        self.record.seconds = time.monotonic() - self._began
        self._count(before, conditions)
        # A job of a killed call may have removed an output to write it again; the new one must be the same.
        left = self.project.digests()
        self.record.differences = differences(expected, left)
        self.record.problems += [
            f"changed by a job that outlived Snakemake: {path}"
            for path in sorted(found.keys() & left.keys())
            if found[path] != left[path]
        ]
        self.record.unfinished = self._would_do_something()
        if self.record.together > 1:
            self.record.problems.append("a pack was trained by two processes at the same time")
        for line in (*self.record.problems, *self.record.differences):
            self._tell(line)
        return self.record

    def _until_finished(self, waiting: list[Strike]) -> None:
        next_strike: float | None = None
        while True:
            time.sleep(TICK)
            self._do_what_is_due(time.monotonic())
            if self._head is not None and self._head.poll() is not None and self._finished(self._head.returncode):
                return
            trainings = [each for each in self._look() if not self.begun or self._has_begun(each)]
            now = time.monotonic()
            if next_strike is None and trainings:
                next_strike = now + self.random.uniform(*FIRST)
            if waiting and next_strike is not None and now >= next_strike and trainings and self._head is not None:
                self._strike(waiting, trainings)
                next_strike = time.monotonic() + self.random.uniform(*GAP)
            if now - self._began > PATIENCE:
                self.record.problems.append(f"not finished after {PATIENCE:.0f} s")
                return
            if self._lost():
                return

    def _strike(self, waiting: list[Strike], trainings: list[Training]) -> None:
        """Run the first strike that is possible."""
        for strike in list(waiting):
            if strike.asks_slurm and not self.slurm.is_up("slurmctld"):
                continue
            target = self.random.choice(trainings)
            try:
                done = strike.hit(self, target)
            except (ClusterError, psutil.NoSuchProcess) as error:
                self._tell(f"{strike.name}: not possible, {target} may have ended: {error}")
                return
            if done is not None:
                self._tell(f"{strike.name}: {done}")
                self.record.injected[strike.name] += 1
                self._struck_jobs.add(target.job)
                waiting.remove(strike)
                return

    def _finished(self, status: int) -> bool:
        """Check that the paper is complete or the limit of calls is reached; otherwise call again."""
        if status == 0:
            return True
        self.record.errors += 1
        self._tell(f"Snakemake ended with status {status}")
        if self.record.errors >= CALLS:
            self.record.problems.append(f"{self.record.errors} calls ended with an error")
            return True
        self._until_idle()  # a user waits until the jobs that still run have ended
        self.start_head()
        return False

    def _lost(self) -> bool:
        """Check that the call waits for a lost job again and again; the first times, act as a user would."""
        if time.monotonic() - self._busy < LOST or self._head is None:
            return False
        if not self.slurm.is_up("slurmctld") or self._queue():
            self._busy = time.monotonic()
            return False
        self.record.stuck += 1
        self._tell(f"Snakemake waits, and no job has been in the queue for {LOST:.0f} s: Ctrl-C, and called again")
        self._interrupt()
        if self.record.stuck >= CALLS:
            self.record.problems.append(f"{self.record.stuck} calls waited for a job that was gone")
            return True
        self.start_head()
        return False

    def _look(self) -> list[Training]:
        """Return the running training jobs, and record the largest number for one pack."""
        if time.monotonic() - self._sampled < SAMPLE:
            return []
        self._sampled = time.monotonic()
        trainings = running_trainings(self.slurm)
        self._read_logs()
        for pack in {training.pack for training in trainings}:
            self._count_together(pack, [each for each in trainings if each.pack == pack])
        if trainings or (self.slurm.is_up("slurmctld") and self._queue()):
            self._busy = time.monotonic()
        return trainings

    def _read_logs(self) -> None:
        """Record the runs that resumed from a checkpoint, because each attempt replaces its log."""
        for log in self.project.folder.glob("results/logs/train/**/*.log"):
            with suppress(FileNotFoundError):
                lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
                self._goes_on |= {f"{log}: {line}" for line in lines if re.search("(resuming|loading) seed", line)}

    def _has_begun(self, training: Training) -> bool:
        """Check for a checkpoint of the first run of the pack."""
        variant, _, seeds = training.pack.partition(" ")
        folder = self.project.folder / "results/checkpoints" / variant / f"seed-{seeds.partition('-')[0]}"
        return any(folder.glob("*.npz"))

    def _count_together(self, pack: str, trainings: list[Training]) -> None:
        """Record the number of processes of a pack that compute; the others wait for a lease."""
        before = self._beside.get(pack, {}) if len(trainings) > 1 else {}
        self._beside[pack] = {each.process.pid: before.get(each.process.pid, each.cpu) for each in trainings}
        busy = [each for each in trainings if each.cpu - self._beside[pack][each.process.pid] > COMPUTES]
        self.record.together = max(self.record.together, len(busy), min(1, len(trainings)))

    def _do_what_is_due(self, now: float) -> None:
        for entry in [entry for entry in self._due if entry[0] <= now]:
            self._due.remove(entry)
            self._tell(entry[1])
            entry[2]()

    # ---- Its end -----------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        """Restore nodes and daemons, and end Snakemake."""
        if self._head is not None and self._head.poll() is None:
            self._interrupt()
        self._due = [entry for entry in self._due if entry[2] != self.start_head]
        self._do_what_is_due(float("inf"))

    def _interrupt(self) -> None:
        assert self._head is not None
        self._head.send_signal(signal.SIGINT)
        try:
            self._head.wait(60)
        except subprocess.TimeoutExpired:
            self._head.kill()
            self._head.wait()
        self._head = None

    def _until_idle(self) -> None:
        """Wait until no job is left, as a job that outlives Snakemake may still write."""
        deadline = time.monotonic() + PATIENCE / 2
        while time.monotonic() < deadline:
            self._do_what_is_due(time.monotonic())
            if self.slurm.is_up("slurmctld") and not self._queue():
                return
            time.sleep(1)
        self.record.problems.append(f"jobs were left in the queue: {' '.join(self._queue())}")
        self.slurm.client("scancel", *self._queue(), check=False)

    def _would_do_something(self) -> bool:
        """Check that another call would run something again, which would not change results but surprise a user."""
        before = (self.project.folder / PRINTED).stat().st_size
        self._snakemake(*self.targets, "--dry-run").wait(PATIENCE)
        with (self.project.folder / PRINTED).open("rb") as printed:
            printed.seek(before)
            return b"Nothing to be done" not in printed.read()

    def _queue(self) -> list[str]:
        try:
            return self.slurm.client("squeue", "--noheader", "--format=%A").split()
        except ClusterError:
            return ["not known"]  # too busy to answer

    def _count(self, before: set[str], conditions: Sequence[Condition]) -> None:
        starts = [job for job in self.slurm.jobs(requeued=True) if job.id not in before and job.partition != URGENT]
        self.record.jobs, self.record.starts = len({job.id for job in starts}), len(starts)
        trainings = [job for job in starts if re.match(r"rule_train(_|$)", job.comment)]
        ids = {job.id for job in trainings}
        steps = [step for step in self.slurm.jobs(steps=True, requeued=True) if step.id.split(".")[0] in ids]
        for condition in conditions:
            hits = [job for job in condition.hits(trainings, steps) if job not in self._struck_jobs]
            self.record.injected[condition.name] += len(hits)
            self._tell(f"{condition.name}: hit {len(hits)} times, jobs {' '.join(hits)}")
        self._read_logs()
        self.record.resumed = len(self._goes_on)

    def _snakemake(self, *options: str) -> subprocess.Popen[bytes]:
        """Call Snakemake in the project folder, and append its output to a file."""
        environment = {key: value for key, value in self.slurm.env.items() if key != "PYTHONDONTWRITEBYTECODE"}
        with (self.project.folder / PRINTED).open("ab") as printed:
            return subprocess.Popen(
                [str(SNAKEMAKE), "--profile", "slurm", *options],
                cwd=self.project.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C of the tests is not for it
            )

    def _tell(self, what: str) -> None:
        """Report an event in a file of the project and on the screen."""
        line = f"{time.strftime('%H:%M:%S')} {self.record.name}, {time.monotonic() - self._began:4.0f} s: {what}"
        with (self.project.folder / HISTORY).open("a", encoding="utf-8") as history:
            history.write(line + "\n")
        print(line, file=sys.stderr, flush=True)


def draw_strikes(random: Random, number: int) -> list[Strike]:
    """Draw kinds of strikes: all kinds once before any kind again."""
    drawn: list[Strike] = []
    while len(drawn) < number:
        drawn += random.sample(STRIKES, len(STRIKES))
    return drawn[:number]
