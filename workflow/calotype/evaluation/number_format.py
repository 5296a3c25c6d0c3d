"""Numbers and claims as figures, tables and the report show them."""

import math
from collections.abc import Hashable, Mapping
from decimal import Decimal
from typing import Any

from calotype.metrics.registry import METRICS


def _digits(value: float) -> int:
    """Decimals of a share in per cent: as many as tell it from none and from all, and one more."""
    distance = 100 * min(value, 1 - value)
    if value in (0, 1) or distance < 0 or distance >= 1:
        return 1
    return 1 - math.floor(math.log10(distance))


def show(value: float, share: bool, unit: bool = True, like: float | None = None, decimals: int | None = None) -> str:
    """A number as figures, tables and the report show it: a share in per cent, four significant digits otherwise.

    Shares close to none or all get the digits that tell them from it.

    Args:
        value: the number.
        share: whether it is a share of the images.
        unit: whether to write the per cent sign.
        like: another share, whose number of decimals this one takes: the mean, for the ends of its interval.
        decimals: how many decimals a share in per cent has at least.
    """
    if not math.isfinite(value):
        return "–"
    if not share:
        short = f"{value:.4g}"
        return f"{value:,.0f}".replace(",", "\u202f") if abs(float(short)) >= 10_000 else short
    needed = _digits(value if like is None or not math.isfinite(like) else like)
    return f"{100 * value:.{max(needed, decimals or 0)}f}{' %' if unit else ''}"


def bounds(mean: float, low: float, high: float, share: bool, decimals: int | None = None) -> str:
    """The interval of a mean as text, ``[84.1, 93.5]``, with as many decimals; empty where there is none."""
    if not math.isfinite(low):
        return ""
    ends = (show(end, share, unit=False, like=mean, decimals=decimals) for end in (low, high))
    return f"[{', '.join(ends)}]"


def published_decimals(claim: Mapping[Hashable, Any]) -> int:
    """How many decimals the numbers of a claim on a share have in per cent: 0.0293 has two."""
    given = [number for number in (claim["number"], claim["second"]) if math.isfinite(number)]
    exponents = [(Decimal(str(float(number))) * 100).normalize().as_tuple().exponent for number in given]
    return max((-exponent for exponent in exponents if isinstance(exponent, int) and exponent < 0), default=0)


def claim_text(claim: Mapping[Hashable, Any], labels: Mapping[str, str]) -> str:
    """What a line of `claims.claims_table` claims: ``90.0 %``, ``at most 50.0 %``, ``90 to 93 %``, ``as that of B``."""
    share, kind = METRICS[claim["metric"]].share, claim["kind"]
    if kind == "similar_to":
        return f"as that of {labels[claim['other']]}"
    if not share:
        first, second = (f"{number:,.10g}".replace(",", "\u202f") for number in (claim["number"], claim["second"]))
    else:
        decimals = published_decimals(claim)
        first, second = (f"{100 * number:.{decimals}f}" for number in (claim["number"], claim["second"]))
    words = {"at_most": "at most ", "at_least": "at least ", "as_low_as": "as low as "}.get(kind, "")
    return f"{words}{first}{f' to {second}' if kind == 'between' else ''}{' %' if share else ''}"


def measured_text(claim: Mapping[Hashable, Any]) -> tuple[str, str, str]:
    """What we measured for a line of `claims.claims_table`: the mean, its interval, and the range over seeds."""
    share = METRICS[claim["metric"]].share
    decimals = published_decimals(claim) if share else None
    if claim["metric"] == "parameters":
        return f"{claim['mean']:,.0f}".replace(",", "\u202f"), "", ""
    mean, low, high = claim["mean"], claim["low"], claim["high"]
    smallest = show(claim["smallest"], share, unit=False, decimals=decimals)
    largest = show(claim["largest"], share, decimals=decimals)
    between = f"{smallest} to {largest}" if claim["n"] else ""
    return show(mean, share, decimals=decimals), bounds(mean, low, high, share, decimals), between
