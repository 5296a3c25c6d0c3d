"""The section of a study in the report."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from calotype.evaluation.divergence import converged, diverged_text, epochs_text
from calotype.evaluation.number_format import (
    claim_text,
    mean_texts,
    measured_text,
    range_text,
)
from calotype.evaluation.study_results import StudyResults
from calotype.evaluation.tables import images_tested
from calotype.metrics.registry import METRICS
from calotype.report import comparisons
from calotype.report.alternatives import alternative, preview_text
from calotype.report.confusions import largest
from calotype.report.first_screen import result_text, rows
from calotype.report.how import how
from calotype.report.images import images_of, skipped_text
from calotype.report.links import Links
from calotype.report.measured import numbers, order
from calotype.report.provenance import origins
from calotype.report.recipes import recipes
from calotype.report.shown_figures import ShownFigure, figure_groups, folded
from calotype.util.csv_tables import where


def _claims(results: StudyResults) -> list[dict[str, Any]]:
    rows = []
    for claim in results.table("claims").to_dict("records"):
        mean, between, spread = measured_text(claim)
        shown = {"variant": results.labels[claim["variant"]], "metric": METRICS[claim["metric"]].named(results.unit)}
        measured = {"mean": mean, "interval": between, "range": spread}
        rows.append(claim | shown | measured | {"claimed": claim_text(claim, results.labels)})
    return rows


def _measured(results: StudyResults, shown: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row for each variant and test split, with the shown metrics, headline first."""
    rows = []
    summary, pooled = results.table("summary"), results.table("pooled")
    tested = summary[summary.metric.isin(shown)]
    headline = shown[0]
    share = METRICS[headline].share
    images, kept = images_tested(pooled), converged(results.table("runs"))
    for (variant, split), group in tested.groupby(["variant", "split"], sort=False):
        by_metric = group.set_index("metric")
        found: dict[str, tuple[float, float, float]] = {
            metric: tuple(by_metric.loc[metric, ["mean", "low", "high"]]) for metric in shown
        }
        metrics = [mean_texts(*found[metric], METRICS[metric].share) for metric in shown]
        seeds = where(kept, variant=variant, split=split, metric=headline).value
        lost = int(by_metric.diverged[headline])
        rows.append(
            {
                "variant": results.labels[variant],
                "split": split,
                "n": len(seeds),
                "diverged": diverged_text(lost, lost + len(seeds)),
                "metrics": metrics,
                "range": range_text(*found[headline][1:], seeds.min(), seeds.max(), share) if len(seeds) else "",
                "images": f"{images[variant, split]:,}" if images[variant, split] else "–",
            }
        )
    return rows


def _divergences(results: StudyResults) -> list[str]:
    """Return a text for each variant with runs that diverged."""
    seeds = results.table("runs").groupby("variant").seed.nunique()
    return [
        f"{results.labels[variant]}: {diverged_text(len(lost), seeds[variant])} ({epochs_text(lost)})"
        for variant, lost in results.diverged.items()
        if lost
    ]


def _models(results: StudyResults) -> list[dict[str, Any]]:
    return [
        {"layers": layers.to_dict("records"), "variants": variants, "parameters": int(layers.parameters.sum())}
        for layers, variants in results.models
    ]


def _confusions(results: StudyResults) -> list[dict[str, Any]]:
    """Return the most frequent confusions of each variant over all seeds, on its last test split."""
    found = {label: largest(results, variant) for variant, label in results.labels.items()}
    return [{"variant": label, "found": confusions} for label, confusions in found.items() if confusions]


def _tables(results: StudyResults, links: Links) -> dict[str, list[tuple[str, str]]]:
    """Return for each part of a section the links to its tables."""
    files = {
        "claims": {"CSV": "claims.csv", "LaTeX": "claims.tex", "tabular": "claims-tabular.tex"},
        "results": {
            "CSV": "summary.csv",
            "LaTeX": "summary.tex",
            "tabular": "summary-tabular.tex",
            "numbers (LaTeX)": "numbers.tex",
            "every seed (CSV)": "runs.csv",
        },
        "differences": {"CSV": "differences.csv"},
        "confusions": {"CSV": "confusion.csv"},
        "models": {"CSV": "layers.csv", "LaTeX": "layers.tex", "tabular": "layers-tabular.tex"},
        "training": {"history (CSV)": "history.csv", "provenance (JSON)": "provenance.json"},
    }
    return {
        part: links.there({label: f"{results.folder}/{name}" for label, name in names.items()})
        for part, names in files.items()
    }


def study_section(
    results: StudyResults,
    study: Mapping[str, Any],
    figures: Sequence[ShownFigure],
    previews: Sequence[ShownFigure],
    links: Links,
) -> dict[str, Any]:
    """Return the values of a study for the template; `study` is one of `Layout.described`."""
    metrics, headline = [METRICS[metric] for metric in study["metrics"]], study["metrics"][0]
    found = numbers(results, headline, study["same_images"])
    identifiers = [f"how-{results.study}-{i}" for i in range(1, len(found) + 1)]
    ordered = order(results, study["by"])
    linked, settings = folded(figures, ordered.variants), recipes(study, results)
    return {
        **{key: study[key] for key in ("title", "description", "source", "same_images")},
        "name": results.study,
        "first": rows(found, results, identifiers, ordered),
        "best": result_text(found, results, ordered),
        "how": [
            {"id": identifier} | how(number, results.labels)
            for number, identifier in zip(found, identifiers, strict=True)
            if number.seeds
        ],
        "claims": _claims(results),
        "metrics": [metric.named(results.unit) for metric in metrics],
        "headings": [metric.heading(results.unit) for metric in metrics],
        "share": metrics[0].share,
        "results": _measured(results, study["metrics"]),
        "prominent": [results.labels[variant] for variant in ordered.prominent],
        "compared": comparisons.title(study["compare"], study["labels"]),
        "differences": comparisons.rows(results),
        "worth": comparisons.worth_remark(results),
        "not_compared": comparisons.left_out(results, study["pairs"]),
        "diverged": _divergences(results),
        "confusions": _confusions(results),
        "models": _models(results),
        "recipes": settings,
        "shared": [words for words in settings[0]["remarks"] if all(words in row["remarks"] for row in settings[1:])],
        "images": images_of(study, results.classes, links),
        "skipped": skipped_text(Path(study["skipped"])) if "skipped" in study else "",
        "preparation": figure_groups(previews, [], {one.variant: one.variant for one in previews}, preview_text, links),
        "figures": figure_groups(figures, linked, results.labels, partial(alternative, results, ordered), links),
        "tables": _tables(results, links),
        "origins": origins(results.origins, results.folder, links),
        "packs": results.origins,
    }
