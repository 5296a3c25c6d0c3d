"""Print one test image and the probabilities that each variant gives it."""

from pathlib import Path

from calotype.data.prepared_split import open_split, place_of
from calotype.evaluation.load_for_figures import predicted
from calotype.figures import base, classify
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    base.use_style(Path(found.style))
    runs, diverged = predicted(found.predictions, found.histories, found.array, **params.runs)
    data = open_split(Path(found.array))
    place = place_of(data, params.image, max(len(labels) for labels, _ in runs.values()))
    # A variant that was tested on fewer images may not have seen it.
    probabilities = {label: run[:, place] for label, (labels, run) in runs.items() if place < len(labels)}
    true = params.classes[data.labels[place]]
    figure = classify.example(data.images[place], true, probabilities, params.classes, diverged)
    base.save(figure, [Path(file) for file in snakemake.output])
