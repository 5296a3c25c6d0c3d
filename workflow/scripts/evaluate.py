"""Turn the predictions of all packs of a study into its tables."""

from pathlib import Path

import pandas as pd

from calotype import checkpoints, evaluation
from calotype.console import script
from calotype.files import write_csv
from calotype.frames import read_csv
from calotype.splits import open_split

with script(snakemake.log[0]):
    study, found, params, output = snakemake.wildcards.study, snakemake.input, snakemake.params, snakemake.output
    predictions = evaluation.read_predictions([Path(file) for file in found.predictions], params.variants, params.seeds)
    labels = {split: open_split(Path(file)).labels for split, file in zip(params.tests, found.arrays, strict=True)}
    histories = [read_csv(file) for file in found.histories]
    lost = evaluation.diverged_runs(histories, params.variants, params.seeds)
    if params.must_not_diverge:
        evaluation.check_divergence(lost, params.must_not_diverge)
    runs = list(evaluation.seed_predictions(predictions, labels, lost))
    training = evaluation.training_accuracies(histories, params.variants, params.train, params.seeds)
    table = evaluation.runs_table(study, params.task, runs, training + evaluation.divergence_rows(lost, params.train))
    write_csv(table, Path(output.runs))
    write_csv(evaluation.summary_table(table), Path(output.summary))
    pooled = evaluation.pooled_table(study, params.task, runs)
    write_csv(pooled, Path(output.pooled))
    write_csv(evaluation.confusion_table(study, params.task, runs), Path(output.confusion))
    write_csv(evaluation.differences_table(table, pooled, params.metric), Path(output.differences))
    first = dict(zip(reversed(params.variants), reversed(found.layers), strict=True))  # the first pack of each variant
    layers = [read_csv(first[variant]).assign(variant=variant) for variant in params.seeds]
    write_csv(pd.concat(layers)[["variant", "layer", "kind", "output_shape", "parameters"]], Path(output.layers))
    # From here on nobody needs to go on where a training was.
    checkpoints.forget(Path(params.checkpoints), params.seeds)
