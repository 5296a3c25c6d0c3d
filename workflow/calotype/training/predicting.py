"""Predict a test split with the saved weights of a pack, and keep what was predicted in the pack's folder.

Each prediction carries the identity of all that it depends on, so that one of other weights, another split or other
code is not used. Neither pandas nor TensorFlow is imported before something has to be predicted.
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

PREDICT_BATCH = 250  # images; another number changes the last bits of predictions


@dataclass(frozen=True)
class Asked:
    """How a variant predicts: all that its predictions depend on, besides weights and images.

    Attributes:
        model, model_arguments, precision, threads: as in `Recipe`.
        classifies, binary: as the properties of `Recipe`.
        code: the digest of the code that predicts.
        own_model: that of a user's model file, if there is one.
        test_images: how many images of a split to predict, from the first on; None for all.
        test_time_augmentation: the views of an image that a prediction is averaged over, besides the image itself.
    """

    model: str
    model_arguments: dict[str, Any]
    precision: str
    threads: int
    classifies: bool
    binary: bool
    code: str = ""
    own_model: str | None = None
    test_images: int | None = None
    test_time_augmentation: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, recipe: "Recipe", **further: Any) -> "Asked":
        """What a recipe says of how its models predict."""
        keys = ("model", "model_arguments", "precision", "threads", "classifies", "binary")
        return cls(**{key: getattr(recipe, key) for key in keys}, **further)

    @property
    def of_scikit_learn(self) -> bool:
        """Whether the model is one of scikit-learn's, and needs no TensorFlow."""
        return self.model.startswith("sklearn.")


class Predictor(Protocol):
    """A model of some library that predicts with saved weights."""

    def load(self, models: Path, seed: int) -> None:
        """Take the weights of a run from a pack's folder of models."""

    def weights(self) -> list[NDArray[Any]]:
        """The weights that it holds, in the order of `Trainer.weights`."""

    def begin_prediction(self, seed: int) -> None:
        """Key what the model may draw while it predicts, as with dropout that never ends."""

    def predict(self, images: NDArray[np.float32], views: Sequence[str] = ()) -> NDArray[np.float32]:
        """Predict some images: shape (images, outputs), numbers in units of the labels, or probabilities."""


def new_predictor(asked: Asked, shape: tuple[int, ...], targets: Mapping[str, Any]) -> Predictor:
    """Make the predictor of a variant.

    Args:
        asked: how the variant predicts.
        shape: of an image: height, width, channels.
        targets: what provenance.json says of the labels that were trained on.

    Raises:
        CalotypeError: the model cannot be made.
    """
    if asked.of_scikit_learn:
        from calotype.training import sklearn_predictor

        return sklearn_predictor.Predictor(asked, shape, targets)
    from calotype.training import keras_predictor

    return keras_predictor.Predictor(asked, shape, targets)


def identities(asked: Asked, pack: Trained, split: str) -> dict[int, str]:
    """Identify all that the predictions of a pack depend on, by seed; `split` is the checksum of the prepared split."""
    common = {"asked": asdict(asked), "targets": pack.targets, "split": split}
    found = {}
    for seed, weights in pack.weights().items():
        parts = json.dumps(common | {"seed": seed, "weights": weights}, sort_keys=True)
        found[seed] = hashlib.sha256(parts.encode()).hexdigest()
    return found


def _file(pack: Trained, split: str) -> Path:
    return pack.folder / "predictions" / f"{split}.npz"


def kept(pack: Trained, split: str, wanted: Mapping[int, str]) -> dict[int, NDArray[np.float32]]:
    """The predictions that a pack's folder keeps and that are those wanted, by seed; others are left aside.

    Args:
        pack: the pack.
        split: the name of the test split.
        wanted: the identity of each prediction (`identities`), by seed.

    Returns:
        As of `predicted`.
    """
    file = _file(pack, split)
    try:
        values, arrays = read_sealed(file)
        return {seed: arrays[f"{seed}"] for seed, key in wanted.items() if values.get(f"{seed}") == key}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError) as error:
        logger.warning("%s: not used: %s", file, error)
        return {}


