"""Texts for readers who cannot see a figure: they say the best and the worst, which the caption does not."""

import math
from collections.abc import Mapping

import pandas as pd

from calotype.evaluation.number_format import show, span_text
from calotype.evaluation.study_results import StudyResults
from calotype.metrics.registry import METRICS
from calotype.report.confusions import largest, named
from calotype.report.measured import Order
from calotype.report.shown_figures import ShownFigure
from calotype.util.csv_tables import where

# Figures that show a metric of each variant; the others have a function below.
OF_METRIC = {
    "calibration-curves": "expected_calibration_error",
    "roc-curves": "roc_auc",
    "precision-recall-curves": "average_precision",
}


def _extremes(values: Mapping[str, float], less: bool, share: bool) -> str:
    """Return the best and the worst of some values by label as text; empty without finite values."""
    finite = {label: value for label, value in values.items() if math.isfinite(value)}
    if not finite:
        return ""
    ranked = sorted(finite, key=lambda label: finite[label] if less else -finite[label])
    texts = [f"{label} {show(finite[label], share)}" for label in (ranked[0], ranked[-1])]
    return f"only {texts[0]}" if len(ranked) == 1 else f"best {texts[0]}, worst {texts[1]}"


def _metric(results: StudyResults, name: str) -> str:
    metric, split = METRICS[name], results.tests[-1]
    rows = where(results.table("summary"), metric=name, split=split)
    means = {results.labels[key]: mean for key, mean in zip(rows.variant, rows["mean"], strict=True)}
    found = _extremes(means, metric.less_is_better, metric.share)
    return f"{metric.heading(results.unit)} on {split}: {found}." if found else ""


def _by_label(results: StudyResults, variant: str) -> str:
    """Return the labels with the highest and the lowest share of right images of a variant."""
    table = where(results.table("confusion"), seed="all", variant=variant, split=results.tests[-1])
    if not len(table):
        return ""
    right = table[table.true == table.predicted].groupby("true").images.sum()
    shares = (right / table.groupby("true").images.sum()).fillna(0.0)
    return _extremes({named(true, results.classes): share for true, share in shares.items()}, False, True)


def _training(results: StudyResults) -> str:
    history = results.table("history")
    losses = history[history.metric == "loss"]
    last = losses[losses.epoch == losses.groupby("variant").epoch.transform("max")].groupby("variant").value.mean()
    found = [f"{results.labels[variant]} {show(loss, False)}" for variant, loss in last.items()]
    return f"Training loss in the last epoch: {'; '.join(found[:6])}{'; and more' if len(found) > 6 else ''}."


def _errors(results: StudyResults, variant: str) -> str:
    """Return the number of errors of a variant on the last split, and the most frequent ones."""
    label = results.labels[variant]
    pairs = largest(results, variant, 3)
    if pairs is None:
        return f"The largest errors of {label} on {results.tests[-1]}."
    listed = "; ".join(f"true {pair.true}, predicted {pair.predicted}: {pair.images:,}" for pair in pairs.first)
    often = f", most often {listed}" if listed else ""
    return f"{label}: {pairs.wrong:,} of {pairs.images:,} predictions are errors{often}."


def _seeds(results: StudyResults) -> str:
    runs: pd.DataFrame = where(results.table("runs"), metric=results.metric, split=results.tests[-1])
    share = METRICS[results.metric].share
    spread = f" Single seeds: {span_text(runs.value.min(), runs.value.max(), share, None)}."
    return _metric(results, results.metric) + (spread if runs.value.notna().any() else "")


def alternative(results: StudyResults, ordered: Order, figure: ShownFigure) -> str:
    """Return what a figure of a study shows, with its best and worst values if they are known."""
    match figure.kind:
        case "seeds":
            found = _seeds(results)
        case "accuracy-by-class" | "accuracy-by-count":
            variant = ordered.variants[0]
            shares = _by_label(results, variant)
            found = f"{results.labels[variant]}, by true label: {shares}." if shares else ""
        case "training-curves":
            found = _training(results)
        case "confusion-matrices" | "most-confident-errors" | "contact-sheets":
            found = _errors(results, figure.variant)
        case "predicted-against-true" | "agreement":
            found = _metric(results, results.metric)
        case kind:
            found = _metric(results, OF_METRIC[kind]) if kind in OF_METRIC else ""
    return found or f"{figure.kind.replace('-', ' ').capitalize()} of {results.study}."


def preview_text(preview: ShownFigure) -> str:
    """Return what the preview of a split shows."""
    return f"Images of the split {preview.variant}, one a row, as read and after each step of the preparation."
