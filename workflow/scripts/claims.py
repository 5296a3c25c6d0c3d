"""Hold the published numbers of a study against what was measured."""

from pathlib import Path

from calotype.claims import claims_table
from calotype.console import script
from calotype.files import write_csv
from calotype.frames import read_csv

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    parameters = read_csv(found.layers).groupby("variant").parameters.sum().to_dict()
    table = claims_table(
        snakemake.wildcards.study,
        params.claims,
        read_csv(found.runs),
        read_csv(found.pooled),
        parameters,
        same_images=params.same_images,
    )
    write_csv(table, Path(snakemake.output.claims))
