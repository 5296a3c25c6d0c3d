"""Find the parts of Snakemake that this package replaces, and say so if a version does not have them."""

from collections.abc import Callable
from importlib import metadata
from pkgutil import resolve_name
from typing import Any


def parts(fits: Callable[..., bool], *names: str) -> tuple[Any, ...]:
    """Import parts of Snakemake; return none if one is missing or they do not fit.

    Args:
        fits: gets the parts, and returns whether they have what the caller uses.
        names: such as ``snakemake.dag:DAG``.
    """
    try:
        found = tuple(map(resolve_name, names))
        return found if fits(*found) else ()
    except (ImportError, AttributeError):
        return ()


def misfit(package: str, consequence: str, otherwise: str = "") -> str:
    """Return the message about a version of a package that does not fit."""
    version = metadata.version(package)
    hint = f"Hint: install the version in envs/cpu.txt{otherwise}."
    return f"{package} {version}: this version {consequence}. {hint}"
