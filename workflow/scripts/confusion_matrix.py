"""Print what is taken for what, all seeds of a variant together."""

from pathlib import Path

from calotype import figures, figures_mistakes
from calotype.console import script
from calotype.frames import read_csv, where

with script(snakemake.log[0]):
    params, found = snakemake.params, read_csv(snakemake.input.confusion)
    figures.use_style(Path(snakemake.input.style))
    chosen = where(found, variant=snakemake.wildcards.variant, split=params.split, seed="all")
    if len(chosen):
        figure = figures_mistakes.confusion_matrix(*figures_mistakes.cross_tabulate(chosen, params.classes))
    else:
        figure = figures.notice("All seeds diverged: there is nothing to show.")
    figures.save(figure, [Path(file) for file in snakemake.output])
