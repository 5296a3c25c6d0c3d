"""The origin of the packs: machines, packages, and checksums of code and data in full."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from calotype.evaluation.packs import PackOrigin
from calotype.report.links import Links
from calotype.util.package_versions import COMPUTING


def _distinct(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list({json.dumps(entry, sort_keys=True): entry for entry in entries}.values())


def machines(packs: Sequence[PackOrigin]) -> list[Mapping[str, Any]]:
    """Return each machine once."""
    return _distinct([pack.origin["machine"] for pack in packs])


def packages(packs: Sequence[PackOrigin]) -> list[Mapping[str, Any]]:
    """Return each set of package versions once."""
    return _distinct(
        [
            {key: pack.origin["packages"][key] for key in ("python", *COMPUTING) if key in pack.origin["packages"]}
            for pack in packs
        ]
    )


def revisions(packs: Sequence[PackOrigin]) -> list[str]:
    """Return each commit once; empty for code outside a git repository."""
    return sorted({pack.origin["code"]["git"] or "" for pack in packs})


def origins(packs: Sequence[PackOrigin], folder: str, links: Links) -> list[dict[str, Any]]:
    """Return for the template the packs of a study, in groups with the same code and the same training data.

    Args:
        folder: of the study's results.
    """
    groups: dict[str, dict[str, Any]] = {}
    for pack in packs:
        data = [(split["split"], split["sha256"]) for split in pack.origin["data"]]
        group = groups.setdefault(
            json.dumps([pack.origin["code"]["digest"], data]),
            {"code": pack.origin["code"]["digest"], "data": data, "packs": []},
        )
        seeds = f"seed {pack.first}" if pack.first == pack.last else f"seeds {pack.first} to {pack.last}"
        file = f"{folder}/{pack.variant}/seeds-{pack.first:03d}-{pack.last:03d}/provenance.json"
        job = pack.origin["job"]["slurm"]
        name = f"{pack.variant}, {seeds}{f' (Slurm job {job})' if job else ''}"
        there = links.there({name: file})
        group["packs"].append(there[0] if there else (name, ""))
    return list(groups.values())
