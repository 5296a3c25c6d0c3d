"""Checkpoints of a run: its whole state in one file, written so that a whole one is there at any moment.

Each file carries the identity of its run and a checksum of all that it holds. The one before is kept, so that a file
that turns out to be torn costs a step back and not the training.
"""

import logging
import re
from collections.abc import Mapping
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
    """The state of a run.

    Attributes:
        arrays: by name; weights and the like.
        values: everything else, as plain data that JSON holds.
    """

    arrays: Mapping[str, NDArray[Any]]
    values: Mapping[str, Any]


def _numbered(folder: Path) -> list[Path]:
    """The checkpoints of a folder, the newest first."""
    found = [file for file in folder.glob("*.npz") if re.fullmatch(r"\d{6,}\.npz", file.name)]
    return sorted(found, key=lambda file: int(file.stem), reverse=True)


def save(folder: Path, identity: str, checkpoint: Checkpoint) -> None:
    """Write a checkpoint beside those that are there, then remove all but the newest two.

    Args:
        folder: of the run.
        identity: of the run: what its result depends on.
        checkpoint: its state.

    Raises:
        CalotypeError: it cannot be written; those that are there stay.
    """
    there = _numbered(folder)
    number = int(there[0].stem) + 1 if there else 1
    values = {"identity": identity, "values": checkpoint.values}
    write_sealed(folder / NAME.format(number=number), values, checkpoint.arrays)
    for old in there[KEPT - 1 :]:
        with suppress(OSError):
            old.unlink()


def load(folder: Path, identity: str) -> Checkpoint | None:
    """The newest checkpoint of a run that is whole and its own; None where there is none.

    What is refused, and why, goes to the log.

    Args:
        folder: of the run.
        identity: of the run; what belongs to another one is refused.
    """
    for file in _numbered(folder):
        try:
            found, arrays = read_sealed(file)
            if found["identity"] == identity:
                return Checkpoint(arrays, found["values"])
            logger.info("%s: of another recipe, data or code; not used.", file)
        except OSError as error:
            logger.warning("%s: cannot be read (%s); the one before is used, if there is one.", file, error)
        except (ValueError, LookupError, TypeError) as error:
            logger.warning("%s: not a whole checkpoint (%s); the one before is used, if there is one.", file, error)
            with suppress(OSError):
                file.unlink()  # it would count as one of those that are kept
    return None


def forget(study: Path, seeds: Mapping[str, int]) -> None:
    """Remove the checkpoints of runs whose results are in use; those of others stay.

    Args:
        study: the folder of all checkpoints of a study, by variant and ``seed-000``.
        seeds: how many seeds of each variant are in use, from 0 on.
    """
    for variant, number in seeds.items():
        for seed in range(number):
            folder = study / variant / f"seed-{seed:03d}"
            if (folder / "lease").exists():
                continue  # somebody is about to go on from there
            for path in (*_numbered(folder), *folder.glob(".*.partial.npz")):
                with suppress(OSError):
                    path.unlink()
            with suppress(OSError):  # another file is in the folder: somebody holds the run
                folder.rmdir()
        if not any((study / variant).glob("seed-*")):
            for path in (study / variant).glob("heartbeat-*.json"):  # of processes that were killed while they waited
                with suppress(OSError):
                    path.unlink()
    for path in (*(study / variant for variant in seeds), study, study.parent):
        with suppress(OSError):
            path.rmdir()
