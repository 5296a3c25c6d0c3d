"""Record the origin of a result: code, config, data, packages, machine and job."""

import hashlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from calotype.jobs.usage import peak_mib
from calotype.training.result import Pack
from calotype.util import package_versions, start_environment
from calotype.util.code_digest import LIBRARY
from calotype.util.files import sha256


def processor() -> str:
    """Return the processor's name."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def machine(device: str) -> str:
    """Return the names of processor and device, for checkpoints."""
    return f"{processor()}, {device}"


def git_revision(folder: Path = LIBRARY) -> str | None:
    """Return the commit of the workflow, with ``-dirty`` if files differ from it; None outside a repository."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def process_cost() -> dict[str, float]:
    """Return the cost of this process and its children until now: wall and CPU time in s, peak memory in MiB."""
    started, used = psutil.Process().create_time(), os.times()
    return {
        "wall_seconds": time.time() - started,
        "cpu_seconds": used.user + used.system + used.children_user + used.children_system,
        "peak_memory_mib": peak_mib(),
    }


@dataclass(frozen=True)
class Origin:
    """Everything on which the result of a pack depends, except for its seeds."""

    code: str  # digest of the training code
    custom_model: str | None  # digest of a custom model and its files
    config: Mapping[str, Any]  # the recipe
    data: Sequence[Mapping[str, Any]]  # manifests of the splits

    def identity(self, packages: Mapping[str, str] | None = None) -> str:
        """Return a SHA-256 of the origin, and of the versions of packages that compute; by default the installed."""
        parts = asdict(self) | {"packages": package_versions.computing(packages)}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def record(origin: Origin, recipe: Mapping[str, Any], pack: Pack, models: Path) -> dict[str, Any]:
    """Return the origin of a result as JSON data; never the environment, which may hold secrets.

    Args:
        origin: its parts.
        recipe: with the values that are defaults.
        pack: the result.
        models: the folder of the weights.
    """
    return {
        "identity": origin.identity(),
        "code": {"digest": origin.code, "git": git_revision()},
        "config": dict(recipe),
        "data": list(origin.data),
        "packages": package_versions.imported(),
        "fixed": start_environment.VARIABLES | start_environment.KERAS,
        "machine": {
            "system": platform.platform(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "device": pack.device,
            "host": platform.node(),
        },
        "job": {"slurm": os.environ.get("SLURM_JOB_ID"), "partition": os.environ.get("SLURM_JOB_PARTITION")},
        "models": {file.name: sha256(file) for file in sorted(models.iterdir())},
        "targets": pack.targets,
        "parameters": pack.parameters,
        "seconds": pack.seconds,
        "best_epochs": pack.best_epochs,
        "diverged": pack.diverged,
        "machines": pack.machines,
        **process_cost(),
    }
