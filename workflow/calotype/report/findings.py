"""Findings of a report for the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any


def findings(sections: Sequence[Mapping[str, Any]]) -> str:
    """Return results and claims as lines of text."""
    lines = []
    for section in sections:
        lines.append(f"{section['title']} ({section['name']})")
        width = max(len(row["variant"]) for row in section["results"])
        splits = max(len(row["split"]) for row in section["results"])
        for row in section["results"]:
            # One seed has no interval over seeds: the one over images replaces it.
            mean, between = row["metrics"][0] if row["n"] > 1 else row["pooled"]
            count = f"{row['n']} seed{'' if row['n'] == 1 else 's'}, {row['images']} images"
            count = "; ".join(filter(None, (count if row["n"] else "", row["diverged"])))
            found = f"{section['metrics'][0]} {mean} {between}"
            lines.append(f"  {row['variant']:<{width}}  {row['split']:<{splits}}  {found}  ({count})")
        for claim in section["claims"]:
            tested_on = f" on {claim['split']}" if claim["split"] else ""
            measured = f"{claim['mean']} {claim['interval']}".strip()
            lines.append(
                f"  claimed: {claim['metric']} {claim['claimed']}{tested_on} ({claim['variant']}); "
                f"measured: {measured}; {claim['verdict']}: {claim['reason']}"
            )
    return "\n".join(lines) + "\n"
