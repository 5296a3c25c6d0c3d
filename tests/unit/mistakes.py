"""A valid config in files, to put one mistake into, and the errors of reading it."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from calotype.config.load import Config, load
from calotype.config.static_checks import check_studies
from calotype.util.errors import CalotypeError

SETTINGS = {
    "studies": ["leaves"],
    "paper": ["dots"],
    "seeds": 2,
    "seeds_per_job": 2,
    "data": "data",
    "results": "results",
}
DATASETS: dict[str, Any] = {
    "dots": {
        "source": "dots",
        "drawing": {"minimum": 0, "maximum": 5, "width": 40, "quality": 75},
        "splits": {"train": {"images": 10, "seed": 1}, "test": {"images": 5, "seed": 2}},
        "prepare": ["grey", "scale"],
    },
    "leaves": {
        "source": "images",
        "folder": "images",
        "table": {"file": "labels.csv", "image": "image", "label": "label", "weight": "weight", "group": "plate"},
        "classes": ["elm", "oak"],
        "splits": {"train": {"share": 0.8}, "test": {"share": 0.2}},
        "random": {"seed": 1, "stratify": True},
        "alpha": "white",
        "ignore": ["*.txt"],
        "unlabelled": "ignore",
        "prepare": [{"name": "resize", "width": 8, "height": 8}, "grey", "scale"],
    },
    "digits": {
        "source": "idx",
        "fetch": {"files": {"images": "a" * 64, "labels": "b" * 64}, "sources": [{"folder": "/usr/share/digits"}]},
        "classes": ["0", "1"],
        "splits": {"train": {"images": "images", "labels": "labels", "first": 0, "number": 5}},
    },
}
STUDIES: dict[str, Any] = {
    "dots": {
        "title": "Dots",
        "dataset": "dots",
        "task": "count",
        "tests": ["test"],
        "variants": {
            "net": {"model": "dots_source", "loss": "huber", "optimizer": "adam", "epochs": 1, "batch_size": 8}
        },
    },
    "leaves": {
        "title": "Leaves",
        "description": "Of trees.",
        "source": {"title": "A book", "url": "https://example.org/leaves"},
        "dataset": "leaves",
        "task": "classify",
        "metrics": ["accuracy", "log_loss"],
        "tests": ["test"],
        "may_diverge": True,
        "compare": "all",
        "worth": 0.5,
        "defaults": {
            "model": "dense",
            "model_arguments": {"units": [4]},
            "loss": "categorical_crossentropy",
            "optimizer": {"name": "sgd", "learning_rate": 0.01, "arguments": {"momentum": 0.9}},
            "epochs": 2,
            "batch_size": 8,
        },
        "variants": {
            "plain": {"label": "Plain", "description": "As it is.", "seeds": 2, "seeds_per_job": 1},
            "more": {
                "augment": ["flip", {"name": "shift", "pixels": 1}],
                "validation_split": 0.1,
                "patience": 3,
                "restore_best_weights": True,
                "class_weight": "balanced",
                "label_smoothing": 0.1,
                "test_time_augmentation": ["flip"],
                "threads": 1,
            },
            "swept": {"grid": {"batch_size": [4, 8], "optimizer.learning_rate": [0.1, 0.01]}},
        },
        "claims": [{"variant": "plain", "split": "test", "metric": "accuracy", "value": 0.9, "quote": "Nine in ten."}],
    },
}
FILES = {"config": "config/config.yaml", "datasets": "config/datasets.yaml"} | {
    name: f"config/studies/{name}.yaml" for name in STUDIES
}
INNARDS = (
    "Traceback",
    "pydantic",
    "validation error",
    "input_type",
    "<unicode",
    "object at",
    "codec",
    "NoneType",
    "literal[",
    "dict[",
)


def content_of(file: str) -> dict[str, Any]:
    return copy.deepcopy({"config": SETTINGS, "datasets": DATASETS, **STUDIES}[file])


def dumped(content: Any) -> str:
    return yaml.dump(content, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False, allow_unicode=True)


def text_of(file: str) -> str:
    return dumped(content_of(file))


def read(settings: Any = None) -> Config:
    """Read and check the config, as each call of Snakemake does."""
    config = load(SETTINGS if settings is None else settings)
    check_studies(config)
    return config


def outcome(settings: Any = None) -> str:
    """Return the error of a config; an empty text if it is accepted."""
    try:
        read(settings)
    except CalotypeError as error:
        return str(error)
    return ""


def complaint(file: str, settings: Any = None) -> str:
    """Return the error of a mistake in a file; it must be our own error, and no file may be written."""
    before = {*Path().rglob("*")}
    with pytest.raises(CalotypeError) as caught:
        read(settings)
    text = str(caught.value)
    assert text.startswith(FILES[file]), text
    assert not [word for word in INNARDS if word in text], text
    assert all(line.isprintable() for line in text.splitlines()), text
    assert max(map(len, text.splitlines())) < 400, text
    assert {*Path().rglob("*")} == before
    return text
