"""Hold the published numbers of a study against what was measured."""

from pathlib import Path

from calotype.evaluation.claims import claims_table
from calotype.util.csv_tables import read_csv
from calotype.util.entry_point import script
from calotype.util.files import write_csv

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
