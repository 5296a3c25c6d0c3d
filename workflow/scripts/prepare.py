"""Prepare one split of a dataset with OpenCV: one array file and its manifest."""

from pathlib import Path

from calotype.console import script
from calotype.images import write_split
from calotype.raw import read_raw

with script(snakemake.log[0]):
    where = dict(snakemake.params.preparation)
    split, steps = where.pop("split"), where.pop("steps")
    raw = Path(snakemake.input.raw)  # a folder, or the checksums beside the files
    raw = read_raw(where.pop("source"), raw if raw.is_dir() else raw.parent, **where)
    write_split(raw, Path(snakemake.output.array), Path(snakemake.output.manifest), split=split, steps=steps)
