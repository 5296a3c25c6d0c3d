"""From predictions to metrics, per seed and pooled over seeds."""

import itertools
import math
import zipfile
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.config.metric_names import METRICS, TASK_METRICS, offered
from calotype.evaluation.metrics import Labels, binary_metrics, calibration, class_balance, number_metrics, ranks
from calotype.util.errors import CalotypeError
from calotype.util.statistics import mean_interval, wilson_interval

LARGEST_COUNT = 2.0**53  # beyond it a float no longer holds every whole number

# By variant and test split: shape (seeds, images) for counts and other numbers, (seeds, images, classes) for
# probabilities.
Predictions = dict[str, dict[str, NDArray[np.float32]]]
# By variant, each of the study, and seed: the epoch in which that run diverged.
Diverged = dict[str, dict[int, int]]
DIVERGED = "diverged"  # the metric of runs.csv that says so; only runs that diverged have it

SMALLEST_PROBABILITY = float(np.finfo(np.float32).eps)  # the log loss of a certain mistake stays finite


@dataclass(frozen=True)
class SeedPredictions:
    """What one run said about one test split.

    Attributes:
        labels: true counts, classes or other numbers, shape (images,).
        predictions: predicted numbers, counts before rounding, shape (images,), or probabilities, shape (images,
            classes).
        diverged: whether its training diverged.
    """

    variant: str
    seed: int
    split: str
    labels: Labels
    predictions: NDArray[np.float32]
    diverged: bool = False


# ---- Trainings that diverged -----------------------------------------------------------------------------------------


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


def diverged_runs(histories: Iterable[pd.DataFrame], variants: Sequence[str], seeds: Mapping[str, int]) -> Diverged:
    """The runs of a study that diverged.

    Args:
        histories: of each pack: seed, epoch, metric, value.
        variants: the variant of each pack.
        seeds: how many seeds are asked for, by variant; a pack may hold more.

    Returns:
        By variant, each of `seeds`, and seed: the epoch in which it happened.
    """
    found: Diverged = {variant: {} for variant in seeds}
    for history, variant in zip(histories, variants, strict=True):
        found[variant] |= diverged(history[history.seed < seeds[variant]])
    return found


def check_divergence(lost: Diverged, study_file: str) -> None:
    """See that no run of a study diverged.

    Args:
        lost: as `diverged_runs` gives it.
        study_file: the file that asks for it.

    Raises:
        CalotypeError: some did; the message names them.
    """
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


def leave_out(predictions: Predictions, lost: Diverged) -> Predictions:
    """Predictions of the seeds that did not diverge. Rows are no longer numbered by their seeds."""
    return {
        variant: {split: np.delete(values, list(lost[variant]), axis=0) for split, values in splits.items()}
        for variant, splits in predictions.items()
    }


def divergence_rows(lost: Diverged, train: Mapping[str, str]) -> list[tuple[str, int, str, str, float]]:
    """A row of `runs_table` for each run that diverged; its value is the epoch in which it happened.

    Args:
        lost: as `diverged_runs` gives it.
        train: the training split of each variant.
    """
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


# ---- From predictions to metrics -------------------------------------------------------------------------------------


