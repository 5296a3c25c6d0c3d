"""Print the worst mistakes of a variant's first seed: classes it is most certainly wrong about, counts farthest off."""

from pathlib import Path

from calotype import figures, figures_mistakes
from calotype.console import script
from calotype.evaluation import confident_mistakes, diverged, read_predictions
from calotype.figures_mistakes import MISTAKES, largest_errors, percent, unrounded
from calotype.frames import read_csv
from calotype.splits import open_split

with script(snakemake.log[0]):
    variant, params = snakemake.wildcards.variant, snakemake.params
    figures.use_style(Path(snakemake.input.style))
    files = [Path(snakemake.input.predictions)]
    predictions = read_predictions(files, [variant], {variant: 1})[variant][params.split][0]
    data = open_split(Path(snakemake.input.array))
    labels = data.labels[: len(predictions)]
    if params.task == "count":
        places, counts = largest_errors(labels, predictions, MISTAKES)
        true, predicted, sure = labels[places].astype(str).tolist(), [unrounded(count) for count in counts], None
    else:
        places, taken, certain = confident_mistakes(labels, predictions, MISTAKES)
        true, predicted = ([params.classes[label] for label in found] for found in (labels[places], taken))
        sure = [percent(probability) for probability in certain]
    if lost := diverged(read_csv(snakemake.input.history)).get(0):
        figure = figures.first_seed_diverged(lost)
    else:
        figure = figures_mistakes.mistakes(data.images[places], true, predicted, sure)
    figures.save(figure, [Path(file) for file in snakemake.output])
