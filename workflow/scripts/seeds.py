"""Print what each seed reaches, beside what was published, and neighbouring variants compared."""

from pathlib import Path

from calotype.evaluation.divergence import converged, divergences
from calotype.figures import base, seeds
from calotype.metrics.registry import METRICS
from calotype.util.csv_tables import read_csv, where
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    params, metric = snakemake.params, METRICS[snakemake.params.metric]
    base.use_style(Path(snakemake.input.style))
    runs = read_csv(snakemake.input.runs)
    lost = divergences(runs)
    diverged = {label: len(lost[variant]) for variant, label in params.labels.items()}
    runs = where(converged(runs), split=params.split, metric=params.metric)
    values = {label: runs.value[runs.variant == variant].tolist() for variant, label in params.labels.items()}
    claims = {}
    for claim in params.claims:
        single = [claim[kind] for kind in ("value", "as_low_as") if claim[kind] is not None]
        numbers = single or claim["between"]  # none for bounds and likenesses
        if numbers and claim["metric"] == params.metric and claim["split"] == params.split:
            claims.setdefault(params.labels[claim["variant"]], []).append(tuple(numbers))
    differences = read_csv(snakemake.input.differences)
    differences = differences[differences.split == params.split].replace(
        {"variant": params.labels, "than": params.labels}
    )
    figure = seeds.seeds(
        values,
        metric=metric.label,
        share=metric.share,
        claims=claims,
        differences=differences,
        diverged=diverged,
    )
    base.save(figure, [Path(file) for file in snakemake.output])
