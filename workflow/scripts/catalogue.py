"""List a user's own images with their labels and splits."""

from pathlib import Path

from calotype.config.datasets import DATASETS
from calotype.data.catalogue import write_catalogue
from calotype.util.entry_point import script
from calotype.util.errors import about

with script(snakemake.log[0]), about(f"dataset {snakemake.wildcards.dataset}"):
    entry = snakemake.params.dataset | snakemake.params.place
    files = Path(snakemake.output.table), Path(snakemake.output.manifest)
    write_catalogue(DATASETS[entry["source"]](**entry), *files, threads=snakemake.threads)
