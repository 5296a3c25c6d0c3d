"""Print what the first convolution and max-pooling of a trained net make of one image."""

from pathlib import Path

from calotype.data.prepared_split import open_split, place_of
from calotype.evaluation.divergence import diverged
from calotype.evaluation.feature_maps import first_features
from calotype.figures import base, classify
from calotype.util.csv_tables import read_csv
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    models = Path(snakemake.input.models)
    base.use_style(Path(snakemake.input.style))
    data = open_split(Path(snakemake.input.array))
    image = data.images[place_of(data, snakemake.params.image)]
    architecture = (models / "architecture.json").read_text(encoding="utf-8")
    if lost := diverged(read_csv(snakemake.input.history)).get(0):
        figure = base.first_seed_diverged(lost)
    else:
        maps = first_features(architecture, models / "seed-000.weights.h5", image)
        figure = classify.feature_maps(image, *maps)
    base.save(figure, [Path(file) for file in snakemake.output])
