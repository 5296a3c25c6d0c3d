"""Predict test splits with the saved weights of a pack, and keep the predictions in the pack's folder.

Each prediction holds the identity of everything on which it depends: weights, split and code. pandas and TensorFlow are
imported only if a prediction is missing.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from calotype.data.prepared_split import checksum, open_split
from calotype.jobs.signals import StoppedError
from calotype.training.result import Trained
from calotype.util.children import attempt, cause_of, in_children
from calotype.util.errors import CalotypeError
from calotype.util.sealed import read_sealed, write_sealed

if TYPE_CHECKING:
    from calotype.config.recipe import Recipe

logger = logging.getLogger(__name__)

PREDICT_BATCH = 250  # images; another number changes the last bits


@dataclass(frozen=True)
class Asked:
    """The settings of a variant's predictions: everything on which they depend, besides weights and images."""

    model: str
    model_arguments: dict[str, Any]
    precision: str
    threads: int
    classifies: bool
    binary: bool
    code: str = ""  # digest of the code that predicts
    custom_model: str | None = None  # digest of a custom model
    test_images: int | None = None  # number of images of a split to predict, from the first on; None for all
    test_time_augmentation: list[str] = field(default_factory=list)  # as in `augmentation.test_time_augmentation`

    @classmethod
    def of(cls, recipe: "Recipe", **further: Any) -> "Asked":
        """Take the settings from a recipe; `further` are those that it does not have."""
        keys = ("model", "model_arguments", "precision", "threads", "classifies", "binary")
        return cls(**{key: getattr(recipe, key) for key in keys}, **further)

    @property
    def of_scikit_learn(self) -> bool:
        """True for a scikit-learn model, which needs no TensorFlow."""
        return self.model.startswith("sklearn.")


class Predictor(Protocol):
    """A model of some library that predicts with saved weights."""

    def load(self, models: Path, seed: int) -> None:
        """Load the weights of a run from a pack's folder of models."""

    def weights(self) -> list[NDArray[Any]]:
        """Return the weights, in the order of `Trainer.weights`."""

    def begin_prediction(self, seed: int) -> None:
        """Set the random numbers of a model that draws some when it predicts."""

    def predict(self, images: NDArray[np.float32], views: Sequence[str] = ()) -> NDArray[np.float32]:
        """Return numbers in units of the labels, or probabilities, shape (images, outputs)."""


def new_predictor(asked: Asked, shape: tuple[int, ...], targets: Mapping[str, Any]) -> Predictor:
    """Make the predictor of a variant for images of a shape (height, width, channels) and the `Pack.targets`."""
    if asked.of_scikit_learn:
        from calotype.training import sklearn_model

        return sklearn_model.Predictor(asked, shape, targets)
    from calotype.training import keras_model

    return keras_model.Predictor(asked, shape, targets)


def identities(asked: Asked, pack: Trained, split: str) -> dict[int, str]:
    """Return the identity of each prediction, by seed; `split` is the checksum of the prepared split."""
    common = {"asked": asdict(asked), "targets": pack.targets, "split": split}
    found = {}
    for seed, weights in pack.weights().items():
        parts = json.dumps(common | {"seed": seed, "weights": weights}, sort_keys=True)
        found[seed] = hashlib.sha256(parts.encode()).hexdigest()
    return found


def _file(pack: Trained, split: str) -> Path:
    return pack.folder / "predictions" / f"{split}.npz"


def kept(pack: Trained, split: str, wanted: Mapping[int, str]) -> dict[int, NDArray[np.float32]]:
    """Return the predictions in a pack's folder that have the wanted `identities`, by seed."""
    file = _file(pack, split)
    try:
        values, arrays = read_sealed(file)
        return {seed: arrays[f"{seed}"] for seed, key in wanted.items() if values.get(f"{seed}") == key}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError) as error:
        logger.warning("%s: not used: unreadable: %s", file, error)
        return {}


def predict_pack(
    asked: Asked,
    pack: Trained,
    array: Path,
    wanted: Mapping[int, str],
    check: Callable[[], None] = lambda: None,
    predictor: Predictor | None = None,
) -> Predictor:
    """Predict a split with those weights of a pack whose predictions are missing, and keep them in the pack's folder.

    Args:
        array: the prepared array of the split.
        wanted: the `identities` of the predictions.
        check: called between two batches; an exception stops the work.
        predictor: that of an earlier call, to use it again.

    Returns:
        The predictor, for another split.
    """
    images, found = open_split(array).images, kept(pack, array.stem, wanted)
    predictor = predictor or new_predictor(asked, images.shape[1:], pack.targets)
    for seed in sorted(wanted.keys() - found.keys()):
        pack.verify(seed)
        predictor.load(pack.models, seed)
        found[seed] = predicted(predictor, asked, seed, images, check)
        values = {f"{number}": wanted[number] for number in found}
        write_sealed(_file(pack, array.stem), values, {f"{number}": numbers for number, numbers in found.items()})
    return predictor


