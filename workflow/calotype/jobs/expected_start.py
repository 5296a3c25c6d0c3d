"""Ask Slurm when a job would start. No job is submitted."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from calotype.jobs import queue, refusals, slurm
from calotype.jobs.waiting import at

NOW, SOON = 60, 3600  # seconds


@dataclass(frozen=True)
class Start:
    """The answer of `sbatch --test-only`."""

    accepted: bool
    words: str  # after the name of a job
    soon: bool = False  # within an hour


def expected_start(options: Sequence[str]) -> Start:
    """Return when a job with some options of `sbatch` would start, or why Slurm refuses it."""
    accepted, printed = slurm.answer("sbatch", "--test-only", "--output=/dev/null", *options, "--wrap=true")
    if not accepted:
        return Start(False, f"`sbatch` refuses it: {refusals.reason(printed)}. Hint: {refusals.hint(printed)}")
    found = re.search(r"to start at (\S+)", printed)
    moment = queue.time_of(found[1]) if found else None
    if moment is None:
        return Start(True, "`sbatch` accepts it")
    wait = moment - time.time()
    return Start(True, "would start now" if wait < NOW else f"would start {at(moment)}", soon=wait < SOON)
