"""The figures of the report: embedded, with a text for readers who cannot see them, and links to their files."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calotype.config.choice import SHOWN_ALONE
from calotype.config.image_paths import FIGURE_SUFFIXES
from calotype.report.links import Links
from calotype.report.smaller_svg import data_uri, smaller
from calotype.util.errors import CalotypeError

PIXELS = 96 / 72  # CSS pixels per point


@dataclass(frozen=True)
class ShownFigure:
    """A figure of the report: its study, its name there, its SVG file, its caption, and the variant that it is of."""

    study: str
    name: str
    file: Path
    caption: str
    variant: str = ""

    @property
    def kind(self) -> str:
        """Return the name of the figure without the variant."""
        return self.name.partition("/")[0]

    def embedded(self, alternative: str, links: Links) -> dict[str, Any]:
        """Read the file, and return the figure for the template.

        Args:
            alternative: what the figure shows, for readers who cannot see it.
        """
        try:
            text = self.file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            # Snakemake checks only the folder of figures of single variants, not its files.
            hint = f"delete {self.file.parent} to plot its figures again."
            reason = getattr(error, "strerror", None) or error
            raise CalotypeError(f"{self.file}: cannot be read: {reason}.", hint) from None
        size = re.search(r'<svg[^>]*? width="([\d.]+)pt" height="([\d.]+)pt"', text)
        width, height = (round(float(points) * PIXELS) for points in size.groups()) if size else (None, None)
        return {
            "name": self.name,
            "alternative": alternative,
            "data": data_uri(smaller(text)),
            "width": width,
            "height": height,
            "files": self.files(links),
        }

    def files(self, links: Links) -> list[tuple[str, str]]:
        """Return the label and the path of each of its files that is there."""
        return links.there({suffix[1:].upper(): self.file.with_suffix(suffix) for suffix in FIGURE_SUFFIXES})


def folded(figures: Sequence[ShownFigure], ranked: Sequence[str]) -> list[ShownFigure]:
    """Return the figures of single variants that the page only links: those of all but the first `SHOWN_ALONE`."""
    return [figure for figure in figures if figure.variant and figure.variant not in ranked[:SHOWN_ALONE]]


def figure_groups(
    figures: Sequence[ShownFigure], linked: Collection[ShownFigure], labels: Mapping[str, str],
    alternative: Callable[[ShownFigure], str], links: Links,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return for the template the figures by kind, each kind with its caption once.

    Args:
        linked: figures that the page only links.
        labels: of the variants.
        alternative: returns what a figure shows.
    """
    groups = []
    for kind in dict.fromkeys(figure.kind for figure in figures):
        own = [figure for figure in figures if figure.kind == kind]
        shown = [figure for figure in own if figure not in linked]
        groups.append(
            {
                "kind": kind,
                "caption": own[0].caption.partition("\n\n")[0].strip(),
                "figures": [
                    figure.embedded(alternative(figure), links) | {"label": labels.get(figure.variant, "")}
                    for figure in shown
                ],
                "linked": [(labels[figure.variant], figure.files(links)) for figure in own if figure in linked],
            }
        )
    return groups
