"""Print what each step of the preparation makes of some images of a split."""

from pathlib import Path

from calotype import figures, figures_steps
from calotype.console import script
from calotype.images import read_split, steps_of
from calotype.splits import open_split

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    figures.use_style(Path(found.style))
    steps = steps_of(params.preparation, found.measured)
    places = figures_steps.chosen(open_split(Path(found.array)).labels)
    raw = read_split(params.preparation, Path(found.raw), params.place)
    records = figures_steps.pick(raw, places)
    names = [figures_steps.called(*each, raw, params.classes) for each in zip(records, places, strict=True)]
    figure = figures_steps.preparation_sheet(figures_steps.all_stages(records, steps), steps, names)
    figures.save(figure, [Path(file) for file in snakemake.output])
