"""Runs that diverged: functions that find, name and leave them out."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from calotype.util.errors import CalotypeError

Diverged = dict[str, dict[int, int]]  # the epoch by variant and seed; each variant of the study has an entry
DIVERGED = "diverged"  # a metric in runs.csv that only runs that diverged have


def diverged(history: pd.DataFrame) -> dict[int, int]:
    """Return the first epoch without a finite loss of each seed that diverged: its last loss is not finite.

    Predictions of such a run may be finite, if the weights of an earlier epoch are kept.

    Args:
        history: of runs of one variant, in any order: seed, epoch, metric, value.
    """
    found = {}
    for seed, losses in history[history.metric == "loss"].sort_values("epoch").groupby("seed"):
        finite = np.isfinite(losses.value)
        if not finite.iloc[-1]:
            found[int(seed)] = int(losses.epoch[~finite].iloc[0])
    return found


def diverged_runs(history: pd.DataFrame, variants: Iterable[str]) -> Diverged:
    """Return the runs of a study that diverged; `history` also has a column variant."""
    return {variant: diverged(history[history.variant == variant]) for variant in variants}


def check_divergence(lost: Diverged, study_file: str | None) -> None:
    """Raise CalotypeError with the names of all runs that diverged, if any; without a study file, they may."""
    named = [f"{variant}: {epochs_text(runs)}" for variant, runs in lost.items() if runs]
    if named and study_file:
        raise CalotypeError(
            f"{study_file}: may_diverge: false, but the loss of these runs became NaN or infinite: {'; '.join(named)}.",
            "lower the learning rate, or set may_diverge: true to mark these runs and leave them out.",
        )


def epochs_text(runs: Mapping[int, int]) -> str:
    """Return ``seed 3 in epoch 2`` for each seed that diverged."""
    return ", ".join(f"seed {seed} in epoch {epoch}" for seed, epoch in runs.items())


def diverged_text(lost: int, seeds: int) -> str:
    """Return ``2 of 5 seeds diverged`` for tables, figures and the report; empty if none did."""
    return f"{lost} of {seeds} seed{'s' if seeds > 1 else ''} diverged" if lost else ""


def seeds_text(lost: int, kept: int) -> str:
    """Return ``3 seeds``, or how many diverged if any did."""
    return diverged_text(lost, lost + kept) or f"{kept} seed{'s' if kept > 1 else ''}"


def divergence_rows(lost: Diverged, train: Mapping[str, str]) -> list[tuple[str, int, str, str, float]]:
    """Return a row of `runs_table` for each run that diverged; its value is the epoch."""
    return [
        (variant, seed, train[variant], DIVERGED, float(epoch))
        for variant, runs in lost.items()
        for seed, epoch in runs.items()
    ]


def divergences(runs: pd.DataFrame) -> Diverged:
    """Read the rows of `divergence_rows` from a `runs_table`."""
    found: Diverged = {str(variant): {} for variant in runs.variant.unique()}
    for row in runs[runs.metric == DIVERGED].itertuples():
        found[str(row.variant)][int(row.seed)] = int(row.value)
    return found


def converged(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a `runs_table` without runs that diverged."""
    lost = runs[runs.metric == DIVERGED]
    keys = ["variant", "seed"]
    return runs[~runs.set_index(keys).index.isin(lost.set_index(keys).index)]
