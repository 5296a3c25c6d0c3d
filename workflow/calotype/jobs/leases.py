"""Leases on runs, so that no two jobs train a run at the same time.

If Snakemake is killed and called again, it submits a job again while the first one still runs. So a process leases its
runs before it trains them, and writes heartbeats. The last heartbeat of a killed process also gives its memory.
"""

import json
import logging
import os
import platform
import re
import stat
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from calotype.jobs import attempts, slurm
from calotype.jobs.signals import Stop, StoppedError
from calotype.jobs.usage import Usage, peak_mib
from calotype.util.errors import CalotypeError
from calotype.util.files import unwritable, write_text
from calotype.util.processes import born

logger = logging.getLogger(__name__)

BEAT = 5.0  # seconds between two heartbeats
ATTEMPTS = 5  # at the first heartbeat
LOST = "another process, which took over because this one wrote no heartbeat"
SILENCE = 90.0  # seconds without a heartbeat by the clock of the observer; file servers show changes a minute late
LEASE = "lease"  # a file in the folder of a run that contains the name of a heartbeat
HEARTBEAT = "heartbeat-{token}.json"


@dataclass(frozen=True)
class Sign:
    """The content of a heartbeat."""

    name: str  # of the pack, for logs
    host: str
    process: int
    born: float  # start of the process, see `processes.born`
    job: str | None  # the Slurm job
    asked_mib: int | None  # requested memory; None without a limit
    used_mib: int = 0  # peak memory, with mapped pages
    seconds: float = 0.0  # since the start
    beat: int = 0  # number of this heartbeat
    began: float = 0.0  # Unix time of the start
    waited: bool = False  # whether another process held one of the runs
    asked: Mapping[str, Any] = field(default_factory=dict)  # as in `usage.Usage.record`
    used: Mapping[str, Any] = field(default_factory=dict)

    def where(self) -> str:
        """Describe the process."""
        return f"{f'Slurm job {self.job}, ' if self.job else ''}process {self.process} on {self.host}"

    def is_here(self) -> bool:
        """Tell if the process belongs to this machine."""
        return self.host == platform.node()

    def is_dead(self) -> bool:
        """Tell if the process has ended for certain; otherwise only missing heartbeats can tell."""
        if self.is_here():
            return born(self.process) != self.born
        return self.job is not None and self.job != slurm.job_id() and slurm.is_over(self.job)

    def last_words(self) -> str:
        """Describe a killed process."""
        asked = "" if self.asked_mib is None else f"requested {self.asked_mib} MiB of memory, "
        return f"{self.where()} {asked}used {self.used_mib} MiB and ran {self.seconds:.0f} s"


