"""Try a model of the user's own on a few images, before a job is sent for it."""

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
    name = f"{snakemake.wildcards.study}/{snakemake.wildcards.variant}"
    recipe, found = Recipe(**snakemake.params.recipe), snakemake.input
    facts = json.loads(Path(found.manifests[0]).read_text(encoding="utf-8"))  # the training split comes first
    train, *validation = (open_split(Path(file)) for file in found.arrays[: len(recipe.splits)])
    with about(name):
        seen = try_variant(recipe, train, facts, *validation)
    logging.getLogger("calotype").info("%s: trains, saves, loads and predicts; %d parameters", name, seen.parameters)
    write_text(json.dumps({"parameters": seen.parameters}) + "\n", Path(snakemake.output.seen))
