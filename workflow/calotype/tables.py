"""CSV and LaTeX tables."""

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from calotype.evaluation import COUNT_METRICS
from calotype.files import new_file

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


def write_csv(table: pd.DataFrame, file: Path) -> None:
    """Write a table with its columns and no row names; numbers in full, so that nothing is lost.

    Raises:
        CalotypeError: the file cannot be written.
    """
    with new_file(file) as aside:
        table.to_csv(aside, index=False, lineterminator="\n")


def show(value: float, share: bool, unit: bool = True) -> str:
    """A number as figures, tables and the report show it: a share in per cent, four significant digits otherwise.

    Shares close to one get the digits that tell them from it.
    """
    if not math.isfinite(value):
        return "–"
    if not share:
        return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}".replace(",", "\u202f")
    percent = 100 * value
    digits = 1 if 1 <= percent <= 99 else 2 if percent in (0, 100) or min(percent, 100 - percent) >= 0.1 else 3
    return f"{percent:.{digits}f}{' %' if unit else ''}"


def escape(text: str) -> str:
    """Text as LaTeX prints it."""
    return "".join(_LATEX.get(character, character) for character in text)


def summary_latex(
    summary: pd.DataFrame, pooled: pd.DataFrame, labels: Mapping[str, str], caption: str, name: str
) -> str:
    """The summary of a study as a booktabs table: a line for each variant and test split, mean and 95 % interval.

    Args:
        summary: as `evaluation.summary_table` gives it.
        pooled: as `evaluation.pooled_table` gives it; says how many images there were.
        labels: of the variants, by name.
        caption: of the table.
        name: for ``\\ref{tab:<name>}``.
    """
    metrics = [metric for metric in COUNT_METRICS if (summary.metric == metric).any()]
    heads = []
    for metric in metrics:
        unit = r" (\%)" if COUNT_METRICS[metric].share else ""
        heads.append(escape(COUNT_METRICS[metric].label.capitalize()) + unit)
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{caption}}}",
        rf"  \label{{tab:{name}}}",
        rf"  \begin{{tabular}}{{llr{'r@{ }l' * len(metrics)}r}}",
        r"    \toprule",
        "    Variant & Test split & Images"
        + "".join(rf" & \multicolumn{{2}}{{l}}{{{head}}}" for head in heads)
        + r" & $n$ \\",
        r"    \midrule",
    ]
    images = (pooled.images // pooled.seeds).groupby([pooled.variant, pooled.split]).first()
    shown = ""
    for (variant, split), group in summary.groupby(["variant", "split"], sort=False):
        by_metric = group.set_index("metric")
        cells = []
        for metric in metrics:
            row, share = by_metric.loc[metric], COUNT_METRICS[metric].share
            mean, low, high = (
                show(value, share, unit=False).replace("\u202f", r"\,") for value in row[["mean", "low", "high"]]
            )
            cells += [mean, f"[{low}, {high}]" if low != "–" else ""]
        first = escape(labels[str(variant)]) if variant != shown else ""
        shown = str(variant)
        lines.append(
            "    "
            + " & ".join(
                [first, escape(str(split)), str(images[variant, split]), *cells, str(int(by_metric.n.iloc[0]))]
            )
            + r" \\"
        )
    return "\n".join([*lines, r"    \bottomrule", r"  \end{tabular}", r"\end{table}", ""])
