"""Print how the predicted numbers of every variant agree with the true ones, all seeds together."""

from pathlib import Path

from calotype import figures, figures_regress
from calotype.console import script
from calotype.predicted import predicted

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    figures.use_style(Path(found.style))
    runs, diverged = predicted(found.predictions, found.histories, found.array, **params.runs)
    figures.save(figures_regress.agreement(runs, diverged), [Path(file) for file in snakemake.output])
