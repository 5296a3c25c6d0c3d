"""Print one test image and the probabilities that each variant gives it."""

from pathlib import Path

from calotype import figures, figures_classify
from calotype.console import script
from calotype.predicted import predicted
from calotype.splits import open_split, place_of

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    figures.use_style(Path(found.style))
    runs, diverged = predicted(found.predictions, found.histories, found.array, **params.runs)
    data = open_split(Path(found.array))
    place = place_of(data, params.image, max(len(labels) for labels, _ in runs.values()))
    # A variant that was tested on fewer images may not have seen it.
    probabilities = {label: run[:, place] for label, (labels, run) in runs.items() if place < len(labels)}
    true = params.classes[data.labels[place]]
    figure = figures_classify.example(data.images[place], true, probabilities, params.classes, diverged)
    figures.save(figure, [Path(file) for file in snakemake.output])
