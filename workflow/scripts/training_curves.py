"""Print loss and accuracy of every variant over the epochs, over all seeds."""

from pathlib import Path

import pandas as pd

from calotype.figures import base, training_curves
from calotype.util.csv_tables import read_csv
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    params = snakemake.params
    base.use_style(Path(snakemake.input.style))
    history = pd.concat(
        read_csv(file).assign(variant=variant)
        for file, variant in zip(snakemake.input.histories, params.variants, strict=True)
    )
    histories = {
        label: history[(history.variant == variant) & (history.seed < params.seeds[variant])]
        for variant, label in params.labels.items()
    }
    base.save(training_curves.training_curves(histories), [Path(file) for file in snakemake.output])
