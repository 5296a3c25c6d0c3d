"""What all figures share, the figures for every task, and functions that write a figure as PDF, SVG and PNG, the same
bytes every time.

The figures of one task are in figures_count.py, figures_regress.py and figures_classify.py, those of probabilities in
figures_calibration.py and figures_binary.py, those of mistakes in figures_mistakes.py.
"""

import io
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.style  # and not pyplot, which keeps every figure, and takes longer to import
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from calotype.evaluation import diverged, diverged_text
from calotype.files import new_file, new_folder
from calotype.statistics import mean_interval, wilson_interval

SINGLE = 3.5  # inches: one column of a paper
DOUBLE = 7.1  # inches: its whole width
POINT = 1 / 72  # inches
WRONG = "#D00000"  # of mistakes, and of trainings that diverged
PAPER, INK = "white", "black"  # of what is drawn over colours
FAINT = "#777777"  # of words that say less than the others
PALE = "#BBBBBB"  # of frames, and of bars that say less than the others
BAND = "#F3F3F3"  # of every second row, and of the linear part of an axis
FRAME = (PALE, 0.4)  # of an image: colour, and width in points
MOST_TICKS = 26  # of counts: as many as images of dots can have
MARKERS = "osD^vPX<>"  # with the style's six colours: 18 pairs
# Without these the files would hold the time of their making.
METADATA: Mapping[str, Mapping[str, str | None]] = {
    ".pdf": {"CreationDate": None},
    ".svg": {"Date": None},
    ".png": {"Software": None},
}


def use_style(style: Path) -> None:
    """Take the look of all figures from a matplotlib style file."""
    matplotlib.style.use(style)
    warnings.filterwarnings("ignore", r"Glyph .* missing from font")  # the box in its place says so


def save(figure: Figure, files: Sequence[Path]) -> None:
    """Write a figure to files whose suffixes say the format (.pdf, .svg, .png).

    Raises:
        CalotypeError: a file cannot be written.
    """
    for file in files:
        printed = _printed(figure, file.suffix)
        with new_file(file) as aside:
            aside.write_bytes(printed)


@contextmanager
def new_figures(folder: Path) -> Iterator[Callable[[Figure, str], None]]:
    """Give a function that saves a figure in each format, under a name; at the end `folder` holds these files alone.

    If the block raises, what stood there before still does.

    Raises:
        CalotypeError: the folder cannot be written.
    """
    with new_folder(folder) as aside:

        def save_as(figure: Figure, name: str) -> None:
            for suffix in METADATA:
                printed = _printed(figure, suffix)
                with (aside / f"{name}{suffix}").open("wb") as file:
                    file.write(printed)
                    file.flush()
                    os.fsync(file.fileno())

        yield save_as


def _printed(figure: Figure, suffix: str) -> bytes:
    """The content of a figure's file."""
    drawn = io.BytesIO()  # not to the file: on a full disk matplotlib's own error hides the cause
    # After a file matplotlib sets the layout anew: what has none would get the style's, and be drawn twice.
    with matplotlib.rc_context({"figure.constrained_layout.use": False}):
        figure.savefig(drawn, format=suffix[1:], metadata=METADATA[suffix])
    return drawn.getvalue()


# ---- Text of known size ----------------------------------------------------------------------------------------------


def text_width(text: str, size: float, bold: bool = False) -> float:
    """The width of one line of text in inches.

    Args:
        text: is printed as it is; a ``$`` begins no formula.
        size: of the font, in points.
        bold: whether it is bold.
    """
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] * POINT


def shorten(text: str, width: float, size: float, bold: bool = False) -> str:
    """A text that is no wider than some inches: what is too long ends with an ellipsis."""
    if text_width(text, size, bold) <= width:
        return text
    while text and text_width(text + "…", size, bold) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text: str, width: float, size: float, lines: int = 3) -> str:
    """A text in lines that are no wider than some inches, broken at spaces and after slashes.

    Args:
        text: the text.
        width: in inches.
        size: of the font, in points.
        lines: at most; what is left over, and a word that is too long, ends with an ellipsis.
    """
    broken = [""]
    for word in text.replace("/", "/\0").replace(" ", " \0").split("\0"):
        if broken[-1] and text_width((broken[-1] + word).rstrip(), size) > width:
            broken.append("")
        broken[-1] += word
    if len(broken) > lines:
        broken = [*broken[: lines - 1], "".join(broken[lines - 1 :])]
    return "\n".join(shorten(line.rstrip(), width, size) for line in broken)


