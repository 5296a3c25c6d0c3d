"""What a call would cost: jobs, time, memory and disk, from a rehearsal of each variant and from what ran before."""

import csv
import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calotype.layout import Layout
from calotype.rehearsal import Rehearsal

START = 15.0  # seconds of a pack before its first step: Python, TensorFlow, building and compiling
PREDICTING = 1 / 3  # of the time of a training step: a step goes forwards, backwards, and updates


@dataclass(frozen=True)
class Forecast:
    """What is to be done for a variant, and what that will take.

    Attributes:
        packs: trainings that are not there yet.
        seeds: of these, in all.
        seconds: of one core that they take; NaN where nothing is known.
        known: whether the seconds are those of packs that ran before; else of a rehearsal on this machine.
        mib: that their files will take, weights and predictions.
    """

    study: str
    variant: str
    packs: int
    seeds: int
    seconds: float
    known: bool
    mib: float


def missing_packs(layout: Layout, study: str, variant: str) -> list[tuple[int, int]]:
    """First and last seed of each pack that is not there yet, or is that of another recipe."""
    # As JSON has it, in which the keys of a mapping are text.
    recipe = json.loads(json.dumps(layout.config.studies[study].variants[variant].recipe()))
    paths = layout.pack_paths(study, "provenance.json", variant)
    return [
        pack
        for pack, path in zip(layout.packs(study, variant), paths, strict=True)
        if _recipe_of(layout.root / path) != recipe
    ]


def _recipe_of(provenance: Path) -> Any:
    """What a pack was trained by; None where it is not there."""
    try:
        return json.loads(provenance.read_text(encoding="utf-8"))["config"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def seconds_before(folder: Path, packs: Iterable[tuple[int, int]]) -> float:
    """The median seconds of a seed in packs that ran before; NaN where none has.

    Args:
        folder: of Snakemake's benchmark files of the variant.
        packs: first and last seed of each.
    """
    found = []
    for first, last in packs:
        file = folder / f"{first:03d}-{last:03d}.tsv"
        if file.exists():
            with open(file, encoding="utf-8", newline="") as lines:
                found += [float(row["s"]) / (last - first + 1) for row in csv.DictReader(lines, delimiter="\t")]
    return statistics.median(found) if found else math.nan


def forecast(
    layout: Layout, study: str, variant: str, seen: Rehearsal, images: int, tested: Sequence[int], outputs: int
) -> Forecast:
    """What is to be done for a variant.

    Args:
        layout: of the config.
        study, variant: which.
        seen: its rehearsal.
        images: of its training split.
        tested: images of each of its test splits.
        outputs: of its model.
    """
    recipe = layout.config.studies[study].variants[variant]
    packs = missing_packs(layout, study, variant)
    seeds = sum(last - first + 1 for first, last in packs)
    steps = recipe.epochs * math.ceil(images * (1 - recipe.validation_split) / recipe.batch_size)
    views = sum(tested) / recipe.batch_size * PREDICTING
    benchmarks = layout.root / layout.results / "benchmarks/train" / study / variant
    # What another recipe took says nothing of this one.
    before = seconds_before(benchmarks, [pack for pack in layout.packs(study, variant) if pack not in packs])
    known = not math.isnan(before)
    seconds = seeds * before if known else seeds * (steps + views) * seen.step_seconds + len(packs) * START
    mib = seeds * (seen.weights_mib + sum(tested) * outputs * 4 / 2**20)
    cores = recipe.threads if known else 1  # a rehearsal takes one
    return Forecast(study, variant, len(packs), seeds, seconds * cores, known, mib)


def duration(seconds: float) -> str:
    """Seconds in words: ``45 s``, ``12 min``, ``3.5 h``."""
    if math.isnan(seconds):
        return "unknown"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def table(rows: Sequence[Forecast]) -> list[str]:
    """The forecast of all variants in lines for a terminal, and their sum."""
    cells = [["study", "variant", "packs", "seeds", "core time", "files"]]
    for row in rows:
        time = f"{duration(row.seconds)}{'' if row.known or not row.packs else ' ?'}" if row.packs else "done"
        cells.append([row.study, row.variant, str(row.packs), str(row.seeds), time, f"{row.mib:.0f} MiB"])
    total = sum(row.seconds for row in rows if row.packs)
    packs, seeds = sum(row.packs for row in rows), sum(row.seeds for row in rows)
    cells.append(["all", "", str(packs), str(seeds), duration(total), f"{sum(row.mib for row in rows):.0f} MiB"])
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
