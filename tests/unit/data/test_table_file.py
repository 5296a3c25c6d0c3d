"""A table is read as the program that wrote it meant it, or not at all."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calotype.data.table_file import SEPARATORS, read_table
from calotype.util.errors import CalotypeError

TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc")) | st.sampled_from('",;\t|\n'), max_size=6)
FIELDS = TEXTS.map(lambda text: f"x{text}")  # no line is blank, and no field begins with a space
ROWS = st.integers(2, 4).flatmap(lambda columns: st.lists(st.tuples(*[FIELDS] * columns).map(list), min_size=2))


def saved(rows: list[list[str]], separator: str, encoding: str, end: str, name: str = "t.csv") -> Path:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=end).writerows(rows)
    Path(name).write_bytes(text.getvalue().encode(encoding))
    return Path(name)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@settings(max_examples=150, derandomize=True, database=None, deadline=None)
@given(rows=ROWS, separator=st.sampled_from([*SEPARATORS]), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
       end=st.sampled_from(["\n", "\r\n"]))  # fmt: skip
def test_a_table_is_read_as_it_was_saved_or_refused(rows, separator, encoding, end, tmp_path_factory):
    file = saved(rows, separator, encoding, end, str(tmp_path_factory.getbasetemp() / "t.csv"))
    try:
        found = read_table(file)
    except CalotypeError as error:
        assert "can be separated by" in str(error)  # noqa: PT017
        return
    if separator == "," or any("separated" in each for each in found.unusual):  # else commas fit, too, as its name says
        assert [found.header, *(fields for _, fields in found.lines)] == rows


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["0,5", "1", "-2,25", "+3,5"], ["0.5", "1", "-2.25", "+3.5"]),
        (["1,000", "2,5", "12,345"], ["1.000", "2.5", "12.345"]),  # 2,5 shows that the others are no thousands
        (["1,5E-05", "2,5e3"], ["1.5E-05", "2.5e3"]),
        (["0,125", "0,250"], ["0.125", "0.250"]),
        (["1234,567", "1,000"], ["1234.567", "1.000"]),
        (["0,5", "n/a", "0,7"], ["0.5", "n/a", "0.7"]),
        (["1,000", "2,000"], None),
        (["0,5", "1.5"], None),
        (["0,5", "1.000,5"], None),
        (["1,5", "1,5,7"], None),  # lists
        (["1,5", "elm", "oak"], None),
        (["1", "2"], None),
    ],
)
def test_decimal_commas_are_read_where_nothing_else_is_meant(written, read):
    rows = [["image", "size (µm)", "note"], *([f"{i}.png", each, "a, b"] for i, each in enumerate(written))]
    found = read_table(saved(rows, ";", "utf-8", "\n"))
    assert found.column("size (µm)", "") == (read or written)
    assert found.column("note", "") == ["a, b"] * len(written)
    said = ["decimal commas in `size (µm)`, read as decimal points"] if read else []
    assert found.unusual == ["columns separated by semicolons", *said]
    rows[0][1] = "size"
    assert read_table(saved(rows, ",", "utf-8", "\n")).column("size", "") == written, "commas that separate columns"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('sep=;\r\nimage;label\r\n"a\r\nb";c\r\nd\r\n', 5),
        ("sep=;\rimage;label\rd\r", 3),
        ('image;label\na;b\n"c\nd"\n', 3),
        ('image;label\n\n"a\nb";c\nd\n', 5),
        ('image;label\na;b\nc;"d\ne;f\n', 3),
    ],
)
def test_an_error_gives_the_line_as_an_editor_counts_it(text, line):
    Path("t.csv").write_bytes(text.encode())
    with pytest.raises(CalotypeError, match=f"^t.csv, line {line}: "):
        read_table(Path("t.csv"))
