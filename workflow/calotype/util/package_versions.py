"""Versions of the packages that compute a result, and of all packages that a process has imported."""

import functools
import platform
import sys
from collections.abc import Mapping
from importlib import metadata

# They compute images, weights and predictions. All other packages only move data, check the config or plot.
COMPUTING = ("keras", "numpy", "opencv-python-headless", "scikit-learn", "scipy", "tensorflow", "tensorflow-cpu")


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


@functools.cache  # it reads a file of each package
def _installed() -> dict[str, str]:
    found: dict[str, str] = {}
    for package in metadata.distributions():
        found.setdefault(_plain(package.name), package.version)  # the first on the path is the one that is imported
    return found


@functools.cache
def _packages() -> Mapping[str, list[str]]:
    """Return the names of packages by the top-level module that they install."""
    return metadata.packages_distributions()


def read() -> None:
    """Read the files of all packages; forks of this process need not read them again."""
    _installed()
    _packages()


def computing(versions: Mapping[str, str] | None = None) -> dict[str, str]:
    """Select the packages that compute, from `versions` or from the installed packages."""
    versions = _installed() if versions is None else versions
    return {name: versions[name] for name in COMPUTING if name in versions}


def imported() -> dict[str, str]:
    """Return the versions of Python, of the packages that this process has imported, and of those that compute."""
    modules = {name.partition(".")[0] for name in sys.modules}
    packages = _packages()
    used = {_plain(name) for module in modules & packages.keys() for name in packages[module]} | {*COMPUTING}
    versions = {name: version for name, version in sorted(_installed().items()) if name in used}
    return {"python": platform.python_version()} | versions
