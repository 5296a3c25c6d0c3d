"""Early stopping and a falling learning rate, by the rules of Keras's EarlyStopping and ReduceLROnPlateau."""

import math
from collections.abc import Sequence

from calotype.config.optimizer import Plateau


def is_better(value: float, best: float, *, more: bool, by: float) -> bool:
    """Return True if a value beats the best by more than `by`; NaN never does. `more`: higher is better."""
    if math.isnan(best):
        return not math.isnan(value)
    return (value - best if more else best - value) > by


def reductions(values: Sequence[float], plateau: Plateau, *, more: bool) -> int:
    """Count the reductions of the learning rate, given the monitored value of each epoch until now."""
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
