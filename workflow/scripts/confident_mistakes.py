"""Print the worst mistakes of each variant's first seed: classes it is surely wrong about, numbers farthest off."""

from pathlib import Path

from calotype.data.prepared_split import open_split
from calotype.evaluation.load_for_figures import first_seeds
from calotype.figures import base, mistakes
from calotype.figures.mistakes import MISTAKES
from calotype.tasks.registry import TASKS
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    base.use_style(Path(found.style))
    data = open_split(Path(found.array))
    with base.new_figures(Path(snakemake.output.folder)) as save:
        firsts = first_seeds(found.predictions, found.histories, split=params.split, variants=params.variants)
        for variant, predictions, lost in firsts:
            labels = data.labels[: len(predictions)]
            worst = TASKS[params.task].mistakes(labels, predictions, params.classes, MISTAKES)
            if lost is not None:
                figure = base.first_seed_diverged(lost)
            else:
                figure = mistakes.mistakes(data.images[worst.places], worst.true, worst.predicted, worst.confidence)
            save(figure, variant)
