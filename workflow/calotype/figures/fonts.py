"""The fonts of figures, and letters that they lack."""

import functools
import logging
from collections.abc import Iterable, Sequence

from matplotlib import font_manager

from calotype.config.figure_style import FONT_FILES
from calotype.util.errors import CalotypeError, did_you_mean

logger = logging.getLogger(__name__)

# Fonts that come with matplotlib, so that every machine has the same.
FAMILIES = {"sans": ["DejaVu Sans"], "serif": ["STIXGeneral", "DejaVu Serif"]}
LAST = "DejaVu Sans"  # has the letters and symbols that others lack


def families(font: str) -> list[str]:
    """Return the families that are searched for each letter, in this order.

    Args:
        font: of the config: `sans`, `serif`, the name of an installed font, or a font file.

    Raises:
        CalotypeError: the file cannot be read, or no installed font has this name.
    """
    if font in FAMILIES:
        return list(dict.fromkeys([*FAMILIES[font], LAST]))
    if font.lower().endswith(FONT_FILES):
        try:
            font_manager.fontManager.addfont(font)
        except (OSError, RuntimeError) as error:
            raise CalotypeError(f"figures.font: {font}: not a readable font: {error}.") from None
        return [font_manager.get_font(font).family_name, LAST]
    installed = sorted({entry.name for entry in font_manager.fontManager.ttflist})
    if font not in installed:
        raise CalotypeError(f"figures.font: `{font}` is not installed here.",
                            did_you_mean(font, installed) or "give a font file.")  # fmt: skip
    return [font, LAST]


@functools.cache
def _letters(family: str) -> frozenset[int]:
    """Return the code points that a family has."""
    return frozenset(font_manager.get_font(font_manager.findfont(family)).get_charmap())


def missing_letters(texts: Iterable[str], names: Sequence[str]) -> str:
    """Return the letters of texts that no family of `names` has, each once, in the order of the texts."""
    wanted = dict.fromkeys(letter for text in texts for letter in text if not letter.isspace())
    return "".join(letter for letter in wanted if not any(ord(letter) in _letters(name) for name in names))


def warn_of_letters(texts: Iterable[str], font: str, where: str) -> None:
    """Log a warning of letters that no font has: figures show boxes. `font` is that of `families`."""
    if missing := missing_letters(texts, families(font)):
        hint = "set `figures: {font: ...}` in config.yaml to a font that has them."
        logger.warning("%s: figures: no font has the letters %s. Hint: %s", where, missing, hint)
