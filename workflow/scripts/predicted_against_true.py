"""Print the predicted against the true count of every variant, all seeds together."""

from pathlib import Path

from calotype.evaluation.load_for_figures import predicted
from calotype.figures import base, count
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    base.use_style(Path(found.style))
    runs, diverged = predicted(found.predictions, found.histories, found.array, **params.runs)
    base.save(count.predicted_against_true(runs, diverged), [Path(file) for file in snakemake.output])
