"""Run a smoke test of each variant of some studies."""

import json
from pathlib import Path

from calotype.config import load
from calotype.config.paths import Layout
from calotype.planning.check import try_study
from calotype.util.entry_point import script
from calotype.util.errors import CalotypeError
from calotype.util.files import read_json, write_text

with script(snakemake.log[0]):
    studies, layout = snakemake.params.studies, Layout(load.load(snakemake.config))
    if not studies:
        raise CalotypeError("config: studies: no study found.", "add one: --config 'studies=[leaves]'")
    manifests = {file: read_json(file) for file in snakemake.input.manifests}
    tried = {name: try_study(layout, name, manifests) for name in studies}
    if problems := [problem for _, some in tried.values() for problem in some]:
        raise CalotypeError("\n".join(problems))
    write_text(json.dumps({name: found for name, (found, _) in tried.items()}) + "\n", Path(snakemake.output.tried))
