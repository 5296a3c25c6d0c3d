"""Read the text of a table, whichever spreadsheet program wrote it: its encoding, its separator, its decimal commas.

Only what the file shows for certain is read; everything else is an error. UTF-16 begins with a mark. A separator is
certain if it gives every line the same number of fields. Other encodings, such as Windows-1252, have no mark.
"""

import codecs
import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from calotype.data.catalogue_common import spelled
from calotype.util.errors import CalotypeError, did_you_mean
from calotype.util.files import check_regular

TABLES: Mapping[str, str] = {".csv": ",", ".tsv": "\t"}  # the usual separator of a suffix
SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "vertical lines"}
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
SPREADSHEET = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # first bytes of .xlsx, .ods and .xls
DECLARED = re.compile(r'"?sep=(.)"?[ ,;\t]*(\r\n|\r|\n)')  # first line that tells Excel the separator
SAVE = "save it as CSV in UTF-8; Excel calls it `CSV UTF-8`."
NUMBER = re.compile(r"\s*[+-]?\d+(,\d+)?(e[+-]?\d+)?\s*", re.IGNORECASE)  # with a decimal comma, or none
THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2},\d{3}\s*")  # 1,000 may be one or a thousand
DIGITS = re.compile(r"\s*[+-]?[\d.,]*\d[\d.,]*\s*")

Lines = list[tuple[int, list[str]]]


@dataclass(frozen=True)
class LabelTable:
    """The text of a table: the names of its columns, and its lines with their numbers in the file."""

    file: Path
    header: list[str]
    lines: Lines
    unusual: list[str] = field(default_factory=list)  # properties that new_study and the catalogue tell the user

    def column(self, name: str, key: str) -> list[str]:
        """Return the fields of a column; `key` is the config key that names the column."""
        names = [*map(spelled, self.header)]
        if (number := names.count(spelled(name))) > 1:
            raise CalotypeError(f"{self.file}: duplicate column `{name}` ({key}).", "rename one of them.")
        if not number:
            raise CalotypeError(f"{self.file}: column `{name}` ({key}) not found.", did_you_mean(name, self.header))
        place = names.index(spelled(name))
        return [fields[place] for _, fields in self.lines]


class _Reading(NamedTuple):
    """A table as one separator gives it, without lines that have no text, up to the first problem."""

    separator: str
    lines: Lines  # the first one has the names of the columns
    problem: str = ""  # begins with the line
    hint: str = ""

    @property
    def columns(self) -> int:
        return len(self.lines[0][1]) if self.lines else 0

    @property
    def is_table(self) -> bool:
        return self.columns > 1 and not self.problem


def read_table(file: Path) -> LabelTable:
    """Read a CSV file, or a TSV file (.tsv), as text; lines without any text are left out.

    Numbers with decimal commas get decimal points, if the commas do not separate the columns.
    """
    content = _content(file)
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")
    text = _decoded(file, content, encoding)
    if "\0" in text.partition("\n")[0]:
        raise CalotypeError(f"{file}: not a table: it contains zero bytes.", SAVE)
    usual = TABLES.get(file.suffix.lower(), ",")
    reading = _reading(file, text, usual)
    if reading.problem:
        raise CalotypeError(f"{file}, {reading.problem}", reading.hint)
    if not reading.lines:
        raise CalotypeError(f"{file}: not a table: it is empty.", "its first line must name the columns.")
    (_, header), *lines = reading.lines
    if not lines:
        raise CalotypeError(f"{file}: not a table: it has no line after its header.", "write one line for each image.")
    unusual = ["text in UTF-16"] if encoding == "utf-16" else []
    if reading.separator != usual:
        unusual.append(f"columns separated by {SEPARATORS.get(reading.separator, repr(reading.separator))}")
    if reading.separator != ",":
        lines, names = _with_decimal_points(header, lines)
        if names:
            unusual.append(f"decimal commas in {', '.join(f'`{name}`' for name in names)}, read as decimal points")
    return LabelTable(file, header, lines, unusual)


def _content(file: Path) -> bytes:
    check_regular(file)
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise CalotypeError(f"table.file: {file} not found.", "its path starts from `folder`.") from None
    except OSError as error:
        raise CalotypeError(f"table.file: {file}: cannot be read: {error.strerror}.") from None
    if content.startswith(SPREADSHEET):
        raise CalotypeError(f"{file}: not a table, but the file of a spreadsheet program.", SAVE)
    return content


