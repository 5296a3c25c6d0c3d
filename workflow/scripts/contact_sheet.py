"""Print the first test images with their true and predicted counts, as the first seed of a variant sees them."""

from pathlib import Path

from calotype import figures, figures_count
from calotype.console import script
from calotype.evaluation import diverged, read_predictions, rounded
from calotype.frames import read_csv
from calotype.splits import open_split

IMAGES = 50  # as on the source's page

with script(snakemake.log[0]):
    variant, split = snakemake.wildcards.variant, snakemake.params.split
    figures.use_style(Path(snakemake.input.style))
    predictions = read_predictions([Path(snakemake.input.predictions)], [variant], {variant: 1})[variant][split][0]
    data = open_split(Path(snakemake.input.array))
    if lost := diverged(read_csv(snakemake.input.history)).get(0):
        figure = figures.first_seed_diverged(lost)
    else:
        figure = figures_count.contact_sheet(data.images[:IMAGES], data.labels[:IMAGES], rounded(predictions[:IMAGES]))
    figures.save(figure, [Path(file) for file in snakemake.output])
