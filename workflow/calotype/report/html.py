"""The HTML page of a report, and its findings for the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2

from calotype.jobs.job_use import JobUse
from calotype.jobs.used_kinds import used_kinds
from calotype.report.first_screen import headline
from calotype.report.jobs import Job, kinds
from calotype.report.provenance import machines, packages, revisions


@dataclass(frozen=True)
class Made:
    """Date of a page, and the command that makes it again."""

    when: datetime
    command: str


def render(
    template: Path,
    sections: Sequence[Mapping[str, Any]],
    jobs: Sequence[Job],
    made: Made,
    uses: Sequence[JobUse] = (),
) -> str:
    """Return the page, with its figures inside."""
    loader, strict = jinja2.FileSystemLoader(template.parent), jinja2.StrictUndefined
    environment = jinja2.Environment(
        loader=loader, undefined=strict, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    packs = [pack for section in sections for pack in section["packs"]]
    return environment.get_template(template.name).render(
        studies=sections,
        headline=headline(sections),
        made=made,
        kinds=kinds(jobs),
        used=used_kinds(uses),
        total=sum(job.seconds for job in jobs),
        packs=packs,
        machines=machines(packs),
        packages=packages(packs),
        revisions=revisions(packs),
    )


def findings(sections: Sequence[Mapping[str, Any]]) -> str:
    """Return results and claims as lines of text."""
    lines = []
    for section in sections:
        lines.append(f"{section['title']} ({section['name']})")
        width = max(len(row["variant"]) for row in section["results"])
        splits = max(len(row["split"]) for row in section["results"])
        for row in section["results"]:
            mean, between = row["metrics"][0]
            count = f"{row['n']} seed{'' if row['n'] == 1 else 's'}, {row['images']} images"
            count = "; ".join(filter(None, (count if row["n"] else "", row["diverged"])))
            found = f"{section['metrics'][0]} {mean} {between}"
            lines.append(f"  {row['variant']:<{width}}  {row['split']:<{splits}}  {found}  ({count})")
        lines += [f"  {remark}" for remark in section["remarks"]]
        if section["skipped"]:
            lines.append(f"  {section['skipped']}")
        for claim in section["claims"]:
            tested_on = f" on {claim['split']}" if claim["split"] else ""
            measured = f"{claim['mean']} {claim['interval']}".strip()
            lines.append(
                f"  claimed: {claim['metric']} {claim['claimed']}{tested_on} ({claim['variant']}); "
                f"measured: {measured}; {claim['verdict']}: {claim['reason']}"
            )
    return "\n".join(lines) + "\n"
