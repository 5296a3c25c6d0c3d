"""Tables come back as they were written, and hold nothing that a spreadsheet would run."""

import csv

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calotype.util.csv_tables import read_csv
from calotype.util.files import write_csv

RUN = "=+-@\t\r"  # a cell that begins with one of these is a formula
TEXTS = st.text("=+-@'\"|!,; aé0.\t", max_size=8) | st.from_regex(r"[+-]?[0-9]{1,3}(\.[0-9])?", fullmatch=True)


def cells(file):
    with open(file, encoding="utf-8", newline="") as lines:
        return [row[0] for row in csv.reader(lines)][1:]


@settings(max_examples=300, derandomize=True, database=None, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
def test_no_cell_is_a_formula_and_every_text_comes_back(texts, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "table.csv"
    write_csv(pd.DataFrame({"note": texts, "number": range(len(texts))}), file)
    for cell in cells(file):
        if cell.startswith(tuple(RUN)):
            assert cell.strip("+-0123456789.") == ""
    found = read_csv(file)
    assert found.note.tolist() == texts
    assert found.number.tolist() == [*range(len(texts))]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("@SUM(1+1)", "'@SUM(1+1)"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("'=1", "''=1"),
        ("-1", "-1"),
        ("+2.5", "+2.5"),
        ("-1e-05", "-1e-05"),
        ("a=b", "a=b"),
        ("'quoted'", "'quoted'"),
        ("", ""),
    ],
)
def test_only_names_that_a_spreadsheet_would_run_are_changed(tmp_path, name, cell):
    write_csv(pd.DataFrame({"note": [name]}), tmp_path / "table.csv")
    assert cells(tmp_path / "table.csv") == [cell]
    assert read_csv(tmp_path / "table.csv").note.tolist() == [name]
