"""Compare the published numbers of a study with our measurements, and write LaTeX tables and numbers."""

from pathlib import Path

from calotype.evaluation.claims import claims_table
from calotype.evaluation.more_seeds import MoreSeeds
from calotype.evaluation.study_results import StudyResults
from calotype.report.latex import latex_tables
from calotype.report.numbers import numbers_file
from calotype.util.entry_point import script
from calotype.util.files import write_csv, write_text

with script(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    results = StudyResults(**params.results)
    measured = results.table("runs"), results.table("summary"), results.table("pooled"), results.parameters
    more = MoreSeeds(results.metric, params.worth, results.origins)
    claims = claims_table(results.study, params.claims, *measured, same_images=params.same_images, more=more)
    write_csv(claims, Path(output.claims))
    write_text(numbers_file(results), Path(output.numbers))
    for name, text in latex_tables(results.of_shown(), params.title, params.metrics).items():
        write_text(text, Path(output[f"{name.replace('-', '_')}_latex"]))
