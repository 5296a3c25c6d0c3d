"""A forecast of jobs, time, memory and disk, from a smoke test of each variant and from earlier packs."""

import json
import math
import os
import shutil
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calotype.config.image_paths import FIGURE_SUFFIXES
from calotype.config.paths import REPORT, Layout
from calotype.config.recipe import SCIKIT_LEARN
from calotype.jobs import attempts
from calotype.planning.memory_forecast import training_mib
from calotype.training import provenance
from calotype.training.smoke_test import SmokeTest
from calotype.util.files import write_text

START = 15.0  # seconds before the first step of a pack: import, build and compile
START_SCIKIT = 5.0  # seconds, without TensorFlow
PREDICTING = 1 / 3  # time of a prediction, as a fraction of the time of a training step
CHECKPOINT = 4  # size of a checkpoint, in weights: current, best epoch, and two of the optimizer
MIB = 2**20


@dataclass(frozen=True)
class Forecast:
    """The remaining work for a variant, and its cost."""

    study: str
    variant: str
    parameters: int  # of the model
    planned: int  # packs, with finished ones
    packs: int  # packs to train
    seeds: int  # seeds to train
    seconds: float  # of one core, for these packs
    known: bool  # measured on earlier packs, not estimated from the smoke test
    memory: float  # MiB of the largest pack, without mapped pages of files
    start: float  # seconds of a pack before its first run
    run: float  # seconds of a run
    in_all: int  # seeds of the variant, also trained ones
    together: int  # seeds in the largest pack
    at_once: int  # of these, that run at the same time
    cores: int  # of such a job
    device: str  # on which memory was measured: a GPU's name, or "cpu"
    files: float  # MiB of weights and predictions of these packs
    checkpoints: float  # MiB of checkpoints, until the study is evaluated


def trained(
    layout: Layout, study: str, variant: str, code: str, custom_model: str | None, data: Sequence[Mapping[str, Any]]
) -> dict[tuple[int, int], Mapping[str, Any]]:
    """Return the provenance of the packs that need no training, by first and last seed.

    Args:
        code: digest of the training code.
        custom_model: digest of the custom model's file, if any.
        data: manifests of `Variant.splits`.
    """
    wanted = provenance.Origin(code, custom_model, layout.config.studies[study].variants[variant].recipe(), data)
    paths = layout.pack_paths(study, "provenance.json", variant)
    found = {}
    for pack, path in zip(layout.packs(study, variant), paths, strict=True):
        try:
            origin = json.loads((layout.root / path).read_text(encoding="utf-8"))
            if origin["identity"] == wanted.identity(origin["packages"]):
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
) -> Forecast:
    """Forecast the remaining work for a variant.

    Args:
        seen: result of its smoke test.
        done: provenance of its finished packs, from `trained`.
        data: manifests of `Variant.splits`, then of the test splits.
    """
    recipe = layout.config.studies[study].variants[variant]
    planned = layout.packs(study, variant)
    packs = [pack for pack in planned if pack not in done]
    seeds = sum(last - first + 1 for first, last in packs)
    train, *validation = data[: len(recipe.splits)]
    tested = sum(min(test["images"], recipe.test_images or test["images"]) for test in data[len(recipe.splits) :])
    if done:
        each = statistics.median(seconds for origin in done.values() for seconds in origin["seconds"].values())
        cores = recipe.threads
    else:
        held_out = recipe.validation_split * train["images"]
        validated = held_out + sum(split["images"] for split in validation)
        views = recipe.epochs * (train["images"] - held_out + validated * PREDICTING) + tested * PREDICTING
        each, cores = views * seen.image_seconds, 1  # the smoke test uses one core
    seen_on = seen.memory.device if seen.memory else "cpu"
    together = max((last - first + 1 for first, last in planned), default=1)
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
        memory=_memory(layout, study, variant, seen, done, data, together),
        start=start,
        run=each,
        in_all=layout.config.seeds(study, variant),
        together=together,
        at_once=min(recipe.side_by_side, together),
        cores=recipe.threads * min(recipe.side_by_side, together),
        device=next((origin["machine"]["device"] for origin in done.values() if "machine" in origin), seen_on),
        files=seeds * (seen.weights_mib + tested * (train["classes"] or 1) * 4 / MIB),
        checkpoints=seeds * CHECKPOINT * seen.weights_mib,
    )


def _memory(
    layout: Layout,
    study: str,
    variant: str,
    seen: SmokeTest,
    done: Mapping[tuple[int, int], Mapping[str, Any]],
    data: Sequence[Mapping[str, Any]],
    together: int,
) -> float:
    """Return the measured memory of finished packs, or else a forecast."""
    recipe = layout.config.studies[study].variants[variant]
    ran = attempts.read(layout.root / layout.results, study) if done else {}
    packs = [f"{study}/{variant}, seeds {first} to {last}" for first, last in done]
    if found := [attempt.used.get("memory_mib", 0) for pack in packs for attempt in ran.get(pack, [])]:
        return float(max(found))
    if done or seen.memory is None:
        return max((float(origin["peak_memory_mib"]) for origin in done.values()), default=math.nan)
    splits = [split["images"] * math.prod(split["shape"]) * 4 / MIB for split in data[: len(recipe.splits)]]
    above = layout.config.settings.stream_above_mib
    one = training_mib(recipe, seen.memory, splits, above, together * seen.weights_mib)
    return one + (min(recipe.side_by_side, together) - 1) * (one - seen.memory.base)  # they share the imports


