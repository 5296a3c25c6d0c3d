"""Records of the attempts to train a pack: what each was given and used. Those that were killed leave one, too.

A process measures itself while it holds a lease. Its last heartbeat becomes the record, so a kill loses seconds only.
They are in ``benchmarks`` with the other costs, and part of no identity.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calotype.util.errors import CalotypeError
from calotype.util.files import write_text

COMPLETED, STOPPED, FAILED, KILLED = "completed", "stopped", "failed", "killed"
CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class Attempt:
    """An attempt to train a pack.

    Attributes:
        name: of the pack, such as ``dots/source, seeds 0 to 2``.
        state: one of the states above.
        began: Unix time.
        job: the Slurm job.
        waited: for another process that trained the same pack.
        asked, used: as in `usage.Usage.record`.
    """

    name: str
    state: str
    began: float
    job: str | None = None
    waited: bool = False
    asked: dict[str, Any] = field(default_factory=dict)
    used: dict[str, Any] = field(default_factory=dict)


def keep(heartbeat: Path, sign: dict[str, Any], state: str) -> None:
    """Record an attempt that has ended, given its heartbeat: ``results/checkpoints/study/variant/<name>``."""
    *_, checkpoints, study, variant, name = ("", "", "", *heartbeat.parts)
    if checkpoints != CHECKPOINTS:
        return  # the code runs outside of a project
    known = {key: sign[key] for key in Attempt.__dataclass_fields__.keys() & sign.keys()}
    record = known | {"state": state}
    file = heartbeat.parents[3] / "benchmarks/attempts" / study / variant / name.removeprefix("heartbeat-")
    with suppress(CalotypeError):  # a full disk must not lose the result
        write_text(json.dumps(record) + "\n", file)


def read(results: Path, study: str) -> dict[str, list[Attempt]]:
    """Return the attempts at the packs of a study by name of the pack, the first one first."""
    found: dict[str, list[Attempt]] = {}
    for attempt in sorted(_attempts(results / "benchmarks/attempts" / study), key=lambda one: one.began):
        found.setdefault(attempt.name, []).append(attempt)
    return {name: _of_result(attempts) for name, attempts in found.items()}


def _attempts(folder: Path) -> Iterator[Attempt]:
    for file in folder.glob("*/*.json"):
        with suppress(OSError, ValueError, TypeError):  # of another version
            yield Attempt(**json.loads(file.read_text(encoding="utf-8")))


def _of_result(attempts: list[Attempt]) -> list[Attempt]:
    """Leave out attempts at an earlier result, which ended with one that completed."""
    ends = [place for place, attempt in enumerate(attempts[:-1]) if attempt.state == COMPLETED and not attempt.waited]
    return attempts[ends[-1] + 1 :] if ends else attempts
