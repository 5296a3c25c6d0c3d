"""Random changes of the training images, keyed by (seed, epoch): each epoch can be computed without the others.

Images have the shape (batch, height, width, channels). The random numbers of a change are integers, one per image,
shape (batch,).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calotype.config.augmentation import Augmentation
from calotype.training.backend import tf

LEVELS = 2**16  # possible values of a random number between two bounds


def epoch_draws(
    seed: int, epoch: int, images: int, changes: Sequence[Augmentation], height: int, width: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Draw the order of the images in an epoch, and the random numbers of their changes.

    Returns:
        A permutation of 0..images - 1, shape (images,). For each place in it the numbers of all changes, in the order
        of the config, shape (images, columns).
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(images).astype(np.int32)
    columns = [
        rng.integers(choices, size=images, dtype=np.int32)
        for change in changes
        for choices in CHANGES[change.name].choices(change, height, width)
    ]
    return order, np.stack(columns, axis=1) if columns else np.zeros((images, 0), np.int32)


def apply(images: Any, draws: Any, changes: Sequence[Augmentation]) -> Any:
    """Change a batch of images; `draws` are their numbers from `epoch_draws`, shape (batch, columns)."""
    column = 0
    for change in changes:
        kind = CHANGES[change.name]
        used = len(kind.choices(change, *images.shape[1:3]))
        images = kind.apply(images, change, *(draws[:, column + i] for i in range(used)))
        column += used
    return images


def _between(level: Any) -> Any:
    """Scale numbers from 0..LEVELS - 1 to -1..1."""
    return tf.cast(level, tf.float32) / (LEVELS - 1) * 2 - 1


def flip(images: Any, swapped: Any) -> Any:
    """Swap left and right of each image whose number is 1."""
    return tf.where((swapped == 1)[:, None, None, None], images[:, :, ::-1], images)


def brighten(images: Any, level: Any, strength: float) -> Any:
    """Add a number from -strength..strength to all pixels of each image; `level` is in 0..LEVELS - 1."""
    return images + (_between(level) * strength)[:, None, None, None]


def turn(images: Any, symmetry: Any) -> Any:
    """Turn and flip square images; the three bits of `symmetry` flip down, across, and along the diagonal."""
    down, across, diagonal = ((symmetry // bit % 2 == 1)[:, None, None, None] for bit in (1, 2, 4))
    images = tf.where(down, images[:, ::-1], images)
    images = tf.where(across, images[:, :, ::-1], images)
    return tf.where(diagonal, tf.transpose(images, [0, 2, 1, 3]), images)


def shift(images: Any, down: Any, across: Any, pixels: int | None, fill: str = "zero") -> Any:
    """Move each image by (down - pixels, across - pixels).

    Args:
        down, across: 0..2 * pixels.
        fill: ``zero``, or ``edge``: repeat the outermost pixels.
    """
    assert pixels is not None
    height, width, channels = images.shape[1:]
    rows = tf.range(height)[None] + pixels - down[:, None]
    columns = tf.range(width)[None] + pixels - across[:, None]
    row, column = tf.clip_by_value(rows, 0, height - 1), tf.clip_by_value(columns, 0, width - 1)
    pixel = row[:, :, None] * width + column[:, None, :]
    moved = tf.gather(tf.reshape(images, [-1, height * width, channels]), pixel, batch_dims=1)
    if fill == "edge":
        return moved
    inside = (rows == row)[:, :, None] & (columns == column)[:, None, :]
    return tf.where(inside[..., None], moved, tf.zeros_like(moved))


def affine(images: Any, angle: Any, size: Any, degrees: float | None, zoom: float | None, fill: str = "zero") -> Any:
    """Rotate each image about its centre and change its size, with bilinear interpolation.

    Args:
        angle: 0..LEVELS - 1, for -degrees..degrees.
        size: 0..LEVELS - 1, for a factor of 1 - zoom..1 + zoom; None keeps the size.
        fill: as in `shift`.
    """
    assert degrees is not None
    assert zoom is not None
    height, width = images.shape[1:3]
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    radians = _between(angle) * (degrees * math.pi / 180)
    # The operation takes the inverse transformation: from the pixels of the result to those of the image.
    cosine, sine = tf.cos(radians), tf.sin(radians)
    if size is not None:
        scale = 1 / (1 + _between(size) * zoom)
        cosine, sine = cosine * scale, sine * scale
    none = tf.zeros_like(cosine)
    rows = [
        [cosine, -sine, middle_x - cosine * middle_x + sine * middle_y],
        [sine, cosine, middle_y - sine * middle_x - cosine * middle_y],
        [none, none],
    ]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([entry for row in rows for entry in row], axis=1),
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST" if fill == "edge" else "CONSTANT",
    )


def noise(images: Any, one: Any, other: Any, strength: float) -> Any:
    """Add a normal random number of standard deviation `strength` to each pixel.

    The numbers `one` and `other` of the first image are the key of the whole batch.
    """
    key = tf.stack([one[0], other[0]])
    # TensorFlow's default generator depends on the device.
    return images + strength * tf.random.stateless_normal(tf.shape(images), key, alg="philox")


def test_time_augmentation(images: NDArray[np.float32], kinds: Sequence[str]) -> list[NDArray[np.float32]]:
    """Return the views of test images over which a prediction is averaged; the first are the images themselves.

    Args:
        images: shape (images, height, width, channels).
        kinds: ``flip`` swaps left and right; ``shift`` moves by one pixel in each of four directions and fills with 0.
    """
    views = [images]
    if "shift" in kinds:
        for axis in (1, 2):
            for step in (-1, 1):
                moved = np.roll(images, step, axis)
                edge = [slice(None)] * 4
                edge[axis] = slice(0, 1) if step == 1 else slice(-1, None)
                moved[tuple(edge)] = 0
                views.append(moved)
    if "flip" in kinds:
        views += [view[:, :, ::-1] for view in views]
    return views


def erase(images: Any, row: Any, column: Any, pixels: int | None) -> Any:
    """Set a square of each image to 0: `pixels` wide and high, with its centre at `row` and `column`."""
    assert pixels is not None
    height, width = images.shape[1:3]
    top, left = row - pixels // 2, column - pixels // 2
    rows, columns = tf.range(height)[None], tf.range(width)[None]
    down = (rows >= top[:, None]) & (rows < top[:, None] + pixels)
    across = (columns >= left[:, None]) & (columns < left[:, None] + pixels)
    return tf.where((down[:, :, None] & across[:, None, :])[..., None], tf.zeros_like(images), images)


class Kind(NamedTuple):
    """A kind of change."""

    # Given the change, height and width: the number of possible values of each random number.
    choices: Callable[[Augmentation, int, int], list[int]]
    apply: Callable[..., Any]  # changes images, given the change and its random numbers


CHANGES: Mapping[str, Kind] = {
    "dihedral": Kind(lambda *_: [8], lambda images, _, symmetry: turn(images, symmetry)),
    "flip": Kind(lambda *_: [2], lambda images, _, swapped: flip(images, swapped)),
    "shift": Kind(
        lambda change, *_: [2 * (change.pixels or 0) + 1] * 2,
        lambda images, change, down, across: shift(images, down, across, change.pixels, change.fill),
    ),
    "rotate": Kind(
        lambda *_: [LEVELS],
        lambda images, change, angle: affine(images, angle, None, change.degrees, 0.0, change.fill),
    ),
    "affine": Kind(
        lambda *_: [LEVELS, LEVELS],
        lambda images, change, angle, size: affine(images, angle, size, change.degrees, change.zoom, change.fill),
    ),
    "brightness": Kind(lambda *_: [LEVELS], lambda images, change, level: brighten(images, level, change.strength)),
    "noise": Kind(
        lambda *_: [LEVELS, LEVELS], lambda images, change, one, other: noise(images, one, other, change.strength)
    ),
    "erase": Kind(
        lambda _, height, width: [height, width],
        lambda images, change, row, column: erase(images, row, column, change.pixels),
    ),
}
