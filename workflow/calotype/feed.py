"""The way of the training images to the device: all of them there from the start, or a stream of blocks.

Both give the same steps of an epoch the same images, so that nothing but memory and time depends on the choice.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calotype.backend import tf

BLOCK = 64 * 2**20  # bytes of images in a block of the stream: the device holds three, one of them on its way


class Part(NamedTuple):
    """Some steps of an epoch, on the device.

    Attributes:
        images: shape (images, height, width, channels).
        targets: shape (images, outputs).
        places: shape (steps x batch,): where in `images` those of the steps lie, one batch after the other.
        draws: shape (steps x batch, columns): the random numbers of their changes.
        first, last: the steps to take, counted in `places`; `last` is not among them.
    """

    images: Any
    targets: Any
    places: Any
    draws: Any
    first: int
    last: int


class Resident:
    """All images are on the device."""

    def __init__(self, images: NDArray[np.float32], targets: NDArray[Any]) -> None:
        """Bring images, shape (images, height, width, channels), and targets, shape (images, outputs), there."""
        self.images, self.targets = tf.constant(np.ascontiguousarray(images)), tf.constant(targets)

    def begin_epoch(self, order: NDArray[np.int32], draws: NDArray[np.int32]) -> None:
        """Set the order of the images, and the numbers of their changes, shape (images, columns)."""
        self.order, self.draws = tf.constant(order), tf.constant(draws)

    def parts(self, first: int, last: int) -> Iterator[Part]:
        """The steps `first` to `last` - 1 of the epoch."""
        yield Part(self.images, self.targets, self.order, self.draws, first, last)

    def held_out(self, first: int, multiple: int) -> Iterator[tuple[Any, Any]]:
        """The images from number `first` on, and their targets; all but the last block a `multiple` of images."""
        del multiple
        yield self.images[first:], self.targets[first:]


class Streamed:
    """The images stay where they are, in a memory-mapped file; while a block is trained on, the next is fetched."""

    def __init__(self, images: NDArray[np.float32], targets: NDArray[Any], batch_size: int) -> None:
        """Stream images, shape (images, height, width, channels), with targets, shape (images, outputs)."""
        self.images, self.targets = images, targets
        self.capacity = max(1, BLOCK // images[:1].nbytes)  # images of a block
        self.steps = max(1, self.capacity // batch_size)  # steps of a block
        self.size = self.steps * batch_size

    def begin_epoch(self, order: NDArray[np.int32], draws: NDArray[np.int32]) -> None:
        """Set the order of the images, and the numbers of their changes, shape (images, columns)."""
        self.order, self.draws = order, draws
        self.number = -1  # of the block on the device

    def parts(self, first: int, last: int) -> Iterator[Part]:
        """The steps `first` to `last` - 1 of the epoch, block by block."""
        while first < last:
            number = first // self.steps
            if number != self.number:
                if number != self.number + 1 or number == 0:  # else the stream goes on
                    self.stream = self._stream(number)
                self.number, self.block = number, next(self.stream)
            images, targets, places, draws = self.block
            before = number * self.steps
            until = min(last, before + self.steps)
            yield Part(images, targets, places, draws, first - before, until - before)
            first = until

    def _stream(self, number: int) -> Iterator[tuple[Any, ...]]:
        """The blocks of the epoch from one on; the next is fetched while the caller works on one."""
        kinds = (self.images.dtype, self.targets.dtype, np.int32, np.int32)
        blocks = tf.data.Dataset.range(number, -(-len(self.order) // self.size))
        fetched = blocks.map(lambda block: tf.numpy_function(self._fetch, [block], kinds)).prefetch(1)
        return iter(fetched)

    def _fetch(self, number: int) -> tuple[NDArray[Any], ...]:
        """A block: images, targets, places, draws."""
        chosen = slice(number * self.size, (number + 1) * self.size)
        numbers = self.order[chosen]
        return self.images[numbers], self.targets[numbers], np.arange(len(numbers), dtype=np.int32), self.draws[chosen]

    def held_out(self, first: int, multiple: int) -> Iterator[tuple[Any, Any]]:
        """The images from number `first` on, and their targets; all but the last block a `multiple` of images."""
        size = max(1, self.capacity // multiple) * multiple
        for start in range(first, len(self.images), size):
            chosen = slice(start, start + size)
            yield tf.constant(np.ascontiguousarray(self.images[chosen])), tf.constant(self.targets[chosen])
