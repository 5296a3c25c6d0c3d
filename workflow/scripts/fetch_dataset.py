"""Fetch the files of one dataset and verify them."""

import os
from pathlib import Path

from calotype.config import load
from calotype.fetch.fetch import fetch
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    name = snakemake.wildcards.dataset
    checked = load.load(snakemake.config)
    own = [checked.settings.local_data, os.environ.get("CALOTYPE_DATA")]
    fetch(
        Path(snakemake.output.sums).parent,
        snakemake.params.files,
        [source.plain() for source in checked.datasets[name].fetch.sources],
        name=name,
        own=[Path(folder) for folder in own if folder],
        parts=Path(checked.settings.data) / ".partial",
    )
