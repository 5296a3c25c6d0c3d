"""Tables in LaTeX that fit into one column of a paper, or its width: columns, line breaks, floats."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from calotype.report.latex_text import DAGGER, bold_points, breakable, latex, points

NARROW = 222.0  # points: less than one of two columns of `article` and IEEEtran
WIDE = 338.0  # points: less than the text of `article` and llncs
SEPARATION = 7.0  # points between two columns
SPACE = 3.0  # points between a number and its interval
LEAST, TIGHT = 62.0, 30.0  # points of a column with line breaks; of a table that fits in no other way
HEAD_LINES = 2  # of a head that is longer than its cells, approximately
SLACK = 4.0  # points by which a line of a head may be longer than its cells
MOST_LINES = 44  # of a table on a page
LINES_OF_HEAD = 4  # with the rules
NEEDS = r"% needs \usepackage{array,booktabs,siunitx}"
_SETTINGS = r"\sisetup{detect-weight,mode=text,group-digits=integer,group-minimum-digits=4,group-separator={,}}%"


@dataclass(frozen=True)
class Column:
    """A column: its cells as text, not yet LaTeX.

    Attributes:
        kind: ``text`` may break into lines; ``whole`` numbers are at the right; ``number`` is aligned at the decimal
            point; ``interval`` belongs to the number before it, under the same head.
        bold, daggers: numbers of the cells in bold, and of those with a dagger.
        beneath: a second line of each cell of a column of numbers: its interval.
        width: in points, for text in several lines.
    """

    head: str
    kind: Literal["text", "whole", "number", "interval"]
    cells: Sequence[str]
    bold: frozenset[int] = frozenset()
    daggers: frozenset[int] = frozenset()
    beneath: Sequence[str] = ()
    width: float | None = None

    @property
    def content(self) -> float:
        """The width of its cells in points."""
        if self.width is not None:
            return self.width
        if self.kind == "number":
            widest, parts = bold_points if self.bold else points, [_around_point(cell) for cell in self.cells]
            sides = (max((widest(part[side]) for part in parts), default=0.0) for side in (0, 1))
            return max(sum(sides), *map(points, self.beneath), 0.0)
        return max(map(points, self.cells), default=0.0)


def _around_point(number: str) -> tuple[str, str]:
    """Return the parts of a number before and after its decimal point; the power of ten belongs to the second."""
    mantissa, times, power = number.partition(" × ")
    before, point, after = mantissa.partition(".")
    return before, f"{point}{after}{times}{power}"


def _si(number: str) -> str:
    """Return a formatted number as siunitx reads it."""
    if not any(sign.isdigit() for sign in number):
        return f"{{{latex(number)}}}" if number else ""
    mantissa, _, power = number.replace(",", "").replace("−", "-").partition(" × 10")
    exponent = power.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-"))
    return f"{mantissa}e{exponent}" if exponent else mantissa


def _format(numbers: Sequence[str]) -> str:
    """Return siunitx's ``table-format`` of a column: digits before and after the point, sign and exponent."""
    found = [_si(number).partition("e") for number in numbers if any(sign.isdigit() for sign in number)]
    whole = max((len(mantissa.partition(".")[0].strip("+-")) for mantissa, _, _ in found), default=1)
    decimals = max((len(mantissa.partition(".")[2]) for mantissa, _, _ in found), default=0)
    sign = "-" if any(mantissa.startswith("-") for mantissa, _, _ in found) else ""
    exponents = [exponent for _, _, exponent in found if exponent]
    power = (
        f"e{'-' * any(e.startswith('-') for e in exponents)}{max((len(e.strip('-')) for e in exponents), default=0)}"
    )
    return f"{sign}{whole}{f'.{decimals}' * bool(decimals)}{power if exponents else ''}"


def _together(columns: Sequence[Column]) -> list[list[Column]]:
    """Return the columns under each head: an interval has the head of its number."""
    groups: list[list[Column]] = []
    for column in columns:
        if column.kind == "interval":
            groups[-1].append(column)
        else:
            groups.append([column])
    return groups


def _content(group: Sequence[Column]) -> float:
    return sum(column.content for column in group) + SPACE * (len(group) - 1)


