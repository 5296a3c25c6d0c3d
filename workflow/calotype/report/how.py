"""The origin of each number: the values of its seeds, and the formulas with their numbers."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from calotype.evaluation.number_format import claim_text, interval_decimals, mean_texts, show, span_text
from calotype.report.measured import Number
from calotype.util.statistics import spread, t_quantile

LONG = 60  # seeds of which all values are written


def _scaled(value: float, share: bool, digits: int = 4) -> str:
    """Return a number of a formula with some digits; a share in points."""
    return f"{value * (100 if share else 1):.{digits}g}"


def _values(number: Number) -> str:
    """Return the value of each seed as text."""
    share, decimals = number.metric.share, interval_decimals(*number.formula[:2], number.metric.share)
    if decimals is not None:
        decimals += 1
    shown = [show(value, share, unit=not share, decimals=decimals) for value in number.seeds.values()]
    listed = ", ".join(f"{seed}: {text}" for seed, text in zip(number.seeds, shown, strict=True))
    return f"{listed}{' %' if share else ''}"


def _interval(number: Number) -> str:
    """Return the formula of the interval with its numbers; empty without an interval."""
    found, share = number.formula, number.metric.share
    mean, between = mean_texts(number.mean, found.low, found.high, share, unit=False)
    if not between:
        return ""
    if math.isfinite(found.images):
        return (
            f"(p + k/2 ± √(k p (1 − p) + k²/4)) / (1 + k) with the mean p = {number.mean:.4g} and k = t²/m; "
            f"t = {found.t:.3g}; m = {found.images:.4g} independent images of {number.images:,}; "
            f"in per cent: {between}"
        )
    error = _scaled(found.error, share)
    return f"mean ± t × standard error = {mean} ± {found.t:.3g} × {error} = {between}"


def _one_more(number: Number) -> str:
    """Return the formula of the range of one more run with its numbers; empty for a single seed."""
    n, share = len(number.seeds), number.metric.share
    if not np.isfinite(number.next_run).all():
        return ""
    values = [*number.seeds.values()]
    deviation = spread(values, number.images if number.metric.counted else None)
    least = ", with the standard deviation of half an image" if deviation > np.std(values, ddof=1) else ""
    mean, sd, t = _scaled(number.mean, share), _scaled(deviation, share), t_quantile(n)
    ends = span_text(*number.next_run, share, interval_decimals(*number.next_run, share))
    if number.other_images:
        wilson = (number.mean * number.images + 2) / (number.images + 4)
        drawn = f"2 × {100 * wilson:.3g} × {100 * (1 - wilson):.3g} / {number.images + 4}"
        return f"{mean} ± {t:.4g} × √({sd}² × (1 + 1/{n}) + {drawn}): {ends}, on as many other images{least}"
    return f"{mean} ± {t:.4g} × {sd} × √(1 + 1/{n}): {ends}{least}"


def how(number: Number, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the texts about one number for the template; a formula may be empty."""
    mean, between = number.texts
    where = f" on {number.split}" if number.split else ""
    return {
        "title": f"{number.label}: {number.name}{where}, {mean} {between}".strip(),
        "values": _values(number) if len(number.seeds) <= LONG else "",
        "interval": _interval(number),
        "one_more": _one_more(number),
        "verdicts": [
            f"{claim_text(claim, labels)}: {claim['verdict']}, as {claim['reason']}" for claim in number.claims
        ],
    }
