"""The part that all datasets of a user's own images have in common."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, model_validator

from calotype.config.dataset_base import CATALOGUE, BaseDataset, check_distinct
from calotype.tasks.labels import LABEL_KINDS, LabelKind
from calotype.tasks.registry import tasks_that
from calotype.util.typed import Strict


def below(path: str) -> str:
    """Raise ValueError if a path does not lie in the folder of a dataset, or is hidden."""
    if path.startswith("/") or any(part.startswith(".") for part in PurePosixPath(path).parts):
        raise ValueError("lies in `folder`, and is not hidden: what is elsewhere would not be watched")
    return path


Below = Annotated[str, Field(min_length=1), AfterValidator(below)]  # a path that starts from the dataset's folder


class RandomSplits(Strict):
    """How images are dealt out to splits at random."""

    seed: Annotated[int, Field(ge=0)] = Field(
        0, description="Key of the random numbers, also those of the order of the images in their split."
    )
    stratify: bool = Field(True, description="Whether every split gets the same part of each class.")


def _meaning(kind: LabelKind) -> str:
    return f"`{kind}`: {LABEL_KINDS[kind]} (task {tasks_that(lambda task: task.labels == kind)})"


class OwnDataset(BaseDataset):
    """Images of your own, which a catalogue lists.

    Attributes:
        lister: the function that finds them for the catalogue, `module:function`. It gets the dataset and a number of
            threads.
    """

    origin = "user"
    evidence = f"{{results}}/prepared/{{dataset}}/{CATALOGUE}.json"
    lister: ClassVar[str]

    folder: Annotated[str, Field(min_length=1)] = Field(description="The folder that holds them.")
    labels: LabelKind = Field(  # type: ignore[misc]  # of other sources an attribute
        "classes", description=f"The kind of labels: {'; '.join(map(_meaning, LABEL_KINDS))}."
    )
    classes: list[str] = Field(
        [], description="Names of the classes, in the order in which figures show them; not for numbers."
    )
    random: RandomSplits = Field(RandomSplits(), description="How images are dealt out, where splits have a `share`.")
    allow_duplicates: bool = Field(
        False, description="Whether the same image may be on both sides of a split. It makes test results too good."
    )

    def place(self) -> dict[str, Any]:
        """Where the images lie. It changes no image: that is for what lies there."""
        return {"folder": self.folder}

    def catalogue(self) -> dict[str, Any]:
        """The keys that decide which images there are, their labels and their splits; what lies there apart.

        What only refuses images is part of it: those that were let through must be looked at again. What is left out
        and what is given as its default are the same.
        """
        return self.values(exclude={"prepare", *self.place()})

    def reading(self, split: str) -> dict[str, Any]:
        """The kind of the labels; which images and labels there are, the catalogue says."""
        return {"labels": self.labels, "classes": len(self.classes)}

    def named(self) -> dict[str, str]:
        """The files in `folder` that the config names, by key."""
        return {}

    def files(self) -> list[str] | None:
        """The files in `folder` that are read; None where all are."""
        return None

    @model_validator(mode="after")
    def _classes_fit(self) -> "OwnDataset":
        if self.labels != "classes":
            if self.classes:
                raise ValueError(f"classes: labels that are {self.labels} have none")
        elif len(self.classes) < 2:
            raise ValueError("classes: name two or more, in the order in which figures show them")
        check_distinct(self.classes)
        if "" in self.classes:
            raise ValueError("classes: one has no name")
        return self


def check_shares(splits: Mapping[str, Any]) -> None:
    """Raise ValueError if the shares of some splits are more than 1 in all."""
    if sum(split.share or 0 for split in splits.values()) > 1 + 1e-9:
        raise ValueError(f"splits: the shares of {', '.join(splits)} are more than 1 in all")


def check_dealing(random: RandomSplits, labels: str, dealt: bool) -> None:
    """Raise ValueError if nothing is dealt out at random, or by classes that there are not, and a key says how."""
    if "stratify" in random.model_fields_set:
        if not dealt:
            raise ValueError("random.stratify: the splits are given, nothing is dealt out")
        if random.stratify and labels != "classes":
            raise ValueError(f"random.stratify: labels that are {labels} have no classes")
