"""Print how often every variant is right, by how sure it is, over all seeds."""

from pathlib import Path

from calotype import figures, figures_calibration
from calotype.console import script
from calotype.evaluation import diverged_runs, leave_out, read_predictions
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
        found = predictions[variant][params.split]
        runs[label] = (labels[: found.shape[1]], found)
    diverged = {label: len(lost[variant]) for variant, label in params.labels.items()}
    figures.save(figures_calibration.calibration_curves(runs, diverged), [Path(file) for file in snakemake.output])
