"""Print the first test images with their true and predicted counts, as the first seed of each variant sees them."""

from pathlib import Path

from calotype import figures, figures_count
from calotype.console import script
from calotype.evaluation import diverged, read_predictions, rounded
from calotype.frames import read_csv
from calotype.splits import open_split

IMAGES = 50  # as on the source's page

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    figures.use_style(Path(found.style))
    data = open_split(Path(found.array))
    with figures.new_figures(Path(snakemake.output.folder)) as save:
        for variant, file, history in zip(params.variants, found.predictions, found.histories, strict=True):
            predictions = read_predictions([Path(file)], [variant], {variant: 1})[variant][params.split][0]
            if lost := diverged(read_csv(history)).get(0):
                figure = figures.first_seed_diverged(lost)
            else:
                shown = data.images[:IMAGES], data.labels[:IMAGES], rounded(predictions[:IMAGES])
                figure = figures_count.contact_sheet(*shown)
            save(figure, variant)
