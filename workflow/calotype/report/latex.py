"""LaTeX tables of a study."""

from collections.abc import Mapping, Sequence

import pandas as pd

from calotype.evaluation.best import best_variant
from calotype.evaluation.divergence import diverged_text
from calotype.evaluation.number_format import claim_text, common_exponent, mean_texts, measured_text
from calotype.evaluation.study_results import StudyResults
from calotype.evaluation.tables import images_tested
from calotype.metrics.registry import METRICS
from calotype.report.latex_layout import Column, arrange, table_files
from calotype.report.latex_text import NO_BREAK, latex
from calotype.util.powers import power_of_ten

BOLD = (
    r"Bold marks the best variant where it is told apart from all others: the interval of their difference excludes "
    r"zero, or, of variants that are not compared, the intervals do not overlap."
)
NO_CLAIMS = "% The study compares its results with no published numbers.\n"
WEAK = r"It agrees weakly if almost any number would."


def _head(metric: str, unit: str, exponent: int = 0) -> str:
    """Return the head of a metric with its unit: ``Accuracy (%)``, ``Mean absolute error (× 10⁻⁸ mm)``."""
    if METRICS[metric].share:
        return f"{METRICS[metric].heading()}{NO_BREAK}(%)"
    inside = f"{power_of_ten(exponent)} {METRICS[metric].unit(unit)}".strip().replace(" ", NO_BREAK)
    return METRICS[metric].heading() + (f" ({inside})" if inside else "")


def _factor(metric: str, means: "pd.Series[float]") -> int:
    """Return the exponent of the power of ten of a column: that of its largest mean, if all are far from one."""
    powers = [common_exponent(mean) for mean in means if pd.notna(mean)]
    return 0 if METRICS[metric].share or not powers or 0 in powers else max(powers)


def _diverged(summary: pd.DataFrame, labels: Mapping[str, str]) -> dict[str, str]:
    """Return the text about seeds that diverged of each variant with such seeds."""
    rows = summary[summary.diverged > 0].drop_duplicates("variant")
    return {
        row.variant: f"{labels[row.variant]}: {diverged_text(row.diverged, row.n + row.diverged)}"
        for row in rows.itertuples()
    }


def _caption(title: str, *sentences: str, lost: Mapping[str, str]) -> str:
    """Return a caption in LaTeX: a sentence that ends with the study's title, others, and the meaning of the daggers.

    Args:
        title: begins with the first sentence.
        lost: the texts of `_diverged`.
    """
    first = rf"{title}{'' if title.rstrip('}').endswith(tuple('.?!')) else '.'}"
    note = rf"$^\dagger$Seeds that diverged are left out ({latex('; '.join(lost.values()))})." if lost else ""
    return " ".join(filter(None, [first, *sentences, note]))


def _holds(summary: pd.DataFrame) -> str:
    alone = r"; with $n=1$, it holds that of test images alone" if (summary.n == 1).any() else ""
    return rf"The interval is a 95\,\% interval of this mean and holds the chance of seeds and of test images{alone}."


def _metric_columns(
    results: StudyResults, metric: str, rows: Sequence[tuple[str, str]], summary: pd.DataFrame
) -> list[Column]:
    """Return the means and intervals of a metric for each (variant, split)."""
    share = METRICS[metric].share
    found = summary[summary.metric == metric].set_index(["variant", "split"])
    exponent = _factor(metric, found["mean"])
    texts = []
    for row in rows:
        mean, low, high = (float(found.loc[row, end]) / 10.0**exponent for end in ("mean", "low", "high"))
        texts.append(mean_texts(mean, low, high, share, unit=False))
    best = {split: best_variant(summary, results.table("differences"), metric, split) for _, split in rows}
    bold = frozenset(i for i, (variant, split) in enumerate(rows) if best[split] == variant)
    means, intervals = zip(*texts, strict=True)
    number = Column(_head(metric, results.unit, exponent), "number", means, bold=bold)
    return [number, Column("", "interval", intervals)] if any(intervals) else [number]


def _unless_before(names: Sequence[str]) -> list[str]:
    """Return names, empty where the name before is the same."""
    return [name if i == 0 or names[i - 1] != name else "" for i, name in enumerate(names)]


