"""Images of noise, preparation steps for them, and a project with these steps in its config."""

import importlib
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import yaml

from calotype.config.load import load
from calotype.data.prepared_split import open_split
from calotype.data.readers import Raw
from calotype.preparation.prepare import write_split
from calotype.preparation.stages import take
from calotype.steps.registry import STEPS, read_steps

WHITE = {np.uint8: 255, np.uint16: 65535}
KINDS = pytest.mark.parametrize("kind", WHITE, ids=lambda kind: kind.__name__)
CHANNELS = pytest.mark.parametrize("channels", [1, 3])
DATASETS_FILE = "config/datasets.yaml"
DOTS = {
    "source": "dots",
    "drawing": {"width": 40},
    "splits": {"train": {"images": 10, "seed": 1}, "test": {"images": 5, "seed": 2}},
}
STUDY = {
    "title": "Dots",
    "dataset": "dots",
    "task": "count",
    "tests": ["test"],
    "defaults": {"model": "dots_source", "loss": "huber", "epochs": 1, "batch_size": 4, "optimizer": "adam"},
    "variants": {"plain": {}},
}


def noise(height=9, width=8, channels=1, kind: Any = np.uint8, seed=1):
    """Return an image with independent pixels."""
    return np.random.default_rng(seed).integers(0, WHITE[kind] + 1, (height, width, channels), dtype=kind)


def step(name, **keys):
    return {"name": name, **keys}


def allowed(name, key):
    """Return the values that the config allows for a key of a step."""
    return get_args(STEPS[name].model_fields[key].annotation)


def windows(image, size, mode):
    """Return the square around each pixel, shape (height, width, channels, size * size)."""
    margin = size // 2
    padded = np.pad(image.astype(float), ((margin, margin), (margin, margin), (0, 0)), mode)
    found = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(0, 1))
    return found.reshape(*found.shape[:3], -1)


def gaussian(size, sigma):
    ticks = np.arange(size) - size // 2
    line = np.exp(-(ticks**2) / (2 * sigma**2))
    return np.outer(line / line.sum(), line / line.sum()).ravel()


def independent(name, **keys):
    """Mark a test that compares a step with an implementation that is not OpenCV's, and give the step an example."""

    def marked(test):
        test.independent = step(name, **keys)
        return test

    return marked


def examples():
    """Return the example of each step whose test is marked `independent`, by name."""
    files = (Path(__file__).parent / "steps").glob("test_*.py")
    tests = [value for file in files for value in vars(importlib.import_module(f"unit.steps.{file.stem}")).values()]
    return {test.independent["name"]: test.independent for test in tests if hasattr(test, "independent")}


def prepare(image, steps):
    """Apply some steps, written as in datasets.yaml, to an image or a stack of images."""
    stack = image if image.ndim == 4 else image[None]
    result = np.stack([*take(stack, read_steps(steps), range(len(stack)))])
    return result if image.ndim == 4 else result[0]


def raw_of(images, labels=None):
    labels = [i % 3 for i in range(len(images))] if labels is None else labels
    records = ((100 + i, label, image) for i, (image, label) in enumerate(zip(images, labels, strict=True)))
    return Raw(len(images), records, classes=3)


def written(folder, images, steps):
    write_split(raw_of(images), folder / "a.npy", folder / "a.json", split="train", steps=read_steps(steps))
    return open_split(folder / "a.npy").images


def load_with(folder, prepare=..., study=STUDY, **keys):
    """Return the config of a project whose dataset is prepared in some way, or with some keys."""
    entry = DOTS | keys | ({} if prepare is ... else {"prepare": prepare})
    for name, content in (("datasets.yaml", {"dots": entry}), ("studies/dots.yaml", study)):
        file = folder / "config" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(content, sort_keys=False))
    return load({"studies": ["dots"]}, root=folder)
