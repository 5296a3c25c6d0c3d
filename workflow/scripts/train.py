"""Train one pack and predict its test splits."""

import json
import logging
import os
from pathlib import Path

import numpy as np

from calotype import backend, provenance
from calotype.console import script
from calotype.files import new_file, new_folder
from calotype.images import open_split
from calotype.recipe import Recipe
from calotype.training import train_pack

with script(snakemake.log[0]):
    recipe = Recipe(**snakemake.params.recipe)
    backend.start(recipe.threads)
    wildcards, output = snakemake.wildcards, snakemake.output
    logging.getLogger("calotype").info(
        "%s/%s: training on %s, %d thread(s)", wildcards.study, wildcards.variant, backend.device_name(), recipe.threads
    )
    if os.environ.get("SLURM_JOB_GPUS") and backend.device_name() == "cpu":
        logging.getLogger("calotype").warning("The job holds a GPU that TensorFlow cannot use: install envs/gpu.txt.")
    manifests = [json.loads(Path(file).read_text(encoding="utf-8")) for file in snakemake.input.manifests]
    splits = {
        manifest["split"]: open_split(Path(file))
        for manifest, file in zip(manifests, snakemake.input.arrays, strict=True)
    }
    with new_folder(Path(output.models)) as models:
        pack = train_pack(
            f"{wildcards.study}/{wildcards.variant}",
            recipe,
            range(int(wildcards.first), int(wildcards.last) + 1),
            splits.pop(recipe.train),
            splits,
            models,
            minimum=manifests[0]["minimum"],
            maximum=manifests[0]["maximum"],
        )
    with new_file(Path(output.history)) as aside:
        pack.history.to_csv(aside, index=False, lineterminator="\n")
    with new_file(Path(output.predictions)) as aside:
        np.savez(aside, **{split: values[..., 0] for split, values in pack.predictions.items()})
    origin = provenance.record(
        code=snakemake.params.code, config=recipe.model_dump(), data=manifests, device=backend.device_name()
    )
    origin |= {"parameters": pack.parameters, "seconds": pack.seconds, **provenance.process_cost()}
    with new_file(Path(output.provenance)) as aside:
        aside.write_text(json.dumps(origin, indent=1) + "\n", encoding="utf-8")
