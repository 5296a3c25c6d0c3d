"""Tables hold the numbers in full, show them in few digits, and LaTeX takes them."""

import math
import re
import shutil
import subprocess

import pandas as pd
import pytest

from calotype.errors import CalotypeError
from calotype.tables import escape, show, summary_latex, write_csv

HOSTILE = r"50 % & $x_1^2$ #1 {a} ~b \input{secret}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.888, "88.8 %"),
        (0.5, "50.0 %"),
        (0.99, "99.0 %"),
        (0.01, "1.0 %"),
        (0.995, "99.50 %"),
        (0.005, "0.50 %"),
        (0.99955, "99.955 %"),
        (0.00045, "0.045 %"),
        (0.0, "0.0 %"),
        (1.0, "100.0 %"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_shares_get_the_digits_that_tell_them_apart(value, shown):
    assert show(value, share=True) == shown
    assert show(value, share=True, unit=False) == shown.removesuffix(" %")


@pytest.mark.parametrize("value", [0.999_999, 0.999_999_9, 1 - 1e-12])
def test_a_share_below_one_is_not_shown_as_all(value):
    assert not show(value, share=True).startswith("100")


@pytest.mark.parametrize("value", [1.04, -0.03, 1.004, -0.004])
def test_ends_of_an_interval_beyond_all_and_nothing_get_no_invented_digits(value):
    """Student's t knows nothing of 0 and 100 %; such an end is vague, and three decimals would say the opposite."""
    assert re.fullmatch(r"-?\d+\.\d{1,2} %", show(value, share=True))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3.14159, "3.142"),
        (0.00012345, "0.0001234"),
        (0.0, "0"),
        (-2.5, "-2.5"),
        (1234.5678, "1235"),
        (12345.6, "12\u202f346"),
        (1234567.0, "1\u202f234\u202f567"),
        (math.nan, "–"),
    ],
)
def test_plain_numbers_get_four_digits(value, shown):
    assert show(value, share=False) == shown


@pytest.mark.parametrize("value", [9999.4, 9999.5, 9999.96, -9999.7])
def test_plain_numbers_just_below_ten_thousand_are_not_shown_as_powers(value):
    assert "e" not in show(value, share=False)


def test_csv_loses_no_digit_and_has_no_row_names(tmp_path):
    values = [0.1 + 0.2, 1 / 3, 1e-300, 123456789.123456789]
    write_csv(pd.DataFrame({"metric": list("abcd"), "value": values}), tmp_path / "new" / "runs.csv")
    assert (tmp_path / "new" / "runs.csv").read_bytes().startswith(b"metric,value\na,0.30000000000000004\n")
    assert pd.read_csv(tmp_path / "new" / "runs.csv").value.tolist() == values


def test_csv_is_written_whole_or_not_at_all(tmp_path, files_no_longer_than):
    table = pd.DataFrame({"value": range(1000)})
    with pytest.raises(CalotypeError, match=r"runs\.csv: cannot be written"), files_no_longer_than(500):
        write_csv(table, tmp_path / "runs.csv")
    assert list(tmp_path.iterdir()) == []


# ---- LaTeX -----------------------------------------------------------------------------------------------------------


def summary(variants=("wide", "deep"), splits=("test", "test-large")):
    rows = []
    for variant in variants:
        for split in splits:
            rows += [
                ("dots", variant, split, "exact", 0.888, 0.841, 0.935, 5),
                ("dots", variant, split, "off_by_more_than_one", 0.001, math.nan, math.nan, 5),
                ("dots", variant, split, "sum_of_squared_errors", 12345.6, 12000.0, 13000.0, 5),
            ]
    return pd.DataFrame(rows, columns=["study", "variant", "split", "metric", "mean", "low", "high", "n"])


def pooled():
    """Of 2,000 images in `test` and 20,000 in `test-large`, with five seeds."""
    rows = [
        ("dots", variant, split, metric, 0.888, 0.88, 0.89, 5 * images, 5)
        for variant in ("wide", "deep")
        for split, images in (("test", 2000), ("test-large", 20_000))
        for metric in ("exact", "off_by_more_than_one")
    ]
    columns = ["study", "variant", "split", "metric", "value", "low", "high", "images", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def latex(label="Wide", table=None):
    table = summary() if table is None else table
    labels = {"wide": label, "deep": "Deep"}
    return summary_latex(table, pooled(), labels, escape(HOSTILE) + r": mean over $n$ seeds.", "dots")


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)&", line.strip().removesuffix(r"\\"))]


def test_every_character_that_latex_takes_for_a_command_is_escaped():
    assert escape(r"a_b") == r"a\_b"
    assert escape(r"50 % & 3 # {x} $y$") == r"50 \% \& 3 \# \{x\} \$y\$"
    assert escape(r"~^\ ") == r"\textasciitilde{}\textasciicircum{}\textbackslash{} "
    assert escape("Zählen – ok") == "Zählen – ok"


@pytest.mark.parametrize("character", "<>|")
def test_characters_that_latex_prints_as_others_are_escaped(character):
    """In LaTeX's default font encoding `<` prints as an upside-down exclamation mark."""
    assert escape(character) != character


def test_latex_table_has_a_line_for_each_variant_and_split():
    lines = latex().splitlines()
    rows = [cells(line) for line in lines[lines.index(r"    \midrule") + 1 : lines.index(r"    \bottomrule")]]
    assert [row[:2] for row in rows] == [["Wide", "test"], ["", "test-large"], ["Deep", "test"], ["", "test-large"]]
    assert [row[2] for row in rows] == ["2000", "20000", "2000", "20000"]
    assert rows[0][3:] == ["88.8", "[84.1, 93.5]", "0.10", "", r"12\,346", r"[12\,000, 13\,000]", "5"]
    assert r"\label{tab:dots}" in latex()


def test_latex_table_has_a_column_for_every_cell():
    lines = latex().splitlines()
    columns = re.sub(r"@\{.*?\}", "", re.search(r"\{tabular\}\{(.*)\}$", "\n".join(lines), re.M)[1])
    head = next(line for line in lines if "Variant" in line)
    assert len(columns) == len(cells(head)) + head.count(r"\multicolumn{2}") == 10
    for line in lines[lines.index(r"    \midrule") + 1 : lines.index(r"    \bottomrule")]:
        assert len(cells(line)) == len(columns)


def test_labels_cannot_break_the_latex_table():
    text = latex(label=HOSTILE)
    assert escape(HOSTILE) in text
    assert HOSTILE not in text
    plain = re.sub(r"\\[\\{}]", "", text)
    assert plain.count("{") == plain.count("}")


def test_latex_table_leaves_out_metrics_that_were_not_measured():
    table = summary()
    text = latex(table=table[table.metric != "sum_of_squared_errors"])
    assert "squared" not in text
    assert "Exact count" in text


def test_latex_compiles(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed; Debian: texlive-latex-recommended")
    document = ["\\documentclass{article}", "\\usepackage{booktabs}", "\\begin{document}", latex(label=HOSTILE)]
    (tmp_path / "paper.tex").write_text("\n".join([*document, "\\end{document}", ""]), encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "paper.pdf").read_bytes().startswith(b"%PDF")
