"""Train scikit-learn's multi-layer perceptron under the conditions of a recipe, to stand beside Keras's."""

import logging
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from calotype.errors import CalotypeError
from calotype.pack import WORTH_A_LINE, Pack
from calotype.recipe import Recipe
from calotype.splits import Split

logger = logging.getLogger(__name__)


def make_classifier(recipe: Recipe, seed: int) -> MLPClassifier:
    """Make the classifier of a recipe: its optimizer, epochs and batch size, and its own arguments."""
    optimizer, extra = recipe.optimizer, recipe.optimizer.arguments
    arguments: dict[str, Any] = dict(recipe.model_arguments)
    if optimizer.learning_rate is not None:
        arguments["learning_rate_init"] = optimizer.learning_rate
    if optimizer.name == "sgd":  # with Keras's defaults, which are not scikit-learn's
        arguments |= {"momentum": extra.get("momentum", 0.0), "nesterovs_momentum": extra.get("nesterov", False)}
    return MLPClassifier(
        solver=optimizer.name,
        batch_size=recipe.batch_size,
        max_iter=recipe.epochs,
        n_iter_no_change=recipe.epochs,  # all epochs, as Keras does
        random_state=seed,
        **arguments,
    )


def layers_table(classifier: MLPClassifier) -> pd.DataFrame:
    """The layers of a trained classifier: layer, kind, output_shape, parameters."""
    sizes = zip(classifier.coefs_, classifier.intercepts_, strict=True)
    rows = [(f"layer_{i}", "Dense", f"(None, {b.size})", w.size + b.size) for i, (w, b) in enumerate(sizes)]
    return pd.DataFrame(rows, columns=["layer", "kind", "output_shape", "parameters"])


def train_pack(
    name: str,
    recipe: Recipe,
    seeds: range,
    train: Split,
    tests: Mapping[str, Split],
    models: Path,
    *,
    classes: int,
) -> Pack:
    """Train one variant with each of some seeds and predict the test splits.

    Args:
        name: how the log calls it.
        recipe: what to train, and how.
        seeds: the seeds of the pack; each is the classifier's ``random_state``.
        train: the training images; each is seen as a row of its pixels.
        tests: the test splits by name.
        models: an existing folder; gets the weights of each seed, ``seed-000.npz``.
        classes: number of classes; one that no training image shows has probability 0.

    Raises:
        CalotypeError: scikit-learn refuses an argument, or the training diverges.
    """
    images = train.images.reshape(len(train.images), -1)
    rows: list[tuple[int, int, str, float]] = []
    predictions: dict[str, list[NDArray[np.float32]]] = {split: [] for split in tests}
    seconds: dict[int, float] = {}
    for seed in seeds:
        began = time.perf_counter()
        try:
            classifier = make_classifier(recipe, seed)
            # The number of epochs is set, not what convergence asks for.
            with threadpool_limits(recipe.threads), warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                classifier.fit(images, train.labels)
        except (TypeError, ValueError) as error:
            hint = "see `model_arguments` and scikit-learn's page on MLPClassifier; or a smaller learning rate."
            raise CalotypeError(f"{name}: {recipe.model}: {error}", hint) from error
        rows += [(seed, epoch, "loss", loss) for epoch, loss in enumerate(classifier.loss_curve_, start=1)]
        for split, data in tests.items():
            shown = data.images[: recipe.test_images]
            found = np.zeros((len(shown), classes), np.float32)
            with threadpool_limits(recipe.threads):
                found[:, classifier.classes_] = classifier.predict_proba(shown.reshape(len(shown), -1))
            predictions[split].append(found)
        weights = {f"coefs_{i}": array for i, array in enumerate(classifier.coefs_)}
        weights |= {f"intercepts_{i}": array for i, array in enumerate(classifier.intercepts_)}
        np.savez(models / f"seed-{seed:03d}.npz", **weights)
        seconds[seed] = time.perf_counter() - began
        # A line for each seed that one waits for.
        level = logging.INFO if seconds[seed] >= WORTH_A_LINE else logging.DEBUG
        logger.log(level, "%s: seed %d done in %.1f s", name, seed, seconds[seed])
    logger.info("%s: seeds %d to %d done in %.0f s", name, seeds[0], seeds[-1], sum(seconds.values()))
    return Pack(
        layers=layers_table(classifier),
        history=pd.DataFrame(rows, columns=["seed", "epoch", "metric", "value"]),
        predictions={split: np.stack(found) for split, found in predictions.items()},
        seconds=seconds,
    )
