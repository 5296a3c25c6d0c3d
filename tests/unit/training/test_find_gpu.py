"""The reason why TensorFlow sees no GPU, and what to do about it."""

import pytest

from calotype.training.find_gpu import OLDEST_DRIVER, reason

CARD = "NVIDIA A100-SXM4-40GB, 40960 MiB, {}"


@pytest.fixture(autouse=True)
def no_job(monkeypatch):
    """Clear what tells a Slurm job and its GPU."""
    for name in ("SLURM_JOB_ID", "SLURM_JOB_GPUS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


def test_a_tensorflow_for_cpus_is_named_before_anything_else():
    problem, hint = reason(False, [CARD.format("550.54.15")], "2.21.0")
    assert problem == "TensorFlow 2.21.0 of this environment is for CPUs only"
    assert hint.startswith("pip install -r envs/gpu.txt")


def test_an_old_driver_is_told_from_missing_libraries():
    assert (
        reason(True, [CARD.format("470.57.02")], "2.21.0")[0] == f"its driver 470.57.02 is older than {OLDEST_DRIVER}"
    )
    problem, hint = reason(True, [CARD.format("550.54.15")], "2.21.0")
    assert problem == f"TensorFlow does not find the libraries of CUDA, though the node has {CARD.format('550.54.15')}"
    assert "envs/gpu.txt" in hint


def test_a_job_that_asked_for_no_gpu_is_told_to_ask(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    problem, hint = reason(True, [], "2.21.0")
    assert problem == "Slurm gave the job none"
    assert "`gres`" in hint
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert reason(True, [], "2.21.0")[0] == "`nvidia-smi` shows none", "a share of a GPU sets only this variable"
