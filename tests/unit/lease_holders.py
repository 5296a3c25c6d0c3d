"""Processes that hold training runs, and the folders of their checkpoints."""

from pathlib import Path

from calotype.jobs.leases import lease
from calotype.jobs.signals import Stop

ROOT = Path(__file__).parents[2]
# The start of a process that takes leases; a test adds the code that runs after it.
PROCESS = """
import logging, os, random, signal, sys, time
from pathlib import Path
from calotype.jobs import leases
from calotype.jobs.leases import lease
from calotype.jobs.signals import Stop, StoppedError, on_signals

logging.basicConfig(level=logging.INFO, format="%(message)s")

def folders(variant, seeds):
    return [Path(variant, f"seed-{seed:03d}") for seed in seeds]

def say(*words):
    print(*words, flush=True)

variant = sys.argv[1]
"""


def folders(variant, *seeds):
    """Return the checkpoint folder of each seed; of seed 0 if none is given."""
    return [variant / f"seed-{seed:03d}" for seed in seeds or (0,)]


def take(variant, *seeds, asked_mib=None, stop=None, poll=0.02):
    """Take the lease of some seeds in this process."""
    return lease(
        folders(variant, *seeds), "study/variant, seeds 0 to 0", asked_mib=asked_mib, stop=stop or Stop(), poll=poll
    )
