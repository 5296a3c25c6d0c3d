"""Take the runs of a pack to their end: epoch after epoch, seed after seed, with checkpoints on the way.

A run that is stopped, anywhere, and continued gives the bytes of one that was not: its checkpoint holds all that the
steps that follow depend on, and what is random in them is keyed by (seed, epoch).
"""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from numpy.typing import NDArray

from calotype.config.recipe import Recipe
from calotype.jobs.signals import StoppedError
from calotype.training import checkpoints
from calotype.training.early_stopping import is_better, reductions
from calotype.training.result import Pack
from calotype.util.errors import CalotypeError

logger = logging.getLogger(__name__)

WORTH_A_LINE = 5.0  # seconds: a seed that takes less is not announced by itself
AT_ONCE = 0.5  # seconds of training between two looks at whether to stop


class Trainer(Protocol):
    """A model with its data, of some library: what the loop over epochs and seeds asks of it.

    Attributes:
        steps: training steps of an epoch.
        targets: what `Predictor` has to know of the labels besides the weights, as plain data.
    """

    steps: int
    targets: dict[str, Any]

    def begin(self, seed: int) -> None:
        """Set everything to what it is at the start of a run with this seed."""

    def begin_epoch(self, seed: int, epoch: int) -> None:
        """Prepare the steps of an epoch, counted from 1; what is random in them depends on nothing else."""

    def train(self, first: int, last: int) -> None:
        """Take the steps `first` to `last` - 1 of the epoch, which are counted from 0."""

    def set_rate(self, part: float, least: float) -> None:
        """Set the learning rate to a part of what it is at the start of a run, but not below some value."""

    def end_epoch(self) -> dict[str, float]:
        """The metrics of an epoch, by name: of training, and of the held-out images where there are some."""

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the next steps depend on, and that `begin_epoch` does not set."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Set what `state` gave; after `begin_epoch` of the same epoch."""

    def weights(self) -> list[NDArray[Any]]:
        """The weights of the model."""

    def set_weights(self, weights: Sequence[NDArray[Any]]) -> None:
        """Set the weights of the model."""

    def save(self, models: Path, seed: int) -> None:
        """Write the weights of a run to a file in a folder."""

    def layers(self) -> pd.DataFrame:
        """The layers of the model: layer, kind, output_shape, parameters."""


@dataclass(frozen=True)
class Store:
    """Where and when the runs of a pack are saved.

    Attributes:
        folders: of the checkpoints of each run, by its seed.
        identity: what the result of a run depends on, besides its seed.
        machine: what trains, in words.
        minutes: at most this long, or one step of training, is ever lost.
    """

    folders: Mapping[int, Path]
    identity: str
    machine: str
    minutes: float


