"""A horizontal axis with many points: its scale, and places of points beside each other."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from calotype.figures.panels import log_scale, number_ticks, percent_ticks

FAR = 10  # means that differ by a larger factor need a logarithmic axis


def swarm(places: NDArray[np.float64], diameter: float, room: float) -> NDArray[np.float64]:
    """Return the offset in inches of each point of a row, up to `room`, so that no point covers another."""
    aside = np.zeros(len(places))
    done: list[int] = []
    for i in np.argsort(places, kind="stable"):
        near = [j for j in done if places[i] - places[j] < diameter]
        touching = [(diameter**2 - (places[i] - places[j]) ** 2) ** 0.5 for j in near]
        steps = [0.0, *(aside[j] + way * reach for j, reach in zip(near, touching, strict=True) for way in (1, -1))]
        free = [s for s in steps if all(abs(s - aside[j]) >= r - 1e-9 for j, r in zip(near, touching, strict=True))]
        aside[i] = min(free, key=lambda s: (abs(s), s))
        done.append(int(i))
    farthest = float(np.abs(aside).max(initial=0))
    return aside * min(1.0, room / farthest) if farthest else aside


def number_line(
    axis: Axes, values: Sequence[Sequence[float]], others: Sequence[Sequence[float]], share: bool
) -> tuple[str, Callable[[Any], Any]]:
    """Scale a horizontal axis to the seeds of each variant and other numbers.

    It is logarithmic if the means of positive numbers differ by a factor of more than `FAR`; shares are linear, and end
    at 0 and 100 %.

    Returns:
        An addition to the axis label, and the function from numbers to the fraction of the axis length.
    """
    finite = [[value for value in group if np.isfinite(value)] for group in (*values, *others)]
    numbers = np.concatenate([*finite, []])
    centres = [float(np.mean(group)) for group in finite[: len(values)] if group]
    positive = not share and numbers.min(initial=np.inf) > 0 and bool(centres)
    far = positive and max(centres) > FAR * min(centres)
    scale: Any = np.log10 if far else np.asarray
    low, high = (float(scale(end)) for end in (numbers.min(), numbers.max())) if len(numbers) else (0.0, 1.0)
    pad = 0.05 * (high - low) or abs(high) * 0.05 or 0.05
    low, high = low - pad, high + pad
    if share:
        low, high = max(low, -0.004), min(high, 1.0 + 0.02 * (1 - low))
    if far:
        axis.set_xlim(10**low, 10**high)
        said = log_scale(axis.xaxis) + " (log scale)"
    else:
        axis.set_xlim(low, high)
        axis.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        said = "" if share else number_ticks(axis.xaxis)
    if share:
        axis.set_xticks([tick for tick in axis.get_xticks() if max(low, 0) <= tick <= min(high, 1 + 1e-9)])
        percent_ticks(axis.xaxis)
    return said, lambda x: (scale(x) - low) / (high - low)