def jobs(layout: Layout, rows: Sequence[Forecast]) -> Counter[str]:
    """Count the remaining jobs by stage, after preparation and `check`."""
    found: Counter[str] = Counter()

    def missing(*paths: str) -> bool:
        return not all((layout.root / path).exists() for path in paths)

    for row in rows:
        tested = layout.smoke_test(row.study, row.variant)
        found["smoke_test"] += bool(tested) and (missing(*tested) or row.packs == row.planned)
        found["train"] += row.packs
    studies = list(dict.fromkeys(row.study for row in rows))
    for study in studies:
        again = any(row.packs for row in rows if row.study == study)
        folder = f"{layout.results}/{study}"
        found["predict"] += sum(again or missing(file) for file in layout.predictions(study))
        found["evaluate"] += again or missing(f"{folder}/runs.csv")
        if tables := layout.grid_tables([study]):
            found["grid"] += again or missing(*tables)
        found["claims"] += again or missing(f"{folder}/claims.csv")
        found["figures"] += again or missing(*layout.figure_outputs([study], FIGURE_SUFFIXES))
    page = REPORT if len(studies) > 1 else studies[0]
    found["report"] = int(any(found.values()) or missing(f"{layout.results}/{page}.html"))
    return +found  # without zeros


# ---- Text for the terminal -------------------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """Format seconds: ``45 s``, ``12 min``, ``3.5 h``."""
    if math.isnan(seconds):
        return "unknown"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def size(mib: float) -> str:
    """Format MiB: ``0.3 MiB``, ``12 MiB``, ``3.5 GiB``."""
    if mib >= 1024:
        return f"{mib / 1024:.1f} GiB"
    return f"{mib:.0f} MiB" if mib >= 10 else f"{mib:.1f} MiB"


def _total(rows: Sequence[Forecast], key: str) -> Any:
    return sum(getattr(row, key) for row in rows)


def table(rows: Sequence[Forecast]) -> list[str]:
    """Return the lines of a table of the forecasts, with totals."""
    ahead = [row for row in rows if row.packs]
    cells = [("study", "variant", "parameters", "packs", "seeds", "core time", "memory", "files")]
    for row in rows:
        time = duration(row.seconds) if row.known else f"{duration(row.seconds)} ?"
        plan = (str(row.packs), str(row.seeds), time, size(row.memory), size(row.files))
        done = ("", "", "done", "", "")
        cells.append((row.study, row.variant, f"{row.parameters:,}", *(plan if row.packs else done)))
    if len(ahead) > 1:
        packs, seeds, seconds, files = (_total(ahead, key) for key in ("packs", "seeds", "seconds", "files"))
        cells.append(("total", "", "", str(packs), str(seeds), duration(seconds), "", size(files)))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    aligns = "<<>>>>>>"
    return [
        "  ".join(f"{cell:{align}{width}}" for cell, align, width in zip(line, aligns, widths, strict=True)).rstrip()
        for line in cells
    ]


def page(rows: Sequence[Forecast], stages: Mapping[str, int], *, prepared: float, free: float, cores: int) -> list[str]:
    """Return the plan as lines: the table, jobs, time, memory and disk.

    Args:
        stages: number of remaining jobs by stage.
        prepared: MiB of the prepared images.
        free: MiB that are free on the disk of the results.
        cores: of this machine.
    """
    ahead = [row for row in rows if row.packs]
    planned, files, kept = _total(rows, "planned"), _total(ahead, "files"), _total(ahead, "checkpoints")
    lines = [*table(rows), ""]
    counted = ", ".join(f"{stage} {number}" for stage, number in stages.items())
    lines.append(f"Jobs    {sum(stages.values())}: {counted}".removesuffix(": "))
    lines.append(f"Done    preparation; {planned - _total(ahead, 'packs')} of {planned} packs")
    if ahead:
        seconds = _total(ahead, "seconds")
        wall = max(seconds / cores, *(row.seconds / row.packs for row in ahead))
        lines.append(f"Time    about {duration(seconds)} on one core, {duration(wall)} on {cores} cores (this machine)")
        if not all(row.known for row in ahead):
            lines.append("        ?: estimated from the smoke test; other times are from earlier packs")
        lines.append(f"Memory  up to about {size(max(row.memory for row in ahead))} per training job")
    lines.append(f"Disk    {size(prepared)} prepared images (done); {size(free)} free")
    if ahead:
        lines.append(f"        {size(files)} weights and predictions; up to {size(kept)} checkpoints until evaluation")
    if files + kept > free:
        lines.append("        TOO LITTLE SPACE: free some, or use another folder: --config results=/path/to/folder")
    return lines


def plan(layout: Layout, rows: Sequence[Forecast], arrays: Iterable[str], further: Sequence[str] = ()) -> list[str]:
    """Return the plan for this machine as lines.

    Args:
        arrays: the prepared images.
        further: lines about Slurm.
    """
    prepared = sum(Path(file).stat().st_size for file in set(arrays)) / MIB
    free = shutil.disk_usage(layout.results).free / MIB
    shown = page(rows, jobs(layout, rows), prepared=prepared, free=free, cores=os.cpu_count() or 1)
    return [*shown, *further]


def note_times(layout: Layout, rows: Sequence[Forecast]) -> None:
    """Write the times of a start and of a run of each variant, in s, so that job sizes can be chosen by them."""
    file = layout.root / layout.noted_seconds
    known: dict[str, Any] = {}
    with suppress(OSError, ValueError, TypeError):
        known = dict(json.loads(file.read_text(encoding="utf-8")))
    for row in rows:
        known[f"{row.study}/{row.variant}"] = {"start": row.start, "run": row.run}
    write_text(json.dumps(known, indent=1) + "\n", file)