# ---- Axes of known place ---------------------------------------------------------------------------------------------


def panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of some panels, up to three side by side: one column of a paper wide for a single one, else the page.

    Args:
        count: of the panels.
        height: of a panel with its labels, in inches.
    """
    across = min(count, 3)
    rows = -(-count // across)
    width = SINGLE if across == 1 else DOUBLE
    figure = Figure(figsize=(width, rows * height))
    axes = figure.subplots(rows, across, squeeze=False)
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    return figure, list(axes.flat[:count])


def empty_figure(width: float, height: float) -> Figure:
    """A figure of some inches whose parts are placed by hand: to have them placed takes seconds where they are many."""
    return Figure(figsize=(width, height), layout="none")  # type: ignore[arg-type]  # its types forget it


def place(figure: Figure, left: float, top: float, width: float, height: float, **options: Any) -> Axes:
    """New axes at a place in inches from the figure's left and upper edges."""
    whole_width, whole_height = figure.get_size_inches()
    box = (
        left / whole_width, 1 - (top + height) / whole_height, width / whole_width, height / whole_height,
    )  # fmt: skip
    return figure.add_axes(box, **options)


def black_and_white(images: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """The values of prepared images that are printed black and white.

    They are 0 and the largest; where some are negative, as after `normalise`, the least and the largest.
    """
    low, high = min(0.0, float(images.min())), float(images.max())
    return low, high if high > low else low + 1


@dataclass(frozen=True)
class Sheet:
    """A page for many small pictures and words: one axes in inches from the upper left corner.

    Fifty axes take seconds to print, fifty pictures in one axes a quarter of that.
    """

    figure: Figure
    axes: Axes

    def picture(
        self, image: NDArray[np.floating[Any]], left: float, top: float, width: float, height: float,
        low: float = 0, high: float = 1, frame: tuple[str, float] = FRAME,
    ) -> None:  # fmt: skip
        """Print an image.

        Args:
            image: shape (height, width) or (height, width, 1), printed in grey, or (height, width, 3), in colour.
            left, top, width, height: where, in inches.
            low, high: the values of black and white.
            frame: colour, and width in points.
        """
        shown = np.rint(((image - low) / (high - low)).clip(0, 1) * 255).astype(np.uint8)
        shown = np.broadcast_to(np.atleast_3d(shown), (*shown.shape[:2], 3))
        # Pixels made large here are printed as they are: matplotlib would compute each format's anew, which takes long,
        # and some readers of PDF blur small images.
        times = max(1, int(np.ceil(300 * width / shown.shape[1])))
        self.axes.imshow(
            shown.repeat(times, axis=0).repeat(times, axis=1), interpolation="none", aspect="auto",
            extent=(left, left + width, top + height, top),
        )  # fmt: skip
        self.axes.add_patch(
            Rectangle((left, top), width, height, fill=False, edgecolor=frame[0], linewidth=frame[1], clip_on=False)
        )

    def text(self, left: float, top: float, words: str, **options: Any) -> None:
        """Print words, centred on a place and standing on it unless `options` say otherwise."""
        self.axes.text(left, top, words, **{"ha": "center", "parse_math": False, **options})


def sheet(width: float, height: float) -> Sheet:
    """An empty page of some inches."""
    figure = empty_figure(width, height)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0), autoscale_on=False)
    axes.set_axis_off()
    return Sheet(figure, axes)


def notice(words: str) -> Figure:
    """A figure that says in words why it shows nothing."""
    page = sheet(SINGLE, 0.6)
    page.text(SINGLE / 2, 0.35, words, fontsize=8)
    return page.figure


def first_seed_diverged(epoch: int) -> Figure:
    """In place of a figure of seed 0 that diverged in some epoch."""
    return notice(f"Seed 0 diverged in epoch {epoch}: there is nothing to show.")


