"""The figure of all seeds of all variants, with published numbers, and differences of the compared variants."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import CARETLEFTBASE, CARETRIGHTBASE
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from calotype.evaluation.divergence import converged
from calotype.evaluation.study_results import StudyResults
from calotype.figures.base import BAND, INK, PAPER, POINT, WRONG, apart, double, shorten, single, text_width, wrap
from calotype.figures.number_line import number_line, swarm
from calotype.figures.panels import empty_figure, legend, legend_columns, number_ticks, place, tick_text
from calotype.metrics.registry import METRICS
from calotype.util.csv_tables import where
from calotype.util.powers import with_powers

FEW, MOST = 8, 24  # pairs whose rows are high, and that have a panel: a figure is at most a page high
Published = tuple[str, tuple[float, ...]]  # the kind of a claim, and its number or both ends of its range
# The look and the legend of each kind of claim. Of bounds, the base of the triangle is the number.
MARKS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "value": ({"marker": "D", "markersize": 4}, "published"),
    "between": ({"linewidth": 3, "solid_capstyle": "butt"}, "published range"),
    "at_most": ({"marker": CARETLEFTBASE, "markersize": 5}, "at most"),
    "at_least": ({"marker": CARETRIGHTBASE, "markersize": 5}, "at least"),
    "as_low_as": ({"marker": "v", "markersize": 4.5, "markerfacecolor": PAPER}, "as low as"),
}


def _linear_part(reach: Sequence[float]) -> float:
    """Return the half-width of the linear range around zero that an axis of differences needs; 0 if all is linear."""
    sizes = [size for size in reach if np.isfinite(size) and size > 0]
    if not sizes or max(sizes) <= 8 * np.median(sizes):
        return 0
    unit = 10 ** np.floor(np.log10(np.median(sizes)))
    return float(unit * next(step for step in (1, 2, 5, 10) if step * unit >= np.median(sizes)))


def _draw_differences(axis: Axes, differences: NDArray[np.float64], linear: float) -> str:
    """Plot one row for each difference (mean, low, high); the marker is filled if the interval excludes zero.

    Returns:
        An addition to the axis label.
    """
    axis.axvline(0, color=INK, linewidth=0.8)
    for row, (mean, low, high) in enumerate(differences):
        axis.plot([low, high], [row, row], color="C0", linewidth=1.2, marker="|", markersize=4)
        filled = low > 0 or high < 0
        axis.plot([mean], [row], "o", color="C0", markerfacecolor="C0" if filled else PAPER, markersize=4.5)
    axis.margins(x=0.1)
    axis.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    if linear:
        axis.set_xscale("symlog", linthresh=linear, linscale=1.5)
        steps = linear * 10.0 ** np.arange(8)
        low, high = axis.get_xlim()
        ticks = [tick for tick in (*-steps, 0, *steps) if low <= tick <= high]
        axis.xaxis.set_major_locator(FixedLocator(ticks))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.axvspan(-linear, linear, color=BAND, linewidth=0, zorder=0)
    else:
        return number_ticks(axis.xaxis, sign=True)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: tick_text(x, sign=True)))
    return ""


def _block_width(text: str) -> float:
    """Return the width of a tick label in inches."""
    return max(text_width(line, 7) for line in text.splitlines() or [""])


def _pairs(differences: pd.DataFrame, labels: Sequence[str], room: float) -> list[str]:
    """Return the name of each difference, of a width in inches, in one line if it fits."""
    lines = 2 if len(differences) <= FEW else 1
    cut = apart(labels, lambda text, end: wrap(text, room - 0.1, 7, lines, end))
    short = dict(zip(labels, cut, strict=True))
    names = []
    for variant, than in zip(differences.variant, differences.than, strict=True):
        line = f"{variant} − {than}"
        names.append(line if text_width(line, 7) <= room else f"{short[variant]}\n− {short[than]}")
    return names


def _lanes(numbers: Sequence[Published]) -> list[list[Published]]:
    """Group published numbers into lanes: single numbers share the first, each range has its own."""
    known = dict.fromkeys(numbers)
    alone = [claim for claim in known if claim[0] != "between"]
    return [alone] * bool(alone) + [[claim] for claim in known if claim[0] == "between"]


def _mean(values: Sequence[float], interval: tuple[float, float]) -> tuple[float, float, float]:
    """Return the mean and its interval; all NaN if a value is not finite."""
    known = len(values) > 0 and bool(np.isfinite(values).all())
    return (float(np.mean(values)), *interval) if known else (np.nan,) * 3


def _lost(seeds: int, finite: int, diverged: int) -> str:
    """Return how many seeds of a row have no point, for the margin."""
    if diverged:
        return f"{diverged} of {seeds + diverged}\ndiverged"
    return f"{seeds - finite} of {seeds}\nnot finite" if finite < seeds else ""


def _handles(kinds: Sequence[str], spread: bool, lost: bool) -> list[Line2D]:
    """Return the entries of the legend."""
    entries: list[tuple[Mapping[str, Any], str]] = [
        ({"color": "C0", "marker": "o", "markersize": _dot(1), "markeredgewidth": 0}, "one seed"),
        ({"color": INK, "marker": "|", "markersize": 7, "markeredgewidth": 1.4, "linewidth": 1.2 if spread else 0},
         "mean, 95 % interval" if spread else "mean"),
        *(({"color": "C1"} | dict(MARKS[kind][0]), MARKS[kind][1]) for kind in kinds),
    ]  # fmt: skip
    if lost:
        entries.append(({"color": WRONG, "marker": "x", "markersize": 3.5}, "left out"))
    return [Line2D([], [], label=label, **({"linestyle": "" if "linewidth" not in look else "-"} | dict(look)))
            for look, label in entries]  # fmt: skip


def _dot(seeds: int) -> float:
    """Return the diameter in points of the dots of a row."""
    return 3.2 if seeds <= 20 else 2.4


def _draw_row(axis: Axes, numbers: NDArray[np.float64], mean: tuple[float, float, float], aside: NDArray[np.float64],
              published: Sequence[Sequence[Published]], lanes: Sequence[float]) -> None:  # fmt: skip
    """Plot the seeds of a row, their mean and the published numbers, each in its lane."""
    axis.plot(numbers, lanes[0] + aside, "o", color="C0", markersize=_dot(len(numbers)), markeredgewidth=0, alpha=0.8)
    axis.plot(mean[1:], [lanes[1]] * 2, color=INK, linewidth=1.2)
    axis.plot(mean[:1], [lanes[1]], "|", color=INK, markersize=7, markeredgewidth=1.4)
    for found, lane in zip(published, lanes[2:], strict=False):
        for kind, ends in found:
            axis.plot(ends, [lane] * len(ends), color="C1", **MARKS[kind][0])


def draw_seeds(
    values: Mapping[str, Sequence[float]],
    *,
    metric: str,
    share: bool,
    claims: Mapping[str, Sequence[Published]],
    differences: pd.DataFrame | None,
    diverged: Mapping[str, int] | None = None,
    intervals: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """Plot all seeds of all variants, the mean with its 95 % interval, and published numbers.

    The margin says how many seeds have no point. On the right are the differences between compared variants, if any and
    at most `MOST`; a marker is filled if the interval excludes zero.

    Args:
        values: without seeds that diverged, by the variant's label.
        share: whether the values are shares of the images, shown in per cent.
        claims: published numbers by the variant's label.
        differences: columns variant, than, mean, low, high (of variant - than), n, with labels of variants.
        intervals: low and high of the means, by the variant's label.
    """
    if differences is None or len(differences) > MOST:
        differences = pd.DataFrame(columns=["variant", "than", "mean", "low", "high", "n"])
    pairs = _pairs(differences, [*values], min(1.3, 0.185 * double()))
    sizes = differences[["mean", "low", "high"]].to_numpy(float) * (100 if share else 1)
    linear = _linear_part(np.abs(sizes).max(axis=1).tolist())
    published = {label: _lanes(claims.get(label, [])) for label in values}
    used = {kind for numbers in claims.values() for kind, _ in numbers}
    finite = {
        label: np.array([number for number in numbers if np.isfinite(number)]) for label, numbers in values.items()
    }
    lost = {
        label: _lost(len(numbers), len(finite[label]), (diverged or {}).get(label, 0))
        for label, numbers in values.items()
    }
    nothing = (np.nan, np.nan)
    means = {label: _mean(numbers, (intervals or {}).get(label, nothing)) for label, numbers in values.items()}
    spread = any(np.isfinite(low) for _, low, _ in means.values())
    handles = _handles([kind for kind in MARKS if kind in used], spread, any(lost.values()))
    # All in inches. A row has lanes: the seeds, the mean, and published numbers.
    width = double() if pairs else single()
    entries = legend_columns(handles, width)
    beneath = (
        ["difference"]
        + ["(percentage points)"] * share
        + [f"log scale beyond ±{with_powers(f'{linear:g}')}"] * bool(linear)
    )
    head, foot, edge = 0.08 + 0.16 * -(-len(handles) // entries), 0.31 + 0.14 * (len(beneath) if pairs else 1), 0.15
    most = max(map(len, published.values()), default=0)
    lowest = 0.44 + 0.1 * most if most else 0.42  # height of a row that holds its lanes
    body = max(lowest * len(values), (0.5 if len(pairs) <= FEW else 0.32) * len(pairs))
    row = body / len(values)
    lanes = np.array([0.19, 0.39, *(0.48 + 0.1 * i for i in range(most))] if most else [0.17, 0.34]) * row / lowest
    names = apart(
        [*values], lambda text, end: wrap(text, min(1.3, 0.185 * width) if pairs else 0.32 * width, 7, end=end)
    )
    left = 0.14 + max(_block_width(name) for name in names)
    margin = 0.12 + max((_block_width(words) for words in lost.values() if words), default=-0.12)
    middle = 0.12 + max((_block_width(pair) for pair in pairs), default=0)
    free = width - left - margin - edge
    panel = (free - edge - middle) * 0.58 if pairs else free
    figure = empty_figure(width, head + body + foot)
    axis = place(figure, left, head, panel, body)
    others = [*means.values(), *(ends for numbers in claims.values() for _, ends in numbers)]
    said, along = number_line(axis, [numbers.tolist() for numbers in finite.values()], others, share)
    room = min(lanes[0] - 0.03, lanes[1] - lanes[0] - 0.07)
    for i, (label, numbers) in enumerate(finite.items()):
        if i % 2 == 0:
            axis.axhspan(i * row, (i + 1) * row, color=BAND, linewidth=0, zorder=0)
        aside = swarm(along(numbers) * panel, (_dot(len(numbers)) + 0.4) * POINT, room)  # 0.4 points between dots
        _draw_row(axis, numbers, means[label], aside, published[label], [i * row + lane for lane in lanes])
        if lost[label]:
            beside: dict[str, Any] = {"transform": axis.get_yaxis_transform(), "clip_on": False}
            axis.plot([1 + 0.05 / panel], [(i + 0.5) * row], "x", color=WRONG, markersize=3.5, **beside)
            axis.text(1 + 0.12 / panel, (i + 0.5) * row, lost[label], color=WRONG, fontsize=7, va="center", **beside)
    axis.set_ylim(body, 0)
    axis.set_yticks([(i + 0.5) * row for i in range(len(names))], names, parse_math=False)
    axis.tick_params("y", length=0)
    axis.grid(visible=False, axis="y")
    axis.grid(visible=True, axis="x")
    axis.set_xlabel(shorten(metric, panel + left - 0.2, 8) + said, parse_math=False)
    legend(figure, handles, entries)
    if pairs:
        start = left + panel + margin + edge + middle
        right = place(figure, start, head, width - start - edge, body)
        beneath[0] += _draw_differences(right, sizes, linear)
        right.set_ylim(len(pairs) - 0.5, -0.5)
        right.set_yticks(range(len(pairs)), pairs, parse_math=False)
        right.tick_params("y", length=0)
        right.set_xlabel("\n".join(beneath))
    return figure


def _claimed(results: StudyResults) -> dict[tuple[str, str], list[Published]]:
    """Return the published numbers of the headline metric by variant and split; similar variants have none."""
    claims: dict[tuple[str, str], list[Published]] = {}
    for claim in results.claims:
        kind = next((kind for kind in MARKS if claim[kind] is not None), None)
        if kind and claim["metric"] == results.metric:
            numbers = claim[kind] if kind == "between" else [claim[kind]]
            claims.setdefault((claim["variant"], claim["split"]), []).append((kind, tuple(numbers)))
    return claims


def seeds(results: StudyResults) -> Figure:
    """Plot all seeds on the last test split, and on other splits of published numbers; compare variants."""
    metric, last, labels = METRICS[results.metric], results.tests[-1], results.labels
    runs = where(converged(results.table("runs")), metric=results.metric)
    summary = where(results.table("summary"), metric=results.metric).set_index(["variant", "split"])
    claims = _claimed(results)
    rows = {(variant, last): label for variant, label in labels.items()}
    rows |= {(variant, split): f"{labels[variant]}, on {split}" for variant, split in claims if split != last}
    rows = {key: rows[key] for variant in labels for key in rows if key[0] == variant}
    return draw_seeds(
        {label: where(runs, variant=variant, split=split).value.tolist() for (variant, split), label in rows.items()},
        metric=metric.named(results.unit),
        share=metric.share,
        claims={label: claims.get(key, []) for key, label in rows.items()},
        differences=where(results.table("differences"), split=last).replace({"variant": labels, "than": labels}),
        diverged={label: len(results.diverged[variant]) for (variant, _), label in rows.items()},
        intervals={label: (summary.low[key], summary.high[key]) for key, label in rows.items()},
    )
