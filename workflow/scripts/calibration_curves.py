"""Print how often every variant is right, by how sure it is, over all seeds."""

from pathlib import Path

from calotype import figures, figures_calibration
from calotype.console import script
from calotype.predicted import predicted

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    figures.use_style(Path(found.style))
    runs, diverged = predicted(found.predictions, found.histories, found.array, **params.runs)
    figures.save(figures_calibration.calibration_curves(runs, diverged), [Path(file) for file in snakemake.output])