def note_diverged(axis: Axes, lost: int, seeds: int, top: bool) -> None:
    """Say in the upper or lower right corner of a panel how many seeds diverged, where some did."""
    if lost:
        axis.text(
            0.97, 0.95 if top else 0.05, diverged_text(lost, seeds), color=WRONG, fontsize=7, ha="right",
            va="top" if top else "bottom", transform=axis.transAxes,
        )  # fmt: skip


def fit(image: NDArray[np.floating[Any]], width: float, height: float) -> tuple[float, float]:
    """Width and height in inches of an image, as large as a box of some inches lets it be."""
    scale = min(width / image.shape[1], height / image.shape[0])
    return image.shape[1] * scale, image.shape[0] * scale


def legend(figure: Figure, handles: Sequence[Any], columns: int, top: float = 0.03) -> None:
    """One legend for a whole figure, at its upper edge; `top` in inches."""
    figure.legend(
        handles=handles, ncols=columns, loc="upper center", borderaxespad=0, borderpad=0,
        bbox_to_anchor=(0.5, 1 - top / figure.get_figheight()),
    )  # fmt: skip


def count_ticks(axis: Axes, counts: NDArray[np.int64]) -> None:
    """A tick for each count, or, where they are too many to be read, for some whole numbers."""
    if len(counts) <= MOST_TICKS:
        axis.set_xticks(counts)
    else:
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def percent_ticks(axis: Axis) -> None:
    """Write the ticks of shares in per cent, with no more decimals than needed."""
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:g} %"))


def log_scale(axis: Axis) -> None:
    """Make an axis logarithmic, with ticks at numbers that are easy to read, even where it spans no power of ten.

    To be called when all is drawn: the ticks suit the range as it is then.
    """
    (axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale)("log")
    low, high = axis.get_view_interval()
    ratio = high / low
    axis.set_minor_locator(NullLocator())
    if ratio < 2:
        axis.set_major_locator(MaxNLocator(4))
    else:
        for farthest, steps in ((5, (1, 1.5, 2, 3, 5, 7)), (30, (1, 2, 5)), (300, (1, 3)), (np.inf, (1,))):
            if ratio < farthest:
                axis.set_major_locator(LogLocator(subs=steps, numticks=9))
                break
    if ratio < 1e4:
        axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))


# ---- Training --------------------------------------------------------------------------------------------------------


def _draw_curve(axis: Axes, history: pd.DataFrame, metric: str, colour: str, dashes: str) -> None:
    """The mean over seeds as a line, and a band from the lowest to the highest seed.

    Both end where the first seed stops, or diverges: with fewer seeds they would jump.
    """
    found = history[history.metric == metric].pivot(index="epoch", columns="seed", values="value").astype(float)
    if found.empty:
        return
    found = found.where(np.isfinite(found)).dropna()
    mean = found.mean(axis=1)
    few = len(found) <= 5
    axis.plot(found.index, mean, color=colour, linestyle=dashes, marker="o" if few else "", markersize=2.5)
    if found.shape[1] > 1:
        low, high = found.min(axis=1), found.max(axis=1)
        axis.fill_between(found.index, low, high, color=colour, alpha=0.25, linewidth=0)
        if len(found) == 1:
            axis.vlines(found.index, low, high, color=colour, alpha=0.4, linewidth=3)


def _draw_diverged(axis: Axes, history: pd.DataFrame, metric: str, lost: Mapping[int, int]) -> None:
    """A thin line for each seed that diverged, up to the epoch before."""
    found = history[history.metric == metric].sort_values("epoch")
    for seed, epoch in lost.items():
        curve = found[(found.seed == seed) & (found.epoch < epoch)]
        dot = "o" if len(curve) == 1 else ""  # a line of one epoch would not be seen
        axis.plot(curve.epoch, curve.value, color=WRONG, linewidth=0.7, alpha=0.7, marker=dot, markersize=2)


