"""Print the predicted against the true count of every variant, all seeds together."""

from pathlib import Path

from calotype import figures, figures_count
from calotype.console import script
from calotype.evaluation import read_predictions
from calotype.splits import open_split

with script(snakemake.log[0]):
    params = snakemake.params
    figures.use_style(Path(snakemake.input.style))
    predictions = read_predictions([Path(file) for file in snakemake.input.predictions], params.variants, params.seeds)
    labels = open_split(Path(snakemake.input.array)).labels
    runs = {}
    for variant, label in params.labels.items():
        found = predictions[variant][params.split]
        runs[label] = (labels[: found.shape[1]], found)
    figures.save(figures_count.predicted_against_true(runs), [Path(file) for file in snakemake.output])
