"""Warn of cameras with fewer than 16 bits, whose images `scale` makes dark."""

import logging
from collections.abc import Sequence
from itertools import takewhile

from calotype.data.image_file import levels_differ, used_levels
from calotype.steps.base import Step
from calotype.util.csv_tables import read_csv

logger = logging.getLogger(__name__)


def levels_seen(catalogues: Sequence[str], steps: Sequence[Step]) -> tuple[int, str]:
    """Return a level and a line for the log: a warning if `scale` would make images of fewer than 16 bits dark.

    Args:
        catalogues: one file, or none for images without a catalogue.
        steps: of the dataset. A step that changes the range of the levels before `scale` is left to the user.
    """
    before = [step.name for step in takewhile(lambda step: step.name != "scale", steps)]
    if not catalogues or len(before) == len(steps) or not {"contrast", "custom", "threshold"}.isdisjoint(before):
        return logging.DEBUG, "The largest value of a pixel was not compared with `scale`"
    found = read_csv(catalogues[0])
    largest = int(found.largest.max())
    levels = used_levels(int(found.bits.max()), largest)
    if levels is None:
        return logging.DEBUG, f"The largest value of a pixel is {largest}"
    step = f"{{name: normalise, range: [0, 1], levels: [0, {levels}]}}"
    if levels_differ(found.bits.unique(), levels):
        step = "{name: normalise, range: [0, 1]}, which uses the levels of each image, as some images have 8 bits"
    return logging.WARNING, (
        f"The largest value is {largest} in images of 16 bits, and `scale` makes it {largest / 65535:.2g}. Hint: if "
        f"the camera has {levels.bit_length()} bits, replace `scale` by {step}."
    )
