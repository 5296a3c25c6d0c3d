"""A result records its origin; only changes that can alter it compute it again."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from calotype.training import provenance
from calotype.training.result import Pack

ROOT = Path(__file__).parents[3]


# ---- The record ------------------------------------------------------------------------------------------------------


def pack(**changes):
    layers = pd.DataFrame(
        [("dense", "Dense", "(None, 3)", 30), ("dense_1", "Dense", "(None, 2)", 8)],
        columns=["layer", "kind", "output_shape", "parameters"],
    )
    history = pd.DataFrame([(3, 1, "loss", 0.5)], columns=["seed", "epoch", "metric", "value"])
    made = {"layers": layers, "history": history, "targets": {"classes": 10}, "seconds": {3: 1.5, 4: 2.5}}
    return Pack(**made | changes)


def origin(**changes):
    base = {"code": "abc", "custom_model": None, "config": {"epochs": 3, "batch_size": 8}, "data": [{"sha256": "d"}]}
    return provenance.Origin(**base | changes)


@pytest.fixture
def models(tmp_path):
    (tmp_path / "seed-003.weights.h5").write_bytes(b"weights")
    return tmp_path


def test_secrets_of_the_environment_are_not_published(monkeypatch, models):
    monkeypatch.setenv("WANDB_API_KEY", "s3cret-v4lue")
    monkeypatch.setenv("SLURM_JOB_COMMENT", "s3cret-comment")
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    text = json.dumps(provenance.record(origin(), {"epochs": 3}, pack(), models))
    assert "s3cret" not in text
    assert "WANDB" not in text
    harmless = {"SLURM_JOB_ID", "SLURM_JOB_PARTITION"}
    values = {value for key, value in os.environ.items() if key not in harmless and len(value) > 12}
    host = provenance.platform.node()
    assert not [value for value in values if value in text and value != host]


def test_record_says_what_is_needed_to_do_it_again(monkeypatch, models):
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    monkeypatch.setenv("SLURM_JOB_PARTITION", "gpu")
    machines = {3: ["EPYC, A100"], 4: ["EPYC, A100", "EPYC, H100"]}
    trained = pack(best_epochs={3: 7}, diverged={4: 2}, machines=machines, device="A100")
    made = origin(data=[{"sha256": str(i)} for i in range(2)])
    record = provenance.record(made, {"epochs": 3, "threads": 1}, trained, models)
    record = json.loads(json.dumps(record))  # as in the file
    assert (record["parameters"], record["seconds"], record["best_epochs"]) == (38, {"3": 1.5, "4": 2.5}, {"3": 7})
    assert record["identity"] == made.identity()
    assert record["models"] == {"seed-003.weights.h5": hashlib.sha256(b"weights").hexdigest()}
    assert record["targets"] == {"classes": 10}, "a prediction is in their units"
    assert record["diverged"] == {"4": 2}
    assert record["machines"] == {"3": ["EPYC, A100"], "4": ["EPYC, A100", "EPYC, H100"]}
    assert {"wall_seconds", "cpu_seconds", "peak_memory_mib"} <= set(record), "the report shows them"
    assert record["code"]["digest"] == "abc"
    assert record["config"] == {"epochs": 3, "threads": 1}, "the report shows defaults, too"
    assert record["data"] == [{"sha256": "0"}, {"sha256": "1"}]
    assert record["job"] == {"slurm": "4711", "partition": "gpu"}
    assert record["machine"]["device"] == "A100"
    assert record["machine"]["cores"] >= 1
    assert {"python", "numpy", "keras", "pytest"} <= set(record["packages"])
    assert (record["fixed"]["floatx"], record["fixed"]["KERAS_BACKEND"]) == ("float32", "tensorflow")


def identity(packages=None, **changes):
    return origin(**changes).identity(packages)


def test_all_that_a_result_depends_on_is_part_of_its_identity():
    """Otherwise a run would resume from a checkpoint of another one."""
    found = {
        identity(),
        identity(code="abd"),
        identity(custom_model="nets"),
        identity(config={"epochs": 4, "batch_size": 8}),
        identity(data=[{"sha256": "e"}]),
        identity(data=[{"sha256": "d"}, {"sha256": "e"}]),
    }
    found |= {identity(packages={"keras": version}) for version in ("3.14", "3.15")}
    assert len(found) == 8


def test_another_version_of_a_package_that_computes_nothing_is_no_other_identity():
    """Otherwise an upgrade of the progress bar would discard the checkpoints of a week."""
    versions = {"keras": "3.15", "rich": "15.0", "python": "3.11.7", "snakemake": "9.27"}
    assert identity(packages=versions) == identity(packages=versions | {"rich": "16.0", "python": "3.11.9"})


def test_the_same_training_has_the_same_identity_in_every_process_and_place(monkeypatch):
    """A run may resume on another machine, in another job."""
    before = identity()
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    assert identity() == before
    assert identity(config={"batch_size": 8, "epochs": 3}) == before
    ask = (
        "from calotype.training import provenance; print(provenance.Origin("
        "code='abc', custom_model=None, config={'epochs': 3, 'batch_size': 8}, data=[{'sha256': 'd'}]).identity())"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow"), "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == before


def test_cost_is_that_of_this_process():
    cost = provenance.process_cost()
    assert set(cost) == {"wall_seconds", "cpu_seconds", "peak_memory_mib"}
    assert 0 < cost["wall_seconds"] < 24 * 3600
    assert cost["cpu_seconds"] > 0
    used = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20
    assert used * 0.9 <= cost["peak_memory_mib"] < 2**20


def git(folder, *arguments):
    command = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e@example.org", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_changed_files_do_not_pass_for_the_commit(tmp_path):
    assert provenance.git_revision(tmp_path) is None
    git(tmp_path, "init")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert provenance.git_revision(tmp_path) == commit
    git(tmp_path, "tag", "v1")
    assert provenance.git_revision(tmp_path) == commit, "a tag may move, a commit may not"
    (tmp_path / "file").write_text("2")
    assert provenance.git_revision(tmp_path) == f"{commit}-dirty"
