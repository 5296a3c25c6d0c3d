"""Compute the tables of the grids of a study: all combinations of settings, and the means over each setting."""

from pathlib import Path

from calotype.evaluation.grid_tables import combinations_table, effects_table
from calotype.evaluation.runs import seed_predictions
from calotype.evaluation.study_results import StudyResults
from calotype.util.entry_point import script
from calotype.util.files import write_csv

with script(snakemake.log[0]):
    results, output = StudyResults(**snakemake.params.results), snakemake.output
    study, grids, metric, split = results.study, results.grids, results.metric, results.tests[-1]
    runs, found = results.table("runs"), results.predictions(split)
    predictions = {variant: {split: array} for variant, array in found.variants.items()}
    predicted = seed_predictions(predictions, {split: found.labels}, results.diverged)
    combinations = combinations_table(study, grids, runs, results.table("summary"), metric, split)
    write_csv(combinations, Path(output.grid))
    write_csv(effects_table(study, grids, runs, results.task, metric, predicted), Path(output.effects))
