"""Random changes of the training images, keyed by (seed, epoch), so that any epoch can be computed by itself."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calotype.config.augmentation import Augmentation
from calotype.training.backend import tf

SYMMETRIES = 8  # of the square
LEVELS = 2**16  # steps of a number between two bounds


def epoch_draws(
    seed: int, epoch: int, images: int, changes: Sequence[Augmentation], height: int, width: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The order of the images in an epoch, and the random numbers of their changes, keyed by (seed, epoch).

    Args:
        seed, epoch: the key.
        images: how many there are.
        changes: the augmentation, in the order of the config.
        height, width: of an image, in px.

    Returns:
        A permutation of 0..images - 1, shape (images,), and for each place in it the numbers that the changes draw,
        one column after the other, shape (images, columns).
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
    """Change a batch of images (a TensorFlow operation).

    Args:
        images: shape (batch, height, width, channels).
        draws: the numbers of `epoch_draws` for these images, shape (batch, columns).
        changes: the augmentation.
    """
    column = 0
    for change in changes:
        kind = CHANGES[change.name]
        used = len(kind.choices(change, *images.shape[1:3]))
        images = kind.apply(images, [draws[:, column + i] for i in range(used)], change)
        column += used
    return images


def _between(level: Any) -> Any:
    """Numbers from -1 to 1 for those from 0 to LEVELS - 1."""
    return tf.cast(level, tf.float32) / (LEVELS - 1) * 2 - 1


def flip(images: Any, swapped: Any) -> Any:
    """Swap left and right of the images, shape (batch, height, width, channels), whose entry, shape (batch,), is 1."""
    return tf.where((swapped == 1)[:, None, None, None], images[:, :, ::-1], images)


def brighten(images: Any, level: Any, strength: float) -> Any:
    """Add a number to all pixels of each image.

    Args:
        images: shape (batch, height, width, channels).
        level: shape (batch,), 0..LEVELS - 1, from one bound to the other.
        strength: the largest number, either way.
    """
    return images + (_between(level) * strength)[:, None, None, None]


def turn(images: Any, symmetry: Any) -> Any:
    """Show each image in one of the eight positions of the square.

    Args:
        images: shape (batch, width, width, channels).
        symmetry: shape (batch,), 0..7: its bits say whether to flip down, across, and along the diagonal.
    """
    down, across, diagonal = ((symmetry // bit % 2 == 1)[:, None, None, None] for bit in (1, 2, 4))
    images = tf.where(down, images[:, ::-1], images)
    images = tf.where(across, images[:, :, ::-1], images)
    return tf.where(diagonal, tf.transpose(images, [0, 2, 1, 3]), images)


def shift(images: Any, down: Any, across: Any, pixels: int | None, fill: str = "zero") -> Any:
    """Move each image.

    Args:
        images: shape (batch, height, width, channels).
        down, across: shape (batch,), 0..2 * pixels: by how much, where `pixels` means not at all.
        pixels: the longest way.
        fill: what moves in: zeros, or the outermost pixels again (``edge``).
    """
    assert pixels is not None
    height, width = images.shape[1:3]
    if fill == "edge":
        rows = tf.clip_by_value(tf.range(height)[None] + pixels - down[:, None], 0, height - 1)
        columns = tf.clip_by_value(tf.range(width)[None] + pixels - across[:, None], 0, width - 1)
        places = rows[:, :, None] * width + columns[:, None, :]
        moved = tf.gather(tf.reshape(images, [-1, height * width, images.shape[3]]), places, batch_dims=1)
        return tf.reshape(moved, [-1, height, width, images.shape[3]])
    padded = tf.pad(images, [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]])
    rows = tf.range(height)[None] + 2 * pixels - down[:, None]
    columns = tf.range(width)[None] + 2 * pixels - across[:, None]
    padded_width = width + 2 * pixels
    places = rows[:, :, None] * padded_width + columns[:, None, :]
    flat = tf.reshape(padded, [-1, (height + 2 * pixels) * padded_width, images.shape[3]])
    moved = tf.gather(flat, tf.reshape(places, [-1, height * width]), batch_dims=1)
    return tf.reshape(moved, [-1, height, width, images.shape[3]])


def affine(images: Any, angle: Any, size: Any, degrees: float | None, zoom: float | None, fill: str = "zero") -> Any:
    """Turn each image about its middle and make it larger or smaller, with bilinear interpolation.

    Args:
        images: shape (batch, height, width, channels).
        angle, size: shape (batch,), 0..LEVELS - 1, from one bound to the other; a size that is None stays.
        degrees: the largest angle, either way.
        zoom: the largest change of size, as a part of it, either way.
        fill: what moves in: zeros, or the outermost pixels again (``edge``).
    """
    assert degrees is not None
    assert zoom is not None
    height, width = images.shape[1:3]
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    radians = _between(angle) * (degrees * math.pi / 180)
    # The transformation says where each pixel of the result comes from, so it is the inverse of what is seen.
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
    """Add a normal random number to each pixel.

    Args:
        images: shape (batch, height, width, channels).
        one, other: shape (batch,): those of the first image are the key of the numbers of the whole batch, so that it
            gets the same whenever it is trained on.
        strength: the standard deviation.
    """
    key = tf.stack([one[0], other[0]])
    # Philox by name: which generator TensorFlow takes by itself depends on the device.
    drawn = tf.random.stateless_normal(tf.shape(images), key, alg="philox")
    return images + strength * drawn


def test_time_augmentation(images: NDArray[np.float32], kinds: Sequence[str]) -> list[NDArray[np.float32]]:
    """The views of test images that a prediction is averaged over: first the images themselves.

    Args:
        images: shape (images, height, width, channels).
        kinds: ``flip``: left and right swapped; ``shift``: moved by one pixel in each of four directions, and zeros
            move in.
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
    """Set a square of each image to zero.

    Args:
        images: shape (batch, height, width, channels).
        row, column: shape (batch,): where the middle of the square lies; what lies outside the image is cut off.
        pixels: its width and height.
    """
    assert pixels is not None
    height, width = images.shape[1:3]
    top, left = row - pixels // 2, column - pixels // 2
    rows, columns = tf.range(height)[None], tf.range(width)[None]
    down = (rows >= top[:, None]) & (rows < top[:, None] + pixels)
    across = (columns >= left[:, None]) & (columns < left[:, None] + pixels)
    return tf.where((down[:, :, None] & across[:, None, :])[..., None], tf.zeros_like(images), images)


