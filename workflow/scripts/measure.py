"""Measure the mean and the deviation of a split, after the steps before the one that takes them."""

from pathlib import Path

from calotype.console import script
from calotype.images import read_split, write_measured

with script(snakemake.log[0]):
    measuring = snakemake.params.measuring
    raw = read_split(measuring, Path(snakemake.input.raw), snakemake.params.place)
    write_measured(raw, Path(snakemake.output.measured), split=measuring["split"], steps=measuring["steps"])
