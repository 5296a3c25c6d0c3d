"""Train one pack and predict its test splits."""

import json
import logging
from pathlib import Path

import numpy as np

from calotype import provenance
from calotype.console import script
from calotype.files import new_file, new_folder, write_csv
from calotype.recipe import SCIKIT_LEARN, Recipe
from calotype.splits import open_split

with script(snakemake.log[0]):
    recipe, wildcards, output = Recipe(**snakemake.params.recipe), snakemake.wildcards, snakemake.output
    name = f"{wildcards.study}/{wildcards.variant}"
    manifests = [json.loads(Path(file).read_text(encoding="utf-8")) for file in snakemake.input.manifests]
    splits = {
        manifest["split"]: open_split(Path(file))
        for manifest, file in zip(manifests, snakemake.input.arrays, strict=True)
    }
    train, seeds = splits.pop(recipe.train), range(int(wildcards.first), int(wildcards.last) + 1)
    with new_folder(Path(output.models)) as models:
        if recipe.model in SCIKIT_LEARN:
            from calotype import scikit

            device = "cpu"
            pack = scikit.train_pack(name, recipe, seeds, train, splits, models, classes=manifests[0]["classes"])
        else:
            from calotype import backend, training

            backend.start(recipe.threads)
            device = backend.device_name()
            logging.getLogger("calotype").info("%s: training on %s, %d thread(s)", name, device, recipe.threads)
            labels = {key: manifests[0][key] for key in ("minimum", "maximum", "classes")}
            pack = training.train_pack(name, recipe, seeds, train, splits, models, **labels)
    write_csv(pack.history, Path(output.history))
    write_csv(pack.layers, Path(output.layers))
    with new_file(Path(output.predictions)) as aside:
        predictions = pack.predictions.items()
        np.savez(aside, **{split: found if recipe.classifies else found[..., 0] for split, found in predictions})
    origin = provenance.record(
        code=snakemake.params.code, config=recipe.model_dump(), data=manifests, device=device, pack=pack
    )
    with new_file(Path(output.provenance)) as aside:
        aside.write_text(json.dumps(origin, indent=1) + "\n", encoding="utf-8")
