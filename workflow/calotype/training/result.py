"""What the training of a pack gives, whatever library trained it, and what is left of that on disk."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calotype.util.errors import CalotypeError
from calotype.util.files import sha256

if TYPE_CHECKING:
    import pandas as pd  # a third of a second, for those who need it


@dataclass(frozen=True)
class Pack:
    """What the training of a pack gives, besides its weights.

    Attributes:
        layers: of the model, in their order: columns layer, kind, output_shape, parameters.
        history: columns seed, epoch (from 1), metric, value.
        seconds: wall time of each seed, over all attempts.
        targets: what predicting has to know of the labels besides the weights (`predicting.new_predictor`).
        best_epochs: the epoch whose weights each seed kept, where held-out images chose it.
        diverged: the epoch in which the loss of a seed was no longer a number, where that happened.
        machines: of each seed: what it was trained on, one after the other where it was continued elsewhere.
    """

    layers: "pd.DataFrame"
    history: "pd.DataFrame"
    seconds: dict[int, float]
    targets: dict[str, Any]
    best_epochs: dict[int, int] = field(default_factory=dict)
    diverged: dict[int, int] = field(default_factory=dict)
    machines: dict[int, Sequence[str]] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Number of parameters of the model."""
        return int(self.layers.parameters.sum())


def is_there(provenance: Path, identity: str, others: Iterable[Path]) -> bool:
    """Whether the files of a pack are all there, and are the results of what `identity` stands for.

    Args:
        provenance: the file that is written last.
        identity: of what the results depend on.
        others: the other files and folders.
    """
    try:
        return json.loads(provenance.read_text(encoding="utf-8"))["identity"] == identity and all(
            path.exists() for path in others
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


@dataclass(frozen=True)
class Trained:
    """A pack that is trained, as its folder tells.

    Attributes:
        folder: of the pack.
        models: the SHA-256 of each file in its folder ``models``.
        targets: as in `Pack`.
    """

    folder: Path
    checksums: Mapping[str, str]
    targets: Mapping[str, Any]

    @classmethod
    def read(cls, provenance: Path) -> "Trained":
        """Read what a pack is from its provenance.json.

        Raises:
            CalotypeError: the file cannot be read, or is one of another version.
        """
        try:
            found = json.loads(provenance.read_text(encoding="utf-8"))
            return cls(provenance.parent, found["models"], found["targets"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise CalotypeError(
                f"{provenance}: cannot be read: {error!r}.", "delete it to have its pack trained again."
            ) from None

    @property
    def models(self) -> Path:
        """The folder of the weights."""
        return self.folder / "models"

    def weights(self) -> dict[int, str]:
        """The SHA-256 of the weights of each seed."""
        files = {name: name.removeprefix("seed-").partition(".")[0] for name in self.checksums}
        return {int(seed): self.checksums[name] for name, seed in files.items() if seed.isdecimal()}

    def verify(self, seed: int) -> None:
        """See that the files with which the weights of a seed are read are those that the training wrote.

        Raises:
            CalotypeError: one is missing, or its content is another.
        """
        names = [
            name for name in self.checksums if not name.startswith("seed-") or name.startswith(f"seed-{seed:03d}.")
        ]
        for name in names:
            file = self.models / name
            hint = f"delete {self.folder / 'provenance.json'} to have the pack trained again."
            try:
                found = sha256(file)
            except OSError as error:
                raise CalotypeError(f"{file}: cannot be read: {error.strerror}.", hint) from error
            if found != self.checksums[name]:
                raise CalotypeError(f"{file}: its checksum is not the one that its training recorded.", hint)
