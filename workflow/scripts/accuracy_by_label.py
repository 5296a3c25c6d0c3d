"""Print the accuracy of every variant for every true count, or every class."""

from pathlib import Path

from calotype.evaluation.load_for_figures import predicted
from calotype.figures import accuracy, base
from calotype.tasks.registry import TASKS
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    base.use_style(Path(found.style))
    runs, diverged = predicted(found.predictions, found.histories, found.array, **params.runs)
    runs = {label: (true, TASKS[params.task].decide(run)) for label, (true, run) in runs.items()}
    axes = ("class", "accuracy") if params.classes else ("true count", "counts that are exact")
    figure = accuracy.accuracy_by_label(
        runs, xlabel=axes[0], ylabel=axes[1], names=params.classes or None, diverged=diverged
    )
    base.save(figure, [Path(file) for file in snakemake.output])