def predict_pack(
    asked: Asked,
    pack: Trained,
    array: Path,
    wanted: Mapping[int, str],
    check: Callable[[], None] = lambda: None,
    predictor: Predictor | None = None,
) -> Predictor:
    """Predict a split with the weights of a pack, and keep that in the pack's folder; what is there stays.

    Args:
        asked: how the variant predicts.
        pack: the pack.
        array: the prepared array of the split.
        wanted: the identity of each prediction (`identities`), by seed.
        check: called between two batches; may raise to stop.
        predictor: of the pack, if there is one.

    Returns:
        The predictor, for another split.

    Raises:
        CalotypeError: weights are missing or have another checksum, or the file cannot be written.
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
    predictor: Predictor,
    asked: Asked,
    seed: int,
    images: NDArray[np.float32],
    check: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """Predict a split with the weights that a predictor holds.

    Returns:
        Numbers before rounding, shape (images,), or probabilities, shape (images, classes).
    """
    predictor.begin_prediction(seed)
    shown, batches = images[: asked.test_images], []
    for start in range(0, len(shown), PREDICT_BATCH):
        check()
        batches.append(predictor.predict(shown[start : start + PREDICT_BATCH], asked.test_time_augmentation))
    whole = np.concatenate(batches)
    return whole if asked.classifies else whole[:, 0]


def predict_variant(asked: Asked, packs: list[tuple[Trained, dict[int, str]]], array: Path) -> None:
    """Predict a split with the runs of a variant that lack it; called in a process of their own."""
    if not asked.of_scikit_learn:
        from calotype.training import backend

        backend.start(asked.threads)
    for pack, wanted in packs:
        predict_pack(asked, pack, array, wanted)


def leave(provenance: Path, tests: Mapping[str, Any], *, check: Callable[[], None]) -> None:
    """Predict, right after a training, the test splits that are prepared; `gather` predicts what this leaves out.

    No failure counts: the training is done. A signal that asks to stop ends it.

    Args:
        provenance: of the pack.
        tests: ``asked``, how the variant predicts, as plain data, and ``arrays``, the prepared test splits: files, some
            of which may not be there yet.
        check: called between two batches; may raise StoppedError.
    """
    asked, pack, predictor = Asked(**tests["asked"]), Trained.read(provenance), None
    shutil.rmtree(_file(pack, "").parent, ignore_errors=True)  # those of an earlier training
    for array in map(Path, tests["arrays"]):
        try:
            sha = checksum(array)
            predictor = predict_pack(asked, pack, array, identities(asked, pack, sha), check, predictor)
            if checksum(array) != sha:  # prepared again meanwhile
                _file(pack, array.stem).unlink()
        except StoppedError as stopped:
            logger.info("%s: not predicted: stopped by %s; `predict` will do it.", array, stopped.by)
            return
        except Exception as error:
            logger.info("%s: not predicted after the training; `predict` will do it: %s", array, error)


def gather(
    packs: Sequence[tuple[str, Trained]], asked: Mapping[str, Asked], seeds: Mapping[str, int], array: Path
) -> dict[str, NDArray[np.float32]]:
    """Gather the predictions of all runs of a study on a split; those that no pack keeps are computed.

    Each variant gets a process of its own, as its training had: threads are set once in a process.

    Args:
        packs: each with its variant, those of a variant in the order of their seeds.
        asked: how each variant predicts.
        seeds: how many seeds of each variant are asked for; a pack may hold more.
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
            logger.info("%s: predicting %s with the weights of %d run(s)", variant, split, number)
            _in_a_process(variant, predict_variant, how, lacking, array)
            there = [kept(pack, split, keys) for pack, keys in wanted]
        found[variant] = np.stack([own[seed] for own in there for seed in sorted(own)])
    return found


def _in_a_process(what: str, function: Callable[..., None], *arguments: Any) -> None:
    (child,) = in_children({what: partial(attempt, what, partial(function, *arguments))}, 1)
    if child.status < 0:
        problem = f"{what}: the process that predicts was ended by signal {-child.status}."
        raise CalotypeError(problem, "ask for more memory, if that was the reason.") from cause_of([child])
    if child.status:
        raise CalotypeError(f"{what}: not predicted.", "see the message above.") from cause_of([child])
