"""Run a smoke test of a custom model on a few images, before its first job."""

import json
import logging
from pathlib import Path

from calotype.config.recipe import Recipe
from calotype.data.prepared_split import open_split
from calotype.planning.check import try_variant
from calotype.util.entry_point import script
from calotype.util.errors import about
from calotype.util.files import read_json, write_text

with script(snakemake.log[0]):
    name = f"{snakemake.wildcards.study}/{snakemake.wildcards.variant}"
    recipe, found = Recipe(**snakemake.params.recipe), snakemake.input
    facts = read_json(found.manifests[0])  # the training split comes first
    train, *validation = (open_split(Path(file)) for file in found.arrays)
    with about(name):
        seen = try_variant(recipe, train, facts, *validation, may_diverge=snakemake.params.may_diverge)
    logging.getLogger("calotype").info("%s: smoke test passed; %d parameters", name, seen.parameters)
    write_text(json.dumps({"parameters": seen.parameters}) + "\n", Path(snakemake.output.seen))