class Kind(NamedTuple):
    """A kind of change.

    Attributes:
        choices: how many values each number has that it draws for an image, given the change, height and width.
        apply: what it makes of images and of those numbers, given the change.
    """

    choices: Callable[[Augmentation, int, int], list[int]]
    apply: Callable[[Any, Any, Any], Any]


CHANGES: Mapping[str, Kind] = {
    "dihedral": Kind(lambda *_: [SYMMETRIES], lambda images, drawn, _: turn(images, *drawn)),
    "flip": Kind(lambda *_: [2], lambda images, drawn, _: flip(images, *drawn)),
    "shift": Kind(
        lambda change, *_: [2 * (change.pixels or 0) + 1] * 2,
        lambda images, drawn, change: shift(images, drawn[0], drawn[1], change.pixels, change.fill),
    ),
    "rotate": Kind(
        lambda *_: [LEVELS],
        lambda images, drawn, change: affine(images, drawn[0], None, change.degrees, 0.0, change.fill),
    ),
    "affine": Kind(
        lambda *_: [LEVELS, LEVELS],
        lambda images, drawn, change: affine(images, drawn[0], drawn[1], change.degrees, change.zoom, change.fill),
    ),
    "brightness": Kind(lambda *_: [LEVELS], lambda images, drawn, change: brighten(images, drawn[0], change.strength)),
    "noise": Kind(
        lambda *_: [LEVELS, LEVELS], lambda images, drawn, change: noise(images, drawn[0], drawn[1], change.strength)
    ),
    "erase": Kind(
        lambda _, height, width: [height, width],
        lambda images, drawn, change: erase(images, drawn[0], drawn[1], change.pixels),
    ),
}
