"""The results of a study, as figures, tables and the report read them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.data.prepared_split import Split, open_split
from calotype.evaluation.divergence import Diverged, divergences
from calotype.evaluation.packs import PackOrigin, read_origins
from calotype.evaluation.predictions import SplitPredictions, read_predictions
from calotype.tasks.base import Task
from calotype.tasks.registry import TASKS
from calotype.util.csv_tables import read_csv

# By the variant's label: true labels, shape (images,), and what the seeds that did not diverge predict, shape (seeds,
# images) or, for probabilities of classes, (seeds, images, classes).
Runs = Mapping[str, tuple[NDArray[Any], NDArray[Any]]]
Lost = Mapping[str, int]  # by the variant's label: how many seeds diverged; the figure says so


@dataclass(frozen=True)
class StudyResults:
    """What a study's evaluation wrote, and what the config says of it. Files are read when they are first asked for.

    Attributes:
        study: its name.
        folder: of its results.
        task_name: of its task.
        tests: its test splits. The first is that of images one by one, the last that of figures over all images.
        metric: the headline.
        labels: the label of each variant, by its name, in the study's order.
        classes: the names of its classes; none where labels are numbers.
        claims: published numbers, as plain data without their texts.
        arrays: the prepared array of each test split.
        example: number of the image of the first test split that it shows, if it shows one.
        feature_maps: a variant and the folder with its models of seed 0, if the study shows its feature maps.
    """

    study: str
    folder: str
    task_name: str
    tests: Sequence[str]
    metric: str
    labels: Mapping[str, str]
    classes: Sequence[str] = ()
    claims: Sequence[Mapping[str, Any]] = ()
    arrays: Mapping[str, str] = field(default_factory=dict)
    example: int | None = None
    feature_maps: tuple[str, str] | None = None
    _read: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def task(self) -> Task:
        """Its task."""
        return TASKS[self.task_name]

    def _once(self, read: Callable[[Any], Any], file: str | Path) -> Any:
        """What is read from a file, the first time."""
        if file not in self._read:
            self._read[file] = read(file)
        return self._read[file]

    def table(self, name: str) -> pd.DataFrame:
        """A table of the study: runs, summary, pooled, confusion, differences, layers, history or claims.

        Raises:
            CalotypeError: it cannot be read.
        """
        return self._once(read_csv, f"{self.folder}/{name}.csv")

    def predictions(self, split: str) -> SplitPredictions:
        """The predictions of all runs on a test split.

        Raises:
            CalotypeError: they cannot be read.
        """
        return self._once(read_predictions, Path(f"{self.folder}/predictions/{split}.npz"))

    def images(self, split: str) -> Split:
        """The prepared images of a test split, opened and not read into memory.

        Raises:
            CalotypeError: they cannot be opened.
        """
        return self._once(open_split, Path(self.arrays[split]))

    def share(self) -> None:
        """Read what most figures need, so that processes that are forked from this one need not.

        Raises:
            CalotypeError: something cannot be read.
        """
        self.predictions(self.tests[-1])
        self.images(self.tests[-1])
        self.diverged  # noqa: B018

    @cached_property
    def diverged(self) -> Diverged:
        """By variant and seed: the epoch in which that run diverged."""
        return divergences(self.table("runs"))

    @cached_property
    def origins(self) -> list[PackOrigin]:
        """The packs of the study and what they came from."""
        return read_origins(Path(f"{self.folder}/provenance.json"), self.study)

    @property
    def parameters(self) -> dict[str, int]:
        """The size of each variant's model."""
        return self.table("layers").groupby("variant").parameters.sum().to_dict()

    @property
    def diverged_seeds(self) -> dict[str, int]:
        """How many seeds of each variant diverged, by the variant's label."""
        return {label: len(self.diverged[variant]) for variant, label in self.labels.items()}

    def converged(self, split: str) -> dict[str, tuple[NDArray[Any], NDArray[np.float32]]]:
        """What the seeds of each variant predicted on a split that did not diverge, by the variant's label.

        Returns:
            True labels, shape (images,), and predictions, shape (seeds, images) or (seeds, images, classes). A variant
            that was tested on fewer images has the first ones.
        """
        found = self.predictions(split)
        runs = {}
        for variant, label in self.labels.items():
            kept = np.delete(found.variants[variant], list(self.diverged[variant]), axis=0)
            runs[label] = found.labels[: kept.shape[1]], kept
        return runs

    def first_seed(self, variant: str, split: str) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """True labels, shape (images,), and what seed 0 of a variant predicted on a split, shape (images, ...)."""
        found = self.predictions(split)
        first = found.variants[variant][0]
        return found.labels[: len(first)], first