def _decoded(file: Path, content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-16":
            raise CalotypeError(f"{file}: not UTF-16 text, though it begins as such: {error.reason}.", SAVE) from None
        line = len((content[: error.start] + b"?").splitlines())
        seen = content.splitlines()[line - 1][:60].decode("cp1252", "replace")
        convert = f"; or, if this line is {seen!r}, convert it: iconv -f CP1252 -t UTF-8 {file.name} > new.csv"
        hint = SAVE if b"\0" in content or "\ufffd" in seen else f"{SAVE[:-1]}{convert}"
        raise CalotypeError(f"{file}, line {line}: not UTF-8 text.", hint) from None


def _reading(file: Path, text: str, usual: str) -> _Reading:
    """Return the table with the separator of its suffix if that gives several columns, or else with the one that does.

    If several others do, it is an error. If none does, the one with the most columns in the first line has the problem.
    """
    if declared := DECLARED.match(text):
        return _separated(text, declared[1], declared.end())
    first = _separated(text, usual)
    if first.is_table:
        return first
    others = [_separated(text, separator) for separator in SEPARATORS if separator != usual]
    if len(tables := [each for each in others if each.is_table]) > 1:
        ways = " or ".join(SEPARATORS[each.separator] for each in tables)
        raise CalotypeError(
            f"{file}: not a table: its columns can be separated by {ways}.", f"separate them by {SEPARATORS[usual]}."
        )
    return tables[0] if tables else max([first, *others], key=lambda each: each.columns)


def _separated(text: str, separator: str, start: int = 0) -> _Reading:
    """Return the table with this separator, from a place in its text."""
    lines: Lines = []
    before = 1 if start else 0  # lines
    begins = before + 1  # line of the file on which the next line of the table begins
    # Not pandas: it pads short lines, and takes the first field of long ones as the index.
    source = io.StringIO(text[start:], newline="")
    reader = csv.reader(source, delimiter=separator, skipinitialspace=True, strict=True)
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                lines.append((begins, fields))
            begins = before + reader.line_num + 1
    except csv.Error as error:
        return _Reading(separator, lines, f"line {begins}: not a table: {error}.", "check the quotes of this line.")
    return _Reading(separator, lines, *_uneven(lines, separator))


def _uneven(lines: Lines, separator: str) -> tuple[str, str]:
    """Return the first line with another number of fields than the header, and a hint; empty without one."""
    columns = len(lines[0][1]) if lines else 0
    line, fields = next((each for each in lines if len(each[1]) != columns), (0, []))
    if not line:
        return "", ""
    name = SEPARATORS.get(separator, repr(separator))
    hint = "put quotes around fields that contain the separator."
    if columns == 1:
        hint = "the first line must name the columns, as in image,label."
    elif len(fields) < columns:
        hint = "add the missing fields; an empty field also needs its separator."
    elif not any(fields[columns:]):
        hint = f"remove the {name} at the ends of lines, or add them to the first line."
    number = f"{len(fields)} field{'s' * (len(fields) != 1)} instead of {columns}"
    return f"line {line}: not a table: {number}, separated by {name}.", hint


def _with_decimal_points(header: Sequence[str], lines: Lines) -> tuple[Lines, list[str]]:
    """Replace the decimal commas of each column in which they are certain; return the names of these columns, too."""
    columns = [[*column] for column in zip(*(fields for _, fields in lines), strict=True)]
    certain = [place for place, column in enumerate(columns) if _has_decimal_commas(column)]
    for place in certain:
        columns[place] = [text.replace(",", ".") if NUMBER.fullmatch(text) else text for text in columns[place]]
    changed = [(line, [*fields]) for (line, _), fields in zip(lines, zip(*columns, strict=True), strict=True)]
    return changed if certain else lines, [header[place] for place in certain]


def _has_decimal_commas(column: Sequence[str]) -> bool:
    """Return True if a column has numbers with decimal commas, and none with a point or several commas.

    At least one comma must be no separator of thousands, and at least half of the fields must be numbers.
    """
    numbers = [text for text in column if NUMBER.fullmatch(text)]
    return (
        any("," in text and not THOUSANDS.fullmatch(text) for text in numbers)
        and len(numbers) >= len(column) / 2
        and all(NUMBER.fullmatch(text) for text in column if DIGITS.fullmatch(text))
    )
