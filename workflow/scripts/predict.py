"""Gather the predictions of a study on a test split; compute those that training did not write."""

from pathlib import Path

from calotype.data.prepared_split import open_split
from calotype.evaluation.predictions import SplitPredictions, write_predictions
from calotype.jobs import gpus
from calotype.training.predicting import Asked, gather
from calotype.training.result import Trained
from calotype.util.entry_point import script
from calotype.util.errors import about

with script(snakemake.log[0]):
    gpus.take(snakemake.resources)
    study, params, array = snakemake.wildcards.study, snakemake.params, Path(snakemake.input.array)
    labels = open_split(array, patience=60).labels
    packs = [Trained.read(Path(file)) for file in snakemake.input.provenance]
    asked = {variant: Asked(**how) for variant, how in params.asked.items()}
    with about(study):
        found = gather(list(zip(params.variants, packs, strict=True)), asked, params.seeds, array)
    write_predictions(SplitPredictions(labels, found), Path(snakemake.output.predictions))
