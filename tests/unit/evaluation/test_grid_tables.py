"""Means over each setting of a grid say which settings matter, with intervals that hold seeds and test images."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from unit.grids import GRID, NONE, grids, study_of

from calotype.evaluation.grid_tables import effects_table, together
from calotype.evaluation.grid_view import grid_views
from calotype.evaluation.runs import SeedPredictions
from calotype.evaluation.tables import runs_table
from calotype.tasks.classify import CLASSIFY
from calotype.util.csv_tables import where


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "predictions").mkdir()
    return tmp_path


def level(results, setting, level, split="test"):
    return where(results.table("effects"), setting=setting, level=level, split=split).iloc[0]


def test_a_mean_is_that_of_all_combinations_with_the_value(folder):
    results = study_of(folder)
    summary = where(results.table("summary"), metric="accuracy", split="test").set_index("variant")["mean"]
    for place, (key, setting) in enumerate(results.grids["g"]["settings"].items()):
        for text in setting["values"]:
            own = [name for name, texts in results.grids["g"]["variants"].items() if texts[place] == text]
            row = level(results, key, text)
            assert row["mean"] == pytest.approx(summary[own].mean())
            assert row.low < row["mean"] < row.high
            assert (row.n, row.combinations, row.diverged) == (3, len(own), 0)


def test_a_value_with_one_combination_has_the_interval_of_its_variant(folder):
    results = study_of(
        folder, grids({"epochs": [1, 2, 3]}), made=lambda place, seed: 0.6 + 0.1 * place[0] + 0.05 * seed
    )
    summary = where(results.table("summary"), metric="accuracy", split="test").set_index("variant")
    for text in ("1", "2", "3"):
        row, same = level(results, "epochs", text), summary.loc[f"g-epochs-{text}"]
        assert row[["mean", "low", "high"]].tolist() == pytest.approx(same[["mean", "low", "high"]].tolist())


def test_combinations_with_fewer_seeds_count_as_much_as_others(folder):
    """The seed of (0, 2) that remains is the best: the seeds of other combinations must not outvote it."""
    made = lambda place, seed: 0.9 if place[0] else 0.5 + 0.1 * (seed == 2)  # noqa: E731
    row = level(study_of(folder, lost={(0, 2): {0: 1, 1: 1}}, made=made), "optimizer.learning_rate", "0.1")
    assert row["mean"] == pytest.approx((0.6 + 0.9) / 2)
    assert (row.combinations, row.diverged) == (2, 2)


def test_values_and_combinations_without_any_run_are_left_out_and_counted(folder):
    gone = {place: {0: 1, 1: 1, 2: 1} for place in ((0, 2), (1, 2), (1, 0))}
    results = study_of(folder, lost=gone)
    row = level(results, "optimizer.learning_rate", "0.1")
    assert np.isnan([row["mean"], row.low, row.high]).all()
    assert (row.n, row.combinations, row.diverged) == (0, 0, 6)
    row = level(results, "model_arguments.units", "16 16")
    assert (row.combinations, row.diverged) == (1, 6)
    (view,) = grid_views(results)
    ranks = view.combinations.set_index("variant")["rank"]
    assert ranks.dropna().sort_values().tolist() == [1, 2, 3]


def test_scores_of_validation_images_have_the_interval_of_seeds(folder):
    row = level(study_of(folder), "model_arguments.units", "8", "validation")
    by_seed = np.mean([[0.8 - 0.01 + 0.02 * s - 0.025, 0.85 + 0.02 * s, 0.765 + 0.02 * s] for s in range(3)], axis=1)
    assert row.high - row["mean"] == pytest.approx(4.3027 * by_seed.std(ddof=1) / 3**0.5, rel=0.01)
    assert row.metric == "val_accuracy"


def test_combinations_are_in_the_order_of_the_config_with_their_settings_as_columns(folder):
    table = study_of(folder).table("grid")
    values = [["8", "16 16"], ["0.001", "0.01", "0.1"]]
    assert list(map(tuple, table[[*GRID]].astype(str).to_numpy())) == list(itertools.product(*values))
    assert table.variant.tolist() == [*grids()["g"]["variants"]]
    best = table.iloc[table["rank"].argmin()]
    assert best.variant == "g-units-16_16-learning_rate-0_01"
    assert (folder / "grid.csv").read_text().splitlines()[1].startswith("sweep,g,5,")


def test_without_validation_images_no_combination_has_a_rank_and_the_view_says_why(folder):
    results = study_of(folder, held_out=False)
    (view,) = grid_views(results)
    assert view.combinations["rank"].isna().all()
    assert (view.reason, view.more) == (NONE["reason"], None)
    assert view.label == "accuracy on test images"
    assert set(results.table("effects").split) == {"test"}


def test_each_grid_of_a_study_has_its_own_settings(folder):
    found = grids({"epochs": [1, 2]}, h={"batch_size": [8, 16, 32]})
    results = study_of(folder, found, made=lambda place, seed: 0.6 + 0.1 * place[0] + 0.02 * seed)
    first, second = grid_views(results)
    assert (first.names, second.names) == (["epochs"], ["batch_size"])
    assert first.combinations["rank"].tolist() == [2, 1]
    assert second.scores(0).score.tolist() == pytest.approx([0.61, 0.71, 0.81])


def test_variants_tested_on_other_numbers_of_images_have_the_interval_of_seeds():
    """A grid may sweep `test_images`: scores of single images then have different lengths."""
    rng = np.random.default_rng(0)
    found = grids({"test_images": [20, 40], "epochs": [1, 2]})
    runs = []
    for variant, (images, _) in found["g"]["variants"].items():
        labels = np.arange(int(images)) % 2
        for seed in range(3):
            second = rng.random(len(labels)).astype(np.float32)
            runs.append(SeedPredictions(variant, seed, "test", labels, np.stack([1 - second, second], axis=1)))
    table = runs_table("sweep", CLASSIFY, runs)
    row = where(effects_table("sweep", found, table, CLASSIFY, "accuracy", runs), setting="epochs", level="1").iloc[-1]
    assert row.low < row["mean"] < row.high


def test_intervals_of_means_hold_the_truth_as_often_as_they_say():
    """Each round draws other seeds and images for the same combinations. 95 % of the intervals hold the true mean."""
    rng = np.random.default_rng(1)
    found, held, rounds = grids({"epochs": [1, 2], "batch_size": [8, 16]}, by=NONE), 0, 200
    strength = {variant: 0.2 * i for i, variant in enumerate(found["g"]["variants"])}
    # Right if strength + seed + image + rest > 0, all normal: the share of right answers is known.
    spread = (0.3**2 + 1 + 0.5**2) ** 0.5
    truth = np.mean(
        [norm.cdf(strength[v] / spread) for v, (epochs, _) in found["g"]["variants"].items() if epochs == "1"]
    )
    for _ in range(rounds):
        images, runs, rows = rng.normal(size=80), [], []
        for variant, given in strength.items():
            for seed, shift in enumerate(rng.normal(0, 0.3, 4)):
                right = given + shift + images + rng.normal(0, 0.5, 80) > 0
                second = np.where(right, 0.9, 0.1).astype(np.float32)
                said = np.stack([1 - second, second], axis=1)
                runs.append(SeedPredictions(variant, seed, "test", np.ones(80, int), said))
                rows.append((variant, seed, "test", "accuracy", right.mean()))
        table = pd.DataFrame(rows, columns=["variant", "seed", "split", "metric", "value"])
        row = where(effects_table("sweep", found, table, CLASSIFY, "accuracy", runs), setting="epochs", level="1").iloc[
            0
        ]
        held += row.low <= truth <= row.high
    assert 0.9 <= held / rounds <= 0.99


def test_missing_seeds_have_the_mean_of_the_others():
    assert together([{0: 1.0, 1: 3.0}, {1: 5.0}]).tolist() == [3.0, 4.0]
    arrays = [{0: np.array([1.0, 0.0]), 1: np.array([1.0, 1.0])}, {0: np.array([0.0, 0.0])}]
    assert together(arrays).tolist() == [[0.5, 0.0], [0.5, 0.5]]
