"""Print what is taken for what, of each variant, all its seeds together."""

from pathlib import Path

from calotype.figures import base, mistakes
from calotype.util.csv_tables import read_csv, where
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    params, found = snakemake.params, read_csv(snakemake.input.confusion)
    base.use_style(Path(snakemake.input.style))
    with base.new_figures(Path(snakemake.output.folder)) as save:
        for variant in params.variants:
            chosen = where(found, variant=variant, split=params.split, seed="all")
            if len(chosen):
                figure = mistakes.confusion_matrix(*mistakes.cross_tabulate(chosen, params.classes))
            else:
                figure = base.notice("All seeds diverged: there is nothing to show.")
            save(figure, variant)