@dataclass
class _Run:
    """How far a run is.

    Attributes:
        epoch: epochs that are complete.
        step: steps of the next one that are done.
        rows: of the history: epoch, metric, value.
        best: the best value of what is monitored, and its epoch.
        diverged: the epoch whose loss was not a number.
        seconds: spent, over all attempts.
        machines: that it was trained on.
        best_weights: those of the best epoch, where they are to be restored.
        weights: of the trained model; none before the end of the training.
    """

    epoch: int = 0
    step: int = 0
    rows: list[tuple[int, str, float]] = field(default_factory=list)
    best: tuple[float, int] | None = None
    diverged: int | None = None
    seconds: float = 0.0
    machines: list[str] = field(default_factory=list)
    best_weights: list[NDArray[Any]] = field(default_factory=list)
    weights: list[NDArray[Any]] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether it is trained to its end."""
        return bool(self.weights)

    def checkpoint(self, state: Mapping[str, NDArray[Any]]) -> checkpoints.Checkpoint:
        """All of it, with the state of the trainer."""
        arrays = {f"state/{name}": array for name, array in state.items()}
        for part in ("best_weights", "weights"):
            arrays |= {f"{part}/{i:06d}": array for i, array in enumerate(getattr(self, part))}
        return checkpoints.Checkpoint(arrays, {name: getattr(self, name) for name in VALUES})

    @classmethod
    def of(cls, saved: checkpoints.Checkpoint) -> "tuple[_Run, dict[str, NDArray[Any]]]":
        """The run that a checkpoint holds, and the state of its trainer."""
        parts: dict[str, dict[str, NDArray[Any]]] = {}
        for name in sorted(saved.arrays):
            part, _, key = name.partition("/")
            parts.setdefault(part, {})[key] = saved.arrays[name]
        run = cls(**saved.values)
        run.best_weights = [*parts.get("best_weights", {}).values()]
        run.weights = [*parts.get("weights", {}).values()]
        return run, parts.get("state", {})


VALUES = ("epoch", "step", "rows", "best", "diverged", "seconds", "machines")  # of a run: what JSON holds


class _Pace:
    """How many steps to take before the next look at whether to stop."""

    def __init__(self) -> None:
        self.steps = 1

    def adapt(self, seconds: float) -> None:
        """Learn from what the last ones took."""
        if seconds < AT_ONCE / 2:
            self.steps *= 2
        elif seconds > 2 * AT_ONCE:
            self.steps = max(1, self.steps // 2)


class _Training:
    """The runs of a pack, one after the other, and what of them is not yet saved."""

    def __init__(self, name: str, recipe: Recipe, trainer: Trainer, store: Store, check: Callable[[], None]) -> None:
        self.name, self.recipe, self.trainer, self.store, self.check = name, recipe, trainer, store, check
        self.pace = _Pace()
        self.unsaved: dict[int, _Run] = {}  # runs that are finished
        self.idle = True  # whether nothing was computed yet by this process
        self.saved_at = time.monotonic()
        self.worth_saving = False  # a pack that is done before the first checkpoint is due writes none

    def take(self, seed: int) -> _Run:
        """Take a run to its end."""
        run, state = self._load(seed)
        if not run.finished:
            self._began, self._spent = time.perf_counter(), run.seconds
            self._train(seed, run, state)
            run.seconds = self._seconds()
            self.unsaved[seed] = run
        return run

    def end(self) -> None:
        """Save the last runs, where the pack was long: its results may get lost before anyone has used them."""
        if self.worth_saving:
            self._save()

    # ---- Training -------------------------------------------------------------------------------------------------

    def _train(self, seed: int, run: _Run, state: Mapping[str, NDArray[Any]]) -> None:
        self.trainer.begin(seed)
        while self._goes_on(run):
            self.trainer.begin_epoch(seed, run.epoch + 1)
            if state:
                self.trainer.restore(state)
                state = {}
            if (plateau := self.recipe.reduce_on_plateau) is not None:
                seen = [value for _, metric, value in run.rows if metric == self.recipe.monitor]
                number = reductions(seen, plateau, more=self.recipe.more_is_better)
                self.trainer.set_rate(plateau.factor**number, plateau.min_learning_rate)
            while run.step < self.trainer.steps:
                self._pause(seed, run)
                last = min(run.step + self.pace.steps, self.trainer.steps)
                began = time.perf_counter()
                self.trainer.train(run.step, last)
                self.idle = False
                self.pace.adapt(time.perf_counter() - began)
                run.step = last
            self._end_epoch(seed, run)
        if run.best is not None and self.recipe.restore_best_weights:
            self.trainer.set_weights(run.best_weights)
        run.best_weights, run.weights = [], self.trainer.weights()

    def _goes_on(self, run: _Run) -> bool:
        if run.epoch == self.recipe.epochs or run.diverged is not None:
            return False
        patience = self.recipe.patience
        return not (patience and run.best and run.epoch - run.best[1] >= patience)

    def _end_epoch(self, seed: int, run: _Run) -> None:
        logs = self.trainer.end_epoch()
        run.epoch, run.step = run.epoch + 1, 0
        run.rows += [(run.epoch, metric, value) for metric, value in logs.items()]
        shown = ", ".join(f"{metric} {value:.5f}" for metric, value in logs.items())
        logger.debug("seed %d, epoch %d of %d: %s", seed, run.epoch, self.recipe.epochs, shown)
        if not math.isfinite(logs["loss"]):
            run.diverged = run.epoch
            logger.warning("%s: seed %d diverged in epoch %d: its loss is %f", self.name, seed, run.epoch, logs["loss"])
        if self.recipe.holds_out or not self.recipe.monitor.startswith("val_"):
            value = logs[self.recipe.monitor]
            more, by = self.recipe.more_is_better, self.recipe.min_delta
            if run.best is None or is_better(value, run.best[0], more=more, by=by):
                run.best = value, run.epoch
                run.best_weights = self.trainer.weights() if self.recipe.restore_best_weights else []

    # ---- Checkpoints ----------------------------------------------------------------------------------------------

    def _load(self, seed: int) -> tuple[_Run, Mapping[str, NDArray[Any]]]:
        saved = checkpoints.load(self.store.folders[seed], self._identity(seed))
        if saved is None:
            return _Run(machines=[self.store.machine]), {}
        run, state = _Run.of(saved)
        logger.info("%s: goes on: %s", self.name, self._place(seed, run))
        if not run.finished and run.machines[-1] != self.store.machine:
            logger.warning(
                "%s: seed %d began on %s and goes on on %s: its last digits may be those of neither.",
                *(self.name, seed, run.machines[-1], self.store.machine),
            )
            run.machines.append(self.store.machine)
        self.worth_saving = True
        return run, state

    def _identity(self, seed: int) -> str:
        return f"{self.store.identity} seed {seed}"

    def _pause(self, seed: int, run: _Run) -> None:
        """Between two steps: save when it is time, and stop when that is asked for."""
        try:
            self.check()
        except StoppedError as stopped:
            stopped.idle = self.idle
            stopped.saved = stopped.saves and self._save(seed, run)
            raise
        if time.monotonic() - self.saved_at >= 60 * self.store.minutes:
            self._save(seed, run)

    def _save(self, seed: int | None = None, run: _Run | None = None) -> bool:
        """Save finished runs, and the one that is under way; gives whether that was possible."""
        self.saved_at, self.worth_saving = time.monotonic(), True
        try:
            for number in [*self.unsaved]:
                checkpoints.save(
                    self.store.folders[number], self._identity(number), self.unsaved[number].checkpoint({})
                )
                del self.unsaved[number]
            if seed is not None and run is not None:
                run.seconds = self._seconds()
                begun = run.epoch or run.step  # else `begin` sets all; Keras has not even made all of its variables
                state = self.trainer.state() if begun else {}
                checkpoints.save(self.store.folders[seed], self._identity(seed), run.checkpoint(state))
                logger.debug("%s: saved: %s", self.name, self._place(seed, run))
        except CalotypeError as error:
            # A full disk must not end a training: there may be room again in a minute.
            logger.warning("%s: no checkpoint can be written, and the training goes on without: %s", self.name, error)
            return False
        return True

    def _seconds(self) -> float:
        return self._spent + time.perf_counter() - self._began

    def _place(self, seed: int, run: _Run) -> str:
        """How far a run is, in words."""
        if run.finished:
            return f"seed {seed}, finished"
        steps = f", step {run.step} of {self.trainer.steps}" if run.step else ""
        return f"seed {seed}, after epoch {run.epoch} of {self.recipe.epochs}{steps}"


def train_pack(
    name: str,
    recipe: Recipe,
    seeds: range,
    trainer: Trainer,
    models: Path,
    *,
    store: Store,
    check: Callable[[], None],
) -> Pack:
    """Train one variant with each of some seeds.

    Args:
        name: how the log calls it.
        recipe: what to train, and how.
        seeds: the seeds of the pack.
        trainer: what trains.
        models: an existing folder; gets the weights of each seed.
        store: where and when checkpoints are written; runs that have some go on from there.
        check: called between steps; may raise StoppedError, which ends the training, after a checkpoint.

    Raises:
        StoppedError: `check` did.
    """
    training = _Training(name, recipe, trainer, store, check)
    runs = {}
    for seed in seeds:
        runs[seed] = run = training.take(seed)
        trainer.set_weights(run.weights)
        trainer.save(models, seed)
        if seed not in training.unsaved:
            run.weights = []  # a pack may have many large runs
        # A line for each seed that one waits for.
        level = logging.INFO if run.seconds >= WORTH_A_LINE else logging.DEBUG
        logger.log(level, "%s: seed %d done in %.1f s", name, seed, run.seconds)
    training.end()
    total = sum(run.seconds for run in runs.values())
    logger.info("%s: seeds %d to %d done in %.0f s", name, seeds[0], seeds[-1], total)
    rows = [(seed, *row) for seed, run in runs.items() for row in run.rows]
    chosen = {seed: run.best[1] for seed, run in runs.items() if run.best and recipe.restore_best_weights}
    return Pack(
        layers=trainer.layers(),
        history=pd.DataFrame(rows, columns=["seed", "epoch", "metric", "value"]),
        targets=trainer.targets,
        seconds={seed: run.seconds for seed, run in runs.items()},
        best_epochs=chosen,
        diverged={seed: run.diverged for seed, run in runs.items() if run.diverged is not None},
        machines={seed: run.machines for seed, run in runs.items()},
    )
