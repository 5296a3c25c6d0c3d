"""Stop at the next safe point after a signal."""

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from calotype.jobs import slurm

logger = logging.getLogger(__name__)

BY_SCHEDULER = (signal.SIGTERM, signal.SIGUSR1)  # before a time limit or a preemption
SIGNALS = (*BY_SCHEDULER, signal.SIGINT, signal.SIGHUP)  # Ctrl-C; a closed terminal


class StoppedError(Exception):
    """The work stopped for a signal; the next attempt resumes from the saved progress."""

    def __init__(self, by: str, *, saves: bool = True) -> None:
        super().__init__(f"stopped by {by}")
        self.by = by  # the signal's name, such as SIGTERM
        self.saves = saves  # whether to save the progress
        self.saved = True  # whether it was saved
        self.idle = False  # whether there was no progress, so that a job of the same length would make none, either
        self.awaited = False  # whether another process waits to resume


class Stop:
    """A request to stop."""

    def __init__(self) -> None:
        self.by: str | None = None  # the name of the first signal

    def check(self) -> None:
        """Raise a StoppedError after a signal."""
        if self.by is not None:
            raise StoppedError(self.by)


@contextmanager
def on_signals() -> Iterator[Stop]:
    """Yield a `Stop` that signals set while the block runs; call this in the main thread.

    A `StoppedError` of the block ends the process with an error, after requeueing a Slurm job that the scheduler stops.
    """
    stop = Stop()

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        if stop.by is None:
            stop.by = signal.Signals(number).name

    heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]  # such as nohup
    before = {number: signal.signal(number, note) for number in heard}
    try:
        yield stop
    except StoppedError as stopped:
        if stopped.saved:
            logger.info("Stopped by %s. Progress is saved; the next attempt resumes from it.", stopped.by)
        else:
            logger.info("Stopped by %s. Progress since the last checkpoint could not be saved.", stopped.by)
        if stopped.by in [number.name for number in BY_SCHEDULER] and slurm.job_id():
            logger.info("Not requeued: %s.", _reason_not_to_requeue(stopped) or slurm.requeue())
        sys.exit(1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _reason_not_to_requeue(stopped: StoppedError) -> str | None:
    if not stopped.saved:
        return "the job would lose its progress again"
    if stopped.idle:
        return "no step was finished before the job was stopped; a retry asks for more time"
    return "another job waits to resume these runs" if stopped.awaited else None
