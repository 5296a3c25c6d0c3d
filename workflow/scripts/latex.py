"""Set the summary, the claims and the models of a study as LaTeX tables."""

from pathlib import Path

from calotype.report.latex import claims_latex, escape, layers_latex, summary_latex
from calotype.util.csv_tables import read_csv
from calotype.util.entry_point import script
from calotype.util.files import write_text

with script(snakemake.log[0]):
    study, found, params, output = snakemake.wildcards.study, snakemake.input, snakemake.params, snakemake.output
    title, layers = escape(params.title), read_csv(found.layers)
    measured = read_csv(found.summary)
    summary = summary_latex(
        measured,
        read_csv(found.pooled),
        layers.groupby("variant").parameters.sum().to_dict(),
        params.metrics,
        params.labels,
        title + r": mean over $n$ seeds and its 95\,\% interval.",
        study,
    )
    write_text(summary, Path(output.summary))
    caption = title + r": published, and measured over $n$ seeds (mean and 95\,\% interval)."
    claims = claims_latex(read_csv(found.claims), measured, params.labels, caption, f"{study}-claims")
    write_text(claims, Path(output.claims))
    models = layers_latex(layers, params.labels, title + ": the models.", f"{study}-layers")
    write_text(models, Path(output.layers))
