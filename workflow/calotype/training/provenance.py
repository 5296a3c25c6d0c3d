"""Record the origin of a result: code, config, data, packages, machine and job."""

import hashlib
import json
import os
import platform
import resource
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

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


def git_revision(folder: Path = LIBRARY) -> str | None:
    """Return the commit of the workflow, with ``-dirty`` if files differ from it; None outside a repository."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def process_cost() -> dict[str, float]:
    """Return the cost of this process until now: wall and CPU time in s, peak resident memory in MiB."""
    started = psutil.Process().create_time()
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "wall_seconds": time.time() - started,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_memory_mib": used.ru_maxrss // 1024,
    }


def identity(
    *,
    code: str,
    own_model: str | None,
    config: Mapping[str, Any],
    data: Iterable[Mapping[str, Any]],
    packages: Mapping[str, str] | None = None,
) -> str:
    """Return a SHA-256 of everything on which the result of a pack depends, except for its seeds.

    Args:
        code: the digest of the code.
        own_model: the digest of a custom model.
        config: the recipe.
        data: the manifests of the splits.
        packages: versions by name; only packages that compute count. By default the installed ones.
    """
    versions = package_versions.computing(packages)
    parts = {"code": code, "own_model": own_model, "config": config, "data": [*data], "packages": versions}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def record(
    *,
    code: str,
    config: Mapping[str, Any],
    data: Iterable[Mapping[str, Any]],
    identity: str,
    device: str,
    pack: Pack,
    models: Path,
) -> dict[str, Any]:
    """Return the origin of a result as JSON data; never the environment, which may hold secrets.

    Args:
        code, config, data: as in `identity`, whose result is also given.
        device: the name of the GPU, or "cpu".
        models: the folder of the weights.
    """
    return {
        "identity": identity,
        "code": {"digest": code, "git": git_revision()},
        "config": dict(config),
        "data": list(data),
        "packages": package_versions.imported(),
        "fixed": start_environment.VARIABLES | start_environment.KERAS,
        "machine": {
            "system": platform.platform(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "device": device,
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
