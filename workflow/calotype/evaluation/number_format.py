"""Format of numbers and claims in figures, tables and the report."""

import math
from collections.abc import Hashable, Mapping
from decimal import Decimal
from typing import Any

from calotype.metrics.registry import METRICS

DIGITS = 4  # of a number without an interval
FIXED = 1e-4, 1e7  # other numbers are shown as powers of ten
MINUS = "−"
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def _exponent(value: float) -> int:
    """Return the exponent of the first significant digit; 0 for zero."""
    return int(f"{abs(value):.12e}".partition("e")[2])


def _own_decimals(value: float, share: bool) -> int:
    """Return the decimals of a number without an interval: four digits; a share in per cent differs from 0 and 100."""
    if not share:
        return DIGITS - 1 - _exponent(value) if value else 0
    distance = min(value, 100 - value)
    return 1 if distance <= 0 or distance >= 1 else 1 - math.floor(math.log10(distance))


def interval_decimals(low: float, high: float, share: bool) -> int | None:
    """Return the decimals that show the width of an interval with two digits; None if it has no width."""
    width = (high - low) * (100 if share else 1)
    return 1 - _exponent(width) if math.isfinite(width) and width > 0 else None


def _is_power(value: float, share: bool) -> bool:
    return bool(value) and not share and not FIXED[0] <= abs(value) < FIXED[1]


def _number(value: float, decimals: int, power: bool) -> str:
    if power and value:
        exponent = _exponent(value)
        return f"{value / 10.0**exponent:.{max(0, decimals + exponent)}f} × 10{str(exponent).translate(_RAISED)}"
    text = f"{round(value, decimals):,.{max(0, decimals)}f}"
    return text if text.strip("-0.,") else text.removeprefix("-")


def show(
    value: float,
    share: bool,
    *,
    unit: bool = True,
    decimals: int | None = None,
    sign: bool = False,
    power: bool | None = None,
) -> str:
    """Format a number with a thousands separator and a minus sign; a share in per cent.

    Args:
        share: whether it is a share of the images.
        unit: whether to write the per cent sign.
        decimals: of the shown number, as `interval_decimals` gives them. Without them, a share differs from 0 and 100,
            and another number has four digits.
        sign: whether to write a plus sign.
        power: whether to write a power of ten; by its size if not given.
    """
    if not math.isfinite(value):
        return "–"
    value = float(100 * value if share else value)  # round() of NumPy differs
    power = _is_power(value, share) if power is None else power
    text = _number(value, _own_decimals(value, share) if decimals is None else decimals, power)
    plus = "+" if sign and not text.startswith("-") else ""
    return f"{plus}{text.replace('-', MINUS)}{' %' if share and unit else ''}"


def difference_text(value: float, share: bool, decimals: int | None) -> str:
    """Format a difference with its sign, of shares in points."""
    return show(value, share, unit=False, decimals=2 if share and decimals is None else decimals, sign=True)


def mean_texts(mean: float, low: float, high: float, share: bool, unit: bool = True) -> tuple[str, str]:
    """Format a mean and its interval, ``[84.1, 93.5]``, which is empty if it has no width."""
    decimals = interval_decimals(low, high, share)
    if decimals is None:
        return show(mean, share, unit=unit), ""
    power = _is_power(mean, share)
    ends = (show(end, share, unit=False, decimals=decimals, power=power) for end in (low, high))
    return show(mean, share, unit=unit, decimals=decimals), f"[{', '.join(ends)}]"


def range_text(low: float, high: float, smallest: float, largest: float, share: bool) -> str:
    """Format the range over seeds with the decimals of their mean."""
    decimals = interval_decimals(low, high, share)
    return f"{show(smallest, share, unit=False, decimals=decimals)} to {show(largest, share, decimals=decimals)}"


def _published(number: float, share: bool) -> Decimal:
    """Return a published number without the rounding errors of a program: 0.8500000000000001 is 85 %."""
    return Decimal(f"{number:.12g}") * (100 if share else 1)


def claim_text(claim: Mapping[Hashable, Any], labels: Mapping[str, str]) -> str:
    """Format the claim of a line of `claims_table`: ``90 %``, ``at most 50 %``, ``90 to 93 %``, ``similar to B``."""
    share, kind = METRICS[claim["metric"]].share, claim["kind"]
    if kind == "similar_to":
        return f"similar to {labels[claim['other']]}"
    given = [_published(number, share) for number in (claim["number"], claim["second"]) if math.isfinite(number)]
    exponents = [number.normalize().as_tuple().exponent for number in given]
    decimals = max(0, *(-exponent for exponent in exponents if isinstance(exponent, int)))
    shown = " to ".join(_number(number, decimals, _is_power(number, share)) for number in map(float, given))
    words = {"at_most": "at most ", "at_least": "at least ", "as_low_as": "as low as "}.get(kind, "")
    return f"{words}{shown.replace('-', MINUS)}{' %' if share else ''}"


def measured_text(claim: Mapping[Hashable, Any]) -> tuple[str, str, str]:
    """Format our values for a line of `claims_table`: the mean, its interval, and the range over seeds."""
    if claim["metric"] == "parameters":
        return f"{claim['mean']:,.0f}", "", ""
    share, numbers = METRICS[claim["metric"]].share, (claim["mean"], claim["low"], claim["high"])
    spread = range_text(*numbers[1:], claim["smallest"], claim["largest"], share) if claim["n"] else ""
    return *mean_texts(*numbers, share), spread
