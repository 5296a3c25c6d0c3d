"""A strip: the seeds, the interval and the published values of one number, as an inline SVG without a script."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from calotype.evaluation.number_format import common_exponent, show, span_text
from calotype.report.measured import Number

WIDTH, HEIGHT, HEAD = 230, 26, 12  # px; the head holds the numbers of the scale
EDGE = 8  # px between the ends of the scale and the edges
TICKS = 5  # most steps of a scale


@dataclass(frozen=True)
class Scale:
    """The common scale of the numbers of a metric in a study."""

    low: float
    high: float
    step: float
    share: bool

    def place(self, value: float) -> float:
        """Return the place of a value in px; values outside are at the edges."""
        part = (value - self.low) / (self.high - self.low)
        return round(EDGE + (WIDTH - 2 * EDGE) * min(1.03, max(-0.03, part)), 1)

    @property
    def ticks(self) -> list[float]:
        """Return the values of the grid."""
        return [self.low + i * self.step for i in range(1 + round((self.high - self.low) / self.step))]


def scale_of(found: Sequence[Number]) -> Scale | None:
    """Return the scale of some numbers with the same metric; None if no value is finite.

    It holds all seeds, intervals and published values. The range of one more run, which can be far wider with two
    seeds, is cut at half of their span.
    """
    values = [value for number in found for value in (*number.seeds.values(), *number.formula[:2], *number.published)]
    values = [value for value in values if math.isfinite(value)]
    if not values:
        return None
    metric, span = found[0].metric, max(values) - min(values)
    further = [end for number in found for end in number.next_run if math.isfinite(end)]
    low = max(min([*values, *further]), min(values) - span / 2)
    high = min(max([*values, *further]), max(values) + span / 2)
    span = high - low or abs(high) or 1.0
    rough = 10.0 ** math.floor(math.log10(span / TICKS))
    step = next(rough * factor for factor in (1, 2, 5, 10) if span / (rough * factor) <= TICKS)
    low, high = step * math.floor(low / step + 1e-9), step * math.ceil(high / step - 1e-9)
    if metric.share:
        low, high = max(0.0, low), min(1.0, high)
    return Scale(low, high if high > low else low + step, step, metric.share)


def _published(number: Number, scale: Scale, middle: float) -> list[str]:
    """Draw each kind of claim with a mark of its own."""
    drawn = []
    for claim in number.claims:
        if not math.isfinite(claim["number"]):
            continue
        x, y = scale.place(claim["number"]), middle
        match claim["kind"]:
            case "between":
                end = scale.place(claim["second"])
                drawn.append(f'<path class="range" d="M{x} {y + 8}H{end}M{x} {y + 5}v6M{end} {y + 5}v6"/>')
            case "at_most":
                drawn.append(f'<path class="bound" d="M{x} {y - 9}v18M{x} {y}h-9l4 -4m-4 4l4 4"/>')
            case "at_least":
                drawn.append(f'<path class="bound" d="M{x} {y - 9}v18M{x} {y}h9l-4 -4m4 4l-4 4"/>')
            case "as_low_as":
                drawn.append(f'<path class="published" d="M{x} {y - 4}l5 -8h-10z"/>')
            case _:
                drawn.append(f'<path class="published" d="M{x} {y - 6}l6 6l-6 6l-6 -6z"/>')
    return drawn


def _head(scale: Scale) -> list[str]:
    """Write the values of the scale."""
    decimals = -math.floor(math.log10(scale.step * (100 if scale.share else 1)) + 1e-9)
    decimals = max(0, decimals) if scale.share else decimals
    exponent, last, drawn = 0 if scale.share else common_exponent(scale.high), len(scale.ticks) - 1, []
    for i, tick in enumerate(scale.ticks):
        if i == last - 1 and exponent:
            continue  # the last text, with its power of ten, needs the room
        text = show(tick, scale.share, unit=i == last, decimals=decimals, exponent=exponent)
        anchor, x = ("end", WIDTH) if i == last else ("start", 0) if i == 0 else ("middle", scale.place(tick))
        drawn.append(f'<text x="{x}" y="9" text-anchor="{anchor}">{escape(text)}</text>')
    return drawn


def _described(number: Number, claimed: Sequence[str]) -> str:
    values = list(number.seeds.values())
    mean, between = number.texts
    spread = span_text(min(values), max(values), number.metric.share, None)
    words = [f"{len(values)} seeds from {spread}" if len(values) > 1 else "1 seed", f"mean {mean}"]
    words += [f"interval {between}"] if between else []
    return ", ".join(words + [f"published: {text}" for text in claimed])


def strip(number: Number, scale: Scale | None, claimed: Sequence[str] = (), head: bool = False) -> Markup:
    """Return the SVG of a number; empty without a scale.

    Args:
        claimed: the published values as texts.
        head: whether to write the values of the scale above.
    """
    if scale is None or not number.seeds:
        return Markup("")
    top = HEAD if head else 0
    middle, drawn = top + HEIGHT * 0.62, []
    if np.isfinite(number.next_run).all():
        low, high = map(scale.place, number.next_run)
        drawn.append(
            f'<rect class="next" x="{low}" y="{top + 2}" width="{round(high - low, 1)}" height="{HEIGHT - 4}"/>'
        )
    places = map(scale.place, scale.ticks)
    drawn.append(f'<path class="grid" d="{"".join(f"M{x} {top + 1}v{HEIGHT - 2}" for x in places)}"/>')
    if head:
        drawn += _head(scale)
    seeds = "".join(f"M{x} {top + 7}h0" for x in sorted({scale.place(value) for value in number.seeds.values()}))
    drawn.append(f'<path class="seeds" d="{seeds}"/>')
    if np.isfinite(number.formula[:2]).all():
        low, high = map(scale.place, number.formula[:2])
        drawn.append(f'<path class="interval" d="M{low} {middle}H{high}"/>')
    if math.isfinite(number.mean):
        drawn.append(f'<path class="interval" d="M{scale.place(number.mean)} {middle - 5}v10"/>')
    drawn += _published(number, scale, middle)
    label = escape(_described(number, claimed))
    height = HEIGHT + top
    return Markup(  # numbers, and texts escaped above
        f'<svg class="strip" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="{label}">{"".join(drawn)}</svg>'
    )
