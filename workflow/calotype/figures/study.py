"""All figures of a study: one process imports and reads what they share, and a forked child draws each."""

import gc
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from pkgutil import resolve_name

import pandas as pd
from matplotlib.figure import Figure

from calotype.evaluation.study_results import StudyResults
from calotype.figures.base import METADATA, new_figures, notice, rendered, save
from calotype.tasks.figures import FigureEntry
from calotype.util.children import Ended, attempt, cause_of, in_children, own_cost
from calotype.util.errors import CalotypeError
from calotype.util.statistics import mean_interval

SHARED = "imports and tables"  # in the table of costs: of what all figures share


def drawing(figure: FigureEntry) -> Callable[..., Figure]:
    """The function that draws a figure."""
    return resolve_name(f"calotype.figures.{figure.function}")


def draw(figure: FigureEntry, results: StudyResults, folder: Path) -> None:
    """Draw a figure of a study, or of each of its variants, and write it as PDF, SVG and PNG.

    Raises:
        CalotypeError: something that it shows cannot be read, or a file cannot be written.
    """
    function = drawing(figure)
    if not figure.per_variant:
        save(function(results), [folder / f"{figure.stem}{suffix}" for suffix in METADATA])
        return
    with new_figures(folder / figure.stem) as save_as:
        for variant in results.labels:
            save_as(function(results, variant), variant)


def _draw_with_log(figure: FigureEntry, results: StudyResults, folder: Path, logs: Path) -> int:
    """Draw a figure in a child: its messages also go to a file of its own."""
    logging.getLogger("calotype").addHandler(logging.FileHandler(logs / f"{figure.name}.log", "w", encoding="utf-8"))
    return attempt(figure.name, partial(draw, figure, results, folder))


def draw_all(
    figures: Sequence[FigureEntry], results: StudyResults, folder: Path, logs: Path, most: int
) -> pd.DataFrame:
    """Draw the figures of a study, at most so many at a time. All errors are in the log, also where several fail.

    Args:
        figures: the figures.
        results: of the study.
        folder: of the files of the figures.
        logs: a folder that gets a log of each figure.
        most: how many at a time.

    Returns:
        What each cost, in the order of `figures`, after a line for what they share: columns figure, seconds,
        cpu_seconds, peak_memory_mib.

    Raises:
        CalotypeError: some failed; the message names them, and their own messages are in the log.
    """
    logger = logging.getLogger("calotype")
    for figure in figures:
        drawing(figure)
    results.share()
    mean_interval([0.0, 1.0])  # so that SciPy is imported here, and not by each figure with intervals
    for suffix in METADATA:  # what a first figure imports and looks up once
        rendered(notice("0"), suffix)
    gc.collect()
    gc.freeze()  # or the children would copy the pages that the garbage collector writes to
    costs, failed = {SHARED: own_cost(SHARED)}, list[Ended]()
    logs.mkdir(parents=True, exist_ok=True)
    functions = {figure.name: partial(_draw_with_log, figure, results, folder, logs) for figure in figures}
    for child in in_children(functions, most):
        costs[child.name] = child
        if child.status == 0:
            logger.debug("%s: plotted in %.1f s", child.name, child.seconds)
        else:
            failed.append(child)
            if child.status < 0:
                logger.error("%s: ended by signal %d", child.name, -child.status)
    if failed:
        names = ", ".join(sorted(child.name for child in failed))
        raise CalotypeError(f"{folder}: failed figures: {names}.", "see their messages above.") from cause_of(failed)
    rows = [costs[name] for name in (SHARED, *functions)]
    columns = ["seconds", "cpu_seconds", "peak_memory_mib"]
    numbers = [[round(getattr(row, column), 2) for column in columns] for row in rows]
    return pd.DataFrame(numbers, columns=columns).assign(figure=[row.name for row in rows])[["figure", *columns]]
