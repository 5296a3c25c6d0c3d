"""Print the first test images with their true and predicted counts, as the first seed of each variant sees them."""

from pathlib import Path

from calotype import figures, figures_count
from calotype.console import script
from calotype.evaluation import rounded
from calotype.predicted import first_seeds
from calotype.splits import open_split

IMAGES = 50  # as on the source's page

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    figures.use_style(Path(found.style))
    data = open_split(Path(found.array))
    with figures.new_figures(Path(snakemake.output.folder)) as save:
        firsts = first_seeds(found.predictions, found.histories, split=params.split, variants=params.variants)
        for variant, predictions, lost in firsts:
            if lost is not None:
                figure = figures.first_seed_diverged(lost)
            else:
                shown = data.images[:IMAGES], data.labels[:IMAGES], rounded(predictions[:IMAGES])
                figure = figures_count.contact_sheet(*shown)
            save(figure, variant)
