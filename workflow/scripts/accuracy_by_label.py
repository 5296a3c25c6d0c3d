"""Print the accuracy of every variant for every true count, or every class."""

from pathlib import Path

from calotype import figures
from calotype.console import script
from calotype.evaluation import decided, diverged_runs, leave_out, read_predictions
from calotype.frames import read_csv
from calotype.splits import open_split

with script(snakemake.log[0]):
    params = snakemake.params
    figures.use_style(Path(snakemake.input.style))
    predictions = read_predictions([Path(file) for file in snakemake.input.predictions], params.variants, params.seeds)
    lost = diverged_runs(map(read_csv, snakemake.input.histories), params.variants, params.seeds)
    predictions = leave_out(predictions, lost)
    labels = open_split(Path(snakemake.input.array)).labels
    runs = {}
    for variant, label in params.labels.items():
        found = decided(predictions[variant][params.split], params.task)
        runs[label] = (labels[: found.shape[1]], found)
    axes = ("class", "accuracy") if params.classes else ("true count", "counts that are exact")
    diverged = {label: len(lost[variant]) for variant, label in params.labels.items()}
    figure = figures.accuracy_by_label(
        runs, xlabel=axes[0], ylabel=axes[1], names=params.classes or None, diverged=diverged
    )
    figures.save(figure, [Path(file) for file in snakemake.output])
