"""Draw images of dots with the geometry of the source's R script.

Source: DrawDots.R of the NeSI support page "Keras", called with ``-w 40`` (device resolution 300 dpi).
Its sizes are in points, not pixels: a wider image shows the same dots further apart.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.util.errors import CalotypeError
from calotype.util.files import new_folder

GRID = (0.1, 0.3, 0.5, 0.7, 0.9)  # in both directions, in units of the plot
MARGIN = 0.04  # R widens an axis by 4 % of its range at either end
RADIUS = 11.25  # px, of a dot of size 1 (R's cex) at 300 dpi
SIZES = (0.2, 1.0)  # sizes are uniform between these
GRID_POINTS = len(GRID) ** 2
LABELS_FILE = "labels.csv"
BLOCK = 400_000  # pixels rasterised at a time; they fit a core's cache, which halves the time


def sample_dots(
    images: int, seed: int, minimum: int, maximum: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Place the dots of a whole split.

    Args:
        images: number of images.
        seed: seed of numpy's PCG64 generator.
        minimum, maximum: range of the count, both ends included; at most GRID_POINTS.
        width: width of the square images in px.

    Returns:
        counts, shape (images,), and circles, shape (images, maximum, 3): x and y of the centre and the radius, in px
        from the upper left corner. Image i has the first ``counts[i]`` circles; the radius of the others is -1.
    """
    rng = np.random.default_rng(seed)
    counts = rng.integers(minimum, maximum + 1, size=images)
    # Ranks of random numbers are grid points without repeats, for all images at once.
    points = rng.random((images, GRID_POINTS)).argsort(axis=1)[:, :maximum]
    radii = RADIUS * rng.uniform(*SIZES, size=(images, maximum))
    centres = (np.array(GRID) + MARGIN) / (1 + 2 * MARGIN) * width
    circles = np.empty((images, maximum, 3))
    circles[..., 0] = centres[points % len(GRID)]
    circles[..., 1] = width - centres[points // len(GRID)]  # R's y runs upward
    circles[..., 2] = np.where(np.arange(maximum) < counts[:, None], radii, -1.0)
    return counts, circles


def rasterise(circles: NDArray[np.float64], width: int) -> NDArray[np.uint8]:
    """Paint circles in black at alpha 0.5 on white, without anti-aliasing.

    Args:
        circles: shape (images, dots, 3): x, y and radius in px; a negative radius paints nothing.
        width: width of the square images in px.

    Returns:
        Grey images, shape (images, width, width): 255, and 127, 63, 31, ... under one, two, three, ... dots.
    """
    pixel = np.arange(width, dtype=np.float32) + np.float32(0.5)
    layers = np.zeros((len(circles), width, width), np.uint8)
    for dots in np.moveaxis(circles, 1, 0).astype(np.float32):
        there = np.flatnonzero(dots[:, 2] >= 0)  # on average, half of the images have this dot
        x, y, radius = dots[there].T[..., None]
        across, down = (pixel - x) ** 2, (pixel - y) ** 2
        layers[there] += across[:, None, :] + down[:, :, None] <= radius[..., None] ** 2
    # Alpha 0.5 on black halves a pixel and drops the fraction: a shift to the right.
    return np.right_shift(np.uint8(255), layers)


def draw_images(
    images: int, seed: int, minimum: int, maximum: int, width: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Draw a split block by block: grey images, shape (block, width, width), and their counts, shape (block,)."""
    counts, circles = sample_dots(images, seed, minimum, maximum, width)
    size = max(1, BLOCK // width**2)
    for start in range(0, images, size):
        block = slice(start, start + size)
        yield rasterise(circles[block], width), counts[block]


def _write_new(file: str, content: bytes) -> None:
    """Write a small file, twice as fast as `Path.write_bytes`, as a split has tens of thousands."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        while content:  # the system may write a part only
            content = content[os.write(descriptor, content) :]
    finally:
        os.close(descriptor)


def write_split(folder: Path, *, images: int, seed: int, minimum: int, maximum: int, width: int, quality: int) -> None:
    """Write a split as the source's tools expect it: ``img<N>.jpg``, N from 1, and a CSV of labels.

    The JPEG files have three equal channels, the chroma at half resolution. The CSV has R's row names and the columns
    ``imageId`` and ``numberOfFeatures``. The folder is replaced, whole or not at all.

    Args:
        images, seed, minimum, maximum, width: see `sample_dots`.
        quality: quality of the JPEG files, 1 to 100.
    """
    chroma = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, *chroma]
    labels: list[int] = []
    with new_folder(folder) as aside:
        for block, counts in draw_images(images, seed, minimum, maximum, width):
            for grey, count in zip(block, counts.tolist(), strict=True):
                labels.append(count)
                ok, encoded = cv2.imencode(".jpg", cv2.merge([grey, grey, grey]), options)
                if not ok:
                    raise CalotypeError(f"{folder}: OpenCV could not encode image {len(labels)} as JPEG.")
                _write_new(f"{aside}/img{len(labels)}.jpg", encoded.tobytes())
        table = pd.DataFrame({"imageId": range(1, images + 1), "numberOfFeatures": labels}, index=range(1, images + 1))
        table.to_csv(aside / LABELS_FILE, lineterminator="\n")
