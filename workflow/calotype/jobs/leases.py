"""Leases on runs: no run is trained twice at the same time, even by jobs that know nothing of each other.

That happens when the process that sent a job was killed: whoever takes over sends the job again while the first still
runs. A process leases its runs before it trains them, and shows by a heartbeat that it is alive. The heartbeat also
tells what the process had asked for and used, should it end without a word.
"""

import json
import logging
import os
import platform
import re
import resource
import stat
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from calotype.jobs import slurm
from calotype.jobs.signals import Stop, StoppedError
from calotype.util.errors import CalotypeError
from calotype.util.files import unwritable, write_text

logger = logging.getLogger(__name__)

BEAT = 5.0  # seconds between two heartbeats
ATTEMPTS = 5  # at a first sign of life
LOST = "another process, which took over after a long silence"
SILENCE = 90.0  # seconds without one, seen by one's own watch; file servers show others' changes a minute late
LEASE = "lease"  # a file in the folder of a run, which holds the name of a heartbeat
HEARTBEAT = "heartbeat-{token}.json"


@dataclass(frozen=True)
class Sign:
    """A sign of life.

    Attributes:
        name: what is trained, as the log calls it.
        host, process, born: where the process runs, its number there, and when it began, as `_born` counts.
        job: its Slurm job.
        asked_mib: the memory that it asked for; None where nothing limits it.
        used_mib: the most that it has used.
        seconds: since it began.
        beat: counts the signs.
    """

    name: str
    host: str
    process: int
    born: float
    job: str | None
    asked_mib: int | None
    used_mib: int = 0
    seconds: float = 0.0
    beat: int = 0

    def where(self) -> str:
        """The process in words."""
        return f"{f'Slurm job {self.job}, ' if self.job else ''}process {self.process} on {self.host}"

    def is_here(self) -> bool:
        """Whether the process runs on this machine, or did."""
        return self.host == platform.node()

    def is_dead(self) -> bool:
        """Whether the process is known to have ended; where that cannot be known, its silence has to tell."""
        if self.is_here():
            return _born(self.process) != self.born
        return self.job is not None and self.job != slurm.job_id() and slurm.is_over(self.job)

    def last_words(self) -> str:
        """What can be said of a process that ended without a word."""
        asked = "" if self.asked_mib is None else f"had asked for {self.asked_mib} MiB of memory, "
        return f"{self.where()} {asked}had used {self.used_mib} MiB, and ran for {self.seconds:.0f} s"


