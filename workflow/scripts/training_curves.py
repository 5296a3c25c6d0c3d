"""Print loss and accuracy of every variant over the epochs, over all seeds."""

from pathlib import Path

import pandas as pd

from calotype import figures, figures_training
from calotype.console import script
from calotype.frames import read_csv

with script(snakemake.log[0]):
    params = snakemake.params
    figures.use_style(Path(snakemake.input.style))
    history = pd.concat(
        read_csv(file).assign(variant=variant)
        for file, variant in zip(snakemake.input.histories, params.variants, strict=True)
    )
    histories = {
        label: history[(history.variant == variant) & (history.seed < params.seeds[variant])]
        for variant, label in params.labels.items()
    }
    figures.save(figures_training.training_curves(histories), [Path(file) for file in snakemake.output])
