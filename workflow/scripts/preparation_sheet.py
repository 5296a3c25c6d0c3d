"""Print what each step of the preparation makes of some images of a split."""

from pathlib import Path

from calotype import figures, figures_steps
from calotype.console import script
from calotype.images import read_measured, read_split
from calotype.splits import open_split
from calotype.steps import read_steps, with_measured

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    figures.use_style(Path(found.style))
    steps = read_steps(params.preparation["steps"])
    for file in found.measured:  # none, or one
        steps = with_measured(steps, read_measured(Path(file)))
    places = figures_steps.chosen(open_split(Path(found.array)).labels)
    records = figures_steps.pick(read_split(params.preparation, Path(found.raw), params.place), places)
    labels = [params.classes[label] if params.classes else f"count {label}" for _, label, _ in records]
    names = [f"image {number}\n{label}" for (number, _, _), label in zip(records, labels, strict=True)]
    figure = figures_steps.preparation_sheet(figures_steps.all_stages(records, steps), steps, names)
    figures.save(figure, [Path(file) for file in snakemake.output])
