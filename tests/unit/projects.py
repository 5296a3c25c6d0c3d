"""A project of a few config files that are right, to change in one place."""

import copy
from typing import Any

import pytest
import yaml

from calotype.config import load as config
from calotype.config.load import load
from calotype.tasks.registry import TASKS
from calotype.util.errors import CalotypeError

SETTINGS = {"studies": ["dots"], "seeds": 5}
DATASETS = {
    "dots": {
        "source": "dots",
        "drawing": {"minimum": 0, "maximum": 5, "width": 40, "quality": 75},
        "splits": {
            "train": {"images": 10, "seed": 1},
            "test": {"images": 5, "seed": 2},
            "test-large": {"images": 50, "seed": 3},
        },
        "prepare": ["grey", "scale"],
    }
}
STUDY = {
    "title": "Counting dots",
    "dataset": "dots",
    "task": "count",
    "tests": ["test"],
    "defaults": {"loss": "huber", "batch_size": 32, "optimizer": {"name": "adam", "learning_rate": 0.001}},
    "variants": {
        "wide": {"model": "dots_source", "epochs": 3},
        "deep": {"model": "dots_source", "epochs": 4, "label": "Deep", "description": "Deeper.", "seeds": 2},
    },
    "claims": [{"variant": "wide", "split": "test", "metric": "exact", "value": 0.9, "quote": "Nine in ten."}],
}
FILES = {"images": "a" * 64, "labels": "b" * 64}
CLOTHES = {
    "source": "idx",
    "fetch": {"files": FILES, "sources": [{"folder": "/usr/share/clothes"}, {"url": "https://example.org/clothes"}]},
    "splits": {
        "train": {"images": "images", "labels": "labels", "number": 20},
        "test": {"images": "images", "labels": "labels", "first": 20},
    },
    "prepare": ["scale"],
    "classes": ["Shirt", "Bag", "Ankle boot"],
}
DIGITS = {
    "source": "csv",
    "fetch": {"files": {"digits.csv": "c" * 64}, "sources": [{"python": "scikit-learn"}]},
    "splits": {"train": {"table": "digits.csv", "number": 20}, "test": {"table": "digits.csv", "first": 20}},
    "classes": ["0", "1"],
}
FETCHED = DATASETS | {"clothes": CLOTHES, "digits": DIGITS}
CLASSIFY = {
    "title": "Clothes",
    "dataset": "clothes",
    "task": "classify",
    "tests": ["test"],
    "example": 20,
    "defaults": {
        "model": "dense",
        "model_arguments": {"units": [4]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "epochs": 2,
        "batch_size": 8,
    },
    "variants": {
        "plain": {},
        "held-out": {"validation_split": 0.1, "restore_best_weights": True, "monitor": "val_accuracy"},
        "perceptron": {"model": "sklearn.neural_network.MLPClassifier", "model_arguments": {}},
    },
    "claims": [
        {"variant": "plain", "split": "test", "metric": "accuracy", "between": [0.9, 0.93], "quote": "90 to 93 %."},
        {"variant": "plain", "split": "test", "metric": "accuracy", "similar_to": "perceptron", "quote": "Alike."},
        {"variant": "plain", "metric": "training_accuracy", "at_least": 0.5, "quote": "Half of them."},
        {"variant": "plain", "metric": "parameters", "value": 100, "quote": "A hundred.", "note": "Not really."},
    ],
}
REMOVED = object()
# The metrics that a complaint lists where a study names one that its task does not have.
OF_COUNTS, OF_CLASSES = (", ".join(TASKS[task].names) for task in ("count", "classify"))
# The error for labels that cannot be smoothed.
SMOOTHING = "label_smoothing needs loss: categorical_crossentropy or binary_crossentropy"
# The error for a claim with none of them, or with two.
KINDS = "give exactly one of value, at_most, at_least, between, as_low_as, similar_to"
STUDY_FILE, DATASETS_FILE, SETTINGS_FILE = "config/studies/dots.yaml", "config/datasets.yaml", "config/config.yaml"
CLOTHES_FILE = "config/studies/clothes.yaml"


def changed(base: Any, where: str, value: Any) -> Any:
    """Return a copy with another value at a place such as `variants.wide.epochs`."""
    result = place = copy.deepcopy(base)
    *path, last = where.split(".")
    for step in path:
        place = place[int(step) if isinstance(place, list) else step]
    if value is REMOVED:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return result


class Project:
    """A folder with config files, as a user would have it."""

    def __init__(self, folder):
        self.folder = folder
        self.settings: dict[str, Any] = SETTINGS
        (folder / "config" / "studies").mkdir(parents=True)
        self.datasets(DATASETS)
        self.study(STUDY)

    def write(self, name: str, content: Any) -> None:
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        (self.folder / "config" / name).write_text(text, encoding="utf-8")

    def datasets(self, content: Any) -> "Project":
        self.write("datasets.yaml", content)
        return self

    def study(self, content: Any, name: str = "dots") -> "Project":
        self.write(f"studies/{name}.yaml", content)
        return self

    def load(self, settings: Any = None) -> config.Config:
        return load(self.settings if settings is None else settings, root=self.folder)

    def complaint(self, settings: Any = None) -> str:
        with pytest.raises(CalotypeError) as problem:
            self.load(settings)
        return str(problem.value)


def project_with_classes(folder):
    """Return a project with datasets of every kind, and a study that classifies."""
    project = Project(folder)
    project.settings = SETTINGS | {"studies": ["dots", "clothes"]}
    project.datasets(FETCHED)
    return project.study(CLASSIFY, "clothes")
