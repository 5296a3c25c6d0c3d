"""Format of numbers and claims in figures, tables and the report."""

import math
from collections.abc import Hashable, Mapping
from decimal import Decimal
from typing import Any

from calotype.metrics.registry import METRICS
from calotype.util.powers import MINUS, power_of_ten

DIGITS = 4  # of a number without an interval
FIXED = 1e-4, 1e7  # other numbers are shown as powers of ten


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


def common_exponent(*values: float) -> int:
    """Return the exponent of a power of ten for plain numbers that are shown together: that of the first one.

    If it is zero, the largest gives the exponent; 0 if the largest is not far from one.
    """
    sizes = [abs(value) for value in values if math.isfinite(value)]
    largest = max(sizes, default=0.0)
    if not largest or FIXED[0] <= largest < FIXED[1]:
        return 0
    return _exponent(sizes[0] or largest)


def _number(value: float, decimals: int, exponent: int = 0) -> str:
    text = f"{round(value, decimals) / 10.0**exponent:,.{max(0, decimals + exponent)}f}"
    text = text if text.strip("-0.,") else text.removeprefix("-")
    return text.replace("-", MINUS)


def show(
    value: float,
    share: bool,
    *,
    unit: bool = True,
    decimals: int | None = None,
    sign: bool = False,
    exponent: int | None = None,
) -> str:
    """Format a number with a thousands separator and a minus sign; a share in per cent.

    Args:
        share: whether it is a share of the images.
        unit: whether to write the per cent sign, or the power of ten.
        decimals: of the shown number, as `interval_decimals` gives them. Without them, a share differs from 0 and 100,
            and another number has four digits.
        sign: whether to write a plus sign.
        exponent: of the power of ten; by the number's size if not given.
    """
    if not math.isfinite(value):
        return "–"
    value = float(100 * value if share else value)  # round() of NumPy differs
    decimals = _own_decimals(value, share) if decimals is None else decimals
    if exponent is None:
        exponent = 0 if share else common_exponent(round(value, decimals), value)
    text = _number(value, decimals, exponent)
    plus = "+" if sign and not text.startswith(MINUS) else ""
    return f"{plus}{text}{(' %' if share else power_of_ten(exponent)) * unit}"


def difference_text(value: float, share: bool, decimals: int | None) -> str:
    """Format a difference with its sign, of shares in points."""
    return show(value, share, unit=not share, decimals=2 if share and decimals is None else decimals, sign=True)


def mean_texts(
    mean: float, low: float, high: float, share: bool, unit: bool = True, sign: bool = False
) -> tuple[str, str]:
    """Format a mean and its interval, ``[84.1, 93.5]``, which is empty if it has no width.

    Both have the same power of ten: ``1.23 × 10⁻⁵`` and ``[1.10, 1.40] × 10⁻⁵``.
    """
    decimals = interval_decimals(low, high, share)
    if decimals is None:
        return show(mean, share, unit=unit, sign=sign, decimals=2 if share and sign else None), ""
    exponent = 0 if share else common_exponent(round(mean, decimals), low, high)
    shown = (show(end, share, unit=False, decimals=decimals, sign=sign, exponent=exponent) for end in (mean, low, high))
    first, *ends = shown
    power = power_of_ten(exponent)
    return f"{first}{' %' if share and unit else power}", f"[{', '.join(ends)}]{power}"


def span_text(smallest: float, largest: float, share: bool, decimals: int | None) -> str:
    """Format two numbers and the unit or power of ten that they share: ``87.4 to 94.2 %``, ``1.1 to 1.4 × 10⁻⁸``."""
    exponent = 0 if share else common_exponent(smallest, largest)
    first = show(smallest, share, unit=False, decimals=decimals, exponent=exponent)
    return f"{first} to {show(largest, share, decimals=decimals, exponent=exponent)}"


def range_text(low: float, high: float, smallest: float, largest: float, share: bool) -> str:
    """Format the range over seeds with the decimals of their mean."""
    return span_text(smallest, largest, share, interval_decimals(low, high, share))


def _published(number: float, share: bool) -> Decimal:
    """Return a published number without the rounding errors of a program: 0.8500000000000001 is 85 %."""
    return Decimal(f"{number:.12g}") * (100 if share else 1)


def claim_text(claim: Mapping[Hashable, Any], labels: Mapping[str, str], unit: bool = True) -> str:
    """Format the claim of a line of `claims_table`: ``90 %``, ``at most 50 %``, ``90 to 93 %``, ``similar to B``."""
    metric, kind = METRICS[claim["metric"]], claim["kind"]
    if kind == "similar_to":
        return f"similar to {labels[claim['other']]}"
    given = [_published(number, metric.share) for number in (claim["number"], claim["second"]) if math.isfinite(number)]
    exponent = 0 if metric.share or metric.of_model else common_exponent(*map(float, given))
    last = min(int(number.normalize().as_tuple().exponent) for number in given)
    shown = " to ".join(_number(float(number), max(-last, -exponent), exponent) for number in given)
    words = {"at_most": "at most ", "at_least": "at least ", "as_low_as": "as low as "}.get(kind, "")
    return f"{words}{shown}{' %' * unit if metric.share else power_of_ten(exponent)}"


def measured_text(claim: Mapping[Hashable, Any], unit: bool = True) -> tuple[str, str, str]:
    """Format our values for a line of `claims_table`: the mean, its interval, and the range over seeds."""
    if METRICS[claim["metric"]].of_model:
        return f"{claim['mean']:,.0f}", "", ""
    share, numbers = METRICS[claim["metric"]].share, (claim["mean"], claim["low"], claim["high"])
    spread = range_text(*numbers[1:], claim["smallest"], claim["largest"], share) if claim["n"] else ""
    return *mean_texts(*numbers, share, unit), spread
