"""Sensible requests of a job: more than it needs, in round numbers, and jobs of about half an hour."""

import math

MARGIN = 1.25  # of memory: twice as much on the next attempt if it is not enough
TIMES = 2.0  # of the longest time: nodes differ, and file servers are slow now and then
LONG = 30 * 60.0  # s: clusters schedule jobs of this length well


def memory(mib: float) -> int:
    """Return the `mem_mb` for a job that uses some MiB: a quarter more, rounded up."""
    wanted = mib * MARGIN
    step = 250 if wanted <= 2000 else 500 if wanted <= 8000 else 1000
    return math.ceil(wanted / step) * step


def minutes(seconds: float) -> int:
    """Return the `runtime` in minutes for a job that takes some seconds: twice as long, rounded up."""
    wanted = seconds * TIMES / 60
    step = 5 if wanted <= 60 else 30 if wanted <= 8 * 60 else 60
    return math.ceil(wanted / step) * step


def seeds(start: float, each: float) -> int:
    """Return the number of runs that fill about half an hour, given the seconds of the start and of each run."""
    return max(1, round_down((LONG - start) / each)) if each > 0 else 1


def round_down(number: float) -> int:
    """Return a whole number of two digits, such as 120 for 128."""
    whole = max(0, int(number))
    unit = 10 ** max(0, len(str(whole)) - 2)
    return whole // unit * unit
