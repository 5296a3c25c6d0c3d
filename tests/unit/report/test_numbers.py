"""The numbers in the text of a paper are those of the results: LaTeX reads them, and a check finds all others."""

import re
import shutil
import subprocess

import pandas as pd
import pytest
from unit.pages import CLASS_LABELS, CLASS_PREDICTIONS, PREDICTIONS, TRAINING, class_config, config, origin, results

from calotype.evaluation.comparisons import DIFFERENCES
from calotype.report.manuscript import check, measured_numbers, published_numbers
from calotype.report.numbers import number_of, numbers_file, read_numbers
from calotype.util.errors import CalotypeError
from calotype.util.files import write_csv

needs_latex = pytest.mark.skipif(not shutil.which("pdflatex"), reason="LaTeX is not installed")
MEAN = "clothes/plain/test/accuracy"
DIFFERENCE = "clothes/other/minus/plain/test/accuracy"


@pytest.fixture
def made(tmp_path):
    """Return the results of a study of two variants with three seeds each."""
    packs = [origin(variant, 0, 2) for variant in CLASS_PREDICTIONS]
    found = class_config(
        claims=[{"variant": "plain", "split": "test", "metric": "accuracy", "value": 0.934, "quote": "."}]
    )
    return results(tmp_path, found, CLASS_PREDICTIONS, packs, TRAINING, CLASS_LABELS)


@pytest.fixture
def numbers(made):
    return read_numbers(numbers_file(made))


def test_each_mean_interval_and_difference_has_a_name_that_is_made_of_the_config(numbers):
    assert (numbers[MEAN], numbers[f"{MEAN}/n"]) == ("90", "3")
    assert numbers[f"{MEAN}/interval"] == f"[{numbers[f'{MEAN}/low']}, {numbers[f'{MEAN}/high']}]"
    assert (numbers[DIFFERENCE], numbers[f"{DIFFERENCE}/interval"]) == ("-10", "[-33, +13]")
    assert (numbers[f"{DIFFERENCE}/p"], numbers[f"{DIFFERENCE}/n"]) == ("0.30", "3")
    assert numbers["clothes/plain/parameters"] == "338,881"
    assert numbers["clothes/plain/train/training_accuracy"] == "92.0"


def test_a_number_without_an_interval_keeps_its_names(tmp_path):
    lost = {"wide": dict.fromkeys(range(3), 1)}
    found = results(tmp_path, config(), PREDICTIONS, [origin("wide", 0, 2), origin("deep", 0, 0)], lost=lost)
    numbers = read_numbers(numbers_file(found))
    for end in ("", "/low", "/high", "/interval"):
        assert numbers[f"dots/wide/test/exact{end}"] == "–"
    assert number_of("–") is None


def test_small_and_large_numbers_are_read_back(tmp_path, made):
    rows = [("clothes", "test", "log_loss", "other", "plain", 1.23e-8, 1.1e-8, 1.4e-8, 3, 2, "Welch", 0.01, 0.02, 1.0)]
    write_csv(
        pd.DataFrame([(*row, *[float("nan")] * 4) for row in rows], columns=DIFFERENCES), tmp_path / "differences.csv"
    )
    made._read.clear()
    numbers = read_numbers(numbers_file(made))
    key = "clothes/other/minus/plain/test/log_loss"
    assert number_of(numbers[key]) == (pytest.approx(1.23e-8), 10)
    assert number_of(numbers[f"{key}/low"])[0] == pytest.approx(1.1e-8)
    assert numbers[f"{key}/n"] == "3 and 2"
    assert number_of("1,135") == (1135, 0)


# ---- LaTeX -----------------------------------------------------------------------------------------------------------