def predicted(
    predictor: Predictor, asked: Asked, seed: int, images: NDArray[np.float32], check: Callable[[], None] = lambda: None
) -> NDArray[np.float32]:
    """Return numbers before rounding, shape (images,), or probabilities, shape (images, classes)."""
    predictor.begin_prediction(seed)
    shown, batches = images[: asked.test_images], []
    for start in range(0, len(shown), PREDICT_BATCH):
        check()
        batches.append(predictor.predict(shown[start : start + PREDICT_BATCH], asked.test_time_augmentation))
    whole = np.concatenate(batches)
    return whole if asked.classifies else whole[:, 0]


def predict_variant(asked: Asked, packs: list[tuple[Trained, dict[int, str]]], array: Path) -> None:
    """Predict a split with some packs of a variant, in a process of their own."""
    if not asked.of_scikit_learn:
        from calotype.training import backend

        backend.start(asked.threads)
    for pack, wanted in packs:
        predict_pack(asked, pack, array, wanted)


def leave(provenance: Path, tests: Mapping[str, Any], *, check: Callable[[], None]) -> None:
    """Predict the test splits right after the training; `gather` predicts the rest. Failures are logged only.

    Args:
        provenance: of the pack.
        tests: ``asked``, the settings of `Asked`, and ``arrays``, prepared test splits that may not exist yet.
        check: called between two batches; a StoppedError of it ends the work.
    """
    asked, pack, predictor = Asked(**tests["asked"]), Trained.read(provenance), None
    shutil.rmtree(_file(pack, "").parent, ignore_errors=True)  # predictions of earlier weights
    for array in map(Path, tests["arrays"]):
        try:
            sha = checksum(array)
            predictor = predict_pack(asked, pack, array, identities(asked, pack, sha), check, predictor)
            if checksum(array) != sha:  # prepared again in the meantime
                _file(pack, array.stem).unlink()
        except StoppedError as stopped:
            logger.info("%s: not predicted: stopped by %s. The rule `predict` will do it.", array, stopped.by)
            return
        except FileNotFoundError:
            logger.debug("%s: not prepared yet. The rule `predict` will predict it.", array)
        except Exception as error:
            logger.info("%s: not predicted yet; the rule `predict` will do it: %s", array, error)


def gather(
    packs: Sequence[tuple[str, Trained]], asked: Mapping[str, Asked], seeds: Mapping[str, int], array: Path
) -> dict[str, NDArray[np.float32]]:
    """Gather the predictions of all runs of a study on a split, and compute the missing ones.

    Each variant has its own process, because a process sets its threads once.

    Args:
        packs: variant and pack; the packs of a variant in the order of their seeds.
        asked: by variant.
        seeds: by variant, the number of seeds; a pack may hold more.
        array: the prepared array of the split.

    Returns:
        By variant: numbers before rounding, shape (seeds, images), or probabilities, shape (seeds, images, classes).

    Raises:
        CalotypeError: weights are missing or have another checksum, or a prediction fails.
    """
    split, sha = array.stem, checksum(array)
    found: dict[str, NDArray[np.float32]] = {}
    for variant, how in asked.items():
        wanted = [
            (pack, {seed: key for seed, key in identities(how, pack, sha).items() if seed < seeds[variant]})
            for name, pack in packs
            if name == variant
        ]
        there = [kept(pack, split, keys) for pack, keys in wanted]
        lacking = [each for each, own in zip(wanted, there, strict=True) if own.keys() != each[1].keys()]
        if lacking:
            number = sum(len(keys) for _, keys in wanted) - sum(map(len, there))
            logger.info("%s: predicting %s with %d run(s)", variant, split, number)
            _in_a_process(variant, partial(predict_variant, how, lacking, array))
            there = [kept(pack, split, keys) for pack, keys in wanted]
        found[variant] = np.stack([own[seed] for own in there for seed in sorted(own)])
    return found


def _in_a_process(variant: str, function: Callable[[], None]) -> None:
    (child,) = in_children({variant: partial(attempt, variant, function)}, 1)
    if child.status:
        problem = "prediction failed" if child.status > 0 else f"prediction was killed by signal {-child.status}"
        hint = "see the message above." if child.status > 0 else "request more memory if it ran out."
        raise CalotypeError(f"{variant}: {problem}.", hint) from cause_of([child])
