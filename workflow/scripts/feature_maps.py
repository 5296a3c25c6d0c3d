"""Print what the first convolution and max-pooling of a trained net make of one image."""

from pathlib import Path

from calotype import figures, figures_classify
from calotype.console import script
from calotype.evaluation import diverged
from calotype.features import first_features
from calotype.frames import read_csv
from calotype.splits import open_split, place_of

with script(snakemake.log[0]):
    models = Path(snakemake.input.models)
    figures.use_style(Path(snakemake.input.style))
    data = open_split(Path(snakemake.input.array))
    image = data.images[place_of(data, snakemake.params.image)]
    architecture = (models / "architecture.json").read_text(encoding="utf-8")
    if lost := diverged(read_csv(snakemake.input.history)).get(0):
        figure = figures.first_seed_diverged(lost)
    else:
        maps = first_features(architecture, models / "seed-000.weights.h5", image)
        figure = figures_classify.feature_maps(image, *maps)
    figures.save(figure, [Path(file) for file in snakemake.output])
