"""A check of the numbers in the text of a paper against the results."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from calotype.metrics.registry import METRICS
from calotype.report.numbers import MACRO, NONE, number_of
from calotype.util.csv_tables import read_csv
from calotype.util.errors import CalotypeError, closest

CLOSE = 3  # units of the last digit: so near, a typed number is taken for a measured one that has changed
_HIDDEN = re.compile(  # comments, code, and what follows the text
    r"(?<!\\)%[^\n]*|\\begin\{(verbatim|lstlisting|comment)\*?\}.*?\\end\{\1\*?\}|\\verb\*?(\W).*?\2", re.DOTALL
)
_NAMES = re.compile(  # commands whose arguments hold no numbers of the text
    r"\\(?:label|\w*ref|\w*cite\w*|url|href|includegraphics|input|include|bibliography\w*|[hv]space|vskip|hskip|"
    rf"setlength|usepackage|documentclass|begin|end|{MACRO})\*?\s*(?:\[[^]]*\]\s*)*(?:\{{[^{{}}]*\}})*"
)
_UNITS = r"(?:pt|cm|mm|in|em|ex|bp|sp|pc)\b|\\(?:text|line|column|page|baseline)\w+"
_NUMBER = re.compile(
    rf"(?<![\w.\\])(\$?[-−–+]?\$?)(\d{{1,3}}(?:(?:,|\\,|\{{,\}})\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)(?![\d.]*\d|\w|\s*(?:{_UNITS}))"
    r"(?=(\s*(?:\\,|~|\{\})?\s*\\%)?)"
)
_USED = re.compile(rf"\\{MACRO}\s*\{{([^{{}}]*)\}}")
_INPUT = re.compile(r"\\(?:input|include)\s*\{([^{}]+)\}")


@dataclass(frozen=True)
class Measured:
    """A mean or a difference: name, value, decimals, and the ends of its interval, if it has one."""

    key: str
    value: float
    decimals: int
    interval: tuple[float, float] | None

    @property
    def is_difference(self) -> bool:
        """True for a difference of two variants, False for a mean."""
        return "/minus/" in self.key

    def near(self, value: float, decimals: int, percent: bool) -> bool:
        """Return True if a typed number may mean this one: it lies in the interval, or differs in the last digit."""
        if percent and (self.is_difference or not METRICS[self.key.rpartition("/")[2]].share):
            return False
        low, high = self.interval or (self.value, self.value)
        inside = low <= value <= high and not self.is_difference
        return inside or abs(value - self.value) <= (CLOSE + 1e-6) * 10.0**-decimals


@dataclass(frozen=True)
class Found:
    """Lines about macros without a number and about typed numbers, and how many of each are right."""

    missing: Sequence[str]
    typed: Sequence[str]
    used: int
    equal: int


def measured_numbers(numbers: Mapping[str, str]) -> list[Measured]:
    """Return means and differences of the numbers that `read_numbers` returns."""
    found = []
    for key, text in numbers.items():
        ends = [number_of(numbers.get(f"{key}/{end}", "")) for end in ("low", "high")]
        if f"{key}/interval" in numbers and (number := number_of(text)):
            low, high = ends
            found.append(Measured(key, *number, (low[0], high[0]) if low and high else None))
    return found


def published_numbers(claims: Path) -> list[float]:
    """Return the published numbers in a claims.csv, which a paper may cite, of shares in per cent."""
    if not claims.is_file():
        return []
    table = read_csv(claims)
    scale = [100.0 if METRICS[metric].share else 1.0 for metric in table.metric]
    return [number for column in ("number", "second") for number in (table[column] * scale).dropna()]


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _files(file: Path, root: Path, seen: set[Path]) -> Iterator[tuple[Path, str]]:
    """Yield the files of a paper with their text, without comments and code, in which lines keep their numbers.

    Files of the results are left out, and so are files that LaTeX finds elsewhere.
    """
    if file in seen:
        return
    seen.add(file)
    try:
        text = _HIDDEN.sub(_blank, file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CalotypeError(f"{file}: cannot be read: {error}.", "give a LaTeX file in UTF-8.") from None
    yield file, text
    for name in _INPUT.findall(text):
        for other in (root / name, root / f"{name}.tex"):
            if other.suffix == ".tex" and other.is_file() and other.name != "numbers.tex":
                yield from _files(other, root, seen)


def _typed(text: str) -> Iterator[tuple[int, str, float, int, bool]]:
    """Yield place, digits, value, decimals, and whether a per cent sign follows, of each typed number with any."""
    plain = _NAMES.sub(_blank, text)
    for match in _NUMBER.finditer(plain, max(0, text.find(r"\begin{document}"))):
        digits = re.sub(r"[,{}\\]", "", match[2])
        decimals, percent = len(digits.partition(".")[2]), match[3] is not None
        if decimals or percent:
            ranges = plain[: match.start()].endswith(("-", "–"))  # 87.4--94.2
            negative = bool(re.search("[-−–]", match[1])) and not ranges
            yield match.start(), match[2], -float(digits) if negative else float(digits), decimals, percent


def _nearest(near: Sequence[Measured], value: float, decimals: int) -> Measured:
    """Return the nearest number; of those about as near, the first, which is of the more usual metric."""
    distance = min(abs(number.value - value) for number in near)
    return next(one for one in near if abs(one.value - value) < distance + 1.5 * 10.0**-decimals)


def check(file: Path, numbers: Mapping[str, str], published: Sequence[float] = ()) -> Found:
    r"""Compare a paper with the results.

    A typed number is checked if it has decimals or stands before a per cent sign. It is right if a number of the
    results, rounded to the same decimals, is equal to it. Else it is named if it lies in the interval of a mean, or
    within three units of its last digit from a mean or a difference.

    Args:
        numbers: as `read_numbers` returns them, of all studies.
        published: numbers that the paper may cite.

    Raises:
        CalotypeError: a file is missing or unreadable.
    """
    known, missing, typed, used, equal = measured_numbers(numbers), [], [], 0, 0
    values = [(abs(found[0]), found[1]) for text in numbers.values() if (found := number_of(text))]
    values += [(abs(number), 15) for number in published]

    def is_right(value: float, decimals: int) -> bool:
        # A number with more decimals than the results show is right if it rounds to theirs.
        return any(
            round(one, decimals) == abs(value) or (0 < shown < decimals and round(abs(value), shown) == one)
            for one, shown in values
        )

    for path, text in _files(file, file.parent, set()):

        def place(start: int, path: Path = path, text: str = text) -> str:
            return f"{path}:{text.count(chr(10), 0, start) + 1}"

        for macro in _USED.finditer(text):
            used += 1
            if macro[1] not in numbers:
                hint = closest(macro[1], numbers) or "numbers.tex of the study lists all names."
                missing.append(f"{place(macro.start())}: no number `{macro[1]}`. Hint: {hint}")
        for start, digits, value, decimals, percent in _typed(text):
            if is_right(value, decimals):
                equal += 1
                continue
            near = [number for number in known if number.near(value, decimals, percent)]
            if near:
                nearest = _nearest(near, value, decimals)
                shown = f"{numbers[nearest.key]} {numbers[f'{nearest.key}/interval']}".removesuffix(f" {NONE}")
                typed.append(f"{place(start)}: {digits} is near {shown}. Hint: use \\{MACRO}{{{nearest.key}}}")
    return Found(missing, typed, used, equal)
