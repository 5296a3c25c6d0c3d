"""The HTML page of a report."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from calotype.report.jobs import Job, cost
from calotype.util.package_versions import COMPUTING


def _distinct(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list({json.dumps(entry, sort_keys=True): entry for entry in entries}.values())


def render(template: Path, sections: Sequence[Mapping[str, Any]], jobs: Sequence[Job]) -> str:
    """Return the page, with all figures inside."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    origins = [pack.origin for section in sections for pack in section["packs"]]
    shown = [
        {key: origin["packages"][key] for key in ("python", *COMPUTING) if key in origin["packages"]}
        for origin in origins
    ]
    return environment.get_template(template.name).render(
        studies=sections,
        jobs=cost(jobs),
        total=sum(job.seconds for job in jobs),
        machines=_distinct([origin["machine"] for origin in origins]),
        packages=_distinct(shown),
        revisions=sorted({str(origin["code"]["git"]) for origin in origins}),
    )
