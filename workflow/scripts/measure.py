"""Measure mean and standard deviation of a split, after the steps before `normalise`."""

from pathlib import Path

from calotype.preparation.prepare import read_split, write_measured
from calotype.steps.registry import read_steps
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    measuring = snakemake.params.measuring
    raw = read_split(measuring, Path(snakemake.input.raw), snakemake.params.place)
    steps = read_steps(measuring["steps"])
    write_measured(raw, Path(snakemake.output.measured), split=measuring["split"], steps=steps)
