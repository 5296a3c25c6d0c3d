"""All figures of a study: one process imports and reads their common inputs, and a forked child plots each."""

import gc
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from pkgutil import resolve_name

import pandas as pd
from matplotlib.figure import Figure

from calotype.evaluation.study_results import StudyResults
from calotype.figures.base import METADATA, new_figures, rendered, save
from calotype.figures.image_page import notice
from calotype.tasks.figures import FigureEntry
from calotype.util.children import Ended, attempt, cause_of, in_children, own_cost
from calotype.util.errors import CalotypeError
from calotype.util.statistics import t_quantile

SHARED = "imports and tables"  # the line of common costs


def drawing(figure: FigureEntry) -> Callable[..., Figure]:
    """Return the function that plots a figure."""
    return resolve_name(f"calotype.figures.{figure.function}")


def draw(figure: FigureEntry, results: StudyResults, folder: Path) -> None:
    """Plot a figure of a study, or of each of its variants, as PDF, SVG and PNG."""
    function = drawing(figure)
    if not figure.per_variant:
        save(function(results), [folder / f"{figure.stem}{suffix}" for suffix in METADATA])
        return
    with new_figures(folder / figure.stem) as save_as:
        for variant in results.labels:
            save_as(function(results, variant), variant)


def of_variant(figure: FigureEntry, results: StudyResults, variant: str) -> Figure:
    """Plot a figure of one variant; figures over variants show this one alone."""
    function = drawing(figure)
    return function(results, variant) if figure.per_variant else function(results.of([variant]))


def _draw_with_log(figure: FigureEntry, results: StudyResults, folder: Path, logs: Path) -> int:
    """Plot a figure in a child; its messages also go to a log of its own."""
    logging.getLogger("calotype").addHandler(logging.FileHandler(logs / f"{figure.name}.log", "w", encoding="utf-8"))
    return attempt(figure.name, partial(draw, figure, results, folder))


def draw_all(
    figures: Sequence[FigureEntry], results: StudyResults, folder: Path, logs: Path, most: int
) -> pd.DataFrame:
    """Plot the figures of a study in `folder`, at most `most` at a time, with a log of each in `logs`.

    Returns:
        The cost of each figure, after a line of common costs: columns figure, seconds, cpu_seconds, peak_memory_mib.

    Raises:
        CalotypeError: at least one failed; the message names all that did, and the log holds their messages.
    """
    logger = logging.getLogger("calotype")
    for figure in figures:
        drawing(figure)
    results.share()
    t_quantile(2)  # imports SciPy here instead of in each child
    for suffix in METADATA:  # imports and caches of a first figure
        rendered(notice("0"), suffix)
    gc.collect()
    gc.freeze()  # otherwise the garbage collector writes to shared pages, and each child copies them
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
                logger.error("%s: killed by signal %d", child.name, -child.status)
    if failed:
        names = ", ".join(sorted(child.name for child in failed))
        raise CalotypeError(f"{folder}: failed figures: {names}.", "see their messages above.") from cause_of(failed)
    rows = [costs[name] for name in (SHARED, *functions)]
    columns = ["seconds", "cpu_seconds", "peak_memory_mib"]
    numbers = [[round(getattr(row, column), 2) for column in columns] for row in rows]
    return pd.DataFrame(numbers, columns=columns).assign(figure=[row.name for row in rows])[["figure", *columns]]
