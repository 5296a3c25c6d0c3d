"""Drawing and preparing images: how many a second on one core, beside R's drawing and bare loops of cv2.imread.

Each measurement is a process of its own on one core, called as ``python -m benchmarks.images <part> <folder> <images>``
with the folders tests and workflow on its path. It times itself, so that neither its start nor its imports count.
"""

import json
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from benchmarks.measure import PYTHON, REPOSITORY, CommandError, Options, environment, spread, usable_cores

from calotype.config.datasets import DATASETS
from calotype.data.draw_dots import write_split as draw_split
from calotype.data.prepared_split import open_split
from calotype.data.readers import read_raw
from calotype.preparation.prepare import write_split
from calotype.steps.registry import read_steps

TITLE = "Drawing and preparing images, on one core"
IMAGES, QUICK_IMAGES = 20_000, 200
RANGE = {"minimum": 0, "maximum": 5}
WIDTH = 40  # px
SCRIPT = Path(__file__).with_name("draw.R")
IDX_SHAPE = (28, 28)
BATCH = 200  # images read at a time from the prepared array
Seconds = tuple[float, float]  # wall, CPU


# ---- Measurements: each gets the shared folder and the number of images ----------------------------------------------


def timed(work: Callable[[], object]) -> Seconds:
    """Return the seconds that some work takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def fresh(folder: Path, name: str) -> Path:
    """Return the name of a new folder; old folders stay, because ext4 writes slowly after recent deletions."""
    return folder / f"{name}-{time.time_ns()}"


def draw(folder: Path, images: int) -> Seconds:
    """Draw a split, with its files; it is the one that the parts after this read."""
    made = fresh(folder, "drawn")
    seconds = timed(lambda: draw_split(made, images=images, seed=345, width=WIDTH, quality=75, **RANGE))
    (folder / "drawn").unlink(missing_ok=True)
    (folder / "drawn").symlink_to(made)
    return seconds


def draw_with_r(folder: Path, images: int) -> Seconds:
    """Draw the images with R and return the seconds that R reports."""
    made = fresh(folder, "drawn-by-r")
    made.mkdir()
    said = run(["Rscript", str(SCRIPT), "-n", str(images), "-w", str(WIDTH), "-o", str(made)])
    wall, cpu = map(float, said.split())
    return wall, cpu


def prepare_drawn(folder: Path, images: int) -> Seconds:  # noqa: ARG001
    """Prepare the drawn split as the workflow does: read, checked, averaged, scaled, written, hashed and synced."""
    where, reader = {"width": WIDTH, **RANGE}, DATASETS["dots"].reader
    return timed(lambda: prepare(folder, "drawn", read_raw(reader, folder / "drawn", **where), ["grey", "scale"]))


def prepare_idx(folder: Path, images: int) -> Seconds:  # noqa: ARG001
    """Prepare a split of IDX files as the workflow does."""
    where = {"images": "images", "labels": "labels", "first": 0, "number": None, "classes": 10}
    return timed(lambda: prepare(folder, "idx", read_raw(DATASETS["idx"].reader, folder, **where), ["scale"]))


def prepare(folder: Path, name: str, raw: Any, steps: list[str]) -> None:
    """Write a prepared split beside the others."""
    write_split(raw, folder / f"{name}.npy", folder / f"{name}.json", split=name, steps=read_steps(steps))


def imread(folder: Path, images: int, flag: int) -> Seconds:
    """Read the drawn files with OpenCV and scale them, and do nothing with them."""
    files = [f"{folder}/drawn/img{number}.jpg" for number in range(1, images + 1)]

    def work() -> None:
        for file in files:
            cv2.multiply(cv2.imread(file, flag), 1 / 255, dtype=cv2.CV_32F)

    return timed(work)


def imread_grey(folder: Path, images: int) -> Seconds:
    """See `imread`."""
    return imread(folder, images, cv2.IMREAD_GRAYSCALE)


def imread_colour(folder: Path, images: int) -> Seconds:
    """See `imread`."""
    return imread(folder, images, cv2.IMREAD_COLOR)


def read_prepared(folder: Path, images: int) -> Seconds:
    """Open the prepared array and copy all images out of it, a batch at a time."""

    def work() -> None:
        prepared = open_split(folder / "drawn.npy").images
        for start in range(0, images, BATCH):
            prepared[start : start + BATCH].copy()

    return timed(work)


PARTS: dict[str, tuple[str, Callable[[Path, int], Seconds]]] = {  # in this order: they read what those before have made
    "draw": ("draw: calotype", draw),
    "draw-r": ("draw: R script", draw_with_r),
    "prepare": ("prepare: calotype, JPEG files", prepare_drawn),
    "imread-grey": ("read: bare loop of cv2.imread, grey, and one multiply", imread_grey),
    "imread-colour": ("read: bare loop of cv2.imread, colour, and one multiply", imread_colour),
    "prepare-idx": ("prepare: calotype, IDX file (28 x 28)", prepare_idx),
    "open": ("read: the prepared array, memory-mapped", read_prepared),
}


# ---- The benchmark ---------------------------------------------------------------------------------------------------


def measure(scratch: Path, options: Options) -> Iterator[dict[str, Any]]:
    """Per repeat, all parts in turn; files that were just written or read are in the page cache.

    Rows: repeat, part, images, wall_s, cpu_s.
    """
    images = QUICK_IMAGES if options.quick else IMAGES
    parts = [part for part in PARTS if part != "draw-r" or has_r()]
    write_idx(scratch, images)
    for repeat in options.numbers:
        for part in parts:
            said = run([str(PYTHON), "-m", "benchmarks.images", part, str(scratch), str(images)])
            yield {"repeat": repeat, "part": part, "images": images, **json.loads(said)}


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Images a second of wall and of CPU time, median and range, in the order of `PARTS`."""
    lines = []
    for part, (label, _) in PARTS.items():
        found = rows[rows.part == part]
        if not found.empty:
            wall, cpu = (spread(rounded(found.images / found[column])) for column in ("wall_s", "cpu_s"))
            lines.append({"part": label, "images/s": wall, "images per CPU second": cpu, "n": len(found)})
    return pd.DataFrame(lines)


