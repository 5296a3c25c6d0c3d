"""Bring the training images to the device: all of them at the start, or as a stream of blocks.

The choice changes memory and time, and no result.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calotype.training.backend import tf

BLOCK = 64 * 2**20  # bytes of images in a block; three exist at a time: in use, ready, and being read


class Part(NamedTuple):
    """Some steps of an epoch, on the device: take the steps `first` to `last` - 1 of `places`."""

    images: Any  # shape (images, height, width, channels)
    targets: Any  # shape (images, outputs)
    places: Any  # shape (steps x batch,): the index in `images` of each image, one batch after the other
    draws: Any  # shape (steps x batch, columns): the random numbers of their changes
    first: int
    last: int


class Resident:
    """Keep all images on the device (methods as in `Streamed`)."""

    def __init__(self, images: NDArray[np.float32], targets: NDArray[Any]) -> None:
        self.images, self.targets = tf.constant(images), tf.constant(targets)

    def begin_epoch(self, order: NDArray[np.int32], draws: NDArray[np.int32]) -> None:
        self.order, self.draws = tf.constant(order), tf.constant(draws)

    def parts(self, first: int, last: int) -> Iterator[Part]:
        yield Part(self.images, self.targets, self.order, self.draws, first, last)

    def held_out(self, first: int, multiple: int) -> Iterator[tuple[Any, Any]]:
        yield self.images[first:], self.targets[first:]


class Streamed:
    """Read blocks of images from a memory-mapped file, each while the previous one is in use.

    The process dies if the file disappears during the run.
    """

    def __init__(self, images: NDArray[np.float32], targets: NDArray[Any], batch_size: int) -> None:
        self.images, self.targets = images, targets
        self.device = "GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0"
        self.capacity = max(1, BLOCK // images[:1].nbytes)  # images per block
        self.steps = max(1, self.capacity // batch_size)  # steps per block
        self.size = self.steps * batch_size
        kinds = (tf.float32, targets.dtype, tf.int32, tf.int32)
        shapes = (images.shape[1:], targets.shape[1:], (), (None,))
        signature = tuple(tf.TensorSpec((None, *shape), kind) for shape, kind in zip(shapes, kinds, strict=True))
        self.blocks = tf.data.Dataset.from_generator(self._fetch, output_signature=signature).prefetch(1)

    def begin_epoch(self, order: NDArray[np.int32], draws: NDArray[np.int32]) -> None:
        """Set the order of the images, shape (images,), and the numbers of their changes, shape (images, columns)."""
        self.order, self.draws = order, draws
        self.number = -1  # of the block on the device
        self.block: list[Any] = []
        self.stream: Iterator[Any] = iter(())

    def parts(self, first: int, last: int) -> Iterator[Part]:
        """Yield the steps `first` to `last` - 1 of the epoch, block by block."""
        while first < last:
            number = first // self.steps
            if number != self.number:
                if number != self.number + 1 or number == 0:  # not the next block of the stream
                    self.start, self.stream = number, iter(self.blocks)
                block = next(self.stream)
                with tf.device(self.device):  # or each call of a function would copy it again
                    self.number, self.block = number, [tf.identity(array) for array in block]
            images, targets, places, draws = self.block
            before = number * self.steps
            until = min(last, before + self.steps)
            yield Part(images, targets, places, draws, first - before, until - before)
            first = until

    def _fetch(self) -> Iterator[tuple[NDArray[Any], ...]]:
        """Read the blocks of the epoch from number `start` on: images, targets, places, draws."""
        for first in range(self.start * self.size, len(self.order), self.size):
            chosen = slice(first, first + self.size)
            order = self.order[chosen]
            places = np.arange(len(order), dtype=np.int32)
            yield self.images[order], self.targets[order], places, self.draws[chosen]

    def held_out(self, first: int, multiple: int) -> Iterator[tuple[Any, Any]]:
        """Yield blocks of the images from `first` on and their targets; each but the last has a multiple of images."""
        size = max(1, self.capacity // multiple) * multiple
        for start in range(first, len(self.images), size):
            chosen = slice(start, start + size)
            yield tf.constant(self.images[chosen]), tf.constant(self.targets[chosen])
