"""The figure of all seeds of all variants, with published numbers, and differences of consecutive variants."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from calotype.evaluation.divergence import converged, diverged_text
from calotype.evaluation.study_results import StudyResults
from calotype.figures.base import BAND, DOUBLE, INK, PAPER, POINT, SINGLE, WRONG, text_width, wrap
from calotype.figures.panels import empty_figure, legend, log_scale, number_ticks, percent_ticks, place
from calotype.metrics.registry import METRICS
from calotype.util.csv_tables import where
from calotype.util.powers import with_powers


def _swarm(places: NDArray[np.float64], diameter: float, room: float) -> NDArray[np.float64]:
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


def _number_line(
    axis: Axes, values: Sequence[Sequence[float]], others: Sequence[Sequence[float]], share: bool
) -> tuple[str, Any]:
    """Scale a horizontal axis to the seeds of each variant and other numbers; logarithmic if the means differ widely.

    Returns an addition to the axis label, and the function from numbers to the fraction of the axis length.
    """
    finite = [[value for value in group if np.isfinite(value)] for group in (*values, *others)]
    numbers = np.concatenate(finite)
    centres = [float(np.mean(group)) for group in finite[: len(values)] if group]
    far = numbers.min(initial=np.inf) > 0 and bool(centres) and max(centres) > 3 * min(centres)
    scale: Any = np.log10 if far else np.asarray
    low, high = (float(scale(end)) for end in (numbers.min(), numbers.max())) if len(numbers) else (0.0, 1.0)
    pad = 0.05 * (high - low) or abs(high) * 0.05 or 0.05
    low, high = low - pad, high + pad
    if far:
        axis.set_xlim(10**low, 10**high)
        log_scale(axis.xaxis)
    else:
        axis.set_xlim(low, high)
        axis.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        number_ticks(axis.xaxis)
    if share:
        percent_ticks(axis.xaxis)
    return " (log scale)" if far else "", lambda x: (scale(x) - low) / (high - low)


def _linear_part(reach: Sequence[float]) -> float:
    """Return the half-width of the linear range around zero that an axis of differences needs; 0 if all is linear."""
    sizes = [size for size in reach if np.isfinite(size) and size > 0]
    if not sizes or max(sizes) <= 8 * np.median(sizes):
        return 0
    unit = 10 ** np.floor(np.log10(np.median(sizes)))
    return float(unit * next(step for step in (1, 2, 5, 10) if step * unit >= np.median(sizes)))


def _draw_differences(axis: Axes, differences: NDArray[np.float64], linear: float) -> None:
    """Plot one row for each difference (mean, low, high); the marker is filled if the interval excludes zero."""
    axis.axvline(0, color=INK, linewidth=0.8)
    for row, (mean, low, high) in enumerate(differences):
        axis.plot([low, high], [row, row], color="C0", linewidth=1.2, marker="|", markersize=4)
        apart = low > 0 or high < 0
        axis.plot([mean], [row], "o", color="C0", markerfacecolor="C0" if apart else PAPER, markersize=4.5)
    axis.margins(x=0.1)
    axis.xaxis.set_major_locator(MaxNLocator(4))
    if linear:
        axis.set_xscale("symlog", linthresh=linear, linscale=1.5)
        steps = linear * 10.0 ** np.arange(8)
        low, high = axis.get_xlim()
        ticks = [tick for tick in (*-steps, 0, *steps) if low <= tick <= high]
        axis.xaxis.set_major_locator(FixedLocator(ticks))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.axvspan(-linear, linear, color=BAND, linewidth=0, zorder=0)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: with_powers(f"{x:+g}") if x else "0"))


def _block_width(text: str) -> float:
    """Return the width of a tick label in inches."""
    return max(text_width(line, 7) for line in text.splitlines() or [""])


def _pair(variant: str, than: str) -> str:
    """Return the name of a difference, in one line if it fits."""
    short = f"{variant} − {than}"
    return short if text_width(short, 7) <= 1.3 else f"{wrap(variant, 1.2, 7, 2)}\n− {wrap(than, 1.2, 7, 2)}"


def _published(numbers: Sequence[tuple[float, ...]]) -> list[list[tuple[float, ...]]]:
    """Group published numbers and ranges into lanes: single numbers share the first, each range has its own."""
    single = [number for number in dict.fromkeys(numbers) if not number[1:]]
    return [single] * bool(single) + [[number] for number in dict.fromkeys(numbers) if number[1:]]


def draw_seeds(
    values: Mapping[str, Sequence[float]],
    *,
    metric: str,
    share: bool,
    claims: Mapping[str, Sequence[tuple[float, ...]]],
    differences: pd.DataFrame | None,
    diverged: Mapping[str, int] | None = None,
    intervals: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """Plot all seeds of all variants, the mean with its 95 % interval, and published numbers.

    On the right are the differences between variants over the same seeds, if any; a marker is filled if the interval
    excludes zero.

    Args:
        values: without seeds that diverged, by the variant's label.
        share: whether the values are shares of the images, shown in per cent.
        claims: by the variant's label: published numbers, and both ends of published ranges.
        differences: columns variant, than, mean, low, high (of variant - than), n, with labels of variants.
        intervals: low and high of the means, by the variant's label.
    """
    if differences is None:
        differences = pd.DataFrame(columns=["variant", "than", "mean", "low", "high", "n"])
    pairs = [_pair(*map(str, names)) for names in zip(differences.variant, differences.than, strict=True)]
    sizes = differences[["mean", "low", "high"]].to_numpy(float) * (100 if share else 1)
    linear = _linear_part(np.abs(sizes).max(axis=1).tolist())
    beneath = ["paired difference"] + ["(percentage points)"] * share + [f"log scale beyond ±{linear:g}"] * bool(linear)
    published = {label: _published(numbers) for label, numbers in claims.items() if numbers}
    kinds = {len(number) > 1 for numbers in claims.values() for number in numbers}
    lost = {label: count for label, count in (diverged or {}).items() if count}
    entries = 2 + len(kinds) + bool(lost)  # of the legend
    across = 5 if pairs else 4 if True not in kinds and entries < 4 else 2  # as many as fit into a column
    # All in inches. A row has lanes: the seeds, the mean, published numbers, and seeds that diverged.
    head, foot, edge = 0.08 + 0.16 * -(-entries // across), 0.3 + 0.13 * (len(beneath) if pairs else 1), 0.15
    width = DOUBLE if pairs else SINGLE
    most = max(map(len, published.values()), default=0)
    lowest = 0.44 + 0.1 * most if published else 0.42  # height of a row that holds its lanes
    lowest += 0.13 * bool(lost)
    body = max(lowest * len(values), 0.5 * len(pairs))
    row = body / len(values)
    lanes = (np.array([0.19, 0.39] if published else [0.17, 0.34]) * row / lowest).tolist()
    room = min(lanes[0] - 0.03, lanes[1] - lanes[0] - 0.07)
    names = [wrap(label, 1.3 if pairs else 1.1, 7) for label in values]
    left = 0.14 + max(_block_width(name) for name in names)
    middle = 0.12 + max((_block_width(pair) for pair in pairs), default=0)
    panel = (width - left - 2 * edge - middle) * 0.58 if pairs else width - left - edge
    figure = empty_figure(width, head + body + foot)
    axis = place(figure, left, head, panel, body)
    nothing = float("nan")  # no mean if a value is not finite
    means = {
        label: (float(np.mean(found)), *(intervals or {}).get(label, (nothing, nothing)))
        if len(found) and np.isfinite(found).all()
        else (nothing,) * 3
        for label, found in values.items()
    }
    others = [*means.values(), *(number for numbers in claims.values() for number in numbers)]
    scale, along = _number_line(axis, list(values.values()), others, share)
    for i, (label, numbers) in enumerate(values.items()):
        known = np.array([number for number in numbers if np.isfinite(number)], float)
        if i % 2 == 0:
            axis.axhspan(i * row, (i + 1) * row, color=BAND, linewidth=0, zorder=0)
        dot = 3.2 if len(known) <= 20 else 2.4
        aside = _swarm(along(known) * panel, (dot + 0.4) * POINT, room)
        axis.plot(known, i * row + lanes[0] + aside, "o", color="C0", markersize=dot, markeredgewidth=0, alpha=0.8)
        mean, low, high = means[label]
        axis.plot([low, high], [i * row + lanes[1]] * 2, color=INK, linewidth=1.2)
        axis.plot([mean], [i * row + lanes[1]], "|", color=INK, markersize=7, markeredgewidth=1.4)
        if len(known) < len(numbers):
            axis.text(0.99, i * row + lanes[1], f"{len(numbers) - len(known)} of {len(numbers)} not finite",
                      color=WRONG, fontsize=7, ha="right", va="center",
                      transform=axis.get_yaxis_transform())  # fmt: skip
        if label in lost:
            lane = (lowest - 0.09) * row / lowest
            words = diverged_text(lost[label], lost[label] + len(numbers))
            free = panel - text_width(words, 7) - 0.25
            crosses = 0.07 + np.arange(lost[label]) * min(0.08, free / lost[label])
            at_the_edge = axis.get_yaxis_transform()
            axis.plot(crosses / panel, np.full(len(crosses), i * row + lane), "x", color=WRONG, markersize=3.5,
                      transform=at_the_edge)  # fmt: skip
            axis.text(0.99, i * row + lane, words, color=WRONG, fontsize=7, ha="right", va="center",
                      transform=at_the_edge)  # fmt: skip
        for j, found in enumerate(published.get(label, [])):
            lane = (0.48 + 0.1 * j) * row / lowest
            for number in found:
                style: dict[str, Any] = (
                    {"linewidth": 3, "solid_capstyle": "butt"} if len(number) > 1 else {"marker": "D"}
                )
                axis.plot(number, [i * row + lane] * len(number), color="C1", markersize=4, **style)
    axis.set_ylim(body, 0)
    axis.set_yticks([(i + 0.5) * row for i in range(len(names))], names, parse_math=False)
    axis.tick_params("y", length=0)
    axis.grid(visible=False, axis="y")
    axis.grid(visible=True, axis="x")
    axis.set_xlabel(metric + scale, parse_math=False)
    spread = any(np.isfinite(low) for _, low, _ in means.values())
    handles = [
        Line2D([], [], color="C0", marker="o", linestyle="", markersize=3.2, markeredgewidth=0, label="one seed"),
        Line2D([], [], color=INK, marker="|", markersize=7, markeredgewidth=1.4, linewidth=1.2 if spread else 0,
               label="mean, 95 % interval" if spread else "mean"),
    ]  # fmt: skip
    if False in kinds:
        handles.append(Line2D([], [], color="C1", marker="D", linestyle="", label="published"))
    if True in kinds:
        handles.append(Line2D([], [], color="C1", linewidth=3, label="published range"))
    if lost:
        handles.append(Line2D([], [], color=WRONG, marker="x", linestyle="", markersize=3.5, label="diverged"))
    legend(figure, handles, across)
    if pairs:
        beside = place(figure, left + panel + edge + middle, head, width - left - panel - 2 * edge - middle, body)
        _draw_differences(beside, sizes, linear)
        beside.set_ylim(len(pairs) - 0.5, -0.5)
        beside.set_yticks(range(len(pairs)), pairs, parse_math=False)
        beside.tick_params("y", length=0)
        beside.set_xlabel("\n".join(beneath))
    return figure


def _claimed(results: StudyResults) -> dict[str, list[tuple[float, ...]]]:
    """Return the published numbers and ranges of the headline metric, by the variant's label, without bounds."""
    claims: dict[str, list[tuple[float, ...]]] = {}
    for claim in results.claims:
        single = [claim[kind] for kind in ("value", "as_low_as") if claim[kind] is not None]
        numbers = single or claim["between"]
        if numbers and claim["metric"] == results.metric and claim["split"] == results.tests[-1]:
            claims.setdefault(results.labels[claim["variant"]], []).append(tuple(numbers))
    return claims


def seeds(results: StudyResults) -> Figure:
    """Plot all seeds and published numbers, and compare consecutive variants."""
    metric, split, labels = METRICS[results.metric], results.tests[-1], results.labels
    runs = where(converged(results.table("runs")), split=split, metric=results.metric)
    summary = where(results.table("summary"), split=split, metric=results.metric).set_index("variant")
    return draw_seeds(
        {label: runs.value[runs.variant == variant].tolist() for variant, label in labels.items()},
        metric=metric.named(results.unit),
        share=metric.share,
        claims=_claimed(results),
        differences=where(results.table("differences"), split=split).replace({"variant": labels, "than": labels}),
        diverged=results.diverged_seeds,
        intervals={labels[row.Index]: (row.low, row.high) for row in summary.itertuples()},
    )
