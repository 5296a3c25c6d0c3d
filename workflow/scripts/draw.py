"""Draw one split of a dataset."""

from pathlib import Path

from calotype.util.entry_point import script
from calotype.util.function_of import function_of

with script(snakemake.log[0]):
    draw = function_of(snakemake.params.writer)
    draw(Path(snakemake.output.folder), **snakemake.params.keywords)
