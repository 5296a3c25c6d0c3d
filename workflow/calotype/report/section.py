"""A study in the report: the variants that it shows, and its grids."""

from collections.abc import Mapping, Sequence
from typing import Any

from calotype.evaluation.study_results import StudyResults
from calotype.report.grid_section import grid_section
from calotype.report.links import Links
from calotype.report.shown_figures import ShownFigure
from calotype.report.study_section import study_section


def section(
    study: Mapping[str, Any], figures: Sequence[ShownFigure], previews: Sequence[ShownFigure], links: Links
) -> dict[str, Any]:
    """Return the values of a study for the template.

    Args:
        study: one of `Layout.described`.
        figures, previews: of all studies.
    """
    results = StudyResults(**study["results"])
    shown = results.of_shown()
    variants = {variant: study["variants"][variant] for variant in shown.labels}
    drawn = [item for item in figures if item.study == results.study and item.variant in ("", *variants)]
    of_grids = [item for item in drawn if item.kind.startswith("grid-")]
    others = [item for item in drawn if item not in of_grids]
    own = [item for item in previews if item.study == results.study]
    found = study_section(shown, {**study, "variants": variants}, others, own, links)
    return found | grid_section(results, of_grids, links)
