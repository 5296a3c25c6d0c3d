"""Print which class is taken for which, all seeds of a variant together."""

from pathlib import Path

import numpy as np

from calotype import figures, figures_classify
from calotype.console import script
from calotype.frames import read_csv

with script(snakemake.log[0]):
    params, found = snakemake.params, read_csv(snakemake.input.confusion)
    figures.use_style(Path(snakemake.input.style))
    chosen = (found.variant == snakemake.wildcards.variant) & (found.split == params.split) & (found.seed == "all")
    pairs = found[chosen].dropna(subset="predicted").astype({"predicted": int})
    counts = np.zeros((len(params.classes), len(params.classes)), np.int64)
    counts[pairs.true, pairs.predicted] = pairs.images
    figure = figures_classify.confusion_matrix(counts, params.classes)
    figures.save(figure, [Path(file) for file in snakemake.output])
