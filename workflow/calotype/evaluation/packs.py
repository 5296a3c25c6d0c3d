"""Histories, layers and provenance of the packs of a study."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from calotype.util.csv_tables import read_csv
from calotype.util.errors import CalotypeError
from calotype.util.files import read_json


@dataclass(frozen=True)
class Pack:
    """A trained pack: its variant, first and last seed, and the file provenance.json in its folder."""

    variant: str
    first: int
    last: int
    provenance: Path

    def table(self, name: str) -> pd.DataFrame:
        """Read a table in its folder: history or layers."""
        return read_csv(self.provenance.with_name(f"{name}.csv"), f"delete {self.provenance} to train the pack again.")

    def origin(self) -> dict[str, Any]:
        """Read its provenance and costs."""
        try:
            return read_json(self.provenance)
        except (OSError, ValueError) as error:
            hint = "delete it to train the pack again."
            raise CalotypeError(f"{self.provenance}: unreadable: {error}.", hint) from None


def history_table(packs: Sequence[Pack], seeds: Mapping[str, int]) -> pd.DataFrame:
    """Return the histories of all runs of a study: variant, seed, epoch, metric, value.

    `seeds` is the number of requested seeds by variant; a pack may hold more.
    """
    histories = [(pack.variant, pack.table("history")) for pack in packs]
    found = pd.concat(
        [table[table.seed < seeds[variant]].assign(variant=variant) for variant, table in histories], ignore_index=True
    )
    return found[["variant", "seed", "epoch", "metric", "value"]]


def kept_epochs(packs: Sequence[Pack]) -> dict[str, dict[int, int]]:
    """Return the epoch of the kept weights, by variant and seed, of runs that do not keep the last epoch."""
    found: dict[str, dict[int, int]] = {}
    for pack in packs:
        epochs = pack.origin()["best_epochs"].items()
        found.setdefault(pack.variant, {}).update({int(seed): epoch for seed, epoch in epochs})
    return found


def layers_table(packs: Sequence[Pack]) -> pd.DataFrame:
    """Return the layers of each variant's model: variant, layer, kind, output_shape, parameters."""
    first = {pack.variant: pack for pack in reversed(packs)}
    variants = dict.fromkeys(pack.variant for pack in packs)
    layers = pd.concat([first[variant].table("layers").assign(variant=variant) for variant in variants])
    return layers[["variant", "layer", "kind", "output_shape", "parameters"]]


@dataclass(frozen=True)
class PackOrigin:
    """A pack and the content of its provenance.json."""

    study: str
    variant: str
    first: int
    last: int
    origin: Mapping[str, Any]


def origins_text(packs: Sequence[Pack]) -> str:
    """Return the provenance of all packs as JSON: a list of [variant, first seed, last seed, provenance]."""
    return json.dumps([(pack.variant, pack.first, pack.last, pack.origin()) for pack in packs], indent=1) + "\n"


def read_origins(file: Path, study: str) -> list[PackOrigin]:
    """Read a file that holds the `origins_text` of a study."""
    try:
        return [PackOrigin(study, *pack) for pack in read_json(file)]
    except (OSError, TypeError, ValueError) as error:
        raise CalotypeError(f"{file}: cannot be read: {error}.", "delete it; the next call writes it again.") from None
