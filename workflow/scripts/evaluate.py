"""Turn the predictions of all packs of a study into its tables."""

from pathlib import Path

import pandas as pd

from calotype.evaluation import confusion, divergence, tables
from calotype.evaluation.predictions import read_predictions
from calotype.evaluation.runs import seed_predictions, training_rows
from calotype.tasks.registry import TASKS
from calotype.training import checkpoints
from calotype.util.csv_tables import read_csv
from calotype.util.entry_point import script
from calotype.util.files import write_csv

with script(snakemake.log[0]):
    study, found, params, output = snakemake.wildcards.study, snakemake.input, snakemake.params, snakemake.output
    read = {split: read_predictions(Path(file)) for split, file in zip(params.tests, found.predictions, strict=True)}
    labels = {split: each.labels for split, each in read.items()}
    predictions = {variant: {split: each.variants[variant] for split, each in read.items()} for variant in params.seeds}
    histories = [read_csv(file) for file in found.histories]
    lost = divergence.diverged_runs(histories, params.variants, params.seeds)
    task = TASKS[params.task]
    if params.must_not_diverge:
        divergence.check_divergence(lost, params.must_not_diverge)
    runs = list(seed_predictions(predictions, labels, lost))
    training = training_rows(histories, params.variants, params.train, params.seeds)
    table = tables.runs_table(study, task, runs, training + divergence.divergence_rows(lost, params.train))
    write_csv(table, Path(output.runs))
    write_csv(tables.summary_table(table), Path(output.summary))
    pooled = tables.pooled_table(study, task, runs)
    write_csv(pooled, Path(output.pooled))
    write_csv(confusion.confusion_table(study, task, runs), Path(output.confusion))
    write_csv(tables.differences_table(table, pooled, params.metric), Path(output.differences))
    first = dict(zip(reversed(params.variants), reversed(found.layers), strict=True))  # the first pack of each variant
    layers = [read_csv(first[variant]).assign(variant=variant) for variant in params.seeds]
    write_csv(pd.concat(layers)[["variant", "layer", "kind", "output_shape", "parameters"]], Path(output.layers))
    # From here on nobody needs to go on where a training was.
    checkpoints.forget(Path(params.checkpoints), params.seeds)
