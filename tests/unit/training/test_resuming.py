"""Runs resume from their own checkpoints only, and nothing is trained twice."""

import logging
import time

import pytest
from unit.packs import SEEDS, Stops, new_trainer, newest, outcome, recipe_of, same, train

from calotype.jobs.signals import StoppedError
from calotype.training.provenance import processor

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]


class Counted:
    """A trainer that records the calls of its methods."""

    def __init__(self, trainer):
        self.trainer, self.epochs = trainer, []

    def __getattr__(self, name):
        return getattr(self.trainer, name)

    def begin_epoch(self, seed, epoch):
        self.epochs.append((seed, epoch))
        self.trainer.begin_epoch(seed, epoch)


@pytest.fixture
def small(tmp_path, caplog):
    """Return a recipe that trains at once."""
    caplog.set_level(logging.DEBUG, "calotype")
    made = recipe_of("digits/scikit-learn", tmp_path)
    return made, lambda: Counted(new_trainer(made))


def saved(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.glob("checkpoints/*/*"))


def test_a_pack_shorter_than_the_time_between_checkpoints_writes_none(small, tmp_path):
    """Thousands of short runs would fill a file server with useless files."""
    made, trainer = small
    train(tmp_path, made, trainer())
    assert saved(tmp_path) == []


@pytest.mark.parametrize(("seeds", "said"), [(range(1), "seed 0 done in"), (range(2, 4), "seeds 2 to 3 done in")])
def test_the_end_of_a_pack_names_its_seeds(small, tmp_path, caplog, seeds, said):
    made, trainer = small
    train(tmp_path, made, trainer(), seeds=seeds)
    assert f"study/variant: {said}" in caplog.text


def test_finished_runs_of_a_long_pack_are_not_trained_again(small, tmp_path, caplog):
    """Their job may still fail, for example if the disk is full or the node dies."""
    made, trainer = small
    expected = outcome(train(tmp_path, made, trainer(), minutes=0), tmp_path)
    assert len(saved(tmp_path)) >= len(SEEDS)
    again = trainer()
    same(outcome(train(tmp_path, made, again, minutes=0), tmp_path), expected)
    assert again.epochs == []
    assert [f"loading seed {seed}, finished" in caplog.text for seed in SEEDS] == [True] * len(SEEDS)


def test_finished_runs_of_a_pack_that_is_stopped_are_not_trained_again(small, tmp_path):
    made, trainer = small
    first = trainer()
    with pytest.raises(StoppedError):
        train(tmp_path, made, first, check=Stops(made.epochs + 2))
    assert first.epochs == [(3, 1), (3, 2), (4, 1), (4, 2)]
    again = trainer()
    train(tmp_path, made, again)
    assert {seed for seed, _ in again.epochs} == {4}


def test_a_larger_pack_takes_over_the_runs_of_a_smaller_one(small, tmp_path):
    """`seeds_per_job` may change between two calls: checkpoints belong to runs."""
    made, trainer = small
    train(tmp_path, made, trainer(), minutes=0)
    larger = trainer()
    pack = train(tmp_path, made, larger, minutes=0, seeds=range(2, 6))
    assert {seed for seed, _ in larger.epochs} == {2, 5}
    whole = train(tmp_path / "whole", made, trainer(), seeds=range(2, 6))
    same(outcome(pack, tmp_path), outcome(whole, tmp_path / "whole"))


def test_checkpoints_of_another_recipe_data_or_code_are_not_continued(small, tmp_path, caplog):
    made, trainer = small
    with pytest.raises(StoppedError):
        train(tmp_path, made, trainer(), check=Stops(2), identity="another")
    anew = trainer()
    train(tmp_path, made, anew)
    assert anew.epochs[0] == (3, 1)
    assert "not used: it belongs to another recipe, data or code" in caplog.text


def test_a_checkpoint_of_one_seed_is_never_taken_for_that_of_another(small, tmp_path):
    """A user may move or copy folders."""
    made, trainer = small
    expected = outcome(train(tmp_path / "whole", made, trainer()), tmp_path / "whole")
    with pytest.raises(StoppedError):
        train(tmp_path, made, trainer(), check=Stops(2))
    (tmp_path / "checkpoints/seed-003").rename(tmp_path / "checkpoints/seed-004")
    same(outcome(train(tmp_path, made, trainer()), tmp_path), expected)


def test_a_torn_checkpoint_costs_a_step_back_and_not_the_training(small, tmp_path, caplog):
    made, _ = small
    made = made.model_copy(update={"epochs": 4})

    def trainer():
        return Counted(new_trainer(made))

    expected = outcome(train(tmp_path / "whole", made, trainer()), tmp_path / "whole")
    for _ in range(2):
        with pytest.raises(StoppedError):
            train(tmp_path, made, trainer(), check=Stops(2))
    torn = tmp_path / newest(tmp_path)[-1]
    torn.write_bytes(torn.read_bytes()[:-100])
    again = trainer()
    same(outcome(train(tmp_path, made, again), tmp_path), expected)
    assert again.epochs[0] == (3, 2)
    assert "deleted: damaged" in caplog.text


def test_a_full_disk_costs_checkpoints_and_not_the_training(small, tmp_path, caplog, files_no_longer_than):
    """There may be room again in a minute, and a run that continues loses nothing."""
    made, trainer = small
    expected = outcome(train(tmp_path / "whole", made, trainer()), tmp_path / "whole")
    (tmp_path / "checkpoints").write_text("in the way of the folder")
    same(outcome(train(tmp_path, made, trainer(), minutes=0), tmp_path), expected)
    assert "cannot write a checkpoint; training continues without it" in caplog.text
    (tmp_path / "checkpoints").unlink()
    looks, caught = 0, []

    def check():
        nonlocal looks
        looks += 1
        caught.append(len(newest(tmp_path)))

    with files_no_longer_than(1000):  # enough for the weights of a run, too little for a checkpoint
        with pytest.raises(OSError, match="File too large"):
            (tmp_path / "proof").write_bytes(b"x" * 2000)
        with pytest.raises(OSError, match="File too large"):  # the results themselves
            train(tmp_path, made, trainer(), minutes=0, check=check)
    assert looks == made.epochs, "the first seed went on to its end"
    assert caught == [0] * looks


def test_a_training_run_that_resumes_on_another_machine_says_so(small, tmp_path, caplog):
    """Other processors give other last digits."""
    made, trainer = small
    here, other = (Counted(trainer()) for _ in range(2))
    here.device, other.device = "gpu A", "gpu B"
    with pytest.raises(StoppedError):
        train(tmp_path, made, here, check=Stops(2))
    first, last = f"{processor()}, gpu A", f"{processor()}, gpu B"
    pack = train(tmp_path, made, other)
    assert pack.machines == {3: [first, last], 4: [last]}
    said = f"resuming seed 3 on a different machine ({first} -> {last})"
    assert f"{said}; results may not be bit-identical" in caplog.text


def test_time_spent_counts_over_all_attempts(small, tmp_path):
    made, trainer = small

    def slow():
        time.sleep(0.05)

    def slow_then_stop():
        slow()
        raise StoppedError("SIGTERM")

    for _ in range(4):
        with pytest.raises(StoppedError):
            train(tmp_path, made, trainer(), check=slow_then_stop)
    pack = train(tmp_path, made, trainer())
    assert pack.seconds[3] >= 4 * 0.05
