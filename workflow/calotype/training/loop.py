"""Train the runs of a pack, seed by seed and epoch by epoch, and write checkpoints.

A run that is stopped and resumed gives the same bytes as one that is not. Its checkpoint holds everything on which the
next steps depend. Their random numbers are keyed by (seed, epoch).
"""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from calotype.config.recipe import Recipe
from calotype.jobs import side_by_side
from calotype.jobs.signals import StoppedError
from calotype.training import checkpoints, provenance
from calotype.training.early_stopping import is_better, reductions
from calotype.training.result import Pack
from calotype.training.trainer import Trainer, import_library
from calotype.util.errors import CalotypeError

logger = logging.getLogger(__name__)

WORTH_A_LINE = 5.0  # seconds: shorter runs get no line of their own in the log
AT_ONCE = 0.5  # seconds of steps between two checks for a stop


@dataclass(frozen=True)
class Store:
    """The place of a pack's checkpoints."""

    folders: Mapping[int, Path]  # by seed
    identity: str  # of everything on which the result of a run depends, except for its seed
    minutes: float  # between two checkpoints


@dataclass
class _Run:
    """The progress of a run."""

    epoch: int = 0  # number of complete epochs
    step: int = 0  # number of steps done in the next epoch
    rows: list[tuple[int, str, float]] = field(default_factory=list)  # of the history: epoch, metric, value
    best: tuple[float, int] | None = None  # the best monitored value, and its epoch
    diverged: int | None = None  # the epoch with a loss that is NaN or infinite
    seconds: float = 0.0  # of all attempts
    machines: list[str] = field(default_factory=list)  # of all attempts
    best_weights: list[NDArray[Any]] = field(default_factory=list)  # of the best epoch, if they will be restored
    weights: list[NDArray[Any]] = field(default_factory=list)  # of the trained model; empty before the end

    @property
    def finished(self) -> bool:
        """True if the run is complete."""
        return bool(self.weights)

    def checkpoint(self, state: Mapping[str, NDArray[Any]]) -> checkpoints.Checkpoint:
        """Make a checkpoint of the run and the state of its trainer."""
        arrays = {f"state/{name}": array for name, array in state.items()}
        for part in ("best_weights", "weights"):
            arrays |= {f"{part}/{i:06d}": array for i, array in enumerate(getattr(self, part))}
        return checkpoints.Checkpoint(arrays, {name: getattr(self, name) for name in VALUES})

    @classmethod
    def of(cls, saved: checkpoints.Checkpoint) -> "tuple[_Run, dict[str, NDArray[Any]]]":
        """Return the run of a checkpoint, and the state of its trainer."""
        parts: dict[str, dict[str, NDArray[Any]]] = {}
        for name in sorted(saved.arrays):
            part, _, key = name.partition("/")
            parts.setdefault(part, {})[key] = saved.arrays[name]
        run = cls(**saved.values)
        run.best_weights = [*parts.get("best_weights", {}).values()]
        run.weights = [*parts.get("weights", {}).values()]
        return run, parts.get("state", {})


VALUES = ("epoch", "step", "rows", "best", "diverged", "seconds", "machines")  # of a run, as JSON data


