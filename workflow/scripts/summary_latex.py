"""Set the summary of a study as a LaTeX table."""

from pathlib import Path

from calotype.console import script
from calotype.files import new_file
from calotype.tables import escape, read_csv, summary_latex

with script(snakemake.log[0]):
    params = snakemake.params
    latex = summary_latex(
        read_csv(snakemake.input.summary),
        read_csv(snakemake.input.pooled),
        params.labels,
        escape(params.title) + r": mean over $n$ seeds and its 95\,\% interval.",
        snakemake.wildcards.study,
    )
    with new_file(Path(snakemake.output.latex)) as aside:
        aside.write_text(latex, encoding="utf-8")
