"""Print what is taken for what, of each variant, all its seeds together."""

from pathlib import Path

from calotype import figures, figures_mistakes
from calotype.console import script
from calotype.frames import read_csv, where

with script(snakemake.log[0]):
    params, found = snakemake.params, read_csv(snakemake.input.confusion)
    figures.use_style(Path(snakemake.input.style))
    with figures.new_figures(Path(snakemake.output.folder)) as save:
        for variant in params.variants:
            chosen = where(found, variant=variant, split=params.split, seed="all")
            if len(chosen):
                figure = figures_mistakes.confusion_matrix(*figures_mistakes.cross_tabulate(chosen, params.classes))
            else:
                figure = figures.notice("All seeds diverged: there is nothing to show.")
            save(figure, variant)
