"""What the training of a pack gives, whatever library trained it."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

WORTH_A_LINE = 5.0  # seconds: a seed that takes less is not announced by itself


@dataclass(frozen=True)
class Pack:
    """What the training of a pack gives.

    Attributes:
        layers: of the model, in their order: columns layer, kind, output_shape, parameters.
        history: columns seed, epoch (from 1), metric, value.
        predictions: for each test split, shape (seeds, images, outputs), float32: counts in units of the labels, or the
            probability of each class.
        seconds: wall time of each seed: training and prediction.
        best_epochs: the epoch whose weights each seed kept, where held-out images chose it.
    """

    layers: pd.DataFrame
    history: pd.DataFrame
    predictions: dict[str, NDArray[np.float32]]
    seconds: dict[int, float]
    best_epochs: dict[int, int] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Number of parameters of the model."""
        return int(self.layers.parameters.sum())
