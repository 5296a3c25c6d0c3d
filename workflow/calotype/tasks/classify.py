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
    """Find the most confident errors; ties in the order of the images."""
    import numpy as np

    predicted = most_probable(probabilities)
    wrong = np.flatnonzero((predicted != labels) & ~np.isnan(predicted))
    places = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")[:most]]
    return WorstErrors(
        places,
        [classes[label] for label in labels[places]],
        [classes[int(each)] for each in predicted[places]],
        [percent_text(each) for each in probabilities[places].max(axis=1)],
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
