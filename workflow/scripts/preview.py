"""Plot some images of a split after each preparation step."""

from pathlib import Path

from calotype.data.prepared_split import open_split
from calotype.figures import base, preparation
from calotype.preparation.prepare import read_split, with_measured
from calotype.steps.registry import read_steps
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    base.use_style(Path(found.style), base.Page(**params.page))
    base.log_warnings()
    steps = with_measured(read_steps(params.preparation["steps"]), found.measured)
    places = preparation.chosen(open_split(Path(found.array)).labels)
    raw = read_split(params.preparation, Path(found.raw), params.place)
    records = preparation.pick(raw, places)
    names = [preparation.called(*each, raw, params.classes) for each in zip(records, places, strict=True)]
    figure = preparation.preview(preparation.all_stages(records, steps), steps, names)
    base.save(figure, [Path(file) for file in snakemake.output])