def _head_lines(group: Sequence[Column]) -> list[str]:
    """Return the head of a group in lines of about the width of its cells."""
    words = group[0].head.split(" ")
    room, lines = max(_content(group), *map(points, words or [""]), points(group[0].head) / HEAD_LINES), [""]
    for word in words:
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and points(longer) > room + SLACK:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _total(columns: Sequence[Column]) -> float:
    groups = _together(columns)
    widths = [max(_content(group), *map(points, _head_lines(group))) for group in groups]
    return sum(widths) + SEPARATION * (len(groups) - 1)


def _narrowed(columns: Sequence[Column], limit: float, least: float = LEAST) -> list[Column] | None:
    """Break text into lines until the table has a width; None if that needs columns that are too narrow."""
    over = _total(columns) - limit
    if over <= 0:
        return list(columns)
    widths = {i: column.content for i, column in enumerate(columns) if column.kind == "text"}
    room = sum(widths.values()) - over
    share = room / max(1, len(widths))
    for _ in widths:  # what short texts leave, the long ones share
        long = [width for width in widths.values() if width > share]
        share = (room - sum(width for width in widths.values() if width <= share)) / max(1, len(long))
    if share < least:
        return None
    return [replace(column, width=share) if widths.get(i, 0) > share else column for i, column in enumerate(columns)]


def _stacked(group: Sequence[Column]) -> list[Column]:
    """Put intervals beneath their numbers."""
    return [replace(group[0], beneath=group[1].cells)] if len(group) > 1 else [*group]


def arrange(
    first: Sequence[Column], groups: Sequence[Sequence[Column]], last: Sequence[Column]
) -> tuple[list[list[Column]], bool]:
    """Arrange groups of columns so that they fit into a column of a paper or, if not, its width.

    Intervals are beside their numbers, or beneath if they are too wide. Groups that do not fit at all follow in another
    part below, which has `first` again.

    Returns:
        The columns of each part, and whether they need the whole width.
    """
    parts: list[list[Column]] = []
    rest, wide = list(groups), False
    while rest or not parts:
        tries = [(take, way) for take in range(len(rest), 0, -1) for way in (list, _stacked)] or [(0, list)]
        for take, way in tries:
            columns = [*first, *(column for group in rest[:take] for column in way(group)), *last]
            narrow = _narrowed(columns, NARROW)
            found = narrow or _narrowed(columns, WIDE)
            if found:
                break
        parts.append(found or _narrowed(columns, WIDE, TIGHT) or columns)
        wide, rest = wide or narrow is None, rest[max(1, take) :]
    return parts, wide


def _specification(column: Column) -> str:
    if column.kind == "number":
        return f"S[table-format={_format(column.cells)}]"
    if column.width is not None:
        return rf">{{\raggedright\arraybackslash}}p{{{column.width:.0f}pt}}"
    return {"text": "l", "whole": "r", "interval": r"@{\ }l"}[column.kind]


def _specifications(columns: Sequence[Column]) -> str:
    """Return the specification of all columns; those under a wider head are in its middle."""
    found = []
    for group in _together(columns):
        aside = (max(map(points, _head_lines(group))) - _content(group)) / 2
        space = rf"!{{\hspace{{{aside:.0f}pt}}}}" if len(group) > 1 and aside >= 1 else ""
        found.append(space + "".join(map(_specification, group)) + space)
    return "".join(found)


def _cell(column: Column, row: int, below: int) -> str:
    """Return a cell in LaTeX; the further lines of a text stand beside the `below` lines beneath it."""
    text = column.cells[row]
    if column.kind == "number":
        made = _si(text)
    elif column.width is None:
        made = latex(text)
    else:
        made = breakable(text, column.width)
        if below and _breaks(column, row) > 1:
            made = rf"\parbox[t]{{{column.width:.0f}pt}}{{\raggedright {made}}}"
            made = rf"\raisebox{{0pt}}[\height][\dimexpr\depth-{below}\baselineskip]{{{made}}}"
    return r"\bfseries " * (row in column.bold) + made + DAGGER * (row in column.daggers)


def _heads(columns: Sequence[Column]) -> list[str]:
    """Return the lines of the head, which end at the same line."""
    groups = _together(columns)
    heads = [_head_lines(group) for group in groups]
    height = max(map(len, heads))
    lines = []
    for i in range(height):
        cells = []
        for group, words in zip(groups, heads, strict=True):
            text = latex(words[i - height + len(words)]) if i >= height - len(words) else ""
            text = "$n$" if text == "n" else text
            if len(group) > 1:
                text = rf"\multicolumn{{{len(group)}}}{{c}}{{{text}}}"
            cells.append(f"{{{text}}}" if text and group[0].kind == "number" and len(group) == 1 else text)
        lines.append(f"  {' & '.join(cells)} \\\\")
    return lines


