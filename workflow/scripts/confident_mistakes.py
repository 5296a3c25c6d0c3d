"""Print the test images that the first seed of a variant is most certainly wrong about."""

from pathlib import Path

from calotype import figures, figures_classify
from calotype.console import script
from calotype.evaluation import confident_mistakes, read_predictions
from calotype.splits import open_split

IMAGES = 40

with script(snakemake.log[0]):
    variant, params = snakemake.wildcards.variant, snakemake.params
    figures.use_style(Path(snakemake.input.style))
    files = [Path(snakemake.input.predictions)]
    probabilities = read_predictions(files, [variant], {variant: 1})[variant][params.split][0]
    data = open_split(Path(snakemake.input.array))
    places, predicted, certain = confident_mistakes(data.labels[: len(probabilities)], probabilities, IMAGES)
    figure = figures_classify.confident_mistakes(
        data.images[places],
        [params.classes[label] for label in data.labels[places]],
        [params.classes[label] for label in predicted],
        certain.tolist(),
    )
    figures.save(figure, [Path(file) for file in snakemake.output])
