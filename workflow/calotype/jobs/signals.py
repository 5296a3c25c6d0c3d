"""Stop at the next opportunity when a signal asks for it, instead of in the middle of something."""

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from calotype.jobs import slurm

logger = logging.getLogger(__name__)

# What a scheduler sends before a time limit or a preemption; then Ctrl-C, and a terminal that was closed.
BY_SCHEDULER = (signal.SIGTERM, signal.SIGUSR1)
SIGNALS = (*BY_SCHEDULER, signal.SIGINT, signal.SIGHUP)


class StoppedError(Exception):
    """A signal has stopped the work; what was done is kept, and the next attempt goes on from there.

    Attributes:
        by: the signal's name, such as ``SIGTERM``.
        saves: whether what was done is to be saved.
        saved: whether it was.
        idle: whether nothing at all was done; then another job of the same length would do nothing, either.
        awaited: whether another process waits to go on with it.
    """

    def __init__(self, by: str, *, saves: bool = True) -> None:
        super().__init__(f"stopped by {by}")
        self.by, self.saves = by, saves
        self.saved, self.idle, self.awaited = True, False, False


class Stop:
    """Whether a signal has asked to stop.

    Attributes:
        by: the name of the first signal; None as long as there was none.
    """

    def __init__(self) -> None:
        self.by: str | None = None

    def check(self) -> None:
        """See whether to go on.

        Raises:
            StoppedError: a signal has come.
        """
        if self.by is not None:
            raise StoppedError(self.by)


@contextmanager
def on_signals() -> Iterator[Stop]:
    """While the block runs, signals only set what it gets; to be called in the main thread.

    A block that ends by `StoppedError` ends the process: a Slurm job that the scheduler stops is put back into the
    queue where that is possible; else it fails, and whoever sent it may send it again.
    """
    stop = Stop()

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        if stop.by is None:
            stop.by = signal.Signals(number).name

    heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]  # nohup, for one
    before = {number: signal.signal(number, note) for number in heard}
    try:
        yield stop
    except StoppedError as stopped:
        if stopped.saved:
            logger.info("Stopped by %s. What is done is saved: the next attempt goes on from there.", stopped.by)
        else:
            logger.info("Stopped by %s. What was done since the last checkpoint could not be saved.", stopped.by)
        if stopped.by in [number.name for number in BY_SCHEDULER] and slurm.job_id():
            logger.info("Not put back into the queue: %s.", _reason_not_to_go_on(stopped) or slurm.requeue())
        sys.exit(1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _reason_not_to_go_on(stopped: StoppedError) -> str | None:
    """Why the same job would better not run once more, if so."""
    if not stopped.saved:
        return "it would lose its work again"
    if stopped.idle:
        return "no step was done before its time was up; a retry asks for more time"
    return "another job waits to go on with this" if stopped.awaited else None
