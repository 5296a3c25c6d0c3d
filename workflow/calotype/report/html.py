"""The HTML page: what was run, measured against claimed, the figures, what it cost, and where it comes from."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from calotype.report.jobs import Job, cost
from calotype.util.package_versions import COMPUTING


def _distinct(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list({json.dumps(entry, sort_keys=True): entry for entry in entries}.values())


def _shown_versions(packages: Mapping[str, str]) -> dict[str, str]:
    return {name: version for name, version in packages.items() if name in ("python", *COMPUTING)}


def render(template: Path, sections: Sequence[Mapping[str, Any]], jobs: Sequence[Job]) -> str:
    """The page, with everything it needs inside."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    origins = [pack for section in sections for pack in section["packs"]]
    return environment.get_template(template.name).render(
        studies=sections,
        jobs=cost(jobs),
        total=sum(job.seconds for job in jobs),
        machines=_distinct([pack.origin["machine"] for pack in origins]),
        packages=_distinct([_shown_versions(pack.origin["packages"]) for pack in origins]),
        revisions=sorted({str(pack.origin["code"]["git"]) for pack in origins}),
    )
