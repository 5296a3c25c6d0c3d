"""Elements that all figures share, and functions that write a figure as PDF, SVG and PNG, the same bytes every time."""

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
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from calotype.evaluation.divergence import diverged_text
from calotype.util.files import new_file, new_folder

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
    """Take the look of all figures from a matplotlib style file, and nothing from a matplotlibrc of the user's."""
    matplotlib.rcdefaults()
    matplotlib.style.use(style)
    warnings.filterwarnings("ignore", r"Glyph .* missing from font")  # the box in its place says so


def save(figure: Figure, files: Sequence[Path]) -> None:
    """Write a figure to files whose suffixes say the format (.pdf, .svg, .png).

    Raises:
        CalotypeError: a file cannot be written.
    """
    for file in files:
        content = rendered(figure, file.suffix)
        with new_file(file) as aside:
            aside.write_bytes(content)


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
                content = rendered(figure, suffix)
                with (aside / f"{name}{suffix}").open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())

        yield save_as


def rendered(figure: Figure, suffix: str) -> bytes:
    """The content of a figure's file."""
    drawn = io.BytesIO()  # not to the file: on a full disk matplotlib's own error hides the cause
    # After a file matplotlib sets the layout anew: what has none would get the style's, and be drawn twice.
    with matplotlib.rc_context({"figure.constrained_layout.use": False}):
        figure.savefig(drawn, format=suffix[1:], metadata=METADATA[suffix])
    return drawn.getvalue()


# ---- Text of known size ----------------------------------------------------------------------------------------------


def text_width(text: str, size: float, bold: bool = False) -> float:
    """The width in inches of one line of text, of a font of so many points; a ``$`` begins no formula."""
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

    What is left over after so many lines, and a word that is too long, ends with an ellipsis.
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
    """A figure of some panels, so many inches high with their labels, up to three side by side.

    It is one column of a paper wide for a single panel, else the page.
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
