"""Packs that train in seconds: recipes of all studies and further ones, and their outcome byte by byte."""

import functools
from pathlib import Path

import numpy as np
import yaml

from calotype.config.recipe import SCIKIT_LEARN, Recipe
from calotype.data.prepared_split import Split
from calotype.jobs.signals import StoppedError
from calotype.training import loop

ROOT = Path(__file__).parents[2]
SEEDS = range(3, 5)
CLASSES = 3
IMAGES = {"train": 20, "held-out": 9}
OWN = '''
import keras
from keras import layers


def net(shape, outputs):
    """Dropout twice, once in a model inside the model, and batch normalisation."""
    inner = keras.Sequential([layers.Conv2D(3, 3, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.3)])
    last = [layers.Flatten(), layers.Dropout(0.3), layers.Dense(outputs, activation="softmax")]
    return keras.Sequential([keras.Input(shape), inner, *last])


def half(shape, outputs):
    """Weights of a type that NumPy does not know."""
    dense = layers.Dense(4, activation="relu", dtype="bfloat16")
    return keras.Sequential([keras.Input(shape), layers.Flatten(), dense, layers.Dense(outputs, activation="softmax")])
'''


# ---- The trainings ---------------------------------------------------------------------------------------------------


def shrunken(found):
    """Shrink a recipe so that it trains in seconds; its model, optimizer and options stay."""
    arguments = dict(found.get("model_arguments", {}))
    for key in arguments.keys() & {"units", "hidden_layer_sizes"}:
        arguments[key] = [6] * min(len(arguments[key]), 2)
    if "blocks" in arguments:
        arguments["blocks"] = [[4, *rest] for _, *rest in arguments["blocks"]]
    sizes = {"model_arguments": arguments, "epochs": 2, "batch_size": 8}
    sizes |= {"validation_split": 0.25} if "validation_split" in found else {}
    return Recipe.model_validate(found | sizes)


def studied():
    """Return the different recipes of all shipped studies."""
    found = {}
    for file in sorted((ROOT / "config/studies").glob("*.yaml")):
        study = yaml.safe_load(file.read_text(encoding="utf-8"))
        for name, variant in study["variants"].items():
            keys = study.get("defaults", {}) | variant
            made = shrunken({key: value for key, value in keys.items() if key in Recipe.model_fields})
            found.setdefault(made.model_dump_json(exclude={"train"}), (f"{file.stem}/{name}", made))
    return dict(found.values())


def further(own):
    """Return recipes with features that no study uses."""
    base = {"loss": "categorical_crossentropy", "epochs": 4, "batch_size": 8}
    dense = base | {"model": "dense", "model_arguments": {"units": [5], "dropout": 0.2}}
    wild = {"name": "sgd", "learning_rate": 0.9, "arguments": {"momentum": 0.5}}
    held_out = {"validation_split": 0.3, "monitor": "val_accuracy"}
    changes = ["dihedral", "flip", {"name": "shift", "pixels": 2}, {"name": "erase", "pixels": 3}]
    changes += [{"name": "affine", "degrees": 20.0, "zoom": 0.1}, {"name": "rotate", "degrees": 9.0, "fill": "edge"}]
    changes += [{"name": "brightness", "strength": 0.1}, {"name": "noise", "strength": 0.1}]
    scikit = base | {"model": SCIKIT_LEARN[0], "model_arguments": {"hidden_layer_sizes": [6]}}
    made = {
        "everything": base
        | {"model": f"{own}:net", "optimizer": "adam", "augment": changes, "label_smoothing": 0.1}
        | {"restore_best_weights": True}
        | held_out,
        "patience": dense
        | {"loss": "sparse_categorical_crossentropy", "optimizer": wild, "epochs": 9, "patience": 1}
        | held_out,
        "patience and the best": dense
        | {"optimizer": wild, "epochs": 9, "patience": 2, "restore_best_weights": True, "validation": "held-out"}
        | {"training_metrics": ["auc"], "monitor": "val_auc", "min_delta": 0.001, "class_weight": [1.0, 2.0, 0.5]}
        | {"reduce_on_plateau": {"factor": 0.7, "patience": 1}},
        "diverges": dense | {"optimizer": {"name": "sgd", "learning_rate": 1e30}},
        "half": base | {"model": f"{own}:half", "optimizer": "adam", "epochs": 2},
        "scikit-learn, adam": scikit | {"optimizer": "adam"},
        "scikit-learn, nesterov": scikit
        | {"optimizer": {"name": "sgd", "learning_rate": 0.1, "arguments": {"momentum": 0.9, "nesterov": True}}},
    }
    return {name: Recipe.model_validate(keys) for name, keys in made.items()}


