"""Share the GPUs of this machine among the local jobs of a call, and refuse to ask Slurm for several.

The head process counts the GPUs and limits the number of jobs that use one. Each of these jobs holds the lock of one
GPU until its process ends, also against jobs of other calls. Slurm chooses the GPU of its jobs by itself.
"""

import fcntl
import importlib.util
import logging
import os
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from calotype.jobs import slurm
from calotype.jobs.signals import Stop
from calotype.util.errors import CalotypeError

logger = logging.getLogger(__name__)

JOBS = "gpu_jobs"  # Snakemake's resource: the number of jobs on GPUs at a time
PLANNED = "CALOTYPE_GPUS"  # variable for local jobs: a GPU for each of them, in the order in which they take them
VISIBLE = "CUDA_VISIBLE_DEVICES"
# How a profile asks for a number of GPUs, by resource.
REQUESTS = {
    "gres": r"\bgpu:(?:[\w.]+:)?(\d+)(?![\w.])",
    "gpu": r"^(\d+)$",
    "slurm_extra": r"(?:--gpus(?:-per-\w+)?[= ]|-G ?|--gres[= ]gpu:)(?:[\w.-]+:)?(\d+)(?![\w.-])",
}
HELD: list[int] = []  # the open lock of this process, or of the one that forked it


def visible() -> list[str]:
    """Return the GPUs that a process here may use, as `CUDA_VISIBLE_DEVICES` names them."""
    if (given := os.environ.get(VISIBLE)) is not None:
        names = given.replace(" ", "").split(",")
        return names[: next((place for place, name in enumerate(names) if name in ("", "-1")), None)]
    cards = (slurm.ask("nvidia-smi", "--list-gpus") or "").split("\nGPU ")
    # A card that is divided by MIG is not used as a whole.
    parts = [re.findall(r"UUID: (MIG-[^)]+)", card) or re.findall(r"UUID: ([^)]+)", card) for card in cards]
    return [name for part in parts for name in part]


def tensorflow_uses_them() -> bool:
    """Tell if the installed TensorFlow has CUDA, without importing it."""
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or spec.origin is None:
        return False
    built = Path(spec.origin).with_name("python") / "platform/build_info.py"
    return built.is_file() and "('is_cuda_build', True)" in built.read_text(encoding="utf-8")


def plan(workflow: Any) -> None:
    """Limit the local jobs on GPUs to the number of GPUs, or to that of the user's `--resources gpu_jobs=`.

    Args:
        workflow: Snakemake's object.
    """
    if not workflow.subprocess_exec:
        os.environ.pop(PLANNED, None)  # also that of the call which submitted this job
    if not workflow.is_main_process or not tensorflow_uses_them() or not (gpus := visible()):
        return
    number = workflow.global_resources.get(JOBS).value or len(gpus)
    workflow.register_resource(JOBS, number)
    os.environ[PLANNED] = ",".join(gpus[place % len(gpus)] for place in range(number))


def take(resources: Mapping[str, Any], stop: Stop | None = None) -> None:
    """Hold one of the planned GPUs until this process ends, and hide the others from it.

    Call this before CUDA starts. The lock also ends if the process is killed. Processes that it forks share its GPU.

    Args:
        resources: of Snakemake's job. Without `gpu_jobs`, and without a plan, nothing is done.
        stop: ends the waiting for a GPU.
    """
    gpus = list(filter(None, os.environ.get(PLANNED, "").split(",")))
    if not gpus or HELD or not resources.get(JOBS):
        return
    names = [f"{gpu.replace('/', '-')}.{gpus[:place].count(gpu)}" for place, gpu in enumerate(gpus)]
    if (place := _lock(names)) is None:
        logger.info("Waiting for a GPU: other jobs of yours use all of this machine.")
    while place is None:
        if stop is not None:
            stop.check()
        time.sleep(1)
        place = _lock(names)
    os.environ[VISIBLE] = gpus[place]
    logger.info("Using GPU %s of this machine.", gpus[place])


def _lock(names: Sequence[str]) -> int | None:
    """Lock the first free file; return its place, or None if all are locked."""
    folder = Path(tempfile.gettempdir(), f"calotype-gpus-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    for place, name in enumerate(names):
        file = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
        else:
            HELD.append(file)
            return place
    return None


def refuse_several(profile: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise a CalotypeError if a profile asks for more than one GPU for a job, as every job uses at most one.

    Args:
        profile: the section `set-resources`: resources by rule.
    """
    for rule, resources in profile.items():
        for key, pattern in REQUESTS.items():
            asked = getattr(resources.get(key), "raw", resources.get(key))
            numbers = [int(number) for number in re.findall(pattern, str(asked))]
            if any(number > 1 for number in numbers):
                raise CalotypeError(
                    f"profile: set-resources.{rule}.{key}: {asked}: asks for {max(numbers)} GPUs for a job, and a "
                    "training run uses one.",
                    "ask for one GPU. Several jobs run at a time, each with its own.",
                )
