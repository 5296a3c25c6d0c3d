"""Runs that diverged: how they are found, named and left out."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from calotype.util.errors import CalotypeError

# By variant, each of the study, and seed: the epoch in which that run diverged.
Diverged = dict[str, dict[int, int]]
DIVERGED = "diverged"  # the metric of runs.csv that says so; only runs that diverged have it


def diverged(history: pd.DataFrame) -> dict[int, int]:
    """The runs that diverged: those whose last loss is no finite number. This is the one place that says so.

    A training ends with the first epoch whose loss is not finite. What such a run predicts decides nothing: where the
    weights of an earlier epoch are kept, it is made of numbers.

    Args:
        history: of some runs of one variant: seed, epoch, metric, value; the lines in any order.

    Returns:
        By seed: the epoch in which it happened, the first without a finite loss.
    """
    found = {}
    for seed, losses in history[history.metric == "loss"].sort_values("epoch").groupby("seed"):
        finite = np.isfinite(losses.value)
        if not finite.iloc[-1]:
            found[int(seed)] = int(losses.epoch[~finite].iloc[0])
    return found


def diverged_runs(history: pd.DataFrame, variants: Iterable[str]) -> Diverged:
    """The runs of a study that diverged; beside what `diverged` takes, `history` says the variant."""
    return {variant: diverged(history[history.variant == variant]) for variant in variants}


def check_divergence(lost: Diverged, study_file: str) -> None:
    """Raise CalotypeError if a run of a study diverged; the message names all that did."""
    named = [
        f"{variant}: {', '.join(f'seed {seed} in epoch {epoch}' for seed, epoch in runs.items())}"
        for variant, runs in lost.items()
        if runs
    ]
    if named:
        raise CalotypeError(
            f"{study_file}: may_diverge: it is false, but the loss of these runs became infinite or no number: "
            f"{'; '.join(named)}.",
            "lower the learning rate, or set may_diverge: true to have them marked and left out.",
        )


def diverged_text(lost: int, seeds: int) -> str:
    """How tables, figures and the report say that seeds diverged: ``2 of 5 seeds diverged``."""
    return f"{lost} of {seeds} seed{'s' if seeds > 1 else ''} diverged"


def divergence_rows(lost: Diverged, train: Mapping[str, str]) -> list[tuple[str, int, str, str, float]]:
    """A row of `runs_table` for each run that diverged; its value is the epoch in which it happened."""
    return [
        (variant, seed, train[variant], DIVERGED, float(epoch))
        for variant, runs in lost.items()
        for seed, epoch in runs.items()
    ]


def divergences(runs: pd.DataFrame) -> Diverged:
    """What `divergence_rows` wrote into a `runs_table`: by variant and seed, the epoch; variants without are there."""
    found: Diverged = {str(variant): {} for variant in runs.variant.unique()}
    for row in runs[runs.metric == DIVERGED].itertuples():
        found[str(row.variant)][int(row.seed)] = int(row.value)
    return found


def converged(runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of a `runs_table` whose runs did not diverge."""
    lost = runs[runs.metric == DIVERGED]
    keys = ["variant", "seed"]
    return runs[~runs.set_index(keys).index.isin(lost.set_index(keys).index)]
