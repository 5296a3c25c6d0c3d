"""Keys and checks of all datasets of a user's own images."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from calotype.config.dataset_base import CATALOGUE, BaseDataset, check_distinct
from calotype.tasks.labels import LABEL_KINDS, LabelKind
from calotype.tasks.registry import tasks_that
from calotype.util.typed import Shown, Strict


def below(path: str) -> str:
    """Raise ValueError if a path is outside the folder of a dataset, or hidden."""
    if path.startswith("/") or any(part.startswith(".") for part in PurePosixPath(path).parts):
        raise ValueError("must be inside `folder` and not hidden: changes elsewhere would not be noticed")
    return path


Below = Annotated[str, Field(min_length=1), AfterValidator(below)]  # a path that starts from the dataset's folder


class RandomSplits(Strict):
    """Settings of random splits."""

    seed: Annotated[int, Field(ge=0)] = Field(0, description="Random seed of the splits and of their image order.")
    stratify: bool = Field(True, description="Give every split the same fraction of each class.")


class LabelText(Strict):
    """Name and unit of the labels in figures and tables."""

    name: Shown = Field("", description="Name of the counted or measured quantity, such as `diameter`.")
    unit: Shown = Field("", description="Unit of the labels, such as `mm`.")


def _meaning(kind: LabelKind) -> str:
    return f"`{kind}`: {LABEL_KINDS[kind]} (task {tasks_that(lambda task: task.labels == kind)})"


class UserDataset(BaseDataset):
    """A user's own images, which a catalogue lists.

    Attributes:
        lister: `module:function` that finds the images for the catalogue; it gets the dataset and a number of threads.
    """

    origin = "user"
    evidence = f"{{results}}/prepared/{{dataset}}/{CATALOGUE}.json"
    lister: ClassVar[str]

    folder: Annotated[str, Field(min_length=1)] = Field(description="Folder of the images.")
    labels: LabelKind = Field(  # type: ignore[misc]  # of other sources an attribute
        "classes", description=f"Kind of labels: {'; '.join(map(_meaning, LABEL_KINDS))}."
    )
    classes: list[Shown] = Field(
        [], description="Names of the classes, in the order of figures and tables; none for counts and numbers."
    )
    label: LabelText = Field(
        LabelText(),
        description="Name and unit of counts or numbers in figures and tables: `{name: diameter, unit: mm}`. They "
        "change no result.",
    )
    random: RandomSplits = Field(RandomSplits(), description="Settings of random splits, for splits with a `share`.")
    duplicates: Literal["refuse", "allow", "keep_first"] = Field(
        "refuse",
        description="Images with the same pixels: refuse them if they are in two splits; allow them, although test "
        "results are then too good; or keep the first of each, by path, and list the others in `skipped.csv`.",
    )

    def place(self) -> dict[str, Any]:
        """Return the keys that say where the images are; their values change no result."""
        return {"folder": self.folder}

    def catalogue(self) -> dict[str, Any]:
        """Return the keys that decide images, labels and splits, also those that only refuse images."""
        return self.values(exclude={"prepare", "label", *self.place()})

    def skips(self) -> bool:
        """Return True if the catalogue may leave images out, and list them in `skipped.csv`."""
        return self.duplicates == "keep_first"

    def reading(self, split: str) -> dict[str, Any]:
        """Return the kind of labels; the catalogue gives images and labels."""
        return {"labels": self.labels, "classes": len(self.classes)}

    def named(self) -> dict[str, str]:
        """Return the files in `folder` that the config names, by key."""
        return {}

    @model_validator(mode="after")
    def _classes_fit(self) -> "UserDataset":
        if self.labels != "classes":
            if self.classes:
                raise ValueError(f"classes: not allowed for {self.labels}")
        elif self.label != LabelText():
            raise ValueError("label: not allowed for classes, which have names")
        elif len(self.classes) < 2:
            raise ValueError("classes: name two or more, in the order of figures and tables")
        check_distinct(self.classes)
        if "" in self.classes:
            raise ValueError("classes: empty name")
        return self


def check_shares(splits: Mapping[str, Any]) -> None:
    """Raise ValueError if the sum of the shares is above 1."""
    if sum(split.share or 0 for split in splits.values()) > 1 + 1e-9:
        raise ValueError(f"splits: the sum of the shares of {', '.join(splits)} is above 1")


def check_random(random: RandomSplits, labels: str, at_random: bool) -> None:
    """Raise ValueError if `random.stratify` is set, but the splits are not random or there are no classes."""
    if "stratify" in random.model_fields_set:
        if not at_random:
            raise ValueError("random.stratify: needs splits with a `share`")
        if random.stratify and labels != "classes":
            raise ValueError(f"random.stratify: needs classes, but the labels are {labels}")
