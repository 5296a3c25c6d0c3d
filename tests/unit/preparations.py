"""Images of noise, what they are prepared by, and a project whose config says so."""

from typing import Any

import numpy as np
import pytest
import yaml

from calotype.config.load import load
from calotype.data.prepared_split import open_split
from calotype.data.readers import Raw
from calotype.preparation.prepare import write_split

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
    """An image in which no pixel says anything of another."""
    return np.random.default_rng(seed).integers(0, WHITE[kind] + 1, (height, width, channels), dtype=kind)


def step(name, **keys):
    return {"name": name, **keys}


def raw_of(images, labels=None):
    labels = [i % 3 for i in range(len(images))] if labels is None else labels
    records = ((100 + i, label, image) for i, (image, label) in enumerate(zip(images, labels, strict=True)))
    return Raw(len(images), records, classes=3)


def written(folder, images, steps):
    write_split(raw_of(images), folder / "a.npy", folder / "a.json", split="train", steps=steps)
    return open_split(folder / "a.npy").images


def load_with(folder, prepare=..., study=STUDY, **keys):
    """The config of a project whose dataset is prepared in some way, or with some keys."""
    entry = DOTS | keys | ({} if prepare is ... else {"prepare": prepare})
    for name, content in (("datasets.yaml", {"dots": entry}), ("studies/dots.yaml", study)):
        file = folder / "config" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(content, sort_keys=False))
    return load({"studies": ["dots"]}, root=folder)
