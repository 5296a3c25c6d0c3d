"""Run functions in child processes that share the imports and data of this process."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from calotype.util.entry_point import log_error

FAILED, MAY_PASS = 1, 75  # exit statuses of a child
POLL = 0.1  # seconds between two calls of `watch`
MIB = 2**20 if sys.platform == "darwin" else 2**10  # in the units of ru_maxrss


@dataclass(frozen=True)
class Ended:
    """Exit status and cost of a child."""

    name: str  # of its function
    status: int  # the value that its function returned; negative: the signal that killed it
    seconds: float  # wall time
    cpu_seconds: float
    peak_memory_mib: float  # resident memory, including memory shared with the parent


def in_children(
    functions: Mapping[str, Callable[[], int]], most: int, watch: Callable[[Collection[int]], None] | None = None
) -> Iterator[Ended]:
    """Run functions in forked children, at most `most` at a time, and yield the children in the order of their ends.

    Each function returns the exit status of its child, 0 for success. While children run, `watch` is called with their
    process numbers several times a second.
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
            child, status, used = os.wait3(0 if watch is None else os.WNOHANG)
            if not child and watch is not None:
                watch(running.keys())
                time.sleep(POLL)
            if child in running:
                name, began = running.pop(child)
                yield _ended(name, os.waitstatus_to_exitcode(status), used, time.monotonic() - began)
    finally:
        for child in running:
            with suppress(OSError):
                os.kill(child, signal.SIGTERM)


def _ended(name: str, status: int, used: resource.struct_rusage, seconds: float | None = None) -> Ended:
    cpu = used.ru_utime + used.ru_stime
    return Ended(name, status, cpu if seconds is None else seconds, cpu, used.ru_maxrss / MIB)


def _end_with(function: Callable[[], int]) -> None:
    """Run a function and end this process without the exit handlers of its parent."""
    status = 1
    try:
        status = function()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def attempt(what: str, function: Callable[[], None]) -> int:
    """Run a function in a child, log its error after the name `what`, and return the exit status."""
    try:
        function()
    except Exception as error:
        return MAY_PASS if log_error(error, f"{what}: ") else FAILED
    return 0


def cause_of(ended: Iterable[Ended]) -> Exception | None:
    """Return a cause for the error of failed children: an OSError if a retry may help all of them."""
    return None if any(child.status == FAILED for child in ended) else OSError("killed, or no space or memory left")


def own_cost(name: str) -> Ended:
    """Return the cost of this process so far; its CPU time stands for its wall time."""
    return _ended(name, 0, resource.getrusage(resource.RUSAGE_SELF))