def rounded(rates: pd.Series) -> pd.Series:
    """Three digits: more are noise."""
    return rates.map(lambda rate: float(f"{rate:.3g}"))


def write_idx(folder: Path, images: int) -> None:
    """Write a pair of IDX files as large as those of MNIST, of random pixels: preparation does not look at them."""
    rng = np.random.default_rng(1)
    pixels, labels = rng.integers(0, 256, (images, *IDX_SHAPE), np.uint8), rng.integers(0, 10, images, np.uint8)
    for name, array in (("images", pixels), ("labels", labels)):
        header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        (folder / name).write_bytes(header + array.tobytes())


def has_r() -> bool:
    """Check that R can run the script; print the packages to install if it cannot."""
    test = ["Rscript", "-e", "library(optparse)"]
    if shutil.which("Rscript") and subprocess.run(test, capture_output=True).returncode == 0:
        return True
    print("  R's drawing is left out: apt-get install r-base-core r-cran-optparse", file=sys.stderr, flush=True)
    return False


def run(command: list[str]) -> str:
    """Run a command to its end and return its output.

    Raises:
        CommandError: it failed.
    """
    env = environment({"PYTHONPATH": str(REPOSITORY / "workflow")})
    done = subprocess.run(command, cwd=REPOSITORY / "tests", env=env, capture_output=True, text=True)
    if done.returncode:
        raise CommandError(f"{' '.join(command)}: ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def main(part: str, folder: str, images: str) -> None:
    """Measure one part, here, on one core."""
    if cores := usable_cores():
        os.sched_setaffinity(0, cores[-1:])  # the first is where systems like to do their own work
    cv2.setNumThreads(1)
    wall, cpu = PARTS[part][1](Path(folder), int(images))
    print(json.dumps({"wall_s": round(wall, 6), "cpu_s": round(cpu, 6)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
