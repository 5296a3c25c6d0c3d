"""Pages of many small images and words, placed in inches."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from calotype.figures.base import PALE, single
from calotype.figures.panels import empty_figure

Levels = float | NDArray[np.floating[Any]]  # of all channels, or one of each
FRAME = (PALE, 0.4)  # of an image: colour, and width in points


@dataclass(frozen=True)
class ImagePage:
    """One axes in inches from the upper left corner. Fifty images take a quarter of the time that fifty axes take."""

    figure: Figure
    axes: Axes

    def picture(
        self, image: NDArray[np.floating[Any]], left: float, top: float, width: float, height: float,
        low: Levels = 0.0, high: Levels = 1.0, frame: tuple[str, float] = FRAME,
    ) -> None:  # fmt: skip
        """Plot an image with a frame at a place in inches.

        Args:
            image: shape (height, width) or (height, width, 1), plotted in grey, or (height, width, 3), in colour.
            low, high: the values of black and white, or those of each channel.
        """
        shown = np.rint(((image - low) / (high - low)).clip(0, 1) * 255).astype(np.uint8)
        shown = np.broadcast_to(np.atleast_3d(shown), (*shown.shape[:2], 3))
        # Enlarged here: matplotlib would resample for each format, which is slow; some PDF viewers blur small images.
        times = max(1, int(np.ceil(300 * width / shown.shape[1])))
        self.axes.imshow(
            shown.repeat(times, axis=0).repeat(times, axis=1), interpolation="none", aspect="auto",
            extent=(left, left + width, top + height, top),
        )  # fmt: skip
        self.axes.add_patch(
            Rectangle((left, top), width, height, fill=False, edgecolor=frame[0], linewidth=frame[1], clip_on=False)
        )

    def text(self, left: float, top: float, words: str, **options: Any) -> None:
        """Write words above a place in inches, centred unless `options` say otherwise."""
        self.axes.text(left, top, words, **{"ha": "center", "parse_math": False, **options})


def image_page(width: float, height: float) -> ImagePage:
    """Return an empty page, given its size in inches."""
    figure = empty_figure(width, height)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0), autoscale_on=False)
    axes.set_axis_off()
    return ImagePage(figure, axes)


def notice(words: str) -> Figure:
    """Return a figure that holds only a message."""
    page = image_page(single(), 0.6)
    page.text(single() / 2, 0.35, words, fontsize=8)
    return page.figure


def first_seed_diverged(epoch: int) -> Figure:
    """Return the figure that replaces one of seed 0, if that diverged."""
    return notice(f"Seed 0 diverged in epoch {epoch}: there is nothing to show.")


def black_and_white(images: NDArray[np.floating[Any]]) -> tuple[Levels, Levels]:
    """Return the values of prepared images, shape (..., channels), that are shown black and white.

    Of images in 0..1 these are 0 and the largest value. Of others, as after `normalise`, they are the smallest and the
    largest value of each channel: `normalise` may have shifted each channel by another mean.
    """
    low, high = images.min(), images.max()
    if low >= 0 and high <= 1:
        return 0.0, float(high) or 1.0
    axes = tuple(range(images.ndim - 1))
    low, high = images.min(axis=axes), images.max(axis=axes)
    low = np.where(high > low, low, np.minimum(low, 0))  # an image with one value
    return low, np.where(high > low, high, low + 1)


def fit(image: NDArray[np.floating[Any]], width: float, height: float) -> tuple[float, float]:
    """Return the largest width and height of an image in a box, in inches."""
    scale = min(width / image.shape[1], height / image.shape[0])
    return image.shape[1] * scale, image.shape[0] * scale
