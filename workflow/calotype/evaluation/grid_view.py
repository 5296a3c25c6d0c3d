"""One grid of a study for figures and the report: its settings, and the score by which they are compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from calotype.evaluation.choice import VALIDATION, is_share, score_text
from calotype.evaluation.study_results import StudyResults
from calotype.metrics.registry import METRICS
from calotype.util.csv_tables import where


@dataclass(frozen=True)
class GridView:
    """A grid, with scores on validation images, or on test images if the grid holds out none.

    Attributes:
        keys: of the settings.
        names: short names of the settings.
        levels: the values of each setting, in the order of the config.
        variants: the values of each variant, in the order of the settings.
        reason: why scores are those of test images; empty if they are of validation images.
        split: the images of the scores.
        score: its column in the table of combinations.
        more: whether a higher score is better; None for test images, which choose nothing.
        combinations, effects: rows of the tables grid and effects.
    """

    name: str
    keys: list[str]
    names: list[str]
    levels: list[list[str]]
    variants: Mapping[str, list[str]]
    reason: str
    split: str
    score: str
    more: bool | None
    combinations: pd.DataFrame
    effects: pd.DataFrame

    @property
    def label(self) -> str:
        """The score for readers."""
        return f"{METRICS[self.score].label} on test images" if self.reason else score_text(self.score)

    @property
    def share(self) -> bool:
        """True if the score is a share of the images."""
        return METRICS[self.score].share if self.reason else is_share(self.score)

    def means(self, place: int) -> pd.DataFrame:
        """Return the rows of `effects` of a setting for the score, in the order of its values."""
        return where(self.effects, setting=self.keys[place], split=self.split, metric=self.score)

    def scores(self, *places: int) -> pd.DataFrame:
        """Return the score of each combination, with the texts of some settings as columns 0, 1 and so on."""
        texts = {
            i: [self.variants[name][place] for name in self.combinations.variant] for i, place in enumerate(places)
        }
        return pd.DataFrame(texts).assign(score=self.combinations[self.score].to_numpy())


def grid_views(results: StudyResults) -> list[GridView]:
    """Return the grids of a study."""
    combinations, effects = results.table("grid"), results.table("effects")
    return [_view(name, grid, results, combinations, effects) for name, grid in results.grids.items()]


def _view(
    name: str, grid: Mapping[str, Any], results: StudyResults, combinations: pd.DataFrame, effects: pd.DataFrame
) -> GridView:
    by, settings = grid["by"], grid["settings"]
    combinations = where(combinations, grid=name)
    texts = ["study", "grid", "variant", *settings]
    numbers = combinations.drop(columns=[column for column in combinations if column in texts])
    reason = by.get("reason", "")
    return GridView(
        name=name,
        keys=[*settings],
        names=[setting["name"] for setting in settings.values()],
        levels=[setting["values"] for setting in settings.values()],
        variants=grid["variants"],
        reason=reason,
        split=results.tests[-1] if reason else VALIDATION,
        score=results.metric if reason else by["metric"],
        more=None if reason else by["more"],
        combinations=combinations.assign(**numbers.apply(pd.to_numeric, errors="coerce")),  # may be empty
        effects=where(effects, grid=name),
    )
