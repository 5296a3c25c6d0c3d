"""Colours, sizes, text and files of all figures. The same figure always gives the same bytes."""

import io
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib.style  # not pyplot: it keeps every figure in memory, and its import takes longer
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from calotype.util.files import new_file, new_folder

SINGLE, DOUBLE = 3.5, 7.1  # inches: one column of a paper, and the whole width
POINT = 1 / 72  # inches
WRONG = "#D00000"  # errors, and runs that diverged
PAPER, INK = "white", "black"  # on coloured areas
FAINT = "#777777"  # secondary text and lines
PALE = "#BBBBBB"  # frames and secondary bars
BAND = "#F3F3F3"  # every second row, and the linear range of an axis
MARKERS = "osD^vPX<>"  # with the six colours of the style: 18 pairs
# Without these, the files would hold the time of writing.
METADATA: Mapping[str, Mapping[str, str | None]] = {
    ".pdf": {"CreationDate": None},
    ".svg": {"Date": None},
    ".png": {"Software": None},
}


def use_style(style: Path) -> None:
    """Apply a matplotlib style file, and ignore the user's matplotlibrc."""
    matplotlib.rcdefaults()
    matplotlib.style.use(style)
    warnings.filterwarnings("ignore", r"Glyph .* missing from font")  # the figure shows a box instead


def save(figure: Figure, files: Sequence[Path]) -> None:
    """Write a figure to files; their suffixes give the formats (.pdf, .svg, .png)."""
    for file in files:
        content = rendered(figure, file.suffix)
        with new_file(file) as aside:
            aside.write_bytes(content)


@contextmanager
def new_figures(folder: Path) -> Iterator[Callable[[Figure, str], None]]:
    """Yield a function that saves a figure under a name in each format; these files replace the folder's content.

    If the block raises, the folder stays as it was.
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
    """Return the content of a figure's file."""
    drawn = io.BytesIO()  # not the file itself: on a full disk, matplotlib's own error hides the cause
    # After each file, matplotlib resets the layout: a figure without one would get the layout of the style.
    with matplotlib.rc_context({"figure.constrained_layout.use": False}):
        figure.savefig(drawn, format=suffix[1:], metadata=METADATA[suffix])
    return drawn.getvalue()


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return the width in inches of one line of text in a font size in points. A ``$`` starts no formula."""
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] * POINT


def shorten(text: str, width: float, size: float, bold: bool = False) -> str:
    """Cut a text to a width in inches; a cut text ends with an ellipsis."""
    if text_width(text, size, bold) <= width:
        return text
    while text and text_width(text + "…", size, bold) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text: str, width: float, size: float, lines: int = 3) -> str:
    """Break a text at spaces and after slashes into lines of a width in inches.

    An ellipsis ends the last of `lines` lines if more text follows, and a word that is too long.
    """
    broken = [""]
    for word in text.replace("/", "/\0").replace(" ", " \0").split("\0"):
        if broken[-1] and text_width((broken[-1] + word).rstrip(), size) > width:
            broken.append("")
        broken[-1] += word
    if len(broken) > lines:
        broken = [*broken[: lines - 1], "".join(broken[lines - 1 :])]
    return "\n".join(shorten(line.rstrip(), width, size) for line in broken)
