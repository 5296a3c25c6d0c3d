"""The result of training a pack, in memory and on disk."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calotype.util.errors import CalotypeError
from calotype.util.files import sha256, write_csv, write_text

if TYPE_CHECKING:
    import pandas as pd  # takes a third of a second

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pack:
    """The result of training a pack, without its weights."""

    layers: "pd.DataFrame"  # columns layer, kind, output_shape, parameters
    history: "pd.DataFrame"  # columns seed, epoch (from 1), metric, value
    seconds: dict[int, float]  # by seed, wall time of all attempts
    targets: dict[str, Any]  # as in `trainer.Trainer`
    device: str = "cpu"  # as in `trainer.Trainer`
    best_epochs: dict[int, int] = field(default_factory=dict)  # by seed, the epoch of the restored weights
    diverged: dict[int, int] = field(default_factory=dict)  # by seed, the epoch whose loss is NaN or infinite
    machines: dict[int, Sequence[str]] = field(default_factory=dict)  # by seed, the machines of all attempts

    @property
    def parameters(self) -> int:
        """The number of parameters of the model."""
        return int(self.layers.parameters.sum())


def write(pack: Pack, origin: Mapping[str, Any], files: Mapping[str, Path]) -> None:
    """Write the tables of a pack, and last its `provenance.record`, given the path of each."""
    write_csv(pack.history, files["history"])
    write_csv(pack.layers, files["layers"])
    write_text(json.dumps(origin, indent=1) + "\n", files["provenance"])


def is_there(what: str, provenance: Path, identity: str, others: Iterable[Path]) -> bool:
    """Return True, and log it, if a pack is complete and its provenance.json, written last, has this identity."""
    try:
        found = json.loads(provenance.read_text(encoding="utf-8"))["identity"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if finished := found == identity and all(path.exists() for path in others):
        logger.info("%s: another job has finished it", what)
    return finished


@dataclass(frozen=True)
class Trained:
    """A trained pack on disk."""

    folder: Path
    checksums: Mapping[str, str]  # SHA-256 of each file in the folder ``models``
    targets: Mapping[str, Any]  # as in `Pack`

    @classmethod
    def read(cls, provenance: Path) -> "Trained":
        """Read the provenance.json of a pack.

        Raises:
            CalotypeError: the file is unreadable, or of another version of calotype.
        """
        try:
            found = json.loads(provenance.read_text(encoding="utf-8"))
            return cls(provenance.parent, found["models"], found["targets"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise CalotypeError(f"{provenance}: unreadable: {error!r}.", "delete it to train its pack again.") from None

    @property
    def models(self) -> Path:
        """The folder of the weights."""
        return self.folder / "models"

    def weights(self) -> dict[int, str]:
        """Return the SHA-256 of the weights, by seed."""
        files = {name: name.removeprefix("seed-").partition(".")[0] for name in self.checksums}
        return {int(seed): self.checksums[name] for name, seed in files.items() if seed.isdecimal()}

    def verify(self, seed: int) -> None:
        """Check that the files of a seed's weights have the recorded checksums.

        Raises:
            CalotypeError: one is missing or has changed.
        """
        hint = f"delete {self.folder / 'provenance.json'} to train the pack again."
        for name, expected in self.checksums.items():
            if name.startswith("seed-") and not name.startswith(f"seed-{seed:03d}."):
                continue
            file = self.models / name
            try:
                found = sha256(file)
            except OSError as error:
                raise CalotypeError(f"{file}: unreadable: {error.strerror}.", hint) from error
            if found != expected:
                raise CalotypeError(f"{file}: the file has changed: its checksum differs from provenance.json.", hint)
