"""LaTeX tables of a study."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from calotype.evaluation.divergence import diverged_text
from calotype.evaluation.number_format import claim_text, mean_texts, measured_text
from calotype.evaluation.study_results import StudyResults
from calotype.evaluation.tables import images_tested
from calotype.metrics.registry import METRICS

DAGGER = r"\rlap{$^\dagger$}"  # without width: numbers stay aligned
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
_LOWERED = str.maketrans(_RAISED, "0123456789-")
_LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}",
})  # fmt: skip


def escape(text: str) -> str:
    """Escape text for LaTeX."""
    return text.translate(_LATEX)


def _latex(text: str) -> str:
    text = escape(text).replace("–", "--").replace("−", "$-$")
    return re.sub(f" × 10([{_RAISED}]+)", lambda power: rf"$\,\times\,10^{{{power[1].translate(_LOWERED)}}}$", text)


def _heading(metric: str) -> str:
    """Return the heading of a metric."""
    return _latex(METRICS[metric].heading()).replace("²", "$^2$")


def _left_out(summary: pd.DataFrame, labels: Mapping[str, str]) -> dict[str, str]:
    """Return the text about seeds that diverged of each variant with such seeds."""
    rows = summary[summary.diverged > 0].drop_duplicates("variant")
    return {
        row.variant: f"{_latex(labels[row.variant])}: {diverged_text(row.diverged, row.n + row.diverged)}"
        for row in rows.itertuples()
    }


def _with_note(caption: str, left_out: Mapping[str, str]) -> str:
    """Add the meaning of the daggers to a caption, if there are any."""
    if not left_out:
        return caption
    return f"{caption} $^\\dagger$Seeds that diverged are left out ({'; '.join(left_out.values())})."


def latex_table(columns: str, heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str, name: str) -> str:
    """Return a booktabs table with the label ``tab:<name>``; heads, cells and caption are LaTeX."""
    head, *body = (f"    {' & '.join(row)} \\\\\n" for row in (heads, *rows))
    return rf"""% needs \usepackage{{booktabs}}
\begin{{table}}
  \centering
  \caption{{{caption}}}
  \label{{tab:{name}}}
  \small\setlength{{\tabcolsep}}{{3.5pt}}
  \begin{{tabular}}{{{columns}}}
    \toprule
{head}    \midrule
{"".join(body)}    \bottomrule
  \end{{tabular}}
\end{{table}}
"""


def summary_latex(
    summary: pd.DataFrame,
    pooled: pd.DataFrame,
    parameters: Mapping[str, int],
    metrics: Sequence[str],
    labels: Mapping[str, str],
    caption: str,
    name: str,
) -> str:
    """Return the summary: a line for each variant and test split, with mean and 95 % interval.

    If seeds diverged, a dagger marks the number of the others, and the caption gives how many diverged.
    """
    heads = ["Variant", "Parameters", "Test split", "Images"]
    for metric in metrics:
        unit = r" (\%)" if METRICS[metric].share else ""
        heads.append(rf"\multicolumn{{2}}{{l}}{{{_heading(metric)}{unit}}}")
    images = images_tested(pooled)
    tested = summary[summary.metric.isin(metrics)]
    left_out = _left_out(tested, labels)
    rows = []
    before = ""
    for (variant, split), group in tested.groupby(["variant", "split"], sort=False):
        by_metric = group.set_index("metric")
        cells: list[str] = []
        for metric in metrics:
            row, share = by_metric.loc[metric], METRICS[metric].share
            cells += map(_latex, mean_texts(row["mean"], row["low"], row["high"], share, unit=False))
        first = [_latex(labels[str(variant)]), f"{parameters[str(variant)]:,}"] if variant != before else ["", ""]
        before = str(variant)
        count = f"{int(by_metric.n.iloc[0]):,}" + (DAGGER if variant in left_out else "")
        tested_on = f"{images[variant, split]:,}" if images[variant, split] else "--"
        rows.append([*first, _latex(str(split)), tested_on, *cells, count])
    return latex_table(f"lrlr{'r@{ }l' * len(metrics)}r", [*heads, "$n$"], rows, _with_note(caption, left_out), name)


def claims_latex(
    claims: pd.DataFrame, summary: pd.DataFrame, labels: Mapping[str, str], caption: str, name: str
) -> str:
    """Return the claims: published and measured numbers, and the verdict; daggers as in `summary_latex`."""
    measured = claims[claims.metric != "parameters"].variant
    left_out = _left_out(summary[summary.variant.isin(measured)], labels)
    rows = []
    for _, line in claims.iterrows():
        claim = line.to_dict()
        mean, between, _ = measured_text(claim)
        cells = [claim_text(claim, labels), mean, between]
        dagger = DAGGER if claim["variant"] in left_out and claim["metric"] != "parameters" else ""
        first = [_latex(labels[claim["variant"]]), _heading(claim["metric"])]
        rows.append([*first, *map(_latex, cells), f"{claim['n']:,}{dagger}", claim["verdict"]])
    heads = ["Variant", "Metric", "Published", r"\multicolumn{2}{l}{Measured}", "$n$", "Verdict"]
    return latex_table("lllr@{ }lrl", heads, rows, _with_note(caption, left_out), name)


def layers_latex(layers: pd.DataFrame, labels: Mapping[str, str], caption: str, name: str) -> str:
    """Return the layers of each variant's model: kind, output shape, parameters."""
    rows = []
    for variant, group in layers.groupby("variant", sort=False):
        first = _latex(labels[str(variant)])
        for layer in group.itertuples():
            rows.append([first, _latex(str(layer.kind)), _latex(str(layer.output_shape)), f"{layer.parameters:,}"])
            first = ""
        rows.append(["", "all layers", "", f"{group.parameters.sum():,}"])
    return latex_table("lllr", ["Variant", "Layer", "Output shape", "Parameters"], rows, caption, name)


def latex_tables(results: StudyResults, title: str, metrics: Sequence[str]) -> dict[str, str]:
    """Return the tables of a study: summary, claims and layers."""
    heading, summary, labels, name = escape(title), results.table("summary"), results.labels, results.study
    holds = r"95\,\% interval, which holds the chance of seeds and test images; with $n=1$ of test images alone"
    over_seeds = f"{heading}: mean over $n$ seeds and its {holds}."
    published = f"{heading}: published, and measured over $n$ seeds (mean and {holds})."
    return {
        "summary": summary_latex(
            summary, results.table("pooled"), results.parameters, metrics, labels, over_seeds, name
        ),
        "claims": claims_latex(results.table("claims"), summary, labels, published, f"{name}-claims"),
        "layers": layers_latex(results.table("layers"), labels, heading + ": the models.", f"{name}-layers"),
    }