def typeset(folder, text):
    (folder / "paper.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", "paper"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")


PAPER = r"""\documentclass{article}
\input{numbers}
\input{again/numbers}
\begin{document}
\section{Accuracy of \calotype{clothes/plain/test/accuracy}\,\%}
%s
\end{document}
"""


@needs_latex
def test_latex_prints_the_numbers_by_their_names_and_stops_at_one_that_does_not_exist(tmp_path, made, numbers):
    text = numbers_file(made)
    (tmp_path / "again").mkdir()
    for file in (tmp_path / "numbers.tex", tmp_path / "again/numbers.tex"):
        file.write_text(text, encoding="utf-8")
    everything = "\n\n".join(rf"\verb|{key}| \calotype{{{key}}}" for key in numbers)
    done = typeset(tmp_path, PAPER.replace("%s", everything))
    assert done.returncode == 0, done.stdout
    if shutil.which("pdftotext"):
        printed = subprocess.run(
            ["pdftotext", "-layout", "paper.pdf", "-"], cwd=tmp_path, capture_output=True, text=True
        )
        assert re.search(rf"{DIFFERENCE}/interval\s+\[−33, \+13\]", printed.stdout)
    wrong = typeset(tmp_path, PAPER.replace("%s", r"\calotype{clothes/plane/test/accuracy}"))
    assert wrong.returncode != 0
    assert "no number `clothes/plane/test/accuracy'" in wrong.stdout


# ---- The check -------------------------------------------------------------------------------------------------------

NUMBERS = {
    "s/a/test/accuracy": "90.8", "s/a/test/accuracy/interval": "[89.1, 92.2]", "s/a/test/accuracy/low": "89.1",
    "s/a/test/accuracy/high": "92.2", "s/a/test/accuracy/n": "50", "s/a/test/log_loss": "0.343",
    "s/a/test/log_loss/interval": "–", "s/b/minus/a/test/accuracy": "-0.30",
    "s/b/minus/a/test/accuracy/interval": "[-0.70, +0.09]", "s/b/minus/a/test/accuracy/low": "-0.70",
    "s/b/minus/a/test/accuracy/high": "+0.09", "s/a/parameters": "1,135",
}  # fmt: skip


def checked(tmp_path, text, published=(), **files):
    for name, content in {"paper": text, **files}.items():
        (tmp_path / f"{name}.tex").write_text(content, encoding="utf-8")
    return check(tmp_path / "paper.tex", NUMBERS, published)


@pytest.mark.parametrize(
    "text",
    [
        r"It reaches 90.9\,\% on test.", r"It reaches $90.5\%$.", "It reaches 91.4.", r"90\% are right",
        r"\qty{90.7}{\percent}", "a loss of 0.345", "changes it by $-0.31$ points", r"between 89.3--90.8\,\%",
    ],
)  # fmt: skip
def test_a_typed_number_near_a_measured_one_is_named_with_its_line(tmp_path, text):
    found = checked(tmp_path, f"First line.\n{text}\n")
    (line,) = found.typed
    assert line.startswith(f"{tmp_path}/paper.tex:2: ")
    assert "Hint: use \\calotype{s/" in line


@pytest.mark.parametrize(
    "text",
    [
        r"It reaches 90.8\,\% [89.1, 92.2] and 91\% with a loss of 0.34, $-0.30$ [$-0.70$, 0.09].", "exactly 90.83",
        "In 2026 we ran 50 seeds with 1{,}135 parameters in Section 90.",
        r"\includegraphics[width=0.91\textwidth]{a91.2} \ref{tab:90.9} \cite{x90.7} \vspace{90.9pt} 90.9pt",
        "% 90.9\n\\begin{verbatim}90.9\\end{verbatim} \\verb|90.9|", "Version 90.9.1 of x90.9",
        r"5\% of 0.002 are 3.7 points",
        r"\documentclass{a}\newcommand{\x}{90.9}\begin{document}text\end{document}",
    ],
)  # fmt: skip
def test_right_numbers_and_those_that_are_no_result_are_not_named(tmp_path, text):
    assert checked(tmp_path, text).typed == []


def test_published_numbers_may_be_cited(tmp_path, made):
    published = published_numbers(tmp_path / "claims.csv")
    assert published == [pytest.approx(93.4)]
    assert made.study == "clothes"
    assert checked(tmp_path, r"They say 90.09\,\%.", [90.09]).typed == []
    assert checked(tmp_path, r"They say 90.09\,\%.").typed != []
    assert published_numbers(tmp_path / "none.csv") == []


def test_macros_that_no_longer_exist_are_named_also_in_files_that_the_paper_reads(tmp_path):
    text = "\\input{results}\n\\calotype{s/a/test/accuracy} \\calotype{s/c/test/accuracy}\n% \\calotype{gone}\n"
    found = checked(tmp_path, text, results="\n\\calotype{s/a/test/acuracy}, 90.9\\,\\%\n\\input{paper}")
    assert found.missing == [
        f"{tmp_path}/paper.tex:2: no number `s/c/test/accuracy`. Hint: did you mean `s/a/test/accuracy`?",
        f"{tmp_path}/results.tex:2: no number `s/a/test/acuracy`. Hint: did you mean `s/a/test/accuracy`?",
    ]
    assert (found.used, len(found.typed)) == (3, 1)


def test_a_paper_that_cannot_be_read_is_one_clear_error(tmp_path):
    with pytest.raises(CalotypeError, match=re.escape(f"{tmp_path}/none.tex: cannot be read")):
        check(tmp_path / "none.tex", NUMBERS)


def test_only_means_and_differences_are_looked_for():
    assert [number.key for number in measured_numbers(NUMBERS)] == [
        "s/a/test/accuracy", "s/a/test/log_loss", "s/b/minus/a/test/accuracy"
    ]  # fmt: skip
