"""Gather what the packs of a study wrote beside their predictions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from calotype.util.csv_tables import read_csv
from calotype.util.errors import CalotypeError


@dataclass(frozen=True)
class Pack:
    """What a pack wrote: the variant, its first and last seed, and the file provenance.json in its folder."""

    variant: str
    first: int
    last: int
    provenance: Path

    def table(self, name: str) -> pd.DataFrame:
        """A table in its folder: history or layers.

        Raises:
            CalotypeError: it is missing or unreadable.
        """
        return read_csv(self.provenance.with_name(f"{name}.csv"), f"delete {self.provenance} to train the pack again.")

    def origin(self) -> dict[str, Any]:
        """What it came from and what it cost.

        Raises:
            CalotypeError: its file is missing or unreadable.
        """
        try:
            return json.loads(self.provenance.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            hint = "delete it to train the pack again."
            raise CalotypeError(f"{self.provenance}: unreadable: {error}.", hint) from None


def history_table(packs: Sequence[Pack], seeds: Mapping[str, int]) -> pd.DataFrame:
    """The histories of all runs of a study: variant, seed, epoch, metric, value.

    Args:
        seeds: how many seeds are asked for, by variant; a pack may hold more.
    """
    histories = [(pack.variant, pack.table("history")) for pack in packs]
    found = pd.concat(
        [table[table.seed < seeds[variant]].assign(variant=variant) for variant, table in histories], ignore_index=True
    )
    return found[["variant", "seed", "epoch", "metric", "value"]]


def layers_table(packs: Sequence[Pack]) -> pd.DataFrame:
    """The layers of each variant's model, from its first pack: variant, layer, kind, output_shape, parameters."""
    first = {pack.variant: pack for pack in reversed(packs)}
    variants = dict.fromkeys(pack.variant for pack in packs)
    layers = pd.concat([first[variant].table("layers").assign(variant=variant) for variant in variants])
    return layers[["variant", "layer", "kind", "output_shape", "parameters"]]


@dataclass(frozen=True)
class PackOrigin:
    """A pack and what it came from (the content of its provenance.json)."""

    study: str
    variant: str
    first: int
    last: int
    origin: Mapping[str, Any]


def origins_text(packs: Sequence[Pack]) -> str:
    """The provenance of all packs as JSON: a list of [variant, first seed, last seed, provenance].

    Raises:
        CalotypeError: one is missing or unreadable.
    """
    return json.dumps([(pack.variant, pack.first, pack.last, pack.origin()) for pack in packs], indent=1) + "\n"


def read_origins(file: Path, study: str) -> list[PackOrigin]:
    """Read what `origins_text` wrote of a study.

    Raises:
        CalotypeError: the file cannot be read.
    """
    try:
        return [PackOrigin(study, *pack) for pack in json.loads(file.read_text(encoding="utf-8"))]
    except (OSError, TypeError, ValueError) as error:
        raise CalotypeError(f"{file}: cannot be read: {error}.", "delete it to have it made again.") from None
