"""Number of seeds that share a job, from the expected time of a run."""

import json
import math
import statistics
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from calotype.config.recipe import SCIKIT_LEARN
from calotype.config.study import Variant
from calotype.jobs.requests import LONG

WORTH_A_PACK = 60.0  # seconds of the shortest pack that is worth its start
PACKS = 8  # of a study at least, if they are worth it: they run at the same time
MANY = 100  # packs of a variant that are read, at most
EPOCH, SLOW = 1.0, 10.0  # seconds of an epoch if nothing is known: of dense layers, and of convolutions


def guess(variant: Variant) -> float:
    """Return a rough time of a run in s; custom models count as models with convolutions."""
    return variant.epochs * (EPOCH if variant.model in ("dense", *SCIKIT_LEARN) else SLOW)


def run_seconds(variant: Variant, provenance: Iterable[Path], noted: float | None) -> float:
    """Return the expected time of a run in s: the median of earlier runs by their epochs, or that noted, or a guess.

    Args:
        variant: its recipe.
        provenance: the provenance.json of its packs.
        noted: the time by its smoke test.
    """
    measured = []
    for file in [*provenance][:MANY]:
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            found = json.loads(file.read_text(encoding="utf-8"))
            epochs = float(found["config"]["epochs"])
            measured += [float(seconds) / epochs * variant.epochs for seconds in found["seconds"].values()]
    return max(statistics.median(measured) if measured else noted or guess(variant), 1e-3)


def seeds_of_a_job(seconds: float, side_by_side: int, runs: int) -> int:
    """Return the number of seeds of a pack: of half an hour at most, and of a minute at least.

    Between both, a study has enough packs to use several cores or GPUs.

    Args:
        seconds: of a run.
        side_by_side: number of runs at the same time.
        runs: number of runs of the study.
    """
    most = math.floor(LONG * side_by_side / seconds)
    least = math.ceil(WORTH_A_PACK * side_by_side / seconds)
    return max(side_by_side, min(most, max(least, math.ceil(runs / PACKS))))
