"""What a call would cost: jobs, time, memory and disk, from a smoke test of each variant and from what ran before."""

import json
import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calotype.config.paths import FIGURE_SUFFIXES, REPORT, Layout
from calotype.config.recipe import SCIKIT_LEARN
from calotype.training import provenance
from calotype.training.smoke_test import SmokeTest

START = 15.0  # seconds of a pack before its first step: Python, TensorFlow, building and compiling
START_SCIKIT = 5.0  # and without TensorFlow
PREDICTING = 1 / 3  # of the time of training with an image: that goes forwards, backwards, and updates
COPIES = 3  # of the training images at a time, at most: in the file, on their way, and on the device
CHECKPOINT = 4  # times the weights: these, those of the best epoch, and an optimizer's two of each
MIB = 2**20


@dataclass(frozen=True)
class Forecast:
    """What is to be done for a variant, and what that will take.

    Attributes:
        parameters: of its model.
        planned: packs, in all.
        packs: trainings that are to be done: that are not there, or of another recipe, other images or other code.
        seeds: of these, in all.
        seconds: of one core that they take; NaN where nothing is known.
        known: whether seconds and memory are those of packs that ran before; else of a smoke test on this machine.
        memory: MiB that one of them takes at most.
        files: MiB that they write, weights and predictions.
        checkpoints: MiB that they keep besides, until their study is evaluated.
    """

    study: str
    variant: str
    parameters: int
    planned: int
    packs: int
    seeds: int
    seconds: float
    known: bool
    memory: float
    files: float
    checkpoints: float


def trained(
    layout: Layout, study: str, variant: str, code: str, own_model: str | None, data: Sequence[Mapping[str, Any]]
) -> dict[tuple[int, int], Mapping[str, Any]]:
    """Where the packs of a variant that are there, and need not be trained again, come from: by first and last seed.

    Args:
        code: the digest of the code that trains it.
        own_model: that of the user's model file, if there is one.
        data: the manifests of its splits, those of `Variant.splits`.
    """
    recipe = layout.config.studies[study].variants[variant].recipe()
    paths = layout.pack_paths(study, "provenance.json", variant)
    found = {}
    for pack, path in zip(layout.packs(study, variant), paths, strict=True):
        try:
            origin = json.loads((layout.root / path).read_text(encoding="utf-8"))
            expected = provenance.identity(
                code=code, own_model=own_model, config=recipe, data=data, packages=origin["packages"]
            )
            if origin["identity"] == expected:
                found[pack] = origin
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def forecast(
    layout: Layout,
    study: str,
    variant: str,
    seen: SmokeTest,
    done: Mapping[tuple[int, int], Mapping[str, Any]],
    data: Sequence[Mapping[str, Any]],
    memory: float,
) -> Forecast:
    """What is to be done for a variant.

    Args:
        seen: its smoke test.
        done: its packs that are there, as `trained` gives them.
        data: the manifests of its splits: those of `Variant.splits`, then the test splits.
        memory: MiB that its smoke test took.
    """
    recipe = layout.config.studies[study].variants[variant]
    planned = layout.packs(study, variant)
    packs = [pack for pack in planned if pack not in done]
    seeds = sum(last - first + 1 for first, last in packs)
    train, *validation = data[: len(recipe.splits)]
    tests = data[len(recipe.splits) :]
    tested = sum(min(test["images"], recipe.test_images or test["images"]) for test in tests)
    if done:
        each = statistics.median(seconds for origin in done.values() for seconds in origin["seconds"].values())
        memory, cores = max(origin["peak_memory_mib"] for origin in done.values()), recipe.threads
    else:
        held_out = recipe.validation_split * train["images"]
        seen_only = held_out + sum(split["images"] for split in validation)
        views = recipe.epochs * (train["images"] - held_out + seen_only * PREDICTING) + tested * PREDICTING
        each, cores = views * seen.image_seconds, 1  # a smoke test takes one
        images = train["images"] * math.prod(train["shape"]) * 4 / MIB
        memory += min(COPIES * images, layout.config.settings.stream_above_mib)
    start = START_SCIKIT if recipe.model in SCIKIT_LEARN else START
    return Forecast(
        study,
        variant,
        parameters=seen.parameters,
        planned=len(planned),
        packs=len(packs),
        seeds=seeds,
        seconds=cores * each * seeds + start * len(packs),
        known=bool(done),
        memory=memory,
        files=seeds * (seen.weights_mib + tested * (train["classes"] or 1) * 4 / MIB),
        checkpoints=seeds * CHECKPOINT * seen.weights_mib,
    )


