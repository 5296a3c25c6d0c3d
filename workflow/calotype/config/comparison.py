"""The comparisons of a study: pairs of variants, and the smallest difference that matters."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator

from calotype.config.recipe import SCIKIT_LEARN, Recipe
from calotype.metrics.base import Metric

CONSECUTIVE, ALL, TO = "consecutive", "all", "to"
FINEST = 0.01  # points: a smaller `worth` of a share is a fraction by mistake


def _compared(value: Any) -> Any:
    """Raise one error for a wrong value; pydantic would raise one for each possible type."""
    one = isinstance(value, dict) and [*value] == [TO] and isinstance(value[TO], str)
    if value in (CONSECUTIVE, ALL) or one:
        return value
    raise ValueError(f"{value!r:.60} is neither `consecutive`, `all` nor a mapping such as {{to: source}}")


Compare = Annotated[str | dict[str, str], BeforeValidator(_compared)]


def check_worth(worth: float, metric: Metric) -> None:
    """Raise ValueError if the smallest difference that matters cannot be one of this metric."""
    unit = "points" if metric.share else f"the unit of {metric.name}"
    lowest, highest = metric.limits
    widest = (highest - lowest) * (100 if metric.share else 1)
    if not 0 < worth < widest:
        allowed = f"above 0 and below {widest:g}" if widest < float("inf") else "a number above 0"
        raise ValueError(f"worth: {worth:g} is not {allowed}, in {unit}")
    if metric.share and worth < FINEST:
        hint = f"give points: {100 * worth:g} for a fraction of {worth:g}."
        raise ValueError(f"worth: {worth:g} points is below {FINEST:g}\nHint: {hint}")


def pairs(compare: str | Mapping[str, str], variants: Sequence[str]) -> list[tuple[str, str]]:
    """Return the compared variants: (variant, the one that is subtracted)."""
    if isinstance(compare, str):
        found = itertools.pairwise(variants) if compare == CONSECUTIVE else itertools.combinations(variants, 2)
        return [(variant, than) for than, variant in found]
    return [(variant, compare[TO]) for variant in variants if variant != compare[TO]]


def same_order(one: Recipe, other: Recipe) -> bool:
    """Return True if equal seeds of two variants see the training images in the same order and batches."""
    keys = ("train", "validation", "validation_split", "batch_size")
    return (one.model in SCIKIT_LEARN) == (other.model in SCIKIT_LEARN) and all(
        getattr(one, key) == getattr(other, key) for key in keys
    )
