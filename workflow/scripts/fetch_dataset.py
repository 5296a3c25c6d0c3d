"""Fetch the files of one dataset and verify them."""

import os
from pathlib import Path

from calotype import config
from calotype.console import script
from calotype.sources import fetch

with script(snakemake.log[0]):
    name = snakemake.wildcards.dataset
    checked = config.load(snakemake.config)
    own = [checked.settings.local_data, os.environ.get("CALOTYPE_DATA")]
    fetch(
        Path(snakemake.output.sums).parent,
        snakemake.params.files,
        [source.plain() for source in checked.datasets[name].fetch.sources],
        name=name,
        own=[Path(folder) for folder in own if folder],
        parts=Path(checked.settings.data) / ".partial",
    )
