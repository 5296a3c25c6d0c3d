"""Print how every variant tells two classes apart: true against false positives, or precision against recall."""

from pathlib import Path

from calotype.evaluation.load_for_figures import predicted
from calotype.figures import base, binary_curves
from calotype.metrics.binary import POSITIVE
from calotype.util.csv_tables import read_csv, where
from calotype.util.entry_point import script

CURVES = {
    "roc_auc": binary_curves.roc_curves,
    "average_precision": binary_curves.precision_recall_curves,
}  # by the metric that is the area under them

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    base.use_style(Path(found.style))
    runs, diverged = predicted(found.predictions, found.histories, found.array, **params.runs)
    measured = where(read_csv(found.summary), split=params.runs["split"], metric=params.metric)
    means = {variant: where(measured, variant=variant)["mean"].iloc[0] for variant in params.runs["labels"]}
    areas = {label: float(means[variant]) for variant, label in params.runs["labels"].items()}
    figure = CURVES[params.metric](runs, positive=params.classes[POSITIVE], areas=areas, diverged=diverged)
    base.save(figure, [Path(file) for file in snakemake.output])
