"""When a training no longer becomes better: as Keras's EarlyStopping and ReduceLROnPlateau see it."""

import math
from collections.abc import Sequence

from calotype.config.optimizer import Plateau


def is_better(value: float, best: float, *, more: bool, by: float) -> bool:
    """Whether a value is better than the best before it; one that is no number is never better.

    Args:
        value, best: the two.
        more: whether more is better; else less.
        by: how much more than this it must be better.
    """
    if math.isnan(best):
        return not math.isnan(value)
    return (value - best if more else best - value) > by


def reductions(values: Sequence[float], plateau: Plateau, *, more: bool) -> int:
    """How often the learning rate was lowered after some epochs. It follows from these alone, so nothing else is kept.

    Args:
        values: of what is monitored, in the epochs until now.
        plateau: when it is lowered.
        more: whether more is better; else less.
    """
    found, wait, cooldown, best = 0, 0, 0, math.nan
    for value in values:
        if cooldown:
            cooldown, wait = cooldown - 1, 0
        if is_better(value, best, more=more, by=plateau.min_delta):
            best, wait = value, 0
        elif not cooldown:
            wait += 1
            if wait >= plateau.patience:
                found, wait, cooldown = found + 1, 0, plateau.cooldown
    return found
