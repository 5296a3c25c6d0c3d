"""Forecast the memory of a training from that of its smoke test and from the size of its images.

It is the memory without mapped pages of files, as `jobs.usage` measures it: Linux drops those pages before it kills.
"""

from collections.abc import Sequence

from calotype.config.recipe import SCIKIT_LEARN, Recipe
from calotype.training.predicting import PREDICT_BATCH
from calotype.training.smoke_test import Memory

BUILD = 50.0  # MiB of model and optimizer while the images are brought to the device
STREAMED = 3 * 64.0  # MiB of the blocks of `training.input_pipeline`
COPIES = 2  # of the few images of a smoke test: in the file's place, and on the device


def training_mib(recipe: Recipe, seen: Memory, splits: Sequence[float], stream_above: float, weights: float) -> float:
    """Forecast the peak memory of a process that trains runs one after the other.

    Args:
        recipe: of the variant.
        seen: the memory of its smoke test.
        splits: MiB of the training images and of those of `Recipe.validation`.
        stream_above: MiB of images from which on they are streamed.
        weights: MiB of the weights of all runs, which stay until they are saved.
    """
    few = COPIES * seen.images_mib
    # A smoke test has smaller batches of large images.
    steps = max(0.0, seen.training - seen.base - few) * recipe.batch_size / seen.batch_size
    idle = max(0.0, seen.after - seen.base - few)
    predicting = idle + max(0.0, seen.predicting - seen.after) * PREDICT_BATCH / seen.predicted
    total = sum(splits)
    if recipe.model in SCIKIT_LEARN:  # it reads the images where they are
        return seen.base + max(steps, predicting) + weights
    if total > stream_above:
        return seen.base + STREAMED + max(steps, predicting) + weights
    loading = total + max(splits) + BUILD  # each split exists twice while it is brought to the device
    held_out = recipe.validation_split * splits[0]
    return seen.base + max(loading, total + held_out + max(steps, predicting)) + weights
