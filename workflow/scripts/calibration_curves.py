"""Print how often every variant is right, by how sure it is, over all seeds."""

from pathlib import Path

from calotype.evaluation.load_for_figures import predicted
from calotype.figures import base, calibration
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    base.use_style(Path(found.style))
    runs, diverged = predicted(found.predictions, found.histories, found.array, **params.runs)
    base.save(calibration.calibration_curves(runs, diverged), [Path(file) for file in snakemake.output])
