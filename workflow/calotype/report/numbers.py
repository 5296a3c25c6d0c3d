r"""Numbers of a study for the text of a paper: ``\calotype{digits/source/test/accuracy}``."""

import math
import re
from collections.abc import Iterator

from calotype.evaluation.number_format import mean_texts
from calotype.evaluation.study_results import StudyResults
from calotype.metrics.registry import METRICS
from calotype.report.comparisons import p_text
from calotype.report.latex_text import latex

MACRO = "calotype"
NONE = "–"  # the text of a number that does not exist
# Names have digits and hyphens, which a LaTeX command cannot have: so one command takes them as its argument.
HEAD = r"""% Numbers of the study STUDY, for the text of a paper. The workflow writes this file again.
%   \input{results/STUDY/numbers}               in the preamble, once for each study
%   \calotype{study/variant/split/metric}        mean over seeds; shares in per cent, without the sign
%   .../low, .../high, .../interval, .../n       its 95 % interval and its number of seeds
%   \calotype{study/variant/minus/other/split/metric}, .../low, .../high, .../interval, .../p, .../n
%                                                difference, of shares in points; p-value by Holm's method
\providecommand\calotype[1]{\ifcsname calotype:#1\endcsname\csname calotype:#1\endcsname\else
  \PackageError{calotype}{no number `#1'}{No numbers.tex that the paper reads has this name.}\fi}
"""
_LINE = re.compile(rf"^\\expandafter\\def\\csname {MACRO}:(\S+)\\endcsname\{{(.*)\}}$", re.MULTILINE)


def _parts(key: str, mean: float, low: float, high: float, share: bool, sign: bool) -> Iterator[tuple[str, str]]:
    """Yield mean, interval and its ends, by name."""
    text, between = mean_texts(mean, low, high, share, unit=False, sign=sign)
    yield key, text
    yield f"{key}/interval", between or NONE
    ends, _, power = between.removeprefix("[").partition("]")
    for end, shown in zip(("low", "high"), ends.split(", ") if between else (NONE, NONE), strict=True):
        yield f"{key}/{end}", shown + power if shown != NONE else NONE


def _numbers(results: StudyResults) -> Iterator[tuple[str, str]]:
    """Yield name and text of each number."""
    study = results.study
    for variant, parameters in results.parameters.items():
        yield f"{study}/{variant}/parameters", f"{parameters:,}"
    for row in results.table("summary").itertuples():
        key = f"{study}/{row.variant}/{row.split}/{row.metric}"
        yield from _parts(key, row.mean, row.low, row.high, METRICS[row.metric].share, sign=False)
        yield f"{key}/n", f"{row.n:,}"
    for row in results.table("differences").itertuples():
        key = f"{study}/{row.variant}/minus/{row.than}/{row.split}/{row.metric}"
        yield from _parts(key, row.mean, row.low, row.high, METRICS[row.metric].share, sign=True)
        yield f"{key}/p", p_text(row.p_holm)
        yield f"{key}/n", f"{row.n:,}" if row.n == row.n_than else f"{row.n:,} and {row.n_than:,}"


def numbers_file(results: StudyResults) -> str:
    """Return numbers.tex of a study: a line for each mean, interval, number of seeds and difference."""
    lines = [rf"\expandafter\def\csname {MACRO}:{key}\endcsname{{{latex(text)}}}" for key, text in _numbers(results)]
    return HEAD.replace("STUDY", results.study) + "\n".join(lines) + "\n"


def read_numbers(text: str) -> dict[str, str]:
    """Return the numbers of a `numbers_file` as plain text, by name: ``-0.30``, ``1,135``, ``1.2e-8``."""
    found = {}
    for key, value in _LINE.findall(text):
        plain = value.replace("$-$", "-").replace("--", NONE)
        found[key] = re.sub(r"(?:\\,)?\$\\times\\,10\^\{(-?\d+)\}\$", r"e\1", plain)
    return found


def number_of(text: str) -> tuple[float, int] | None:
    """Return a plain number and its decimals; None for another text."""
    text = text.replace(",", "")
    match = re.fullmatch(r"[+-]?\d+(?:\.(\d+))?(?:e(-?\d+))?", text)
    if match is None or not math.isfinite(value := float(text)):
        return None
    return value, len(match[1] or "") - int(match[2] or 0)
