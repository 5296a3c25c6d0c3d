"""The kinds of labels that a dataset may have."""

from collections.abc import Mapping
from typing import Literal

LabelKind = Literal["classes", "counts", "numbers"]
LARGEST_COUNT = 1000  # tables and figures have a line, or a place, for each
LABEL_KINDS: Mapping[LabelKind, str] = {
    "classes": "one of the named `classes`",
    "counts": f"a whole number from 0 to {LARGEST_COUNT}",
    "numbers": "any number",
}
