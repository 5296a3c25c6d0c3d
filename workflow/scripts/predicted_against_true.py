"""Print the predicted against the true count of every variant, all seeds together."""

from pathlib import Path

from calotype import figures, figures_count
from calotype.console import script
from calotype.predicted import predicted

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    figures.use_style(Path(found.style))
    runs, diverged = predicted(found.predictions, found.histories, found.array, **params.runs)
    figures.save(figures_count.predicted_against_true(runs, diverged), [Path(file) for file in snakemake.output])
