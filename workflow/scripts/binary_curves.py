"""Print how every variant tells two classes apart: true against false positives, or precision against recall."""

from pathlib import Path

from calotype import figures, figures_binary
from calotype.console import script
from calotype.evaluation import diverged_runs, leave_out, read_predictions
from calotype.frames import read_csv, where
from calotype.measures import POSITIVE
from calotype.splits import open_split

CURVES = {
    "roc_auc": figures_binary.roc_curves,
    "average_precision": figures_binary.precision_recall_curves,
}  # by the metric that is the area under them

with script(snakemake.log[0]):
    params = snakemake.params
    figures.use_style(Path(snakemake.input.style))
    predictions = read_predictions([Path(file) for file in snakemake.input.predictions], params.variants, params.seeds)
    lost = diverged_runs(map(read_csv, snakemake.input.histories), params.variants, params.seeds)
    predictions = leave_out(predictions, lost)
    labels = open_split(Path(snakemake.input.array)).labels
    measured = where(read_csv(snakemake.input.summary), split=params.split, metric=params.metric)
    runs, areas = {}, {}
    for variant, label in params.labels.items():
        found = predictions[variant][params.split]
        runs[label] = (labels[: found.shape[1]], found)
        areas[label] = float(where(measured, variant=variant)["mean"].iloc[0])
    diverged = {label: len(lost[variant]) for variant, label in params.labels.items()}
    figure = CURVES[params.metric](runs, positive=params.classes[POSITIVE], areas=areas, diverged=diverged)
    figures.save(figure, [Path(file) for file in snakemake.output])
