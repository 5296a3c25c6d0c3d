"""The section of a study in the report."""

import base64
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from calotype.config.dataset_base import DUPLICATE
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
from calotype.report.recipes import recipes
from calotype.util.csv_tables import where
from calotype.util.errors import CalotypeError


@dataclass(frozen=True)
class ShownFigure:
    """A figure of the report: its study, its name there, its SVG file and its caption."""

    study: str
    name: str
    file: Path
    caption: str

    def embedded(self) -> dict[str, str]:
        """Read the file, and return the figure for the template."""
        try:
            data = base64.b64encode(self.file.read_bytes()).decode()
        except OSError as error:
            # Snakemake checks only the folder of figures of single variants, not its files.
            hint = f"delete {self.file.parent} to plot its figures again."
            raise CalotypeError(f"{self.file}: cannot be read: {error.strerror}.", hint) from None
        return {"caption": self.caption, "name": self.name, "data": data}


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
        numbers: dict[str, tuple[float, float, float]] = {
            metric: tuple(by_metric.loc[metric, ["mean", "low", "high"]]) for metric in shown
        }
        metrics = [mean_texts(*numbers[metric], METRICS[metric].share) for metric in shown]
        seeds = where(kept, variant=variant, split=split, metric=headline).value
        lost = int(by_metric.diverged[headline])
        rows.append(
            {
                "variant": results.labels[variant],
                "split": split,
                "n": len(seeds),
                "diverged": diverged_text(lost, lost + len(seeds)),
                "metrics": metrics,
                "range": range_text(*numbers[headline][1:], seeds.min(), seeds.max(), share) if len(seeds) else "",
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


def _pairs_left_out(results: StudyResults, row: Mapping[Hashable, Any]) -> str:
    """Return as text how many seeds of a pair of variants diverged; empty if none did."""
    runs, lost = results.table("runs"), results.diverged
    seeds = [set(where(runs, variant=row[key]).seed) for key in ("variant", "than")]
    common = seeds[0] & seeds[1]
    gone = common & (lost[row["variant"]].keys() | lost[row["than"]].keys())
    return diverged_text(len(gone), len(common))


def _differences(results: StudyResults) -> list[dict[str, Any]]:
    rows = []
    for row in results.table("differences").to_dict("records"):
        share = METRICS[row["metric"]].share
        mean, between = mean_texts(row["mean"], row["low"], row["high"], share, unit=False, sign=True)
        shown = {key: results.labels[row[key]] for key in ("variant", "than")}
        told = {"told": row["low"] > 0 or row["high"] < 0, "diverged": _pairs_left_out(results, row)}
        rows.append(row | shown | told | {"mean": mean, "interval": between})
    return rows


def _layers(results: StudyResults) -> list[dict[str, Any]]:
    return [
        {
            "variant": results.labels[variant],
            "rows": group[["layer", "kind", "output_shape", "parameters"]].to_numpy().tolist(),
            "parameters": int(group.parameters.sum()),
        }
        for variant, group in results.table("layers").groupby("variant", sort=False)
    ]


def _called(label: float, names: Sequence[str]) -> str:
    """Return the name of a class, or the number of a label without a name."""
    if math.isinf(label):
        return "none"
    return names[int(label)] if 0 <= label < len(names) else str(int(label))


def _confusions(results: StudyResults) -> list[dict[str, Any]]:
    """Return the confusion matrix of each variant over all seeds, on its last test split."""
    tables = []
    confusion = results.table("confusion")
    for variant, group in confusion[confusion.seed == "all"].groupby("variant", sort=False):
        split = group.split.iloc[-1]
        chosen = group[group.split == split]
        chosen = chosen.assign(predicted=chosen.predicted.astype(float).fillna(math.inf))  # last column
        wide = chosen.pivot(index="true", columns="predicted", values="images").fillna(0)
        names = results.classes
        columns = [_called(column, names) for column in wide.columns]
        counts = wide.to_numpy().astype(int).tolist()
        rows = [(_called(true, names), row) for true, row in zip(wide.index, counts, strict=True)]
        tables.append({"variant": results.labels[variant], "split": split, "columns": columns, "rows": rows})
    return tables


def _skipped(file: Path) -> str:
    """Return the number of skipped images of a dataset as text."""
    reasons = pd.read_csv(file, dtype=str, keep_default_na=False).reason
    copies = int(reasons.str.startswith(DUPLICATE).sum())
    if not len(reasons):
        return "No image was skipped."
    images = "1 image was" if len(reasons) == 1 else f"{len(reasons):,} images were"
    kinds = f"{len(reasons) - copies:,} unusable, {copies:,} duplicate"
    return f"{images} skipped: {kinds}. {file} lists each with its reason."


def study_section(
    results: StudyResults,
    study: Mapping[str, Any],
    figures: Sequence[ShownFigure],
    previews: Sequence[ShownFigure] = (),
) -> dict[str, Any]:
    """Return the values of a study for the template; `study` is one of `Layout.described`."""
    metrics = [METRICS[metric] for metric in study["metrics"]]
    return {
        **{key: study[key] for key in ("title", "description", "source", "same_images")},
        "name": results.study,
        "claims": _claims(results),
        "metrics": [metric.named(results.unit) for metric in metrics],
        "headings": [metric.heading(results.unit) for metric in metrics],
        "share": metrics[0].share,
        "of_images": metrics[0].of_images,
        "results": _measured(results, study["metrics"]),
        "differences": _differences(results),
        "diverged": _divergences(results),
        "confusions": _confusions(results),
        "layers": _layers(results),
        "recipes": recipes(study, results),
        "skipped": _skipped(Path(study["skipped"])) if "skipped" in study else "",
        "preparation": [item.embedded() for item in previews],
        "figures": [item.embedded() for item in figures],
        "packs": results.origins,
    }
