"""Run functions in child processes that share what this one has imported and read."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from calotype.util.entry_point import log_error

FAILED, MAY_PASS = 1, 75  # exit statuses of a child
MIB = 2**20 if sys.platform == "darwin" else 2**10  # in the units of ru_maxrss


@dataclass(frozen=True)
class Ended:
    """How a child ended, and what it cost.

    Attributes:
        name: of its function.
        status: what its function returned; below 0, the signal that ended it.
        seconds, cpu_seconds: wall and CPU time.
        peak_memory_mib: most resident memory, with what it shares with its parent.
    """

    name: str
    status: int
    seconds: float
    cpu_seconds: float
    peak_memory_mib: float


def in_children(functions: Mapping[str, Callable[[], int]], most: int) -> Iterator[Ended]:
    """Run each function in a forked child and give how it ended, in the order in which they end.

    Args:
        functions: by name; each returns the exit status of its child, 0 if it went well.
        most: how many run at a time.
    """
    waiting, running = list(functions.items()), dict[int, tuple[str, float]]()
    try:
        while waiting or running:
            while waiting and len(running) < most:
                name, function = waiting.pop(0)
                began = time.monotonic()
                child = os.fork()
                if not child:
                    _end_with(function)
                running[child] = name, began
            child, status, used = os.wait3(0)
            if child in running:
                name, began = running.pop(child)
                cpu = used.ru_utime + used.ru_stime
                status = os.waitstatus_to_exitcode(status)
                yield Ended(name, status, time.monotonic() - began, cpu, used.ru_maxrss / MIB)
    finally:
        for child in running:
            with suppress(OSError):
                os.kill(child, signal.SIGTERM)


def attempt(what: str, function: Callable[[], None]) -> int:
    """Run a function in a child, log its error, and return the exit status.

    Args:
        what: the child, before the message of an error.
        function: what it does.
    """
    try:
        function()
    except Exception as error:
        return MAY_PASS if log_error(error, f"{what}: ") else FAILED
    return 0


def cause_of(ended: Iterable[Ended]) -> Exception | None:
    """Return the cause that an error of failed children has: a second try may help if all were killed or said so."""
    return None if any(child.status == FAILED for child in ended) else OSError("killed, or no room")


def _end_with(function: Callable[[], int]) -> None:
    """Run a function and end this process, without what its parent does at its end."""
    status = 1
    try:
        status = function()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def own_cost(name: str) -> Ended:
    """What this process has cost so far; its wall time is not known, and its CPU time stands for it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    return Ended(name, 0, cpu, cpu, used.ru_maxrss / MIB)
