"""What the training of a pack gives, whatever library trained it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.util.files import new_file, write_csv


@dataclass(frozen=True)
class Pack:
    """What the training of a pack gives.

    Attributes:
        layers: of the model, in their order: columns layer, kind, output_shape, parameters.
        history: columns seed, epoch (from 1), metric, value.
        predictions: for each test split, shape (seeds, images, outputs), float32: numbers in units of the labels, or
            the probability of each class.
        seconds: wall time of each seed: training and prediction, over all attempts.
        best_epochs: the epoch whose weights each seed kept, where held-out images chose it.
        diverged: the epoch in which the loss of a seed was no longer a number, where that happened.
        machines: of each seed: what it was trained on, one after the other where it was continued elsewhere.
    """

    layers: pd.DataFrame
    history: pd.DataFrame
    predictions: dict[str, NDArray[np.float32]]
    seconds: dict[int, float]
    best_epochs: dict[int, int] = field(default_factory=dict)
    diverged: dict[int, int] = field(default_factory=dict)
    machines: dict[int, Sequence[str]] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Number of parameters of the model."""
        return int(self.layers.parameters.sum())


def write_tables(pack: Pack, *, counts: bool, history: Path, layers: Path, predictions: Path) -> None:
    """Write the history and the layers of a pack as CSV, and its predictions as .npz, one array for each split.

    Args:
        pack: what is written.
        counts: whether the predictions are counts or other numbers: of shape (seeds, images) in the file, without an
            axis of length 1.
        history, layers, predictions: the files.

    Raises:
        CalotypeError: a file cannot be written.
    """
    write_csv(pack.history, history)
    write_csv(pack.layers, layers)
    with new_file(predictions) as aside:
        arrays = {split: found[..., 0] if counts else found for split, found in pack.predictions.items()}
        np.savez(aside, allow_pickle=False, **arrays)


def is_there(provenance: Path, identity: str, others: Iterable[Path]) -> bool:
    """Whether the files of a pack are all there, and are the results of what `identity` stands for.

    Args:
        provenance: the file that is written last.
        identity: of what the results depend on.
        others: the other files and folders.
    """
    try:
        return json.loads(provenance.read_text(encoding="utf-8"))["identity"] == identity and all(
            path.exists() for path in others
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False
