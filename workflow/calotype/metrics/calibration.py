"""Accuracy of predictions by their confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BINS = 15  # of confidence; as in Guo and others, and with that in most papers


@dataclass(frozen=True)
class Calibration:
    """Accuracy and confidence in each of `BINS` bins of confidence; all of shape (bins,)."""

    images: NDArray[np.int64]  # number of images
    confidence: NDArray[np.float64]  # mean probability of the predicted class; NaN in an empty bin
    accuracy: NDArray[np.float64]  # share whose predicted class is the true one; NaN in an empty bin

    @property
    def error(self) -> float:
        """Expected calibration error: the mean of abs(accuracy - confidence) over bins, weighted by their images."""
        import numpy as np

        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(self.images * gaps) / self.images.sum())


def calibration(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> Calibration | None:
    """Sort images into 15 bins of equal width by the probability of the predicted class; None if one is not finite.

    A bin includes its upper edge and excludes its lower one.

    Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, On calibration of modern neural networks, ICML 2017,
    equations 2 to 5.

    Args:
        labels: true classes, shape (images,).
        probabilities: shape (images, classes).
    """
    import numpy as np

    if not np.isfinite(probabilities).all():
        return None
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    edges = np.arange(1, BINS) / BINS
    places = np.searchsorted(edges, confidence, side="left")
    images = np.bincount(places, minlength=BINS)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(places, values, minlength=BINS) / images for values in (confidence, right)]
    return Calibration(images, *means)
