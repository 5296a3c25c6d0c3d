"""The nets whose steps are timed, their data, and how they are timed; the same for every library.

Imports nothing but numpy, for environments that hold little else. A script of this folder calls `main` with the
functions that train a net, by the names of their engines.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

WARM_UP = 2  # epochs: the first compiles; by the second it is known how many make a block
BLOCK = 0.3  # seconds: shorter epochs are timed several at a time
BLOCKS, LEAST_BLOCKS = 15, 3
LONGEST_EPOCH = 10.0  # seconds, of engines that are probed first
ENOUGH = 8.0  # seconds, after which no further block is begun


@dataclass(frozen=True)
class Net:
    """A net of a study, and how it is trained.

    Attributes:
        study, variant: where it stands in config/studies.
        shape: of an image: height, width, channels.
        classes: of the labels; None where they are counts, from 0 to 5.
        batch: images of a step.
        steps: of an epoch, all of full batches: as many as the study has, without the smaller one at its end.
        optimizer: adam with a rate of 0.001, or sgd with one of 0.1 and a momentum of 0.9.
        units: of the hidden dense layers.
        filters: of the 3 x 3 convolutions, each followed by ReLU and 2 x 2 max-pooling.
        sigmoid: follows the dense layers, instead of ReLU.
        dropout: before and after the hidden dense layer.
        l2: weight of the squared kernels, biases and, per image, outputs of every layer.
        deviation: of the normal distribution that kernels begin with; None: Glorot's uniform one.
    """

    study: str
    variant: str
    shape: tuple[int, int, int]
    classes: int | None
    batch: int
    steps: int
    optimizer: str = "adam"
    units: tuple[int, ...] = ()
    filters: tuple[int, ...] = ()
    sigmoid: bool = False
    dropout: float = 0.0
    l2: float = 0.0
    deviation: float | None = None

    @property
    def images(self) -> int:
        """Return the number of images."""
        return self.steps * self.batch

    @property
    def outputs(self) -> int:
        """Of the last layer."""
        return self.classes or 1

    def data(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Random images and labels; their contents do not change the times."""
        rng = np.random.default_rng(0)
        images = rng.random((self.images, *self.shape), dtype=np.float32)
        return images, rng.integers(0, 6 if self.classes is None else self.classes, self.images)

    def kernels(self) -> list[tuple[int, ...]]:
        """Return the shapes of all kernels, those of convolutions as (rows, columns, channels, filters)."""
        found: list[tuple[int, ...]] = []
        height, width, channels = self.shape
        for filters in self.filters:
            found.append((3, 3, channels, filters))
            height, width, channels = height // 2, width // 2, filters
        entries = height * width * channels
        for units in (*self.units, self.outputs):
            found.append((entries, units))
            entries = units
        return found

    def weights(self) -> list[NDArray[np.float32]]:
        """Return a kernel and a bias for each layer, in turn."""
        rng, found = np.random.default_rng(1), []
        for shape in self.kernels():
            limit = np.sqrt(6 / (np.prod(shape[:-2]) * (shape[-2] + shape[-1])))
            drawn = rng.normal(0, self.deviation, shape) if self.deviation else rng.uniform(-limit, limit, shape)
            found += [drawn.astype(np.float32), np.zeros(shape[-1], np.float32)]
        return found


MNIST = (28, 28, 1)
NETS = {
    "digits": Net(
        "digits", "source", (8, 8, 1), 10, batch=100, steps=10, optimizer="sgd", units=(15,), sigmoid=True, l2=1e-4
    ),
    "mnist-dnn": Net("mnist-dnn", "source", MNIST, 10, batch=128, steps=468, units=(512, 256, 128)),
    "ablation": Net(
        "mnist-ablation", "three-layers", MNIST, 10, batch=200, steps=300, units=(784, 784, 784), deviation=0.05
    ),
    "dots": Net("dots", "source", (40, 40, 1), None, batch=32, steps=31, filters=(32, 128, 256)),
    "fashion": Net("fashion", "source", MNIST, 10, batch=128, steps=421, filters=(32,), units=(128,), dropout=0.25),
}


def one_core() -> None:
    """Keep this process, and so whatever number of threads a library starts, on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def order(net: Net, epoch: int) -> NDArray[np.int64]:
    """Return the order of the images in an epoch."""
    return np.random.default_rng([0, epoch]).permutation(net.images)


class Clock:
    """Is told when an epoch is done, and says whether to go on.

    It times blocks of epochs, so that `fit`, which runs its own loop, is timed as the loops by hand are.
    """

    def __init__(self, net: Net, *, quick: bool) -> None:
        self.net, self.quick = net, quick
        self.epoch, self.block_ends = 0, WARM_UP
        self.epochs = 1  # of a block
        self.blocks: list[float] = []  # seconds
        self.began = self.started = time.perf_counter()

    def lap(self) -> bool:
        """Record the end of an epoch, after all its computations."""
        now, self.epoch = time.perf_counter(), self.epoch + 1
        if self.epoch < self.block_ends:
            self.began = now if self.epoch < WARM_UP else self.began
            return True
        if self.epoch == WARM_UP:
            self.epochs = 1 if self.quick else max(1, round(BLOCK / (now - self.began)))
            self.started = now
        else:
            self.blocks.append(now - self.began)
        self.block_ends += self.epochs
        self.began = now
        return len(self.blocks) < (1 if self.quick else BLOCKS) and (
            len(self.blocks) < LEAST_BLOCKS or now - self.started < ENOUGH
        )

    def found(self) -> dict[str, float]:
        """Microseconds per step, of the median, fastest and slowest block; how many blocks, of how many steps."""
        steps = [1e6 * seconds / (self.epochs * self.net.steps) for seconds in self.blocks]
        return {
            "us_per_step": round(statistics.median(steps), 1),
            "fastest": round(min(steps), 1),
            "slowest": round(max(steps), 1),
            "blocks": len(steps),
            "steps": self.epochs * self.net.steps,
        }


Run = Callable[[Net, Clock], None]  # trains a net, epoch after epoch, until the clock says enough


def affordable(net: Net, run: Run) -> Net:
    """Return the model with shorter epochs if a step takes seconds, because an epoch's own cost is then negligible."""
    few = replace(net, steps=2)
    clock = Clock(few, quick=True)
    run(few, clock)
    return replace(net, steps=min(net.steps, max(2, int(LONGEST_EPOCH * 1e6 / clock.found()["us_per_step"]))))


def main(engines: Mapping[str, Run], version: str) -> None:
    """Time some nets with an engine, as the command line says, and print a line of JSON for each.

    Args:
        engines: by name.
        version: of the library.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("nets", nargs="+", choices=NETS)
    parser.add_argument("--engine", choices=engines, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--probe", action="store_true", help="for engines that may be hopeless")
    asked = parser.parse_args()
    run = engines[asked.engine]
    for name in asked.nets:
        net = replace(NETS[name], steps=2) if asked.quick else NETS[name]
        if asked.probe and not asked.quick:
            net = affordable(net, run)
        clock = Clock(net, quick=asked.quick)
        run(net, clock)
        print(json.dumps({"net": name, **clock.found(), "version": version}), flush=True)
