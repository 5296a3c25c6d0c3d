"""Print the first test images with their true and predicted counts, as the first seed of each variant sees them."""

from pathlib import Path

from calotype.data.prepared_split import open_split
from calotype.evaluation.load_for_figures import first_seeds
from calotype.figures import base, count
from calotype.tasks.count import rounded
from calotype.util.entry_point import script

IMAGES = 50  # as on the source's page

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    base.use_style(Path(found.style))
    data = open_split(Path(found.array))
    with base.new_figures(Path(snakemake.output.folder)) as save:
        firsts = first_seeds(found.predictions, found.histories, split=params.split, variants=params.variants)
        for variant, predictions, lost in firsts:
            if lost is not None:
                figure = base.first_seed_diverged(lost)
            else:
                shown = data.images[:IMAGES], data.labels[:IMAGES], rounded(predictions[:IMAGES])
                figure = count.contact_sheet(*shown)
            save(figure, variant)
