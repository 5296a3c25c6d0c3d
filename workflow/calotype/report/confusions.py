"""The most frequent confusions of a variant."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from calotype.evaluation.study_results import StudyResults
from calotype.util.csv_tables import where

MOST = 5  # confusions of a variant in the report


@dataclass(frozen=True)
class Confusion:
    """Images with one true and another predicted label, over all seeds."""

    true: str
    predicted: str
    images: int
    of: int  # images with this true label

    @property
    def share(self) -> float:
        """Return the share of the images with this true label."""
        return self.images / self.of


@dataclass(frozen=True)
class Confusions:
    """The errors of a variant on a split, over all seeds."""

    split: str
    images: int
    wrong: int
    first: Sequence[Confusion]  # the most frequent first


def named(label: float, names: Sequence[str]) -> str:
    """Return the name of a class, or the number of a label without a name."""
    if not math.isfinite(label):
        return "none"
    return names[int(label)] if 0 <= label < len(names) else str(int(label))


def largest(results: StudyResults, variant: str, most: int = MOST) -> Confusions | None:
    """Return the most frequent confusions of a variant on its last test split; None without predicted labels."""
    table = where(results.table("confusion"), seed="all", variant=variant)
    if not len(table):
        return None
    split = table.split.iloc[-1]
    table = where(table, split=split)
    totals, wrong = table.groupby("true").images.sum(), table[table.true != table.predicted]
    ranked = wrong.sort_values("images", ascending=False, kind="stable").head(most)
    first = [
        Confusion(named(true, results.classes), named(predicted, results.classes), int(images), int(totals[true]))
        for true, predicted, images in zip(ranked.true, ranked.predicted.astype(float), ranked.images, strict=True)
    ]
    return Confusions(split, int(table.images.sum()), int(wrong.images.sum()), first)
