"""The kinds of labels that a dataset may have."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

LABEL_KINDS: Mapping[str, str] = {
    "classes": "names of classes",
    "counts": "whole numbers from 0 to 1000",
    "numbers": "any numbers",
}
if TYPE_CHECKING:
    LabelKind = str
else:
    LabelKind = Literal[*LABEL_KINDS]
