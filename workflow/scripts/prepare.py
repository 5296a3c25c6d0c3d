"""Prepare one split of a dataset with OpenCV: one array file and its manifest."""

from pathlib import Path

from calotype.console import script
from calotype.images import write_split
from calotype.raw import read_raw

with script(snakemake.log[0]):
    where = dict(snakemake.params.preparation)
    split, steps = where.pop("split"), where.pop("steps")
    raw = Path(snakemake.input.raw)  # a folder, the checksums beside the files, or the manifest of a catalogue
    if snakemake.input.catalogue:
        where |= {"split": split, "catalogue": Path(snakemake.input.catalogue[0])}
    folder = Path(where.pop("folder", raw if raw.is_dir() else raw.parent))
    raw = read_raw(where.pop("source"), folder, **where)
    write_split(raw, Path(snakemake.output.array), Path(snakemake.output.manifest), split=split, steps=steps)
