"""Prepare one split of a dataset with OpenCV: one array file and its manifest."""

from pathlib import Path

from calotype.console import script
from calotype.images import read_measured, read_split, write_split
from calotype.steps import read_steps, with_measured

with script(snakemake.log[0]):
    preparation, output = snakemake.params.preparation, snakemake.output
    steps = read_steps(preparation["steps"])
    for file in snakemake.input.measured:  # none, or one
        steps = with_measured(steps, read_measured(Path(file)))
    raw = read_split(preparation, Path(snakemake.input.raw), snakemake.params.place)
    write_split(raw, Path(output.array), Path(output.manifest), split=preparation["split"], steps=steps)
