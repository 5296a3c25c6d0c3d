"""Checkpoints of a run: its complete state in one file.

Each file holds the identity of its run and a checksum of its content. The previous file is kept, in case the newest one
is damaged.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from calotype.util.sealed import read_sealed, write_sealed

logger = logging.getLogger(__name__)

NAME = "{number:06d}.npz"
KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run: arrays by name, and other values as JSON data."""

    arrays: Mapping[str, NDArray[Any]]
    values: Mapping[str, Any]


def _numbered(folder: Path) -> list[Path]:
    """List the checkpoints of a folder, the newest first."""
    found = [file for file in folder.glob("*.npz") if re.fullmatch(r"\d{6,}\.npz", file.name)]
    return sorted(found, key=lambda file: int(file.stem), reverse=True)


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        with suppress(OSError):
            file.unlink()


def save(folder: Path, identity: str, checkpoint: Checkpoint) -> None:
    """Write a checkpoint of a run, then remove all but the newest two.

    Raises:
        CalotypeError: it cannot be written; the older ones stay.
    """
    found = _numbered(folder)
    number = int(found[0].stem) + 1 if found else 1
    values = {"identity": identity, "values": checkpoint.values}
    write_sealed(folder / NAME.format(number=number), values, checkpoint.arrays)
    _remove(found[KEPT - 1 :])


def load(folder: Path, identity: str) -> Checkpoint | None:
    """Return the newest intact checkpoint of a run with this identity, or None; log why others are not used."""
    for file in _numbered(folder):
        try:
            values, arrays = read_sealed(file)
            if values["identity"] == identity:
                return Checkpoint(arrays, values["values"])
            logger.info("%s: not used: it belongs to another recipe, data or code.", file)
        except OSError as error:
            logger.warning("%s: not used: unreadable (%s). Trying the previous checkpoint.", file, error)
        except (ValueError, LookupError, TypeError) as error:
            logger.warning("%s: deleted: damaged (%s). Trying the previous checkpoint.", file, error)
            _remove([file])  # or `save` would keep it as one of the two
    return None


def forget(study: Path, seeds: Mapping[str, int]) -> None:
    """Remove the checkpoints of runs whose results are in use.

    Args:
        study: the folder of a study's checkpoints, by variant and ``seed-000``.
        seeds: by variant, the number of seeds in use, from 0 on.
    """
    for variant, number in seeds.items():
        for seed in range(number):
            folder = study / variant / f"seed-{seed:03d}"
            if (folder / "lease").exists():
                continue  # another process is about to resume
            _remove([*_numbered(folder), *folder.glob(".*.partial.npz")])
            with suppress(OSError):  # not empty: another process holds the run
                folder.rmdir()
        if not any((study / variant).glob("seed-*")):
            _remove((study / variant).glob("heartbeat-*.json"))  # of processes that were killed while they waited
    for path in (*(study / variant for variant in seeds), study, study.parent):
        with suppress(OSError):
            path.rmdir()
