"""What a call would cost: nothing that is done counts again, and what is said is known or marked as a guess."""

import json
import math

import pytest
import yaml

from calotype.config import load
from calotype.config.paths import Layout
from calotype.planning import cost_forecast
from calotype.training import provenance
from calotype.training.smoke_test import Rehearsal

SEEN = Rehearsal(parameters=1000, weights_mib=2.0, image_seconds=0.01)
DATA = [
    {"split": "train", "images": 100, "shape": [8, 8, 1], "classes": None, "sha256": "a"},
    {"split": "test", "images": 50, "shape": [8, 8, 1], "classes": None, "sha256": "b"},
]
CODE = "code"


@pytest.fixture
def layout(tmp_path):
    """Two variants of three seeds, two in a pack."""
    net = {"model": "dots_source", "loss": "mean_squared_error", "optimizer": "adam", "epochs": 10, "batch_size": 8}
    study = {"title": "Dots", "dataset": "dots", "task": "count", "tests": ["test"], "variants": {"a": net, "b": net}}
    splits = {"train": {"images": 100, "seed": 1}, "test": {"images": 50, "seed": 2}}
    (tmp_path / "config/studies").mkdir(parents=True)
    (tmp_path / "config/studies/dots.yaml").write_text(yaml.safe_dump(study))
    (tmp_path / "config/datasets.yaml").write_text(yaml.safe_dump({"dots": {"source": "dots", "splits": splits}}))
    settings = {"studies": ["dots"], "seeds": 3, "seeds_per_job": 2}
    return Layout(load.load(settings, root=tmp_path), root=tmp_path)


def train(layout, variant="a", first=0, last=1, code=CODE, data=DATA):
    """Leave behind what a training does."""
    recipe = layout.config.studies["dots"].variants[variant].recipe()
    identity = provenance.identity(code=code, own_model=None, config=recipe, data=data, packages={"keras": "1"})
    seconds = {str(seed): 20.0 for seed in range(first, last + 1)}
    origin = {"identity": identity, "packages": {"keras": "1"}, "seconds": seconds, "peak_memory_mib": 700}
    folder = layout.root / layout.results / f"dots/{variant}/seeds-{first:03d}-{last:03d}"
    folder.mkdir(parents=True)
    (folder / "provenance.json").write_text(json.dumps(origin))


def done(layout, variant="a"):
    return cost_forecast.trained(layout, "dots", variant, CODE, None, DATA)


def of(layout, variant="a", seen=SEEN):
    return cost_forecast.forecast(layout, "dots", variant, seen, done(layout, variant), DATA, memory=500.0)


def test_packs_that_are_there_are_not_counted_again(layout):
    assert of(layout).packs == 2
    train(layout)
    row = of(layout)
    assert (row.planned, row.packs, row.seeds) == (2, 1, 1)


@pytest.mark.parametrize("other", [{"code": "other"}, {"data": [DATA[0] | {"sha256": "c"}, DATA[1]]}])
def test_packs_of_other_code_or_other_images_are_counted(layout, other):
    train(layout, **other)
    assert of(layout).packs == 2


def test_a_torn_file_of_a_pack_is_no_pack(layout):
    train(layout)
    (layout.root / "results/dots/a/seeds-000-001/provenance.json").write_text("{")
    assert of(layout).packs == 2


def test_time_and_memory_are_those_of_packs_that_ran_where_there_are_some(layout):
    train(layout)
    row = of(layout)
    assert (row.known, row.memory, row.seconds) == (True, 700, 20 + cost_forecast.START)


def test_else_they_follow_from_the_rehearsal(layout):
    row = of(layout)
    assert not row.known
    expected = 3 * (10 * 100 + 50 / 3) * 0.01 + 2 * cost_forecast.START
    assert row.seconds == pytest.approx(expected)
    assert row.memory == pytest.approx(500 + 3 * 100 * 64 * 4 / 2**20)


def test_disk_is_that_of_weights_predictions_and_checkpoints(layout):
    row = of(layout)
    assert row.files == pytest.approx(3 * (2 + 50 * 4 / 2**20))
    assert row.checkpoints == 3 * 4 * 2


def test_jobs_are_counted_by_stage_and_those_that_are_done_not_at_all(layout):
    rows = [of(layout, "a"), of(layout, "b")]
    found = cost_forecast.jobs(layout, rows)
    assert found["train"] == 4
    assert found["evaluate"] == found["claims"] == found["latex"] == found["report"] == 1
    assert found["figures"] == len({figure.rule for figure in layout.figures(["dots"])})
    assert "rehearse" not in found
    for variant in "ab":
        train(layout, variant)
        train(layout, variant, 2, 2)
    for path in ["results/dots.html", *layout.everything("dots"), "results/dots/runs.csv", "results/dots/claims.csv"]:
        (layout.root / path).mkdir(parents=True, exist_ok=True)
    for figure in layout.figures(["dots"]):
        for suffix in (".pdf", ".svg", ".png"):
            (layout.root / layout.figure_file(figure, suffix)).mkdir(parents=True, exist_ok=True)
    assert not cost_forecast.jobs(layout, [of(layout, "a"), of(layout, "b")])


def test_the_page_says_all_of_it_and_that_a_disk_is_too_small(layout):
    train(layout, "b")
    train(layout, "b", 2, 2)
    rows = [of(layout, "a"), of(layout, "b")]
    said = "\n".join(cost_forecast.page(rows, cost_forecast.jobs(layout, rows), prepared=3, free=5000, cores=2))
    for expected in ("train 2, evaluate 1", "2 of 4 packs", "4.9 GiB free", "b", "done"):
        assert expected in said
    assert "TOO LITTLE" not in said
    assert "TOO LITTLE" in "\n".join(cost_forecast.page(rows, {}, prepared=3, free=20, cores=2))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(45, "45 s"), (100, "2 min"), (5300, "88 min"), (7200, "2.0 h"), (math.nan, "unknown")],
)
def test_durations_are_in_words(seconds, words):
    assert cost_forecast.duration(seconds) == words
