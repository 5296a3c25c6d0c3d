"""Try the models of the user's own on a few images, before a job is sent for one."""

import json
import logging
from pathlib import Path

from calotype.console import script
from calotype.errors import about
from calotype.files import write_text
from calotype.recipe import Recipe
from calotype.splits import open_split
from calotype.trial import try_variant

with script(snakemake.log[0]):
    study, logger = snakemake.wildcards.study, logging.getLogger("calotype")
    found = zip(snakemake.input.manifests, snakemake.input.arrays, strict=True)
    splits = {}
    for manifest, array in found:
        facts = json.loads(Path(manifest).read_text(encoding="utf-8"))
        splits[facts["split"]] = facts, open_split(Path(array))
    for variant, (recipe, _) in snakemake.params.own_models.items():
        facts, train = splits[recipe["train"]]
        with about(f"{study}/{variant}"):
            seen = try_variant(Recipe(**recipe), train, facts)
        logger.info("%s/%s: trains, saves, loads and predicts; %d parameters", study, variant, seen.parameters)
    write_text('{"models": "train, save, load and predict"}\n', Path(snakemake.output.seen))
