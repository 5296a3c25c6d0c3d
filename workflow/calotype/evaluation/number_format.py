"""Format of numbers and claims in figures, tables and the report."""

import math
from collections.abc import Hashable, Mapping
from decimal import Decimal
from typing import Any

from calotype.metrics.registry import METRICS


def _digits(value: float) -> int:
    """Return the number of decimals of a share in per cent: enough to differ from 0 and 100, and one more."""
    distance = 100 * min(value, 1 - value)
    if value in (0, 1) or distance < 0 or distance >= 1:
        return 1
    return 1 - math.floor(math.log10(distance))


def show(value: float, share: bool, unit: bool = True, like: float | None = None, decimals: int | None = None) -> str:
    """Format a number: a share in per cent, with enough decimals to differ from 0 and 100, others with four digits.

    Args:
        share: whether it is a share of the images.
        unit: whether to write the per cent sign.
        like: another share that sets the number of decimals: the mean, for the ends of its interval.
        decimals: smallest number of decimals of a share in per cent.
    """
    if not math.isfinite(value):
        return "–"
    if not share:
        short = f"{value:.4g}"
        return f"{value:,.0f}" if abs(float(short)) >= 10_000 else short
    needed = _digits(value if like is None or not math.isfinite(like) else like)
    return f"{100 * value:.{max(needed, decimals or 0)}f}{' %' if unit else ''}"


def bounds(mean: float, low: float, high: float, share: bool, decimals: int | None = None) -> str:
    """Format the interval of a mean, ``[84.1, 93.5]``, with the decimals of the mean; empty if there is none."""
    if not math.isfinite(low):
        return ""
    ends = (show(end, share, unit=False, like=mean, decimals=decimals) for end in (low, high))
    return f"[{', '.join(ends)}]"


def published_decimals(claim: Mapping[Hashable, Any]) -> int:
    """Return the number of decimals in per cent of a claim on a share: 0.0293 has two."""
    given = [number for number in (claim["number"], claim["second"]) if math.isfinite(number)]
    exponents = [(Decimal(str(float(number))) * 100).normalize().as_tuple().exponent for number in given]
    return max((-exponent for exponent in exponents if isinstance(exponent, int) and exponent < 0), default=0)


def claim_text(claim: Mapping[Hashable, Any], labels: Mapping[str, str]) -> str:
    """Format the claim of a line of `claims_table`: ``90 %``, ``at most 50 %``, ``90 to 93 %``, ``similar to B``."""
    share, kind = METRICS[claim["metric"]].share, claim["kind"]
    if kind == "similar_to":
        return f"similar to {labels[claim['other']]}"
    if not share:
        first, second = (f"{number:,.10g}" for number in (claim["number"], claim["second"]))
    else:
        decimals = published_decimals(claim)
        first, second = (f"{100 * number:.{decimals}f}" for number in (claim["number"], claim["second"]))
    words = {"at_most": "at most ", "at_least": "at least ", "as_low_as": "as low as "}.get(kind, "")
    return f"{words}{first}{f' to {second}' if kind == 'between' else ''}{' %' if share else ''}"


def measured_text(claim: Mapping[Hashable, Any]) -> tuple[str, str, str]:
    """Format our values for a line of `claims_table`: the mean, its interval, and the range over seeds."""
    share = METRICS[claim["metric"]].share
    decimals = published_decimals(claim) if share else None
    if claim["metric"] == "parameters":
        return f"{claim['mean']:,.0f}", "", ""
    mean, low, high = claim["mean"], claim["low"], claim["high"]
    smallest = show(claim["smallest"], share, unit=False, decimals=decimals)
    largest = show(claim["largest"], share, decimals=decimals)
    between = f"{smallest} to {largest}" if claim["n"] else ""
    return show(mean, share, decimals=decimals), bounds(mean, low, high, share, decimals), between
