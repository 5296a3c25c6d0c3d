"""The results of a study, read by figures, tables and the report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.data.prepared_split import Split, open_split
from calotype.evaluation.choice import shown_variants
from calotype.evaluation.divergence import Diverged, divergences
from calotype.evaluation.packs import PackOrigin, read_origins
from calotype.evaluation.predictions import SplitPredictions, read_predictions
from calotype.tasks.base import Task
from calotype.tasks.registry import TASKS
from calotype.util.csv_tables import read_csv, where
from calotype.util.files import unharmed

# By the variant's label: true labels, shape (images,), and predictions of the seeds that did not diverge, shape (seeds,
# images), or probabilities, shape (seeds, images, classes).
Runs = Mapping[str, tuple[NDArray[Any], NDArray[Any]]]
GRID_TABLES = ("grid", "effects")
Lost = Mapping[str, int]  # number of seeds that diverged, by the variant's label


@dataclass(frozen=True)
class StudyResults:
    """Results and config of a study. Files are read at first use, and a missing or unreadable one is a CalotypeError.

    Attributes:
        tests: test splits. Figures of single images use the first, figures of all images the last.
        metric: the headline metric.
        labels: the label of each variant, by its name, in the study's order.
        classes: names of the classes; empty if labels are numbers.
        quantity, unit: name and unit of labels that are numbers, if known.
        claims: published numbers, without their texts.
        arrays: the prepared array of each test split.
        catalogue: the catalogue of a user's own images; else empty.
        example: number of the shown image of the first test split, if any.
        feature_maps: the variant with feature maps and the folder with its models of seed 0, if any.
        chosen: the variants of figures, as `config.choice.shown` returns them; None for all.
        grids: the grids of the study, as `Study.grids` returns them.
        of_some: whether `labels` lacks variants of the study, which tables then leave out.
    """

    study: str
    folder: str
    task_name: str
    tests: Sequence[str]
    metric: str
    labels: Mapping[str, str]
    classes: Sequence[str] = ()
    quantity: str = ""
    unit: str = ""
    claims: Sequence[Mapping[str, Any]] = ()
    arrays: Mapping[str, str] = field(default_factory=dict)
    catalogue: str = ""
    example: int | None = None
    feature_maps: tuple[str, str] | None = None
    chosen: Mapping[str, Any] | None = None
    grids: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    of_some: bool = False
    _read: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def task(self) -> Task:
        """Return its task."""
        return TASKS[self.task_name]

    def axis(self, words: str) -> str:
        """Return words for an axis of labels, followed by their name and unit: ``true diameter (mm)``."""
        return " ".join(filter(None, [words, self.quantity, self.unit and f"({self.unit})"]))

    def _once(self, read: Callable[[Any], Any], file: str | Path) -> Any:
        """Read a file at first use."""
        if file not in self._read:
            self._read[file] = read(file)
        return self._read[file]

    def table(self, name: str) -> pd.DataFrame:
        """Return a table: runs, summary, pooled, confusion, differences, layers, history, claims or those of grids."""
        found = self._once(read_csv, f"{self.folder}/{name}.csv")
        for column in ("variant", "than") if self.of_some and name not in GRID_TABLES else ():
            found = found[found[column].isin(self.labels)] if column in found else found
        return found

    def of(self, variants: Sequence[str]) -> "StudyResults":
        """Return the results of some variants; tables of grids stay whole."""
        labels = {variant: self.labels[variant] for variant in variants}
        claims = [claim for claim in self.claims if claim["variant"] in labels]
        found = replace(self, labels=labels, claims=claims, of_some=True)
        found._read.update(self._read)
        return found

    def of_shown(self) -> "StudyResults":
        """Return the results of the variants that figures and the report show."""
        if self.chosen is None:
            return self
        return self.of(shown_variants(self.table("runs"), [*self.labels], self.chosen))

    def predictions(self, split: str) -> SplitPredictions:
        """Return the predictions of all runs on a test split."""
        return self._once(read_predictions, Path(f"{self.folder}/predictions/{split}.npz"))

    def images(self, split: str) -> Split:
        """Open the prepared images of a test split, without reading them into memory."""
        return self._once(open_split, Path(self.arrays[split]))

    def image_names(self, split: str, places: NDArray[np.int64]) -> list[str]:
        """Return the names of the files of some images of a split; without files, their numbers: ``image 7``."""
        numbers = self.images(split).ids[places].tolist()
        names: dict[int, str] = {}
        if self.catalogue:
            table = where(self._once(read_csv, self.catalogue), split=split)
            if "sha256" in table:  # each line is a file
                names = dict(zip(table.number, map(unharmed, table.path.astype(str)), strict=True))
        return [PurePosixPath(names.get(number, f"image {number}")).name for number in numbers]

    def share(self) -> None:
        """Read the inputs of most figures, before forked processes plot these."""
        self.predictions(self.tests[-1])
        self.images(self.tests[-1])
        self.diverged  # noqa: B018

    @cached_property
    def diverged(self) -> Diverged:
        """Return the epoch of each run that diverged, by variant and seed."""
        return divergences(self.table("runs"))

    @cached_property
    def origins(self) -> list[PackOrigin]:
        """Return the packs of the study with their provenance."""
        return read_origins(Path(f"{self.folder}/provenance.json"), self.study)

    @property
    def parameters(self) -> dict[str, int]:
        """Return the number of parameters of each variant's model."""
        return self.table("layers").groupby("variant").parameters.sum().to_dict()

    @property
    def models(self) -> list[tuple[pd.DataFrame, list[str]]]:
        """Return the layers of each model once, with the labels of the variants that train it."""
        found: dict[tuple[Any, ...], tuple[pd.DataFrame, list[str]]] = {}
        for variant, layers in self.table("layers").groupby("variant", sort=False):
            key = tuple(layers[["kind", "output_shape", "parameters"]].itertuples(index=False, name=None))
            found.setdefault(key, (layers, []))[1].append(self.labels[str(variant)])
        return [*found.values()]

    @property
    def diverged_seeds(self) -> dict[str, int]:
        """Return the number of seeds that diverged, by the variant's label."""
        return {label: len(self.diverged[variant]) for variant, label in self.labels.items()}

    def converged(self, split: str) -> dict[str, tuple[NDArray[Any], NDArray[np.float32]]]:
        """Return `Runs` on a split. A variant with fewer test images has the first ones."""
        found = self.predictions(split)
        runs = {}
        for variant, label in self.labels.items():
            kept = np.delete(found.variants[variant], list(self.diverged[variant]), axis=0)
            runs[label] = found.labels[: kept.shape[1]], kept
        return runs

    def first_seed(self, variant: str, split: str) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Return true labels, shape (images,), and predictions of seed 0 of a variant, shape (images, ...)."""
        found = self.predictions(split)
        first = found.variants[variant][0]
        return found.labels[: len(first)], first
