"""Run a function on many spoilt inputs in child processes, with a limit of time and a measure of memory."""

import json
import os
import resource
import signal
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from calotype.util.errors import CalotypeError

SECONDS = 20  # of CPU for one input; ten times as long on the clock, for a reader that waits
MEBIBYTES = 400  # of memory for one input, above that of the process
ADDRESSES = 8 * 2**30  # so that a reader that wants more fails, and not the machine


class Outcome(NamedTuple):
    """The end of one call: `read`, `refused` (an error that a user can fix) or a fault, with its text."""

    kind: str
    text: str = ""
    mebibytes: float = 0


def sizes(quick: int, soak: int) -> pytest.MarkDecorator:
    """Give a test a number of mutants: a few in each run of the suite, and all of them with `-m soak`."""
    sets = [pytest.param(quick, id="quick"), pytest.param(soak, id="soak", marks=pytest.mark.soak)]
    return pytest.mark.parametrize("number", sets)


def run(function: Callable[[Any], Any], cases: Sequence[Any]) -> list[Outcome]:
    """Call the function on each case. If a child dies, the next child continues with the next case."""
    found: list[Outcome] = []
    while len(found) < len(cases):
        found += _in_a_child(function, cases[len(found) :])
    return found


def faults(cases: Iterable[Any], outcomes: Iterable[Outcome], folder: Path) -> list[str]:
    """Describe each case that ended with a traceback, a crash or no end, or took too much memory; bytes are kept."""
    lines = []
    for number, (case, (kind, text, mebibytes)) in enumerate(zip(cases, outcomes, strict=True)):
        if kind in ("read", "refused") and mebibytes <= MEBIBYTES:
            continue
        kept = folder / f"mutant-{number}"
        kept.write_bytes(case if isinstance(case, bytes) else repr(case).encode())
        lines.append(f"{kept}: {kind}, {mebibytes:.0f} MiB\n{text}")
    return lines


def counted(outcomes: Iterable[Outcome]) -> str:
    """Count the kinds of outcomes, for a line at the end of the test run, with the most memory that one took."""
    outcomes = [*outcomes]
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(Counter(each.kind for each in outcomes).items()))
    return f"{kinds}; at most {max(each.mebibytes for each in outcomes):.0f} MiB"


def _in_a_child(function: Callable[[Any], Any], cases: Sequence[Any]) -> list[Outcome]:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, resource.RLIM_INFINITY))
            with open(writing, "w", encoding="utf-8", buffering=1) as pipe:
                for case in cases:
                    pipe.write(json.dumps(_outcome(function, case)) + "\n")
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:
        found = [Outcome(*json.loads(line)) for line in pipe if line.endswith("\n")]
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if len(found) < len(cases):
        end = "no end" if status in (-signal.SIGALRM, -signal.SIGPROF) else f"ended with {status}"
        found.append(Outcome(end))
    return found


def _outcome(function: Callable[[Any], Any], case: Any) -> Outcome:
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the highest memory so far
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.alarm(10 * SECONDS)
    try:
        function(case)
        kind, text = "read", ""
    except CalotypeError as error:
        kind, text = "refused", str(error)
    except BaseException:
        kind, text = "traceback", traceback.format_exc()[-3000:]
    signal.alarm(0)
    signal.setitimer(signal.ITIMER_PROF, 0)
    return Outcome(kind, text, _memory("VmHWM") - before)


def _memory(key: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) / 1024