def jobs(layout: Layout, rows: Sequence[Forecast]) -> Counter[str]:
    """How many jobs of each stage are to be done, once the images are prepared and each variant is smoke_tested."""
    found: Counter[str] = Counter()

    def missing(*paths: str) -> bool:
        return not all((layout.root / path).exists() for path in paths)

    studies = list(dict.fromkeys(row.study for row in rows))
    for row in rows:
        own = ":" in layout.config.studies[row.study].variants[row.variant].model
        tried = f"{layout.results}/{row.study}/{row.variant}/smoke_test.json"
        found["smoke_test"] += own and (missing(tried) or row.packs == row.planned)
        found["train"] += row.packs
    for study in studies:
        again = any(row.packs for row in rows if row.study == study)
        folder = f"{layout.results}/{study}"
        tests = layout.config.studies[study].tests
        found["predict"] += sum(again or missing(f"{folder}/predictions/{split}.npz") for split in tests)
        for stage, file in (("evaluate", "runs.csv"), ("claims", "claims.csv")):
            found[stage] += again or missing(f"{folder}/{file}")
        found["figures"] += again or missing(*layout.figure_outputs([study], FIGURE_SUFFIXES))
    page = REPORT if len(studies) > 1 else studies[0]
    found["report"] = int(any(found.values()) or missing(f"{layout.results}/{page}.html"))
    return +found  # those that are not 0


# ---- In words --------------------------------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """Seconds in words: ``45 s``, ``12 min``, ``3.5 h``."""
    if math.isnan(seconds):
        return "unknown"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def size(mib: float) -> str:
    """MiB in words: ``0.3 MiB``, ``12 MiB``, ``3.5 GiB``."""
    if mib >= 1024:
        return f"{mib / 1024:.1f} GiB"
    return f"{mib:.0f} MiB" if mib >= 10 else f"{mib:.1f} MiB"


def table(rows: Sequence[Forecast]) -> list[str]:
    """The forecast of each variant as lines for a terminal, and their sum."""
    cells = [["study", "variant", "parameters", "packs", "seeds", "core time", "", "memory", "files"]]
    for row in rows:
        plan = ["", "", "done", "", "", ""]
        if row.packs:
            mark = "" if row.known else "?"
            plan = [f"{row.packs}", f"{row.seeds}", duration(row.seconds), mark, size(row.memory), size(row.files)]
        cells.append([row.study, row.variant, f"{row.parameters:,}", *plan])
    ahead = [row for row in rows if row.packs]
    if len(ahead) > 1:
        packs, seeds = sum(row.packs for row in ahead), sum(row.seeds for row in ahead)
        sums = [duration(sum(row.seconds for row in ahead)), "", "", size(sum(row.files for row in ahead))]
        cells.append(["in all", "", "", f"{packs}", f"{seeds}", *sums])
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    aligned = [str.ljust, str.ljust, *[str.rjust] * 4, str.ljust, str.rjust, str.rjust]
    return [
        "  ".join(align(cell, width) for align, cell, width in zip(aligned, line, widths, strict=True)).rstrip()
        for line in cells
    ]


def page(rows: Sequence[Forecast], stages: Mapping[str, int], *, prepared: float, free: float, cores: int) -> list[str]:
    """The plan as lines for a terminal: the table, jobs, time, memory and disk.

    Args:
        rows: a forecast for each variant.
        stages: how many jobs of each stage are to be done.
        prepared: MiB of the prepared images.
        free: MiB on the disk of the results.
        cores: of this machine.
    """
    ahead = [row for row in rows if row.packs]
    there = sum(row.planned - row.packs for row in rows)
    said = ", ".join(f"{stage} {number}" for stage, number in stages.items())
    lines = [*table(rows), ""]
    lines.append(f"Jobs    {sum(stages.values())}{': ' if said else ''}{said}")
    lines.append(f"Done    the preparation; {there} of {sum(row.planned for row in rows)} packs")
    if ahead:
        whole = sum(row.seconds for row in ahead)
        longest = max(row.seconds / row.packs for row in ahead)
        wall = max(whole / cores, longest)
        lines.append(f"Time    about {duration(whole)} of one core: {duration(wall)} on the {cores} of this machine")
        if not all(row.known for row in ahead):
            lines.append("        (?: by a few steps here; else by the packs that ran before)")
        lines.append(f"Memory  up to about {size(max(row.memory for row in ahead))} a training")
    files, kept = (sum(getattr(row, key) for row in ahead) for key in ("files", "checkpoints"))
    lines.append(f"Disk    prepared images {size(prepared)}, which are there; {size(free)} free")
    if ahead:
        lines.append(f"        trainings {size(files)}, and up to {size(kept)} until they are evaluated")
    if files + kept > free:
        lines.append("        TOO LITTLE: make room, or name another folder: --config results=/path/to/folder")
    return lines
