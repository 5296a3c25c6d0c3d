"""Task `classify`: choose one of the dataset's classes."""

from collections.abc import Sequence

from calotype.metrics.base import PARAMETERS, TRAINING_ACCURACY
from calotype.metrics.classes import CLASSES
from calotype.tasks import starter
from calotype.tasks.base import Decided, Labels, Predictions, Task, WorstErrors
from calotype.tasks.labels import OF_CLASSES


def most_probable(probabilities: Predictions) -> Decided:
    """Choose the most probable class, the first of ties; NaN if a probability is not finite."""
    import numpy as np

    found = probabilities.argmax(axis=-1).astype(np.float64)
    return np.where(np.isfinite(probabilities).all(axis=-1), found, np.nan)


def percent_text(probability: float) -> str:
    """Write a probability in per cent, never as 100 %."""
    return ">99.9 %" if probability > 0.9995 else f"{100 * probability:.1f} %"


def worst_errors(labels: Labels, probabilities: Predictions, classes: Sequence[str], most: int) -> WorstErrors:
    """Find the most confident errors: the largest sums of the probabilities of wrong predictions over the seeds.

    Shown are the wrong class with the largest sum, and its mean probability where it is predicted. Ties stay in the
    order of the images.
    """
    import numpy as np

    predicted = most_probable(probabilities)
    wrong = (predicted != labels) & ~np.isnan(predicted)
    sure = np.where(wrong, probabilities.max(axis=2), 0).astype(np.float64)
    order = np.argsort(-sure.sum(axis=0), kind="stable")
    places = order[wrong.any(axis=0)[order]][:most]
    said, shares = [], []
    for place in places:
        chosen = predicted[wrong[:, place], place].astype(np.int64)
        sums = np.bincount(chosen, sure[wrong[:, place], place])
        said.append(int(sums.argmax()))
        shares.append(float(sums[said[-1]] / (chosen == said[-1]).sum()))
    seeds = len(wrong)
    counts = [f" ({count}/{seeds})" if seeds > 1 else "" for count in wrong[:, places].sum(axis=0).tolist()]
    return WorstErrors(
        places,
        [classes[label] for label in labels[places]],
        [classes[each] for each in said],
        [f"{percent_text(share)}{count}" for share, count in zip(shares, counts, strict=True)],
    )


CLASSIFY = Task(
    name="classify",
    purpose="choose one of the dataset's classes",
    labels="classes",
    losses=OF_CLASSES,
    metrics=CLASSES,
    usual=("accuracy", "log_loss"),
    worst_errors=worst_errors,
    starter=starter.CLASSES,
    decide=most_probable,
    of_training=(PARAMETERS, TRAINING_ACCURACY),
)
