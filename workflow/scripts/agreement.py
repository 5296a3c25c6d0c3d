"""Print how the predicted numbers of every variant agree with the true ones, all seeds together."""

from pathlib import Path

from calotype.evaluation.load_for_figures import predicted
from calotype.figures import agreement, base
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    base.use_style(Path(found.style))
    runs, diverged = predicted(found.predictions, found.histories, found.array, **params.runs)
    base.save(agreement.agreement(runs, diverged), [Path(file) for file in snakemake.output])
