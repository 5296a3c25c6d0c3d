"""Prepare one split of a dataset with OpenCV: one array file and its manifest."""

from pathlib import Path

from calotype.preparation.prepare import read_split, steps_of, write_split
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    preparation, output = snakemake.params.preparation, snakemake.output
    steps = steps_of(preparation, snakemake.input.measured)
    raw = read_split(preparation, Path(snakemake.input.raw), snakemake.params.place)
    write_split(raw, Path(output.array), Path(output.manifest), split=preparation["split"], steps=steps)
