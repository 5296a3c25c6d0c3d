"""Draw one split of a dataset of dots."""

from pathlib import Path

from calotype.data.draw_dots import write_split
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    write_split(Path(snakemake.output.folder), **snakemake.params.split)
