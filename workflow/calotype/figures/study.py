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
from calotype.util.children import Ended, in_children, own_cost
from calotype.util.entry_point import log_error
from calotype.util.errors import CalotypeError
from calotype.util.statistics import mean_interval

SHARED = "imports and tables"  # in the table of costs: of what all figures share
FAILED, MAY_PASS = 1, 75  # exit statuses of a child


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


def _child(figure: FigureEntry, results: StudyResults, folder: Path) -> int:
    try:
        draw(figure, results, folder)
    except Exception as error:
        return MAY_PASS if log_error(error, f"{figure.name}: ") else FAILED
    return 0


def draw_all(figures: Sequence[FigureEntry], results: StudyResults, folder: Path, most: int) -> pd.DataFrame:
    """Draw the figures of a study, at most so many at a time. A figure that fails stops no other.

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
    functions = {figure.name: partial(_child, figure, results, folder) for figure in figures}
    for child in in_children(functions, most):
        costs[child.name] = child
        if child.status == 0:
            logger.debug("%s: plotted in %.1f s", child.name, child.seconds)
        else:
            failed.append(child)
            if child.status < 0:
                logger.error("%s: ended by signal %d", child.name, -child.status)
    if failed:
        # What was killed, as for want of memory, and what said so may pass at a second try.
        cause = None if any(child.status == FAILED for child in failed) else OSError("killed, or no room")
        names = ", ".join(sorted(child.name for child in failed))
        raise CalotypeError(f"{folder}: failed figures: {names}.", "see their messages above.") from cause
    rows = [costs[name] for name in (SHARED, *functions)]
    columns = ["seconds", "cpu_seconds", "peak_memory_mib"]
    numbers = [[round(getattr(row, column), 2) for column in columns] for row in rows]
    return pd.DataFrame(numbers, columns=columns).assign(figure=[row.name for row in rows])[["figure", *columns]]
