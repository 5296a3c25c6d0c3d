"""Versions of packages: those that can change the bytes of a result, and all that a process has imported."""

import platform
import sys
from collections.abc import Mapping
from importlib import metadata

# They compute images, weights and predictions. Any other package only moves data, checks the config or draws.
COMPUTING = ("keras", "numpy", "opencv-python-headless", "scikit-learn", "scipy", "tensorflow", "tensorflow-cpu")


def computing(versions: Mapping[str, str] | None = None) -> dict[str, str]:
    """Versions of the packages that compute.

    Args:
        versions: the versions to choose from; left out: those that are installed.
    """
    if versions is not None:
        return {name: versions[name] for name in COMPUTING if name in versions}
    found = {}
    for name in COMPUTING:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def imported() -> dict[str, str]:
    """Versions of Python, of all packages that this process has imported, and of those that compute."""
    modules = {name.partition(".")[0] for name in sys.modules}
    found = computing()
    # As `metadata.packages_distributions` does it, in a quarter of the time: only packages in use are read.
    for package in metadata.distributions():
        names = (package.read_text("top_level.txt") or "").split()
        if not names:
            files = (line.partition(",")[0].partition("/") for line in (package.read_text("RECORD") or "").splitlines())
            names = [first if rest else first.removesuffix(".py") for first, _, rest in files]
        if not modules.isdisjoint(names):
            found[package.name.lower().replace("_", "-")] = package.version
    return {"python": platform.python_version()} | dict(sorted(found.items()))
