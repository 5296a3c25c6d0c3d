"""CSV and LaTeX tables."""

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from calotype.errors import CalotypeError
from calotype.evaluation import COUNT_METRICS
from calotype.files import new_file

NUMBERS = ("value", "mean", "low", "high", "predicted")  # columns that may be empty
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}",
}  # fmt: skip


def write_csv(table: pd.DataFrame, file: Path) -> None:
    """Write a table with its columns and no row names; numbers in full, so that nothing is lost.

    Raises:
        CalotypeError: the file cannot be written.
    """
    with new_file(file) as aside:
        table.to_csv(aside, index=False, lineterminator="\n")


def read_csv(file: Path | str) -> pd.DataFrame:
    """Read a table that `write_csv` wrote. Names stay text: a variant may be called 001, or NA.

    Raises:
        CalotypeError: the file cannot be read.
    """
    names = dict.fromkeys(("study", "variant", "split", "metric"), str)
    try:
        return pd.read_csv(file, dtype=names, keep_default_na=False, na_values={column: [""] for column in NUMBERS})
    except (OSError, ValueError) as error:
        raise CalotypeError(f"{file}: cannot be read: {error}.", "delete it to have it made again.") from None


def _digits(value: float) -> int:
    """Decimals of a share in per cent: as many as tell it from none and from all, and one more."""
    distance = 100 * min(value, 1 - value)
    if value in (0, 1) or distance < 0 or distance >= 1:
        return 1
    return 1 - math.floor(math.log10(distance))


def show(value: float, share: bool, unit: bool = True, like: float | None = None) -> str:
    """A number as figures, tables and the report show it: a share in per cent, four significant digits otherwise.

    Shares close to none or all get the digits that tell them from it.

    Args:
        value: the number.
        share: whether it is a share of the images.
        unit: whether to write the per cent sign.
        like: another share, whose number of decimals this one takes: the mean, for the ends of its interval.
    """
    if not math.isfinite(value):
        return "–"
    if not share:
        short = f"{value:.4g}"
        return f"{value:,.0f}".replace(",", "\u202f") if abs(float(short)) >= 10_000 else short
    decimals = _digits(value if like is None or not math.isfinite(like) else like)
    return f"{100 * value:.{decimals}f}{' %' if unit else ''}"


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
                show(value, share, unit=False, like=row["mean"]).replace("\u202f", r"\,")
                for value in row[["mean", "low", "high"]]
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
