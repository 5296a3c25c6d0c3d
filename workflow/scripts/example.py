"""Print one test image and the probabilities that each variant gives it."""

from pathlib import Path

from calotype import figures, figures_classify
from calotype.console import script
from calotype.evaluation import diverged_runs, leave_out, read_predictions
from calotype.frames import read_csv
from calotype.splits import open_split, place_of

with script(snakemake.log[0]):
    params = snakemake.params
    figures.use_style(Path(snakemake.input.style))
    predictions = read_predictions([Path(file) for file in snakemake.input.predictions], params.variants, params.seeds)
    lost = diverged_runs(map(read_csv, snakemake.input.histories), params.variants, params.seeds)
    predictions = leave_out(predictions, lost)
    data = open_split(Path(snakemake.input.array))
    place = place_of(data, params.image, max(found[params.split].shape[1] for found in predictions.values()))
    probabilities = {
        label: predictions[variant][params.split][:, place]
        for variant, label in params.labels.items()
        if place < predictions[variant][params.split].shape[1]
    }
    true = params.classes[data.labels[place]]
    diverged = {label: len(lost[variant]) for variant, label in params.labels.items()}
    figure = figures_classify.example(data.images[place], true, probabilities, params.classes, diverged)
    figures.save(figure, [Path(file) for file in snakemake.output])
