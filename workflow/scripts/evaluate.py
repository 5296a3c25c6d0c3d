"""Turn the predictions of all packs of a study into its tables."""

from pathlib import Path

from calotype import evaluation
from calotype.console import script
from calotype.images import open_split
from calotype.tables import write_csv

with script(snakemake.log[0]):
    study, params, output = snakemake.wildcards.study, snakemake.params, snakemake.output
    predictions = evaluation.read_predictions(
        [Path(file) for file in snakemake.input.predictions], params.variants, params.seeds
    )
    labels = {
        split: open_split(Path(file)).labels for split, file in zip(params.tests, snakemake.input.arrays, strict=True)
    }
    runs = list(evaluation.seed_predictions(predictions, labels))
    table = evaluation.runs_table(study, runs)
    summary = evaluation.summary_table(table)
    write_csv(table, Path(output.runs))
    write_csv(summary, Path(output.summary))
    write_csv(evaluation.pooled_table(study, runs), Path(output.pooled))
    write_csv(evaluation.confusion_table(study, runs), Path(output.confusion))