class _Training:
    """The training of a pack."""

    def __init__(self, name: str, recipe: Recipe, trainer: Trainer, store: Store, check: Callable[[], None]) -> None:
        self.name, self.recipe, self.trainer, self.store, self.check = name, recipe, trainer, store, check
        self.machine = provenance.machine(trainer.device)
        self.trained = False  # whether other processes of this call have trained, and logged, all runs
        self.steps_at_once = 1  # between two checks for a stop
        self.unsaved: dict[int, _Run] = {}  # finished runs
        self.idle = True  # no step was taken yet
        self.saved_at = time.monotonic()
        self.worth_saving = False  # a short pack writes no checkpoints

    def take(self, seed: int) -> _Run:
        """Train a run to its end, or load it."""
        run, state = self._load(seed)
        if not run.finished:
            self._began, self._spent = time.perf_counter(), run.seconds
            self._train(seed, run, state)
            run.seconds = self._seconds()
            self.unsaved[seed] = run
            level = logging.INFO if run.seconds >= WORTH_A_LINE else logging.DEBUG
            logger.log(level, "%s: seed %d done in %.1f s", self.name, seed, run.seconds)
        return run

    # ---- Training -------------------------------------------------------------------------------------------------

    def _train(self, seed: int, run: _Run, state: Mapping[str, NDArray[Any]]) -> None:
        self.trainer.begin(seed)
        while self._continues(run):
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
                last = min(run.step + self.steps_at_once, self.trainer.steps)
                began = time.perf_counter()
                self.trainer.train(run.step, last)
                seconds = time.perf_counter() - began
                if seconds < AT_ONCE / 2:
                    self.steps_at_once *= 2
                elif seconds > 2 * AT_ONCE:
                    self.steps_at_once = max(1, self.steps_at_once // 2)
                run.step, self.idle = last, False
            self._end_epoch(seed, run)
        if run.best is not None and self.recipe.restore_best_weights:
            self.trainer.set_weights(run.best_weights)
        run.best_weights, run.weights = [], self.trainer.weights()

    def _continues(self, run: _Run) -> bool:
        if run.epoch == self.recipe.epochs or run.diverged is not None:
            return False
        patience = self.recipe.patience
        return not (patience and run.best and run.epoch - run.best[1] >= patience)

    def _end_epoch(self, seed: int, run: _Run) -> None:
        logs = self.trainer.end_epoch()
        run.epoch, run.step = run.epoch + 1, 0
        run.rows += [(run.epoch, metric, value) for metric, value in logs.items()]
        shown = ", ".join(f"{metric} {value:.5f}" for metric, value in logs.items())
        logger.debug("seed %d, epoch %d/%d: %s", seed, run.epoch, self.recipe.epochs, shown)
        if not math.isfinite(logs["loss"]):
            run.diverged = run.epoch
            logger.warning("%s: seed %d diverged in epoch %d: loss %f", self.name, seed, run.epoch, logs["loss"])
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
            return _Run(machines=[self.machine]), {}
        run, state = _Run.of(saved)
        if not (self.trained and run.finished):
            logger.info("%s: %s %s", self.name, "loading" if run.finished else "resuming", self._place(seed, run))
        if not run.finished and run.machines[-1] != self.machine:
            logger.warning(
                "%s: resuming seed %d on a different machine (%s -> %s); results may not be bit-identical.",
                *(self.name, seed, run.machines[-1], self.machine),
            )
            run.machines.append(self.machine)
        self.worth_saving = True
        return run, state

    def _identity(self, seed: int) -> str:
        return f"{self.store.identity} seed {seed}"

    def _pause(self, seed: int, run: _Run) -> None:
        """Stop or save between two steps, if it is time to."""
        try:
            self.check()
        except StoppedError as stopped:
            stopped.idle = self.idle
            stopped.saved = stopped.saves and self.save(seed, run)
            raise
        if time.monotonic() - self.saved_at >= 60 * self.store.minutes:
            self.save(seed, run)

    def save(self, seed: int | None = None, run: _Run | None = None) -> bool:
        """Save finished runs, and one that is not; return False if that fails."""
        self.saved_at, self.worth_saving = time.monotonic(), True
        try:
            self.save_finished()
            if seed is not None and run is not None:
                run.seconds = self._seconds()
                # Before the first step, `begin` sets the state, and Keras has not made all variables yet.
                self._write(seed, run, self.trainer.state() if run.epoch or run.step else {})
                logger.debug("%s: saved %s", self.name, self._place(seed, run))
        except CalotypeError as error:  # a full disk does not end a run
            logger.warning("%s: cannot write a checkpoint; training continues without it: %s", self.name, error)
            return False
        return True

    def save_finished(self) -> None:
        """Save finished runs."""
        for seed in [*self.unsaved]:
            self._write(seed, self.unsaved[seed], {})
            del self.unsaved[seed]

    def _write(self, seed: int, run: _Run, state: Mapping[str, NDArray[Any]]) -> None:
        checkpoints.save(self.store.folders[seed], self._identity(seed), run.checkpoint(state))

    def _seconds(self) -> float:
        return self._spent + time.perf_counter() - self._began

    def _place(self, seed: int, run: _Run) -> str:
        """Describe the progress of a run."""
        if run.finished:
            return f"seed {seed}, finished"
        steps = f", step {run.step}/{self.trainer.steps}" if run.step else ""
        return f"seed {seed} at epoch {run.epoch}/{self.recipe.epochs}{steps}"


def train(
    name: str,
    recipe: Recipe,
    seeds: range,
    begin: Callable[[], Trainer],
    models: Path,
    *,
    store: Store,
    check: Callable[[], None],
    processes: int = 1,
) -> Pack:
    """Train one variant with some seeds, one after the other, or side by side in processes of this job.

    Args:
        begin: makes a trainer. With several processes, it is called in each of them, and at the end in this one, which
            must not have computed anything with the library of the model before: it could not be forked.
        processes: the largest number of runs that train at a time.
        name, recipe, seeds, models, store, check: as for `train_pack`.

    Raises:
        CalotypeError: a run failed or was killed. Of several processes, the others finish and save their runs.
    """

    def work(taken: Iterator[int], check: Callable[[], None]) -> None:
        training = _Training(name, recipe, begin(), store, check)
        for seed in taken:
            if seed == seeds[0]:
                device, threads = training.trainer.device, recipe.threads
                logger.info("%s: training on %s, %d runs of %d thread(s)", name, device, most, threads)
            training.take(seed)
            training.save_finished()

    if apart := (most := min(processes, len(seeds))) > 1:
        import_library(recipe)
        side_by_side.share(seeds, most, work, check, "seed")
    return train_pack(name, recipe, seeds, begin(), models, store=store, check=check, trained=apart)


def train_pack(
    name: str,
    recipe: Recipe,
    seeds: range,
    trainer: Trainer,
    models: Path,
    *,
    store: Store,
    check: Callable[[], None],
    trained: bool = False,
) -> Pack:
    """Train one variant with some seeds; resume runs that have a checkpoint.

    Args:
        name: the variant's name in the log.
        models: an existing folder; the weights of each seed are written there.
        check: called between steps; a StoppedError of it ends the training after a checkpoint.
        trained: the store has all runs, and this call has logged them.
    """
    training = _Training(name, recipe, trainer, store, check)
    training.trained = trained
    if not trained:
        logger.info("%s: training on %s, %d thread(s)", name, trainer.device, recipe.threads)
    runs = {}
    for seed in seeds:
        runs[seed] = run = training.take(seed)
        trainer.set_weights(run.weights)
        trainer.save(models, seed)
        if seed not in training.unsaved:
            run.weights = []  # a pack may have many large runs
    if training.worth_saving:  # the job may still fail before it writes its results
        training.save()
    total = sum(run.seconds for run in runs.values())
    logger.info(
        "%s: %s done in %.0f s%s",
        *(name, f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}", total),
        ", summed over runs side by side" if trained else "",
    )
    rows = [(seed, *row) for seed, run in runs.items() for row in run.rows]
    chosen = {seed: run.best[1] for seed, run in runs.items() if run.best and recipe.restore_best_weights}
    return Pack(
        layers=trainer.layers(),
        history=pd.DataFrame(rows, columns=["seed", "epoch", "metric", "value"]),
        targets=trainer.targets,
        device=trainer.device,
        seconds={seed: run.seconds for seed, run in runs.items()},
        best_epochs=chosen,
        diverged={seed: run.diverged for seed, run in runs.items() if run.diverged is not None},
        machines={seed: run.machines for seed, run in runs.items()},
    )
