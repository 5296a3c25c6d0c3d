"""The grids of a study in the report: which settings matter, which combinations are best, and how that was chosen."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from calotype.config.choice import BEST
from calotype.evaluation.choice import VALIDATION, is_share, score_text
from calotype.evaluation.divergence import diverged_text
from calotype.evaluation.grid_view import GridView, grid_views
from calotype.evaluation.number_format import mean_texts, show
from calotype.evaluation.study_results import StudyResults
from calotype.metrics.registry import METRICS
from calotype.report.links import Links
from calotype.report.shown_figures import ShownFigure, figure_groups
from calotype.util.csv_tables import where

MOST = 200  # combinations on the page; a longer table is in grid.csv alone


def _row(view: GridView, row: Mapping[Any, Any], metric: str) -> dict[str, Any]:
    """Return a combination for the template."""
    scores = [] if view.reason else [_texts(row, view.score, is_share(view.score))]
    scores.append(_texts(row, metric, METRICS[metric].share))
    seeds, lost = int(row["n"]), int(row["diverged"])
    return {
        "rank": "" if pd.isna(row["rank"]) else int(row["rank"]),
        "settings": view.variants[row["variant"]],
        "scores": scores,
        "seeds": seeds,
        "diverged": diverged_text(lost, lost + seeds),
        "variant": row["variant"],
    }


def _texts(row: Mapping[Any, Any], name: str, share: bool) -> tuple[str, str]:
    return mean_texts(row[name], row[f"{name}_low"], row[f"{name}_high"], share)


def _effects(view: GridView, results: StudyResults) -> list[dict[str, Any]]:
    """Return each setting with the means over its values, on validation and on test images."""
    sources = [] if view.reason else [(VALIDATION, view.score, is_share(view.score))]
    sources.append((results.tests[-1], results.metric, METRICS[results.metric].share))
    found = []
    for key, name in zip(view.keys, view.names, strict=True):
        by_source = [
            (where(view.effects, setting=key, split=split, metric=metric).set_index("level"), share)
            for split, metric, share in sources
        ]
        rows = []
        for level, row in by_source[-1][0].iterrows():
            lines = [(table.loc[level], share) for table, share in by_source]
            scores = [mean_texts(line["mean"], line["low"], line["high"], share) for line, share in lines]
            lost = int(row.diverged)
            rows.append({"level": level, "scores": scores, "combinations": int(row.combinations), "diverged": lost})
        found.append({"setting": name, "rows": rows})
    return found


def _matter(view: GridView) -> str:
    """Return as text how far the means of each setting lie apart, the farthest first."""
    reach = {}
    for place, name in enumerate(view.names):
        means = view.means(place)["mean"].dropna()
        if len(means) > 1:
            reach[name] = float(means.max() - means.min())
    unit = " points" if view.share else ""
    words = [
        f"{name} {show(value, view.share, unit=False, decimals=1 if view.share else None)}{unit}"
        for name, value in sorted(reach.items(), key=lambda item: -item[1])
    ]
    return ", ".join(words)


def _setting_text(view: GridView, texts: Sequence[str]) -> str:
    return ", ".join(f"{name} {text}" for name, text in zip(view.names, texts, strict=True))


def _grid(view: GridView, results: StudyResults) -> dict[str, Any]:
    metric, split = METRICS[results.metric], results.tests[-1]
    tested = f"{metric.heading(results.unit)} on {split}"
    score = score_text(view.score)
    rows = [_row(view, row, results.metric) for row in view.combinations.to_dict("records")]
    best = sorted((row for row in rows if row["rank"]), key=lambda row: row["rank"])[:BEST]
    heads = [tested] if view.reason else [score[0].upper() + score[1:], tested]
    return {
        "name": view.name,
        "names": view.names,
        "number": len(rows),
        "reason": view.reason,
        "score": view.label,
        "images": results.grids[view.name]["by"].get("images", ""),
        "heads": heads,
        "tested": f"{metric.named(results.unit)} on {split}",
        "chosen": _setting_text(view, best[0]["settings"]) if best else "",
        "best": best,
        "matter": _matter(view),
        "effects": _effects(view, results),
        "rows": rows if len(rows) <= MOST else [],
        "file": f"{results.folder}/grid.csv",
    }


def _best_text(grids: Sequence[Mapping[str, Any]]) -> str:
    """Return the best combination of the largest grid in one sentence, as validation images chose it."""
    grid = max(grids, key=lambda grid: grid["number"])
    number = f"{grid['number']:,} combinations"
    if not grid["best"]:
        return f"{number}, of which none is chosen: {grid['reason'] or 'all runs diverged'}"
    mean, between = grid["best"][0]["scores"][-1]
    return f"{grid['tested']} {mean} {between}, chosen of {number} by {grid['score']}: {grid['chosen']}"


def _alternative(view: GridView) -> str:
    return f"Largest difference of the mean {view.label} between two values of a setting: {_matter(view) or 'none'}."


def grid_section(results: StudyResults, figures: Sequence[ShownFigure], links: Links) -> dict[str, Any]:
    """Return the grids of a study for the template, and which of its variants figures and other tables show.

    Args:
        results: of all variants.
        figures: of the grids.
        links: to files beside the page.
    """
    shown = results.of_shown()
    hidden = len(results.labels) - len(shown.labels)
    by = (results.chosen or {}).get("by", {})
    if not hidden:
        why = ""
    elif "names" in (results.chosen or {}):
        why = "the study file names them"
    elif "reason" in by:
        why = f"the first ones, because {by['reason']}"
    else:
        why = f"the best by {score_text(by['metric'])} ({by['images']}), in the order of the config"
    counts = f"{len(shown.labels)} of {len(results.labels):,} variants"
    of = f"{counts} are shown: {why}; {results.folder}/summary.csv has all"
    found: dict[str, Any] = {
        "grids": [],
        "shown": {"number": len(shown.labels), "of": len(results.labels), "why": why} if hidden else None,
        "remarks": [of] if hidden else [],  # for the terminal
    }
    if not results.grids:
        return found
    views = grid_views(results)
    grids = [_grid(view, results) for view in views]
    files = {"CSV": f"{results.folder}/grid.csv", "means (CSV)": f"{results.folder}/effects.csv"}
    words = _alternative(max(views, key=lambda view: len(view.variants)))
    drawn = figure_groups(figures, [], {}, lambda _: words, links)
    best = _best_text(grids)
    more = {"grid_figures": drawn, "grid_files": links.there(files), "best": best}
    return found | {"grids": grids, "remarks": [best, *found["remarks"]]} | more