def training_curves(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Loss and, where it was written down, accuracy over the epochs, of the training and of a validation part.

    A column of panels for each variant, four side by side: the loss above (each panel has its own scale, because losses
    can differ in kind), the accuracy beneath (one scale for all). Lines are means over seeds, bands reach from the
    lowest to the highest seed; both end with the epoch that all seeds reach. Seeds that diverged are not among these:
    each is a thin line of its own, up to a cross at the upper edge where it diverged.

    Args:
        histories: by the variant's label: columns seed, epoch, metric, value. Metrics: loss, accuracy, and of the
            validation part val_loss, val_accuracy.
    """
    lost = {label: diverged(history) for label, history in histories.items()}
    kept = {label: history[~history.seed.isin(list(lost[label]))] for label, history in histories.items()}
    across = min(len(histories), 4)
    width = SINGLE if across == 1 else DOUBLE
    blocks = [list(histories.items())[i : i + across] for i in range(0, len(histories), across)]
    metrics = set().union(*(set(history.metric) for history in histories.values()))
    # All in inches.
    left, right, between, head, foot = 0.58, 0.15, 0.45, 0.2, 0.4
    panel = (width - left - right - between * (across - 1)) / across
    tall = 1.5 if across == 1 else 1.15
    titles = [[wrap(label, panel + 2 * right - 0.04, 8) for label, _ in block] for block in blocks]
    above = [0.1 + 0.13 * max(title.count("\n") + 1 for title in row) for row in titles]
    rows = [1 + any((history.metric == "accuracy").any() for _, history in block) for block in blocks]
    heights = [space + n * tall + (n - 1) * 0.12 + foot for space, n in zip(above, rows, strict=True)]
    figure = empty_figure(width, head + sum(heights))
    shared: Axes | None = None
    for i, block in enumerate(blocks):
        top = head + sum(heights[:i]) + above[i]
        for j, (label, history) in enumerate(block):
            x = left + j * (panel + between)
            loss = place(figure, x, top, panel, tall)
            loss.set_title(titles[i][j], y=1, parse_math=False, va="bottom")
            drawn = [(loss, "loss")]
            if (history.metric == "accuracy").any():
                lower = place(figure, x, top + tall + 0.12, panel, tall, sharex=loss, sharey=shared)
                first = not any((before.metric == "accuracy").any() for _, before in block[:j])
                lower.tick_params(labelleft=first)
                lower.set_ylabel("accuracy" if first else "")
                shared = shared or lower
                loss.tick_params(labelbottom=False)
                drawn.append((lower, "accuracy"))
            for axis, metric in drawn:
                _draw_curve(axis, kept[label], metric, "C0", "-")
                if (history.metric == f"val_{metric}").any():
                    _draw_curve(axis, kept[label], f"val_{metric}", "C1", "--")
            loss.set_ylabel("" if j else "loss")
            for axis, _ in drawn:  # at one place, however wide the ticks' labels are
                axis.yaxis.set_label_coords(-0.46 / panel, 0.5)
            drawn[-1][0].set_xlabel("epoch")
            drawn[-1][0].xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
            alone = kept[label].empty
            for axis, metric in drawn if alone else []:
                _draw_diverged(axis, history, metric, lost[label])
            if any((np.asarray(line.get_ydata()) > 0).any() for line in loss.lines):
                log_scale(loss.yaxis)
            elif alone and not any(np.size(line.get_ydata()) for line in loss.lines):
                loss.yaxis.set_major_locator(NullLocator())  # there is no number for it to show
            if lost[label]:
                scale = loss.get_ylim()
                for axis, metric in [] if alone else drawn:
                    _draw_diverged(axis, history, metric, lost[label])
                # A loss on its way to infinity would flatten the others; that it leaves the panel is what it does.
                loss.set_ylim(scale)
                epochs = list(lost[label].values())
                at_the_edge = loss.get_xaxis_transform()
                loss.plot(epochs, np.ones(len(epochs)), "x", color=WRONG, clip_on=False, transform=at_the_edge)
                note_diverged(loss, len(epochs), history.seed.nunique(), top=True)
    if shared is not None:
        percent_ticks(shared.yaxis)
    handles: list[Any] = [Line2D([], [], color="C0", label="training")]
    if any(metric.startswith("val_") for metric in metrics):
        handles.append(Line2D([], [], color="C1", linestyle="--", label="validation"))
    if any(history.seed.nunique() > 1 for history in kept.values()):
        handles.append(Patch(color=FAINT, alpha=0.3, linewidth=0, label="all seeds"))
    if any(lost.values()):
        handles.append(Line2D([], [], color=WRONG, linewidth=0.7, marker="x", label="diverged"))
    legend(figure, handles, len(handles))
    return figure


# ---- Accuracy --------------------------------------------------------------------------------------------------------


def accuracy_by_label(
    runs: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]],
    *,
    xlabel: str,
    ylabel: str,
    names: Sequence[str] | None = None,
    diverged: Mapping[str, int] | None = None,
) -> Figure:
    """The share of right predictions for every true label: the mean over seeds and its 95 % interval.

    With a single seed the interval is Wilson's, over the images.

    Args:
        runs: by the variant's label: true labels, shape (images,), and predicted labels, shape (seeds, images), of the
            seeds that did not diverge.
        xlabel: what a label is.
        ylabel: what the share is of.
        names: of the labels, where they are classes: that of label 0, of label 1, and so on.
        diverged: how many other seeds diverged, by the variant's label; the legend says so.
    """
    everywhere = np.unique(np.concatenate([labels for labels, _ in runs.values()]))
    nothing = all(len(predicted) == 0 for _, predicted in runs.values())  # all seeds diverged
    width = DOUBLE if len(everywhere) > 6 else SINGLE
    figure = Figure(figsize=(width, 2.5))
    axis = figure.subplots()
    step = min(0.16, 0.8 / len(runs))
    offsets = (np.arange(len(runs)) - (len(runs) - 1) / 2) * step
    for i, (label, (labels, predicted)) in enumerate(runs.items()):
        counts = np.unique(labels)
        means, lows, highs = [], [], []
        for count in counts:
            right = predicted[:, labels == count] == count
            mean, low, high = mean_interval(right.mean(axis=1).tolist())
            if len(right) == 1:
                low, high = wilson_interval(int(right.sum()), right.size)
            means.append(mean)
            lows.append(max(low, 0.0))
            highs.append(min(high, 1.0))
        seeds = f"{len(predicted)} seed{'s' if len(predicted) > 1 else ''}"
        if lost := (diverged or {}).get(label, 0):
            seeds = diverged_text(lost, lost + len(predicted))
        errors = np.array([np.subtract(means, lows), np.subtract(highs, means)]).clip(0)
        axis.errorbar(counts + offsets[i], means, errors, fmt=MARKERS[i % len(MARKERS)], capsize=2, elinewidth=0.8,
                      label=f"{label} ({seeds})")  # fmt: skip
    if nothing:
        axis.set(xlim=(everywhere.min() - 0.5, everywhere.max() + 0.5), ylim=(0, 1))
    if step * len(runs) > 0.5:  # it would not be plain which label a point belongs to
        for count in everywhere[::2]:
            axis.axvspan(count - 0.5, count + 0.5, color=BAND, linewidth=0, zorder=0)
        axis.set_xlim(everywhere.min() - 0.5, everywhere.max() + 0.5)
    count_ticks(axis, everywhere)
    if names is not None:
        room = (width - 0.8) / max(1, int(np.ptp(everywhere)) + 1)
        shown = [wrap(names[label], room * 0.95, 7, lines=2) for label in everywhere]
        rotated = any("…" in text for text in shown)
        axis.set_xticks(everywhere, [names[label] for label in everywhere] if rotated else shown, parse_math=False)
        if rotated:
            axis.tick_params("x", rotation=45, rotation_mode="xtick")
    percent_ticks(axis.yaxis)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.set_ylim(top=min(1.02, axis.get_ylim()[1]))
    handles, texts = axis.get_legend_handles_labels()
    texts = [wrap(text, width - 0.6, 7) for text in texts]
    longest = max(text_width(line, 7) for text in texts for line in text.splitlines())
    across = int(np.clip((width + 0.14) / (longest + 0.47), 1, 2 if width == SINGLE else 4))
    rows = -(-len(texts) // across)
    figure.set_figheight(2.5 + 0.15 * max(0, rows - 2))
    for text in figure.legend(handles, texts, loc="outside upper center", ncols=across).get_texts():
        text.set_parse_math(False)
    return figure


# ---- Seeds -----------------------------------------------------------------------------------------------------------


def _swarm(places: NDArray[np.float64], diameter: float, room: float) -> NDArray[np.float64]:
    """How far each point of a row steps aside so that none covers another, as far as the room allows.

    Args:
        places: along the row, shape (points,), in inches.
        diameter: of a point, in inches.
        room: the farthest step, in inches.
    """
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
    """Let a horizontal axis reach over all numbers; logarithmic where the mean of one variant is far from another's.

    Args:
        axis: without anything in it yet.
        values: of the seeds of each variant; those that are not finite do not count.
        others: numbers that are to be seen, too.
        share: whether the numbers are shown in per cent.

    Returns:
        words to add to the axis's label, and the function from numbers to the part of the axis's length.
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
    if share:
        percent_ticks(axis.xaxis)
    return " (log scale)" if far else "", lambda x: (scale(x) - low) / (high - low)


def _linear_part(reach: Sequence[float]) -> float:
    """How far from zero an axis of differences has to be linear for all of them to be seen; 0 for all of it.

    Args:
        reach: the largest size of each difference and its interval.
    """
    sizes = [size for size in reach if np.isfinite(size) and size > 0]
    if not sizes or max(sizes) <= 8 * np.median(sizes):
        return 0
    unit = 10 ** np.floor(np.log10(np.median(sizes)))
    return float(unit * next(step for step in (1, 2, 5, 10) if step * unit >= np.median(sizes)))


def _draw_differences(axis: Axes, differences: NDArray[np.float64], linear: float) -> None:
    """One row a difference: the mean and its interval, filled where the interval leaves out zero.

    Args:
        axis: an empty one.
        differences: mean, low and high of each, shape (differences, 3).
        linear: how far from zero the axis is linear; 0 for all of it.
    """
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
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:+g}".replace("-", "−") if x else "0"))


