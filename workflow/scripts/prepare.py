"""Prepare one split of a dataset with OpenCV: write one array and its manifest."""

from pathlib import Path

from calotype.preparation.dark_images import levels_seen, logger
from calotype.preparation.prepare import read_split, with_measured, write_split
from calotype.steps.registry import read_steps
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    preparation, output = snakemake.params.preparation, snakemake.output
    steps = with_measured(read_steps(preparation["steps"]), snakemake.input.measured)
    raw = read_split(preparation, Path(snakemake.input.raw), snakemake.params.place)
    logger.log(*levels_seen(snakemake.input.catalogue, steps))
    write_split(raw, Path(output.array), Path(output.manifest), split=preparation["split"], steps=steps)
