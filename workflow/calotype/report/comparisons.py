"""The comparisons of a study in the report."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

from calotype.evaluation.comparisons import APART, BOTH, EQUIVALENT, OPEN, PAIRED
from calotype.evaluation.divergence import diverged_text
from calotype.evaluation.more_seeds import seeds_text, worth_text
from calotype.evaluation.number_format import mean_texts, show
from calotype.evaluation.study_results import StudyResults
from calotype.evaluation.tables import images_tested
from calotype.metrics.registry import METRICS
from calotype.util.csv_tables import where

SMALLEST = 0.001  # p-value that is written as a number


def title(compare: str | Mapping[str, str], labels: Mapping[str, str]) -> str:
    """Return the heading of the comparisons; `compare` is that of the study."""
    if isinstance(compare, str):
        return {"all": "All pairs of variants compared"}.get(compare, "Consecutive variants compared")
    return f"Variants compared with {labels.get(compare['to'], compare['to'])}"


def _diverged(results: StudyResults, row: Mapping[Hashable, Any]) -> str:
    """Return as text how many seeds of a pair of variants diverged; empty if none did."""
    runs, lost = results.table("runs"), results.diverged
    seeds = [set(where(runs, variant=row[key]).seed) for key in ("variant", "than")]
    gone = [set(lost[row[key]]) for key in ("variant", "than")]
    if row["test"] == PAIRED:
        common = seeds[0] & seeds[1]
        return diverged_text(len(common & (gone[0] | gone[1])), len(common))
    return diverged_text(len(gone[0]) + len(gone[1]), len(seeds[0]) + len(seeds[1]))


def p_text(p: float) -> str:
    """Return a p-value as text; a dash if it does not exist."""
    if math.isnan(p):
        return "–"
    return f"< {SMALLEST:g}" if p < SMALLEST else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _verdict(results: StudyResults, row: Mapping[Hashable, Any]) -> dict[str, str]:
    """Return the verdict of a comparison and a remark for readers."""
    if math.isnan(row["worth"]):
        return {"verdict": APART if row["verdict"] == APART else f"not {APART}", "remark": ""}
    worth = worth_text(row["worth"], METRICS[row["metric"]].share)
    if row["verdict"] == OPEN:
        seeds = {row["variant"]: row["n"], row["than"]: row["n_than"]}
        return {"verdict": OPEN, "remark": seeds_text(row["seeds_needed"], seeds, results.origins)}
    within = f"smaller than {worth}" if row["verdict"] == BOTH else ""
    return {"verdict": f"{EQUIVALENT} within {worth}" if row["verdict"] == EQUIVALENT else APART, "remark": within}


def worth_remark(results: StudyResults) -> str:
    """Return the smallest difference that matters, and whether it is less than one test image; empty if unknown."""
    table, metric = results.table("differences"), METRICS[results.metric]
    if table.empty or math.isnan(worth := table.worth.iloc[0]):
        return ""
    said = f"A difference of {worth_text(worth, metric.share)} or more matters here (worth)."
    tested = images_tested(results.table("pooled"))
    coarse = {split: 1 / n for (_, split), n in tested.items() if n and metric.of_images and 1 / n > worth}
    for split, step in coarse.items():
        said += f" One image of {split} is {worth_text(step, True)}, which is more."
    return said


def rows(results: StudyResults) -> list[dict[str, Any]]:
    """Return a row for each comparison of the shown variants."""
    made = []
    for row in results.table("differences").to_dict("records"):
        share = METRICS[row["metric"]].share
        mean, between = mean_texts(row["mean"], row["low"], row["high"], share, unit=False, sign=True)
        made.append(
            row
            | {key: results.labels[row[key]] for key in ("variant", "than")}
            | {
                "mean": mean,
                "interval": between,
                "diverged": _diverged(results, row),
                "seeds": str(row["n"]) if row["n"] == row["n_than"] else f"{row['n']} and {row['n_than']}",
                "size": show(row["effect"], False, decimals=2, sign=True),
                "p": p_text(row["p_holm"]),
                **_verdict(results, row),
            }
        )
    return made


def left_out(results: StudyResults, pairs: list[tuple[str, str]]) -> str:
    """Return which of some pairs of shown variants are compared on no split, and why; empty if none is left out."""
    table, summary = results.table("differences"), where(results.table("summary"), metric=results.metric)
    found, seeds = {*zip(table.variant, table.than, strict=True)}, summary.groupby("variant").n.max()
    missing = [pair for pair in pairs if {*pair} <= results.labels.keys() and pair not in found]
    few = [variant for variant in results.labels if any(variant in pair for pair in missing) and seeds[variant] < 2]
    others = [pair for pair in missing if not {*pair} & {*few}]
    said = [f"{results.labels[variant]} (fewer than two seeds)" for variant in few]
    said += [f"{results.labels[variant]} and {results.labels[than]} (other test images)" for variant, than in others]
    return ", ".join(said)
