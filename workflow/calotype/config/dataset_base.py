"""Keys and checks of all datasets in datasets.yaml."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import Field, model_validator

from calotype.steps.base import Known
from calotype.steps.registry import BY_DEFAULT, Steps
from calotype.steps.sequence import check_steps, plain_steps
from calotype.tasks.labels import LabelKind
from calotype.util.typed import Registered, Strict

NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
Name = Annotated[str, Field(pattern=rf"^{NAME}$")]
Split = TypeVar("Split", bound=Strict)
Splits = Annotated[dict[Name, Split], Field(min_length=1, description="Splits, by name.")]
CATALOGUE = "catalogue"  # file name of the list of a user's own images, beside the prepared splits
SKIPPED = "skipped"  # file name of the list of images that the catalogue leaves out
DUPLICATE = "duplicate of "  # begins the reason of copies in that list


def check_distinct(classes: list[str]) -> None:
    """Raise ValueError if two classes have the same name."""
    if len(set(classes)) < len(classes):
        duplicate = next(name for name in classes if classes.count(name) > 1)
        raise ValueError(f"classes: duplicate name `{duplicate}`")


class BaseDataset(Registered):
    """One dataset; each source is a subclass, with its name as the literal type of `source`.

    Attributes:
        origin: rule that makes the raw images: `drawn` (draw), `fetched` (fetch_dataset) or `user` (catalogue).
        evidence: pattern of the file or folder that changes with the raw images, with {data}, {results}, {dataset}
            and {split}; rules depend on it.
        reader: `module:function` that reads the raw images of a split. It gets a folder and the keywords of `reading`,
            and returns `calotype.data.readers.Raw`.
        hint: for users who name files of such a dataset without a `fetch` key.
    """

    origin: ClassVar[Literal["drawn", "fetched", "user"]]
    evidence: ClassVar[str]
    reader: ClassVar[str]
    labels: ClassVar[LabelKind]
    hint: ClassVar[str] = ""
    registered_by = "source"

    source: str
    splits: Mapping[str, Any]
    prepare: Steps = Field(
        BY_DEFAULT, description="OpenCV steps, in this order: names, or mappings with `name`.", validate_default=True
    )

    @abstractmethod
    def reading(self, split: str) -> dict[str, Any]:
        """Return the reader's keywords for a split: all keys that decide which images and labels it reads."""

    def raw_images(self) -> Known:
        """Return the known properties of the raw images."""
        return Known()

    def may_hold(self, split: str, number: int, limit: int | None = None) -> bool:
        """Return False if the config rules out that an image is among the first `limit` of a split.

        Args:
            number: number of the image in figures.
        """
        return True

    def preparation(self, split: str) -> dict[str, Any]:
        """Return all values that decide how a split is prepared, and its possible labels."""
        steps = plain_steps(self.prepare)
        return {"reader": self.reader, "reading": self.reading(split), "split": split, "steps": steps}

    @model_validator(mode="after")
    def _splits_and_steps_fit(self) -> "BaseDataset":
        if CATALOGUE in self.splits:
            raise ValueError(f"splits: `{CATALOGUE}` is a reserved name")
        check_steps(self.prepare, self.raw_images(), self.splits)
        return self
