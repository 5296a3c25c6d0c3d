"""Requests, hours and job sizes that `check` proposes for Slurm: what jobs need, with a margin."""

import re
from types import SimpleNamespace

import pytest

from calotype.jobs.job_use import SNAKEMAKE
from calotype.planning import slurm_forecast
from calotype.planning.cost_forecast import Forecast


def row(variant="source", **changes):
    base = {
        "study": "dots",
        "variant": variant,
        "parameters": 1000,
        "planned": 4,
        "packs": 4,
        "seeds": 12,
        "seconds": 720.0,
        "known": True,
        "memory": 500.0,
        "start": 15.0,
        "run": 60.0,
        "in_all": 12,
        "together": 3,
        "at_once": 1,
        "cores": 1,
        "device": "cpu",
        "files": 1.0,
        "checkpoints": 1.0,
    }
    return Forecast(**base | changes)


@pytest.fixture
def layout(tmp_path):
    models = {"source": "dense", "perceptron": "sklearn.neural_network.MLPClassifier"}
    variants = {name: SimpleNamespace(model=model) for name, model in models.items()}
    study = SimpleNamespace(dataset="dots", variants=variants)
    return SimpleNamespace(root=tmp_path, results="results", config=SimpleNamespace(studies={"dots": study}))


def of(layout, *rows, asked=None):
    return "\n".join(slurm_forecast.lines(layout, rows, asked or {}))


@pytest.mark.parametrize(
    ("changes", "seeds"),
    [
        ({"run": 60.0, "in_all": 100}, 29),
        ({"run": 60.0, "in_all": 12}, 12),
        ({"run": 7200.0, "in_all": 12}, 1),
        ({"run": 60.0, "in_all": 100, "at_once": 2}, 58),
    ],
)
def test_packs_fill_half_an_hour_and_no_more(changes, seeds):
    found = row(**changes)
    assert slurm_forecast.packs_of(found) == seeds
    assert slurm_forecast.pack_seconds(found, seeds) <= max(1800, found.start + found.run)


def test_a_request_covers_the_forecast_with_snakemake_and_the_time_of_its_packs(layout):
    text = of(layout, row(memory=500.0), row("perceptron", memory=100.0))
    memory, minutes = map(int, re.search(r"Ask +train: mem_mb: (\d+), runtime: (\d+)", text).groups())
    assert 500 + SNAKEMAKE < memory <= 1.5 * (500 + SNAKEMAKE)
    assert 2 * (15 + 12 * 60) / 60 <= minutes < 40
    assert "seeds_per_job: 12 for dots/source" in text
    assert "train_on_cpu: mem_mb: 500" in text


def test_cuda_gets_memory_where_the_profile_asks_for_a_gpu_and_none_was_measured(layout):
    profile = {"train": {"gres": "gpu:1"}}
    plain, with_gpu, measured = (
        int(re.search(r"train: mem_mb: (\d+)", of(layout, *given, asked=asked))[1])
        for given, asked in (([row()], {}), ([row()], profile), ([row(device="A100")], profile))
    )
    assert with_gpu == plain + slurm_forecast.CUDA
    assert measured == plain


def test_hours_of_gpus_are_those_of_models_that_use_one(layout):
    hour = {"packs": 2, "together": 1, "run": 3585.0}
    assert "4.0 node hours, 2.0 GPU hours for training" in of(layout, row(**hour), row("perceptron", **hour))
    asked = {"train": {"gres": ""}, "train_on_cpu": {}}
    assert "less than 0.1 GPU hours" in of(layout, row(**hour), asked=asked)


def test_times_of_a_smoke_test_hold_for_nodes_of_the_same_speed_only(layout):
    assert "if nodes are as fast as this one" in of(layout, row(known=False))
    assert "if nodes" not in of(layout, row())


def test_nothing_is_asked_for_training_that_is_done(layout):
    assert of(layout, row(packs=0)) == "Ask     other stages: as in the profile"


def test_the_rest_of_the_plan_stays_if_slurm_is_not_there(layout, monkeypatch):
    monkeypatch.setenv("PATH", str(layout.root))
    text = of(
        layout, row(), asked={"train": {"slurm_partition": "gpu", "gres": "gpu:1", "mem_mb": 4000, "runtime": 60}}
    )
    assert "Start   train: " in text
    assert "sbatch" in text