def read_sign(heartbeat: Path) -> Sign | None:
    """Read a heartbeat; None if it is missing, damaged or of another version."""
    try:
        return Sign(**json.loads(heartbeat.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


class Lease:
    """The lease of this process on some runs."""

    def __init__(self, folders: Sequence[Path], sign: Sign, stop: Stop, threads: int) -> None:
        self.folders, self.sign, self.stop_asked = folders, sign, stop
        self.waited = False  # whether another process held one of them
        self.lost = False  # whether another process has taken them over, because heartbeats were missing
        self.taken: list[Path] = []  # folders that it holds already
        self.heartbeat = folders[0].parent / HEARTBEAT.format(token=uuid.uuid4().hex)
        self._began, self._usage = time.monotonic(), Usage(threads)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def check(self) -> None:
        """Raise a StoppedError after a signal, or if another process has taken over the runs."""
        if self.lost:
            raise StoppedError(LOST, saves=False)
        try:
            self.stop_asked.check()
        except StoppedError as stopped:
            stopped.awaited = self._awaited()
            raise

    def _awaited(self) -> bool:
        """Tell if another live process waits for these runs and will resume them."""
        others = map(read_sign, self.heartbeat.parent.glob(HEARTBEAT.format(token="*")))
        return len(self.taken) == len(self.folders) and any(
            sign.name == self.sign.name and sign.process != self.sign.process and not sign.is_dead()
            for sign in others
            if sign is not None
        )

    def start(self) -> None:
        """Write the first heartbeat and start the thread that writes the others."""
        for _ in range(ATTEMPTS):
            with suppress(CalotypeError):  # another process may have just removed the empty folder
                self._show(0)
                break
        else:
            self._show(0)
        self._thread.start()

    def _state(self, beat: int = 0) -> dict[str, Any]:
        changes = {"used_mib": peak_mib(), "seconds": time.monotonic() - self._began, "beat": beat}
        return asdict(self.sign) | changes | {"waited": self.waited} | self._usage.record()

    def _show(self, beat: int) -> None:
        write_text(json.dumps(self._state(beat)) + "\n", self.heartbeat)

    def _beat(self) -> None:
        # Memory may rise fast just before a kill, so it is measured more often.
        shown_at, shown_mib, beat = time.monotonic(), 0, 0
        while not self._end.wait(BEAT / 10):
            self._usage.sample()
            grown = peak_mib() > shown_mib * 1.05
            if not grown and time.monotonic() - shown_at < BEAT:
                continue
            beat += 1
            shown_at, shown_mib = time.monotonic(), peak_mib()
            if any(_holder(folder) not in (None, self.heartbeat.name) for folder in self.taken):
                self.lost = True
                return
            with suppress(CalotypeError):  # full disk or file server away: the next heartbeat may succeed
                self._show(beat)

    def stop(self, state: str) -> None:
        """Release the runs, and record the attempt with its state."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        if len(self.taken) == len(self.folders):  # it did not only wait
            attempts.keep(self.heartbeat, self._state(), state)
        for folder in self.folders:
            with suppress(OSError):  # an error here must not lose the result of the block
                if _holder(folder) == self.heartbeat.name:
                    (folder / LEASE).unlink(missing_ok=True)
                folder.rmdir()  # fails, and so keeps the folder, if it contains a checkpoint
        with suppress(OSError):
            self.heartbeat.unlink(missing_ok=True)
        for parent in (self.heartbeat.parent, *self.heartbeat.parent.parents[:2]):
            with suppress(OSError):
                parent.rmdir()


def _holder(folder: Path) -> str | None:
    """Return the name of the heartbeat in the lease on a run; None without a lease, empty if it is damaged."""
    try:
        found = (folder / LEASE).read_text(encoding="utf-8")
    except OSError:
        return None
    except ValueError:
        return ""
    return found if re.fullmatch(HEARTBEAT.format(token=r"[^/\x00]+"), found) else ""


def _take(folder: Path, heartbeat: str) -> bool:
    """Take the lease on a run if it is free."""
    lease, aside = folder / LEASE, folder / f".{LEASE}.{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside.write_text(heartbeat, encoding="utf-8")
        try:
            os.link(aside, lease)  # fails if it exists, also on file servers
        except FileExistsError:
            return _holder(folder) == heartbeat  # a file server that repeats a request reports our own lease
        except OSError:  # a file system without links
            try:
                with open(lease, "x", encoding="utf-8") as file:
                    file.write(heartbeat)
            except FileExistsError:
                return _holder(folder) == heartbeat
        return True
    except OSError as error:
        if _vanished(error):
            return False  # the previous holder has removed the folder, too
        raise unwritable(lease, error) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def _vanished(error: OSError) -> bool:
    """Tell if another process has removed the folder meanwhile."""
    if not isinstance(error, FileExistsError):
        return isinstance(error, FileNotFoundError)
    # `mkdir` fails for an existing folder only if the folder is gone when it is checked.
    try:
        return stat.S_ISDIR(os.lstat(error.filename).st_mode)
    except FileNotFoundError:
        return True


def _take_over(runs: Path, heartbeat: str) -> None:
    """Remove all leases of a dead process, unless another process does so."""
    if heartbeat and (runs / heartbeat).exists():
        aside = runs / f".{heartbeat}.{uuid.uuid4().hex}"
        try:
            os.rename(runs / heartbeat, aside)  # succeeds for one process only
        except OSError:
            return
        if (sign := read_sign(aside)) is not None:
            attempts.keep(runs / heartbeat, asdict(sign), attempts.KILLED)
        with suppress(OSError):
            aside.unlink()
    for lease in runs.glob(f"*/{LEASE}"):
        with suppress(OSError):
            if _holder(lease.parent) == heartbeat:
                lease.unlink()


def _wait_for(folder: Path, heartbeat: str, check: Callable[[], None], poll: float) -> None:
    """Wait until a run is free, or free it when its holder is dead."""
    announced, silent_since, last = False, time.monotonic(), None
    while _holder(folder) == heartbeat:
        check()
        sign = read_sign(folder.parent / heartbeat) if heartbeat else None
        if sign != last:
            last, silent_since = sign, time.monotonic()
        silence = time.monotonic() - silent_since
        # Ask Slurm about a process on another machine only when its heartbeats are missing.
        if sign is not None and (sign.is_here() or silence > 3 * BEAT) and sign.is_dead():
            logger.info("The previous attempt was killed: %s.", sign.last_words())
        elif silence > SILENCE:
            logger.info("No heartbeat for %.0f s: %s.", silence, sign.last_words() if sign else "unknown process")
        else:
            if sign is not None and not announced:
                announced = True
                logger.info("%s is being trained by %s; waiting for it.", sign.name, sign.where())
            # Do not ask Slurm every two seconds about each of a hundred jobs.
            time.sleep(poll if sign is None or sign.is_here() or silence < 3 * BEAT else max(poll, 2 * BEAT))
            continue
        _take_over(folder.parent, heartbeat)


@contextmanager
def lease(
    folders: Sequence[Path], name: str, threads: int = 1, *, asked_mib: int | None, stop: Stop, poll: float = 2.0
) -> Iterator[Lease]:
    """Hold the leases on some runs while the block runs; wait while another live process holds one of them.

    Args:
        folders: one for each run, side by side; they are created, and removed at the end if they are empty.
        name: of the pack, for logs.
        threads: of this process, for its record.
        asked_mib: the memory that this process requested; None without a limit.
        stop: checked while waiting.
        poll: seconds between two checks of the holder.

    Raises:
        CalotypeError: the folders cannot be written.
        StoppedError: a signal arrived while waiting.
    """
    process, began = os.getpid(), time.time()
    sign = Sign(name, platform.node(), process, born(process) or 0.0, slurm.job_id(), asked_mib, began=began)
    held, state = Lease(folders, sign, stop, threads), attempts.FAILED
    held.start()
    try:
        for folder in folders:  # in the same order everywhere, so that no two processes wait for each other
            while not _take(folder, held.heartbeat.name):
                held.check()
                if (holder := _holder(folder)) is not None:
                    held.waited = True
                    _wait_for(folder, holder, held.check, poll)
            held.taken.append(folder)
        yield held
        state = attempts.COMPLETED
    except StoppedError:
        state = attempts.STOPPED
        raise
    finally:
        held.stop(state)