def read_predictions(files: Sequence[Path], variants: Sequence[str], seeds: Mapping[str, int]) -> Predictions:
    """Read the predictions of all packs of a study.

    Args:
        files: predictions.npz of each pack, of the packs of a variant in the order of their seeds.
        variants: the variant of each file.
        seeds: how many seeds are asked for, by variant; a pack may hold more.

    Returns:
        By variant and test split: predictions of shape (seeds, images) or (seeds, images, classes).

    Raises:
        CalotypeError: a file cannot be read.
    """
    parts: dict[str, dict[str, list[NDArray[np.float32]]]] = {}
    for file, variant in zip(files, variants, strict=True):
        try:
            with np.load(file, allow_pickle=False) as found:
                for split in found.files:
                    parts.setdefault(variant, {}).setdefault(split, []).append(found[split])
        except (OSError, EOFError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise CalotypeError(
                f"{file}: cannot be read: {error}.", "delete it to have its pack trained again."
            ) from None
    return {
        variant: {split: np.concatenate(arrays)[: seeds[variant]] for split, arrays in splits.items()}
        for variant, splits in parts.items()
    }


def seed_predictions(
    predictions: Predictions, labels: Mapping[str, Labels], lost: Mapping[str, Container[int]] | None = None
) -> Iterator[SeedPredictions]:
    """Go through predictions run by run and split by split.

    Args:
        predictions: as `read_predictions` gives them.
        labels: true labels of each split, shape (images,); a variant may have been tested on the first ones only.
        lost: the seeds that diverged, by variant, as `diverged_runs` gives them; None for none.
    """
    for variant, splits in predictions.items():
        gone = (lost or {}).get(variant, ())
        for split, values in splits.items():
            for seed, row in enumerate(values):
                yield SeedPredictions(variant, seed, split, labels[split][: len(row)], row, seed in gone)


def rounded(predictions: NDArray[np.float32]) -> NDArray[np.float64]:
    """Predicted counts: the nearest whole number, the even one of two. What is not finite stays so."""
    return np.rint(predictions.astype(np.float64)) + 0.0  # -0 becomes 0


def count_metrics(labels: Labels, predictions: NDArray[np.float32]) -> dict[str, float]:
    """The metrics of task `count` on one split.

    Args:
        labels: true counts, shape (images,).
        predictions: predicted counts before rounding, shape (images,).

    Returns:
        Value by name, as in `metrics.TASK_METRICS`. Errors, their squares and R² are of the unrounded prediction.
    """
    counts = rounded(predictions)
    errors = predictions.astype(np.float64) - labels
    return {
        "exact": float(np.mean(counts == labels)),
        # "not at most one" rather than "more than one": true of what is not a number, too
        "off_by_more_than_one": float(np.mean(~(np.abs(counts - labels) <= 1))),
        "sum_of_squared_errors": float(np.sum(errors**2)),
        **number_metrics(labels, predictions),
    }


def classified(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """The most probable class, shape (..., images); NaN where a probability is not finite (a training diverged)."""
    found = probabilities.argmax(axis=-1).astype(np.float64)
    return np.where(np.isfinite(probabilities).all(axis=-1), found, np.nan)


def class_metrics(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> dict[str, float]:
    """The metrics of task `classify` on one split.

    Args:
        labels: true classes, shape (images,).
        probabilities: shape (images, classes).

    Returns:
        Value by name, as in `metrics.offered`. The log loss is the mean of the negative natural logarithm of the true
        class's probability. Where a probability is not finite, the image is wrong, and what weighs or ranks the
        probabilities of all images is NaN.
    """
    predicted, classes = classified(probabilities), probabilities.shape[1]
    accuracy = float(np.mean(predicted == labels))
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    places, bins = ranks(labels, probabilities), calibration(labels, probabilities)
    balanced, f1 = class_balance(labels, predicted)
    found = {
        "accuracy": accuracy,
        "error": 1 - accuracy,
        "log_loss": float(np.mean(-np.log(np.maximum(true, SMALLEST_PROBABILITY)))),
        "top_3": float(np.mean(places < 3)),
        "top_5": float(np.mean(places < 5)),
        "balanced_accuracy": balanced,
        "macro_f1": f1,
        "expected_calibration_error": bins.error if bins else math.nan,
        **(binary_metrics(labels, probabilities) if classes == 2 else {}),
    }
    return {name: found[name] for name in offered("classify", classes)}


def decided(predictions: NDArray[np.float32], task: str) -> NDArray[np.float64]:
    """What predictions of counts or classes come down to: rounded counts, or the most probable classes.

    Args:
        predictions: shape (..., images) for counts, (..., images, classes) for probabilities.
        task: `count` or `classify`.

    Returns:
        Shape (..., images).
    """
    return classified(predictions) if task == "classify" else rounded(predictions)


def images_tested(pooled: pd.DataFrame) -> "pd.Series[int]":
    """How many images each variant was tested on, by (variant, split); 0 where all its seeds diverged."""
    return (pooled.images // pooled.seeds.clip(lower=1)).groupby([pooled.variant, pooled.split]).first()


def _names(task: str, predictions: NDArray[np.float32]) -> tuple[str, ...]:
    """The metrics that a task has for these predictions."""
    return offered(task, predictions.shape[1] if task == "classify" else 0)


def _measure(task: str, labels: Labels, predictions: NDArray[np.float32]) -> dict[str, float]:
    """The metrics of a run on one split; all are NaN where it predicts no number at all."""
    if not np.isfinite(predictions).any():
        return dict.fromkeys(_names(task, predictions), math.nan)
    measures: Mapping[str, Callable[..., dict[str, float]]] = {
        "count": count_metrics, "classify": class_metrics, "regress": number_metrics,
    }  # fmt: skip
    return measures[task](labels, predictions)


def training_accuracies(
    histories: Iterable[pd.DataFrame], variants: Sequence[str], train: Mapping[str, str], seeds: Mapping[str, int]
) -> list[tuple[str, int, str, str, float]]:
    """The accuracy that a training showed while its last epoch ran, as Keras's `fit` prints it.

    Args:
        histories: of each pack: seed, epoch, metric, value.
        variants: the variant of each pack.
        train: the training split of each variant.
        seeds: how many seeds are asked for, by variant.

    Returns:
        Rows for `runs_table`: variant, seed, split, metric, value; none for trainings that record no accuracy.
    """
    rows = []
    for history, variant in zip(histories, variants, strict=True):
        found = history[(history.metric == "accuracy") & (history.seed < seeds[variant])]
        for seed, group in found.groupby("seed"):
            value = float(group.value[group.epoch.idxmax()])
            rows.append((variant, int(seed), train[variant], "training_accuracy", value))
    return rows


def _wilson(share: float, images: int) -> tuple[float, float]:
    """Wilson's interval of a share of some images; NaN where there is no share."""
    if not math.isfinite(share):
        return math.nan, math.nan
    return wilson_interval(round(share * images), images)


def runs_table(
    study: str,
    task: str,
    runs: Iterable[SeedPredictions],
    training: Iterable[tuple[str, int, str, str, float]] = (),
) -> pd.DataFrame:
    """All metrics of all runs, long: study, variant, seed, split, metric, value.

    Beside the task's first metric, such as ``exact``, stand ``exact_low`` and ``exact_high``, its Wilson interval over
    the images of the split, where it is a share of them.

    A run that diverged keeps its rows, with the metrics as they are measured, and has one more, ``diverged``: the epoch
    in which it happened, beside the training split.

    Args:
        study, task: what the runs belong to.
        runs: what they said.
        training: rows of `training_accuracies` and `divergence_rows`.
    """
    rows = []
    first = TASK_METRICS[task][0]
    for run in runs:
        metrics = _measure(task, run.labels, run.predictions)
        if METRICS[first].of_images:
            low, high = _wilson(metrics[first], len(run.labels))
            metrics |= {f"{first}_low": low, f"{first}_high": high}
        rows += [(study, run.variant, run.seed, run.split, metric, value) for metric, value in metrics.items()]
    rows += [(study, *row) for row in training]
    return pd.DataFrame(rows, columns=["study", "variant", "seed", "split", "metric", "value"])


def summary_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean and 95 % interval over seeds: study, variant, split, metric, mean, low, high, n, diverged.

    Seeds that diverged are left out: ``n`` is the number of the others, ``diverged`` that of those left out. Where none
    is left there is no mean. Student's t knows no bounds; the interval of a share is cut at 0 and 1.
    """
    lost = divergences(runs)
    kept = runs[runs.metric.isin(METRICS)]
    rows = []
    for key, group in kept.groupby(["study", "variant", "split", "metric"], sort=False):
        values = group.value[~group.seed.isin(list(lost[key[1]]))]
        mean, low, high = mean_interval(values.tolist())
        if METRICS[key[-1]].share:
            low, high = np.clip([low, high], 0, 1).tolist()
        rows.append((*key, mean, low, high, len(values), len(group) - len(values)))
    return pd.DataFrame(rows, columns=["study", "variant", "split", "metric", "mean", "low", "high", "n", "diverged"])


def pooled_table(study: str, task: str, runs: Iterable[SeedPredictions]) -> pd.DataFrame:
    """The metrics over all seeds together: study, variant, split, metric, value, low, high, images, seeds.

    The Wilson interval takes every (seed, image) for an independent trial. The seeds share their test images, so it is
    narrower than the truth where seeds make the same mistakes; the interval over seeds is the one to quote.

    Seeds that diverged are left out; where none is left, values are NaN, and images and seeds 0.
    """
    groups: dict[tuple[str, str], list[SeedPredictions]] = {}
    names: dict[tuple[str, str], tuple[str, ...]] = {}
    for run in runs:
        key = run.variant, run.split
        names[key] = _names(task, run.predictions)
        groups.setdefault(key, []).extend([run] * (not run.diverged))
    rows = []
    for key, members in groups.items():
        images = sum(len(run.labels) for run in members)
        metrics = dict.fromkeys(names[key], math.nan)
        if members:
            labels, predictions = (
                np.concatenate([getattr(run, part) for run in members]) for part in ("labels", "predictions")
            )
            metrics = _measure(task, labels, predictions)
        for metric, value in metrics.items():
            low, high = _wilson(value, images) if METRICS[metric].of_images else (math.nan, math.nan)
            rows.append((study, *key, metric, value, low, high, images, len(members)))
    columns = ["study", "variant", "split", "metric", "value", "low", "high", "images", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def differences_table(runs: pd.DataFrame, pooled: pd.DataFrame, metric: str) -> pd.DataFrame:
    """How neighbouring variants differ over the same seeds: study, split, metric, variant, than, mean, low, high, n.

    The differences are those of ``variant`` minus ``than``, the one before it, seed by seed; the 95 % interval of their
    mean is Student's. Seeds that diverged in either variant are left out, and so are neighbours without two seeds in
    common or tested on other images.

    Args:
        runs: as `runs_table` gives it.
        pooled: as `pooled_table` gives it; says how many images there were.
        metric: which metric.
    """
    rows = []
    images = images_tested(pooled)
    runs = converged(runs)
    for (study, split), group in runs[runs.metric == metric].groupby(["study", "split"], sort=False):
        by_seed = {variant: part.set_index("seed").value for variant, part in group.groupby("variant", sort=False)}
        for than, variant in itertools.pairwise(by_seed):
            found = (by_seed[variant] - by_seed[than]).dropna()
            if len(found) > 1 and images[than, split] == images[variant, split]:
                rows.append((study, split, metric, variant, than, *mean_interval(found.tolist()), len(found)))
    columns = ["study", "split", "metric", "variant", "than", "mean", "low", "high", "n"]
    return pd.DataFrame(rows, columns=columns)


def confusion_table(study: str, task: str, runs: Iterable[SeedPredictions]) -> pd.DataFrame:
    """How often each true label was predicted as which: study, variant, seed, split, true, predicted, images.

    Of numbers that are no counts nothing is: the table of task `regress` has no lines.

    After the seeds of a variant comes ``all``, their sum. Seeds that diverged have their lines, but do not count in
    ``all``, which is missing where there are no others.

    Pairs that never occur are left out; a prediction that is no number, or out of any range, stands as an empty
    ``predicted``.
    """
    if task == "regress":
        return pd.DataFrame(columns=["study", "variant", "seed", "split", "true", "predicted", "images"])
    tables = []
    lost = set()
    for run in runs:
        lost |= {(run.variant, run.seed)} if run.diverged else set()
        predicted = decided(run.predictions, task)
        predicted[~(np.abs(predicted) < LARGEST_COUNT)] = np.nan
        pairs = pd.DataFrame({"true": run.labels, "predicted": pd.Series(predicted).astype("Int64")})
        counted = pairs.value_counts(["true", "predicted"], sort=False, dropna=False).rename("images").reset_index()
        counted = counted.sort_values(["true", "predicted"], ignore_index=True)
        for place, (name, value) in enumerate(
            [("study", study), ("variant", run.variant), ("seed", run.seed), ("split", run.split)]
        ):
            counted.insert(place, name, value)
        tables.append(counted)
    single = pd.concat(tables, ignore_index=True)
    keys = ["study", "variant", "split", "true", "predicted"]
    kept = single[[run not in lost for run in zip(single.variant, single.seed, strict=True)]]
    pooled = kept.groupby(keys, sort=False, dropna=False, as_index=False).images.sum()
    pooled = pooled.sort_values(["true", "predicted"]).assign(seed="all")[single.columns]
    parts = []
    for variant, group in single.groupby("variant", sort=False):
        together = pooled[pooled.variant == variant]
        parts += [group, *(together[together.split == split] for split in group.split.unique())]
    return pd.concat(parts, ignore_index=True)


def confident_mistakes(
    labels: NDArray[np.int64], probabilities: NDArray[np.float32], most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """The images that a run is most certainly wrong about, the most certain first.

    Args:
        labels: true classes, shape (images,).
        probabilities: shape (images, classes).
        most: how many at most.

    Returns:
        Their places among the images, their predicted classes, and the probabilities of these, each of shape
        (mistakes,).
    """
    predicted = classified(probabilities)
    wrong = np.flatnonzero((predicted != labels) & ~np.isnan(predicted))
    certain = probabilities[wrong].max(axis=1)
    places = wrong[np.argsort(-certain, kind="stable")[:most]]
    return places, predicted[places].astype(np.int64), probabilities[places].max(axis=1)