def recipe_of(name, folder):
    """Return a recipe by its name, and write the file of custom models into the folder."""
    own = folder / "own.py"
    if not own.exists():
        own.write_text(OWN, encoding="utf-8")
    return {**studied(), **further(own)}[name]


@functools.cache
def split(name, width, classes):
    """Return noisy images with a brighter bar, whose position is the label."""
    rng = np.random.default_rng([IMAGES[name], width])
    labels = rng.integers(0, classes, IMAGES[name])
    images = rng.random((len(labels), width, width, 1), np.float32)
    for image, label in zip(images, labels, strict=True):
        image[label : label + 2] += 0.6
    return Split(np.clip(images, 0, 1).astype(np.float32), labels, np.arange(len(labels)))


def splits(made):
    # Models without padding need larger images.
    width = 20 if any(len(block) > 3 for block in made.model_arguments.get("blocks", [])) else 8
    return {name: split(name, width, CLASSES if made.classifies else 6) for name in IMAGES}


def new_trainer(made):
    """Return a trainer as a new process builds it."""
    if made.model in SCIKIT_LEARN:
        from calotype.training import sklearn_model

        return sklearn_model.Trainer(made, splits(made)["train"], classes=CLASSES)
    from calotype.training import keras_trainer

    labels = {"minimum": None, "maximum": None, "classes": CLASSES}
    labels = labels if made.classifies else {"minimum": 0, "maximum": 5, "classes": None}
    validation = splits(made)[made.validation] if made.validation else None
    return keras_trainer.Trainer(made, splits(made)["train"], validation=validation, **labels)


def train(folder, made, trainer, *, check=lambda: None, minutes=60.0, identity="ours", seeds=SEEDS):
    """Train a pack as workflow/scripts/train.py does: models and checkpoints in a folder."""
    (folder / "models").mkdir(parents=True, exist_ok=True)
    store = loop.Store({s: folder / f"checkpoints/seed-{s:03d}" for s in seeds}, identity, minutes)
    return loop.train_pack("study/variant", made, seeds, trainer, folder / "models", store=store, check=check)


def outcome(pack, folder):
    """Return all results of a pack, byte by byte."""
    found = {f"models/{file.name}": file.read_bytes() for file in sorted((folder / "models").iterdir())}
    found |= {"history": pack.history.to_csv(), "layers": pack.layers.to_csv()}
    return found | {"best_epochs": pack.best_epochs, "diverged": pack.diverged}


def same(found, expected):
    """Compare two outcomes; print the names of parts that differ, because their bytes would fill the screen."""
    assert found.keys() == expected.keys()
    assert [part for part in expected if found[part] != expected[part]] == []
    return True


class Stops:
    """Asks to stop at the checks with these numbers, and counts the checks."""

    def __init__(self, *numbers):
        self.numbers, self.looks = numbers, 0

    def __call__(self):
        self.looks += 1
        if self.looks in self.numbers:
            raise StoppedError("SIGTERM")


def newest(folder):
    """Return the newest checkpoints of a pack."""
    return sorted(str(file) for file in folder.glob("checkpoints/*/*.npz") if not file.name.startswith("."))


def steps_of(history, trainer):
    """Return the number of steps of the runs of a pack."""
    return len({tuple(line.split(",")[1:3]) for line in history.splitlines()[1:]}) * trainer.steps
