"""Draw one split of a dataset."""

from pathlib import Path
from pkgutil import resolve_name

from calotype.util.entry_point import script

with script(snakemake.log[0]):
    draw = resolve_name(snakemake.params.writer)
    draw(Path(snakemake.output.folder), **snakemake.params.keywords)