def tabular(columns: Sequence[Column], rows: range) -> str:
    """Return some rows as a tabular with booktabs and siunitx."""
    stacked = any(column.beneath for column in columns)
    apart = any(column.width is not None for column in columns)
    body = []
    for row in rows:
        if row > rows.start and (stacked or (apart and columns[0].cells[row])):
            body.append(r"  \addlinespace[2pt]")
        cells = [_cell(column, row, _below(columns, column, range(row, rows.stop))) for column in columns]
        body.append(f"  {' & '.join(cells)} \\\\")
        if _two_lines(columns, row):
            lower = (column.beneath[row] if column.beneath else "" for column in columns)
            cells = [f"{{{latex(text)}}}" if text else "" for text in lower]
            body.append(f"  {' & '.join(cells)} \\\\")
    lines = [
        rf"{{\setlength{{\tabcolsep}}{{{SEPARATION / 2:g}pt}}{_SETTINGS}",
        rf"\begin{{tabular}}{{@{{}}{_specifications(columns)}@{{}}}}",
        r"  \toprule", *_heads(columns), r"  \midrule", *body, r"  \bottomrule", r"\end{tabular}}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _breaks(column: Column, row: int) -> float:
    """Return the number of lines of a cell in a column with line breaks."""
    return -(-points(column.cells[row]) // (0.8 * (column.width or math.inf)))


def _two_lines(columns: Sequence[Column], row: int) -> bool:
    """Return True if a row has a second line with intervals."""
    return any(column.beneath and column.beneath[row] for column in columns)


def _below(columns: Sequence[Column], column: Column, rows: range) -> int:
    """Return the number of lines beneath the first of some rows up to the next cell of a column with a text."""
    own = [rows.start, *itertools.takewhile(lambda row: not column.cells[row], rows[1:])]
    return sum(1 + _two_lines(columns, row) for row in own) - 1


def _lines(columns: Sequence[Column], row: int) -> float:
    """Return the height of a row in lines, with the space above."""
    broken = [_breaks(column, row) for column in columns if column.width is not None]
    stacked = any(column.beneath for column in columns)
    return max(2.2 if stacked else 1.0, *broken, 1.0) + 0.2 * (broken != [])


def _pages(parts: Sequence[Sequence[Column]]) -> list[range]:
    """Return the rows of each page, so that all parts fit below each other."""
    room = MOST_LINES - LINES_OF_HEAD * len(parts)
    starts, filled = [0], 0.0
    for row in range(len(parts[0][0].cells)):
        lines = sum(_lines(columns, row) for columns in parts)
        if filled and filled + lines > room:
            starts.append(row)
            filled = 0.0
        filled += lines
    return [range(*ends) for ends in itertools.pairwise([*starts, len(parts[0][0].cells)])]


def _named(columns: Sequence[Column], row: int) -> list[Column]:
    """Repeat the first cell of a group of rows that continues at the top of a page."""
    first, *others = columns
    above = [cell for cell in first.cells[: row + 1] if cell]
    cells = [above[-1] if i == row and above else cell for i, cell in enumerate(first.cells)]
    return [replace(first, cells=cells), *others]


def table_files(parts: Sequence[Sequence[Column]], wide: bool, caption: str, name: str) -> tuple[str, str]:
    """Return a table with caption and the label ``tab:<name>``, and the same without.

    Args:
        parts: columns of each part, one part below the other.
        wide: whether it spans both columns of a paper.
        caption: in LaTeX.
    """
    kind, floats, bare = "table*" if wide else "table", [], []
    for number, rows in enumerate(_pages(parts)):
        made = "\\par\\medskip\n".join(tabular(_named(columns, rows.start), rows) for columns in parts)
        said = [rf"\caption{{{caption}}}", rf"\label{{tab:{name}}}"]
        if number:
            said = [rf"\caption{{This table continues Table~\ref{{tab:{name}}}.}}"]
        begin = rf"\begin{{{kind}}}", r"\centering\setlength{\belowcaptionskip}{4pt}"
        floats.append("\n".join([*begin, *said, r"\small", made.rstrip(), rf"\end{{{kind}}}", ""]))
        bare.append(made)
    return f"{NEEDS}\n{''.join(floats)}", f"{NEEDS}\n" + "\\par\\medskip\n".join(bare)
