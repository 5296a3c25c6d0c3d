"""Print what is taken for what, all seeds of a variant together."""

from pathlib import Path

from calotype import figures, figures_mistakes
from calotype.console import script
from calotype.frames import read_csv

with script(snakemake.log[0]):
    params, found = snakemake.params, read_csv(snakemake.input.confusion)
    figures.use_style(Path(snakemake.input.style))
    chosen = (found.variant == snakemake.wildcards.variant) & (found.split == params.split) & (found.seed == "all")
    table = figures_mistakes.cross_tabulate(found[chosen], params.classes)
    figures.save(figures_mistakes.confusion_matrix(*table), [Path(file) for file in snakemake.output])