def _block_width(text: str) -> float:
    """The width of lines of a tick's label in inches."""
    return max(text_width(line, 7) for line in text.splitlines() or [""])


def _pair(variant: str, than: str) -> str:
    """The name of a difference, in one line where there is room."""
    short = f"{variant} − {than}"
    return short if text_width(short, 7) <= 1.3 else f"{wrap(variant, 1.2, 7, 2)}\n− {wrap(than, 1.2, 7, 2)}"


def _published(numbers: Sequence[tuple[float, ...]]) -> list[list[tuple[float, ...]]]:
    """Published numbers and ranges in lanes: all single numbers in the first, then each range in one of its own."""
    single = [number for number in dict.fromkeys(numbers) if not number[1:]]
    return [single] * bool(single) + [[number] for number in dict.fromkeys(numbers) if number[1:]]


def seeds(
    values: Mapping[str, Sequence[float]],
    *,
    metric: str,
    share: bool,
    claims: Mapping[str, Sequence[tuple[float, ...]]],
    differences: pd.DataFrame | None,
    diverged: Mapping[str, int] | None = None,
) -> Figure:
    """Every seed of every variant, the mean with its 95 % interval, and the published numbers beside them.

    Student's t knows no bounds; the interval of a share is cut at 0 and 1.

    On the right, where there are any, the differences between variants over the same seeds. A marker is filled where
    the interval leaves out zero.

    Args:
        values: of the seeds that did not diverge, by the variant's label.
        metric: its name.
        share: whether the values are shares of the images, shown in per cent.
        claims: by the variant's label: published numbers, and the two ends of published ranges.
        differences: columns variant, than, mean, low, high (of variant - than), n; the variants by their labels.
        diverged: how many other seeds diverged, by the variant's label: crosses at the lower edge of its row.
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
    across = 5 if pairs else 4 if True not in kinds and entries < 4 else 2  # more does not fit into a paper's column
    # All in inches. A row has lanes: the seeds, the mean, beneath them the published numbers, then seeds that diverged.
    head, foot, edge = 0.08 + 0.16 * -(-entries // across), 0.3 + 0.13 * (len(beneath) if pairs else 1), 0.15
    width = DOUBLE if pairs else SINGLE
    most = max(map(len, published.values()), default=0)
    lowest = 0.44 + 0.1 * most if published else 0.42  # a row that leaves room for its lanes
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
    nothing = (float("nan"),) * 3  # there is no mean where a run gave no number
    means = {label: mean_interval(found) if np.isfinite(found).all() else nothing for label, found in values.items()}
    if share:
        means = {label: (mean, *np.clip(ends, 0, 1).tolist()) for label, (mean, *ends) in means.items()}
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
            axis.text(0.99, i * row + lanes[1], f"{len(numbers) - len(known)} of {len(numbers)} without a number",
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