def read_sign(heartbeat: Path) -> Sign | None:
    """The last sign of life; None where there is none, or one of another version."""
    try:
        return Sign(**json.loads(heartbeat.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _born(process: int) -> float | None:
    """When a process began, which tells it from another that later has its number; None where it has ended."""
    try:
        facts = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return None if facts[0] in "ZX" else float(facts[19])  # in ticks since the boot: no clock that jumps
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return None
    except OSError:
        return None
    try:
        return psutil.Process(process).create_time()  # macOS
    except psutil.Error:
        return None


def _used_mib() -> int:
    """The most memory that this process has used; a limit counts all of a job, of which it is nearly all."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


class Lease:
    """What a process holds on some runs.

    Attributes:
        waited: whether another process held one of them.
        waiting: whether it has not got all of them yet.
        lost: whether another process has taken them over, because this one was silent for too long.
    """

    def __init__(self, folders: Sequence[Path], sign: Sign, stop: Stop) -> None:
        self.folders, self.sign, self.stop_asked = folders, sign, stop
        self.waited = self.lost = False
        self.waiting = True
        self.taken: list[Path] = []  # of the folders, until it has all
        token = uuid.uuid4().hex
        self.heartbeat = folders[0].parent / HEARTBEAT.format(token=token)
        self._began = time.monotonic()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def check(self) -> None:
        """See whether to go on.

        Raises:
            StoppedError: a signal has come, or the runs are another process's now.
        """
        if self.lost:
            raise StoppedError(LOST, saves=False)
        try:
            self.stop_asked.check()
        except StoppedError as stopped:
            stopped.awaited = self._awaited()
            raise

    def _awaited(self) -> bool:
        """Whether another process that is alive waits for these runs; it then goes on with them."""
        others = [read_sign(file) for file in self.heartbeat.parent.glob(HEARTBEAT.format(token="*"))]
        return any(
            sign.name == self.sign.name and sign.process != self.sign.process and not sign.is_dead()
            for sign in others
            if sign is not None and not self.waiting
        )

    def start(self) -> None:
        """Give the first sign of life, and go on."""
        for _ in range(ATTEMPTS):
            with suppress(CalotypeError):  # a neighbour may just have removed the folder that it left empty
                self._show(0)
                break
        else:
            self._show(0)
        self._thread.start()

    def _show(self, beat: int) -> None:
        changes: dict[str, Any] = {"used_mib": _used_mib(), "seconds": time.monotonic() - self._began, "beat": beat}
        write_text(json.dumps(asdict(self.sign) | changes) + "\n", self.heartbeat)

    def _beat(self) -> None:
        # Memory may rise fast just before a process is killed for it, so it is looked at more often.
        shown_at, shown_mib, beat = time.monotonic(), 0, 0
        while not self._end.wait(BEAT / 10):
            grown = _used_mib() > shown_mib * 1.05
            if not grown and time.monotonic() - shown_at < BEAT:
                continue
            beat += 1
            shown_at, shown_mib = time.monotonic(), _used_mib()
            if any(_holder(folder) not in (None, self.heartbeat.name) for folder in self.taken):
                self.lost = True
                return
            # A full disk, or a file server that is away: the next beat may come through.
            with suppress(CalotypeError):
                self._show(beat)

    def stop(self) -> None:
        """Give the runs back."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        for folder in self.folders:
            with suppress(OSError):  # nothing that goes wrong here is worth the result of the block
                if _holder(folder) == self.heartbeat.name:
                    (folder / LEASE).unlink(missing_ok=True)
                folder.rmdir()  # stays as long as it holds a checkpoint
        with suppress(OSError):
            self.heartbeat.unlink(missing_ok=True)
        for parent in (self.heartbeat.parent, *self.heartbeat.parent.parents[:2]):
            with suppress(OSError):
                parent.rmdir()


def _holder(folder: Path) -> str | None:
    """The name of the heartbeat that goes with the lease on a run; empty where it is not (or no longer) to be read."""
    try:
        found = (folder / LEASE).read_text(encoding="utf-8")
    except OSError:
        return None
    except ValueError:
        return ""
    return found if re.fullmatch(HEARTBEAT.format(token=r"[^/\x00]+"), found) else ""


def _take(folder: Path, heartbeat: str) -> bool:
    """Take the lease on a run, if nobody has it."""
    lease, aside = folder / LEASE, folder / f".{LEASE}.{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside.write_text(heartbeat, encoding="utf-8")
        try:
            os.link(aside, lease)  # fails where there is one, also on file servers
        except FileExistsError:
            return _holder(folder) == heartbeat  # a file server that was asked twice says so of one's own
        except OSError:  # a file system without links
            try:
                with open(lease, "x", encoding="utf-8") as file:
                    file.write(heartbeat)
            except FileExistsError:
                return _holder(folder) == heartbeat
        return True
    except OSError as error:
        if _vanished(error):
            return False  # whoever gave it back has removed the folder, too
        raise unwritable(lease, error) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def _vanished(error: OSError) -> bool:
    """Whether a folder that was to be made or written to has been removed by somebody else meanwhile."""
    if isinstance(error, FileNotFoundError):
        return True
    if not isinstance(error, FileExistsError):
        return False
    # To make a folder that is there is no error, unless it is gone when it is looked at. A file is not.
    try:
        return stat.S_ISDIR(os.lstat(error.filename).st_mode)
    except FileNotFoundError:
        return True


def _take_over(runs: Path, heartbeat: str) -> None:
    """Remove all leases of a process that has ended, unless somebody else is at it."""
    if heartbeat and (runs / heartbeat).exists():
        aside = runs / f".{heartbeat}.{uuid.uuid4().hex}"
        try:
            # One alone succeeds, and nobody takes a lease of a process that has ended.
            os.rename(runs / heartbeat, aside)
        except OSError:
            return
        with suppress(OSError):
            aside.unlink()
    for lease in runs.glob(f"*/{LEASE}"):
        with suppress(OSError):
            if _holder(lease.parent) == heartbeat:
                lease.unlink()


def _wait_for(folder: Path, heartbeat: str, check: Callable[[], None], poll: float) -> None:
    """Wait until a run is free, or its holder has ended; then it is free, too."""
    announced, silent_since, last = False, time.monotonic(), None
    while _holder(folder) == heartbeat:
        check()
        sign = read_sign(folder.parent / heartbeat) if heartbeat else None
        if sign != last:
            last, silent_since = sign, time.monotonic()
        silence = time.monotonic() - silent_since
        # Of another machine nothing is known as long as its heart beats.
        if sign is not None and (sign.is_here() or silence > 3 * BEAT) and sign.is_dead():
            logger.info("The attempt before ended without a word: %s.", sign.last_words())
        elif silence > SILENCE:
            logger.info("No sign of life for %.0f s: %s.", silence, sign.last_words() if sign else "its holder")
        else:
            if sign is not None and not announced:
                announced = True
                logger.info("%s is being trained by %s; waiting for it.", sign.name, sign.where())
            # Slurm is not to be asked every two seconds about each of a hundred jobs.
            time.sleep(poll if sign is None or sign.is_here() or silence < 3 * BEAT else max(poll, 2 * BEAT))
            continue
        _take_over(folder.parent, heartbeat)


@contextmanager
def lease(
    folders: Sequence[Path], name: str, *, asked_mib: int | None, stop: Stop, poll: float = 2.0
) -> Iterator[Lease]:
    """Hold some runs while the block runs; wait as long as another process that is alive holds one of them.

    Args:
        folders: one for each run, side by side; they are made, and removed at the end if they hold nothing else.
        name: how logs call what is trained.
        asked_mib: the memory that this process asked for; None where nothing limits it.
        stop: asked while it waits.
        poll: seconds between two looks at the holder.

    Raises:
        CalotypeError: the folders cannot be written.
        StoppedError: a signal has come while it waited.
    """
    born = _born(os.getpid()) or 0.0
    held = Lease(folders, Sign(name, platform.node(), os.getpid(), born, slurm.job_id(), asked_mib), stop)
    held.start()
    try:
        for folder in folders:  # all in the same order, so that two never wait for each other
            while not _take(folder, held.heartbeat.name):
                held.check()
                if (holder := _holder(folder)) is not None:
                    held.waited = True
                    _wait_for(folder, holder, held.check, poll)
            held.taken.append(folder)
        held.waiting = False
        yield held
    finally:
        held.stop()
