"""The part that all kinds of datasets in datasets.yaml have in common."""

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
Splits = Annotated[dict[Name, Split], Field(min_length=1, description="The splits, by name.")]
CATALOGUE = "catalogue"  # beside the prepared splits lies that of a user's own images


def check_distinct(classes: list[str]) -> None:
    """Raise ValueError if two classes have the same name."""
    if len(set(classes)) < len(classes):
        twice = next(name for name in classes if classes.count(name) > 1)
        raise ValueError(f"classes: duplicate name `{twice}`")


class BaseDataset(Registered):
    """One dataset. Each source is a subclass, which says everything that the workflow has to know of it.

    A subclass annotates `source` with its name as a literal, and `splits` with the type of its splits.

    Attributes:
        origin: `drawn` by rule `draw`, `fetched` by rule `fetch_dataset`, or a `user`'s, listed by rule `catalogue`.
        evidence: pattern of the path, with {data}, {results}, {dataset} and {split}, that says which raw images there
            are: rules depend on it.
        reader: the function that reads the raw images of a split, `module:function`. It gets a folder and the keywords
            that `reading` gives, and returns `calotype.data.readers.Raw`.
        labels: what the labels are: `classes`, `counts` or `numbers`.
        hint: for who names such files, but no place to fetch them from.
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
        """The keywords that the reader gets for a split: everything that decides which images and labels it reads."""

    def raw_images(self) -> Known:
        """What is known of the raw images before they are read."""
        return Known()

    def may_hold(self, split: str, number: int, limit: int | None = None) -> bool:
        """Whether an image of a number may be in a split, as far as the config knows.

        Args:
            split: its name.
            number: of the image, as figures call it.
            limit: how many images of the split are taken; all, if left out.
        """
        return True

    def preparation(self, split: str) -> dict[str, Any]:
        """Everything that decides how a split is prepared, and what its labels may be."""
        steps = plain_steps(self.prepare)
        return {"reader": self.reader, "reading": self.reading(split), "split": split, "steps": steps}

    @model_validator(mode="after")
    def _splits_and_steps_fit(self) -> "BaseDataset":
        if CATALOGUE in self.splits:
            raise ValueError(f"splits: a split cannot be called `{CATALOGUE}`: that name is taken")
        check_steps(self.prepare, self.raw_images(), self.splits)
        return self
