"""Print the worst mistakes of each variant's first seed: classes it is surely wrong about, numbers farthest off."""

from pathlib import Path

from calotype.data.prepared_split import open_split
from calotype.evaluation.confusion import confident_mistakes
from calotype.evaluation.load_for_figures import first_seeds
from calotype.figures import base, mistakes
from calotype.figures.mistakes import MISTAKES, largest_errors, number, percent, unrounded
from calotype.util.entry_point import script

with script(snakemake.log[0]):
    found, params = snakemake.input, snakemake.params
    base.use_style(Path(found.style))
    data = open_split(Path(found.array))
    with base.new_figures(Path(snakemake.output.folder)) as save:
        firsts = first_seeds(found.predictions, found.histories, split=params.split, variants=params.variants)
        for variant, predictions, lost in firsts:
            labels = data.labels[: len(predictions)]
            if params.task == "count":
                places, counts = largest_errors(labels, predictions, MISTAKES)
                true, predicted = labels[places].astype(str).tolist(), [unrounded(count) for count in counts]
                sure = None
            elif params.task == "regress":
                places, numbers = largest_errors(labels, predictions, MISTAKES, counts=False)
                true, predicted = [number(label) for label in labels[places]], [number(value) for value in numbers]
                sure = None
            else:
                places, taken, certain = confident_mistakes(labels, predictions, MISTAKES)
                true, predicted = ([params.classes[label] for label in of] for of in (labels[places], taken))
                sure = [percent(probability) for probability in certain]
            if lost is not None:
                figure = base.first_seed_diverged(lost)
            else:
                figure = mistakes.mistakes(data.images[places], true, predicted, sure)
            save(figure, variant)