def summary_files(results: StudyResults, title: str, metrics: Sequence[str]) -> tuple[str, str]:
    """Return the summary: a row for each variant and test split, with mean and 95 % interval of each metric.

    The best variant is bold where it is told apart. If seeds diverged, a dagger marks the number of the others, and the
    caption gives how many diverged.
    """
    summary = results.table("summary")
    summary = summary[summary.metric.isin(metrics)]
    labels, lost, tested = results.labels, _diverged(summary, results.labels), images_tested(results.table("pooled"))
    rows = [*summary[["variant", "split"]].drop_duplicates().itertuples(index=False, name=None)]
    names = [variant for variant, _ in rows]
    seeds = summary.groupby(["variant", "split"]).n.first()
    images = [f"{tested[row]:,}" if tested[row] else "–" for row in rows]
    parameters = [f"{results.parameters[name]:,}" for name in names]
    first = [Column("Variant", "text", _unless_before([labels[name] for name in names]))]
    where = ""
    if len(dict.fromkeys(zip((split for _, split in rows), images, strict=True))) > 1:
        first += [Column("Test split", "text", [split for _, split in rows]), Column("Images", "whole", images)]
    elif tested[rows[0]]:
        where = f"All variants were tested on the {images[0]} images of the split {latex(rows[0][1])}."
    sizes = [size if name else "" for size, name in zip(parameters, _unless_before(names), strict=True)]
    groups = [[Column("Parameters", "whole", sizes)]]
    groups += [_metric_columns(results, metric, rows, summary) for metric in metrics]
    daggers = frozenset(i for i, name in enumerate(names) if name in lost)
    count = Column("n", "whole", [f"{seeds[row]:,}" for row in rows], daggers=daggers)
    bold = BOLD if any(column.bold for group in groups for column in group) else ""
    caption = _caption(
        rf"This table gives the results of the study \emph{{{latex(title)}}}",
        "Each number is the mean over $n$ seeds.",
        _holds(summary), where, bold, lost=lost,
    )  # fmt: skip
    return table_files(*arrange(first, groups, [count]), caption, results.study)


def claims_files(results: StudyResults, title: str) -> tuple[str, str]:
    """Return the claims: published and measured numbers, and the verdict; daggers as in `summary_files`."""
    claims, labels = results.table("claims"), results.labels
    if claims.empty:
        return (NO_CLAIMS, NO_CLAIMS)
    of_seeds = [not METRICS[metric].of_model for metric in claims.metric]
    measured = claims[of_seeds]
    summary = results.table("summary")
    lost = _diverged(summary[summary.variant.isin(measured.variant)], labels)
    lines = claims.to_dict("records")
    splits = len(results.tests) > 1
    heads = [
        _head(line["metric"], results.unit).replace(NO_BREAK, " ")
        + (f" on {line['split']}" if splits and line["split"] else "")
        for line in lines
    ]
    texts = [measured_text(line, unit=False)[:2] for line in lines]
    daggers = frozenset(i for i, line in enumerate(lines) if of_seeds[i] and line["variant"] in lost)
    first = [
        Column("Variant", "text", _unless_before([labels[line["variant"]] for line in lines])),
        Column("Metric", "text", heads),
        Column("Published", "text", [claim_text(line, labels, unit=False) for line in lines]),
    ]
    group = [Column("Measured", "number", [mean for mean, _ in texts]),
             Column("", "interval", [between for _, between in texts])]  # fmt: skip
    last = [Column("n", "whole", [f"{line['n']:,}" for line in lines], daggers=daggers),
            Column("Verdict", "text", [line["verdict"] for line in lines])]  # fmt: skip
    caption = _caption(
        rf"This table compares published numbers with the results of the study \emph{{{latex(title)}}}",
        "Each measured number is the mean over $n$ seeds.",
        _holds(summary[summary.variant.isin(measured.variant)]) if len(measured) else "",
        r"A single published number agrees if it lies in the 95\,\% range of one more run.",
        WEAK if claims.verdict.str.contains("weak").any() else "",
        lost=lost,
    )  # fmt: skip
    return table_files(*arrange(first, [group], last), caption, f"{results.study}-claims")


def _same(labels: Sequence[str]) -> str:
    """Name variants with the same model: all up to three, else the first one and the number of others."""
    return ", ".join(labels) if len(labels) < 4 else f"{labels[0]} and {len(labels) - 1} others"


def layers_files(results: StudyResults, title: str) -> tuple[str, str]:
    """Return the layers of each model, once for all variants with the same layers: kind, output shape, parameters."""
    rows = []
    for layers, labels in results.models:
        rows += [(_same(labels), row.kind, row.output_shape, f"{row.parameters:,}") for row in layers.itertuples()]
        rows.append((_same(labels), "all layers", "", f"{layers.parameters.sum():,}"))
    names, kinds, shapes, sizes = zip(*rows, strict=True)
    columns = [
        Column("Variant", "text", _unless_before(names)), Column("Layer", "text", kinds),
        Column("Output shape", "text", shapes), Column("Parameters", "whole", sizes),
    ]  # fmt: skip
    caption = rf"This table lists the layers of the models of the study \emph{{{latex(title)}}}"
    return table_files(*arrange(columns, [], []), _caption(caption, lost={}), f"{results.study}-layers")


def latex_tables(results: StudyResults, title: str, metrics: Sequence[str]) -> dict[str, str]:
    """Return the tables of a study: summary, claims and layers, and each as a bare tabular, by file name."""
    made = {
        "summary": summary_files(results, title, metrics),
        "claims": claims_files(results, title),
        "layers": layers_files(results, title),
    }
    return {name: files[0] for name, files in made.items()} | {
        f"{name}-tabular": files[1] for name, files in made.items()
    }
