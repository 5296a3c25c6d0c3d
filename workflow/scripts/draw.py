"""Draw one split of a dataset of dots."""

from pathlib import Path

from calotype.console import script
from calotype.dots import write_split

with script(snakemake.log[0]):
    write_split(Path(snakemake.output.folder), **snakemake.params.split)
