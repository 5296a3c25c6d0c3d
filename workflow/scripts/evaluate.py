"""Compute the tables of a study from the predictions and histories of its runs."""

from pathlib import Path

from calotype.evaluation import choice, comparisons, divergence, packs, tables
from calotype.evaluation.predictions import read_predictions
from calotype.evaluation.runs import seed_predictions, training_rows
from calotype.tasks.registry import TASKS
from calotype.training import checkpoints
from calotype.util.entry_point import script
from calotype.util.files import write_csv, write_text

with script(snakemake.log[0]):
    study, found, params, output = snakemake.wildcards.study, snakemake.input, snakemake.params, snakemake.output
    trained = [packs.Pack(*pack, Path(file)) for pack, file in zip(params.packs, found.packs, strict=True)]
    history = packs.history_table(trained, params.seeds)
    task, lost = TASKS[params.task], divergence.diverged_runs(history, params.seeds)
    divergence.check_divergence(lost, params.must_not_diverge)
    read = {split: read_predictions(Path(file)) for split, file in zip(params.tests, found.predictions, strict=True)}
    predictions = {variant: {split: each.variants[variant] for split, each in read.items()} for variant in params.seeds}
    runs = list(seed_predictions(predictions, {split: each.labels for split, each in read.items()}, lost))
    rows = [*training_rows(task, history, params.train), *divergence.divergence_rows(lost, params.train),
            *choice.validation_rows(history, packs.kept_epochs(trained))]  # fmt: skip
    table = tables.runs_table(study, task, runs, rows)
    pooled, layers = tables.pooled_table(study, task, runs), packs.layers_table(trained)
    differences = comparisons.differences_table(table, pooled, layers, params.metric, task, runs, params.comparisons)
    made = {
        "runs": table,
        "summary": tables.summary_table(table, task, runs),
        "pooled": pooled,
        "confusion": tables.confusion_table(study, task, runs),
        "differences": differences,
        "layers": layers,
        "history": history,
    }
    for name, content in made.items():
        write_csv(content, Path(output[name]))
    write_text(packs.origins_text(trained), Path(output.provenance))
    checkpoints.forget(Path(params.checkpoints), params.seeds)
