"""Colours, sizes, text and files of all figures. The same figure always gives the same bytes.

Lengths in code are inches of a layout with text of `LAYOUT_SIZE` points; `save` scales it to the font size of the page.
"""

import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style  # not pyplot: it keeps every figure in memory, and its import takes longer
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from calotype.config.figure_style import LAYOUT_SIZE
from calotype.figures.fonts import families, warn_of_letters
from calotype.util.files import new_file, new_folder

logger = logging.getLogger(__name__)

TALLEST = 9.4  # inches of a page that figures may take in height
SMALL = 7.0  # points: the smallest text of a layout, which is never below 6 points on a page
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


@dataclass(frozen=True)
class Page:
    """The widths and the font of all figures, as `FigureStyle.page` gives them."""

    single: float = 3.5  # inches: one column
    double: float = 7.1  # inches: the whole width
    font: str = "sans"
    size: float = LAYOUT_SIZE  # points


_pages = [Page()]  # the page of this process


def use_style(style: Path, page: Page | None = None) -> None:
    """Apply a matplotlib style file and a page, and ignore the user's matplotlibrc."""
    matplotlib.rcdefaults()
    matplotlib.style.use(style)
    _pages[:] = [page or Page()]
    matplotlib.rcParams["font.family"] = families(_pages[0].font)
    if _pages[0].font == "serif":
        matplotlib.rcParams["mathtext.fontset"] = "stix"
    warnings.filterwarnings("ignore", r"Glyph .* missing from font")  # `save` names the letters once


def log_warnings() -> None:
    """Log warnings of other packages, such as those of matplotlib about a layout."""
    warnings.showwarning = lambda message, *_, **__: logger.warning("%s", message)


def single() -> float:
    """Return the width of one column of the page, in inches of the layout."""
    return _pages[0].single * LAYOUT_SIZE / _pages[0].size


def double() -> float:
    """Return the whole width of the page, in inches of the layout."""
    return _pages[0].double * LAYOUT_SIZE / _pages[0].size


def tallest() -> float:
    """Return the greatest height of a figure, in inches of the layout."""
    return TALLEST * LAYOUT_SIZE / _pages[0].size


def to_page(figure: Figure) -> None:
    """Scale a figure with its text and markers from the layout to the page."""
    factor = _pages[0].size / LAYOUT_SIZE
    if factor != 1:
        figure.set_size_inches(*(figure.get_size_inches() * factor))
        for text in figure.findobj(Text):
            text.set_fontsize(float(text.get_fontsize()) * factor)
        for line in figure.findobj(Line2D):
            line.set_markersize(line.get_markersize() * factor)


def _finish(figure: Figure, name: str) -> None:
    """Scale a figure to the page, and name the letters that its font lacks."""
    to_page(figure)
    warn_of_letters([text.get_text() for text in figure.findobj(Text)], _pages[0].font, name)


def save(figure: Figure, files: Sequence[Path]) -> None:
    """Write a figure to files; their suffixes give the formats (.pdf, .svg, .png)."""
    _finish(figure, files[0].stem)
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
            _finish(figure, f"{folder.name}/{name}")
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
    figure.savefig(drawn, format=suffix[1:], metadata=METADATA[suffix])
    return drawn.getvalue()


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return the width in inches of one line of text in a font size in points. A ``$`` starts no formula."""
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] * POINT


def shorten(text: str, width: float, size: float, bold: bool = False, end: str = "") -> str:
    """Cut a text to a width in inches; an ellipsis stands for the letters that are cut out before `end`."""
    if text_width(text, size, bold) <= width:
        return text
    text = text.removesuffix(end)
    while text and text_width(f"{text}…{end}", size, bold) > width:
        text = text[:-1]
    while end and text_width(f"…{end}", size, bold) > width:
        end = end[1:]
    return f"{text.rstrip()}…{end}"


def wrap(text: str, width: float, size: float, lines: int = 3, end: str = "") -> str:
    """Break a text at spaces and after slashes into lines of a width in inches.

    If more text follows than `lines` hold, the last line is cut before `end`; a word that is too long is cut, too.
    """
    broken = [""]
    for word in text.replace("/", "/\0").replace(" ", " \0").split("\0"):
        if broken[-1] and text_width((broken[-1] + word).rstrip(), size) > width:
            broken.append("")
        broken[-1] += word
    if len(broken) > lines:
        broken = [*broken[: lines - 1], "".join(broken[lines - 1 :])]
    return "\n".join(shorten(line.rstrip(), width, size, end=end) for line in broken)


def apart(texts: Sequence[str], short: Callable[[str, str], str]) -> list[str]:
    """Return all texts as `short` cuts them to a place, so that different texts stay different.

    Args:
        short: takes a text and the end that it must keep, such as `shorten` and `wrap` with a width.
    """
    found = [short(text, "") for text in texts]
    for places in _equal(found):
        alike = [texts[place] for place in places]
        letters = enumerate(zip(*alike, strict=False))
        same = next((i for i, each in letters if len(set(each)) > 1), min(map(len, alike)))
        start = max(alike[0].rfind(" ", 0, same) + 1, same - 12)  # from the word in which they differ
        for place in places:
            found[place] = short(texts[place], texts[place][start:])
    for places in _equal(found):
        if len({texts[place] for place in places}) > 1:
            for number, place in enumerate(places, 1):
                found[place] = short(f"{texts[place]} ({number})", f" ({number})")
    return found


def shorten_all(texts: Sequence[str], width: float, size: float) -> list[str]:
    """Cut texts to a width in inches, so that different texts stay different."""
    return apart(texts, lambda text, end: shorten(text, width, size, end=end))


def _equal(texts: Sequence[str]) -> list[list[int]]:
    """Return the places of each text that occurs more than once."""
    places: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        places.setdefault(text, []).append(place)
    return [found for found in places.values() if len(found) > 1]
