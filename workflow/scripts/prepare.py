"""Prepare one split of a dataset with OpenCV: one array file and its manifest."""

from pathlib import Path

from calotype.console import script
from calotype.images import prepare_split

with script(snakemake.log[0]):
    prepare_split(
        Path(snakemake.input.folder),
        Path(snakemake.output.array),
        Path(snakemake.output.manifest),
        **snakemake.params.preparation,
    )
