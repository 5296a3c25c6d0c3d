"""The typed entries of datasets.yaml for a user's own images, in files or in arrays."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from calotype.config.dataset_base import BaseDataset, Name, check_distinct
from calotype.steps.sequence import plain_steps
from calotype.util.typed import PositiveInt, Strict


def _below(path: str) -> str:
    if path.startswith("/") or any(part.startswith(".") for part in PurePosixPath(path).parts):
        raise ValueError("lies in `folder`, and is not hidden: what is elsewhere would not be watched")
    return path


Below = Annotated[str, Field(min_length=1), AfterValidator(_below)]  # a path that starts from the dataset's folder


class RandomSplits(Strict):
    """How images are dealt out to splits at random."""

    seed: Annotated[int, Field(ge=0)] = Field(
        0, description="Key of the random numbers, also those of the order of the images in their split."
    )
    stratify: bool = Field(True, description="Whether every split gets the same part of each class.")


class OwnDataset(BaseDataset):
    """Images of your own, which a catalogue lists."""

    folder: Annotated[str, Field(min_length=1)] = Field(description="The folder that holds them.")
    labels: Literal["classes", "counts", "numbers"] = Field(
        "classes",
        description="What the labels are: `classes` (task `classify`), `counts`, whole numbers from 0 to 1000 (task "
        "`count`), or any `numbers` (task `regress`).",
    )
    classes: list[str] = Field(
        [], description="Names of the classes, in the order in which figures show them; not for numbers."
    )
    allow_duplicates: bool = Field(
        False, description="Whether the same image may be on both sides of a split. It makes test results too good."
    )

    def place(self) -> dict[str, Any]:
        """Where the images lie. It changes no image: that is for what lies there."""
        return {"folder": self.folder}

    def catalogue(self) -> dict[str, Any]:
        """Everything that decides which images there are, their labels and their splits; what lies there apart.

        What only refuses images is part of it: those that were let through must be looked at again. What is left out
        and what is given as its default are the same.
        """
        return self.model_dump(exclude={"prepare", *self.place()}, exclude_defaults=True)

    def preparation(self, split: str) -> dict[str, Any]:
        """Everything that decides how a split is prepared; which images and labels, its catalogue says."""
        facts = {"labels": self.labels, "classes": len(self.classes)}
        source: str = getattr(self, "source")  # noqa: B009  # each kind has its own
        return facts | {"source": source, "split": split, "steps": plain_steps(self.prepare)}

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


class ImageTable(Strict):
    """A table with a line for each image, and the names of its columns."""

    file: Below = Field(
        description="A CSV file, or a TSV file if its name ends with .tsv, in `folder` or a folder in it."
    )
    image: str = Field("image", description="The column of the images' paths, which start from `folder`.")
    label: str = Field("label", description="The column of the labels.")
    split: str | None = Field(None, description="The column that says which split an image is in, where there is one.")
    weight: str | None = Field(
        None, description="The column of weights in the training loss. No column is taken for one that is not named."
    )
    group: str | None = Field(
        None, description="The column of what must not be parted, such as a patient or a plate, where there is one."
    )


def _one_folder(name: str) -> str:
    name = name.rstrip("/")
    if not name or "/" in name or name in (".", ".."):
        raise ValueError(f"{name!r} is not the name of one folder in `folder`")
    return name


class ImageSplit(Strict):
    """One split of a user's own images. Give exactly one of the keys."""

    share: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="A part of the images, dealt out at random; see `random`."
    )
    folder: Annotated[str, AfterValidator(_one_folder)] | None = Field(
        None, description="A folder in `folder`, which holds the folders of the classes."
    )
    value: str | None = Field(None, description="What the table's column `split` says of the images of this split.")

    @model_validator(mode="after")
    def _one_way(self) -> "ImageSplit":
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("give exactly one of share, folder, value")
        return self


class RandomImages(RandomSplits):
    """How image files are dealt out to splits at random."""

    group_pattern: str | None = Field(
        None,
        description="A regular expression that finds in an image's path what must not be parted, such as a patient: by "
        "its first group in brackets. Left out: the table's column `group`, where it names one.",
    )

    @model_validator(mode="after")
    def _finds_a_group(self) -> "RandomImages":
        if self.group_pattern is not None:
            try:
                groups = re.compile(self.group_pattern).groups
            except re.error as error:
                raise ValueError(f"group_pattern: not a regular expression: {error}") from None
            if groups < 1:
                raise ValueError("group_pattern: has no group in brackets, such as (patient-[0-9]+)")
        return self


class ImagesDataset(OwnDataset):
    """Images of your own: files in a folder, with a folder for each class, or a table of their labels."""

    source: Literal["images"] = Field(description="Where the images come from: `images`, files of your own.")
    table: ImageTable | None = Field(
        None, description="A table of their labels. Left out: each class has a folder of its name."
    )
    splits: Annotated[dict[Name, ImageSplit], Field(min_length=1)] = Field(description="The splits, by name.")
    random: RandomImages = Field(RandomImages(), description="How images are dealt out, where splits have a `share`.")
    alpha: Literal["refuse", "drop", "black", "white"] = Field(
        "refuse", description="What to do with transparency: refuse such images, drop it, or lay them on a colour."
    )
    ignore: list[str] = Field(
        ["Thumbs.db", "desktop.ini"],
        description="Names of files that are no images, with * and ?; those that begin with a dot are none either.",
    )
    unlabelled: Literal["refuse", "ignore"] = Field(
        "refuse", description="What to do with images that the table does not name."
    )

    def may_hold(self, split: str, number: int, limit: int | None = None) -> bool:  # noqa: ARG002
        """Files count from 1, in another order than splits take them; how many there are, the config does not know."""
        return number > 0

    def place(self) -> dict[str, Any]:
        """Where the images lie, and what there is none: neither changes one."""
        return super().place() | {"ignore": self.ignore}

    def named(self) -> dict[str, str]:
        """The table, where there is one."""
        return {"table.file": self.table.file} if self.table else {}

    def preparation(self, split: str) -> dict[str, Any]:
        """Everything that decides how a split is prepared; which images and labels, its catalogue says."""
        return super().preparation(split) | {"alpha": self.alpha}

    @model_validator(mode="after")
    def _labels_fit(self) -> "ImagesDataset":
        if self.table is None and self.labels != "classes":
            raise ValueError(f"labels: {self.labels} need a table; folders are classes")
        if self.table is None and any(re.search(r"[/\\]|^\.{1,2}$", name) for name in self.classes):
            raise ValueError("classes: each is the name of a folder in `folder`")
        return self

    @model_validator(mode="after")
    def _splits_fit(self) -> "ImagesDataset":
        kinds = {key for split in self.splits.values() for key in split.model_dump(exclude_none=True)}
        if len(kinds) > 1:
            raise ValueError(
                f"splits: all have the same of share, folder, value; here are {' and '.join(sorted(kinds))}"
            )
        kind = kinds.pop()
        if kind == "share":
            _check_shares(self.splits)
        if kind == "value" and (self.table is None or self.table.split is None):
            raise ValueError("splits: `value` needs table.split, the name of the column")
        if kind != "value" and self.table is not None and self.table.split is not None:
            raise ValueError(f"table.split: the splits have a {kind}, not a `value` of that column")
        if kind == "folder" and self.table is not None:
            raise ValueError("splits: `folder` is for classes in folders; with a table give `value` or `share`")
        _check_dealing(self.random, self.labels, kind == "share")
        taken = [getattr(split, kind) for split in self.splits.values()]
        if kind != "share" and len(set(taken)) < len(taken):
            raise ValueError(f"splits: two have the same {kind}")
        if self.random.group_pattern and self.table is not None and self.table.group is not None:
            raise ValueError("random.group_pattern: the table has a column `group` already; leave one out")
        return self


def _check_shares(splits: Mapping[str, Any]) -> None:
    if sum(split.share or 0 for split in splits.values()) > 1 + 1e-9:
        raise ValueError(f"splits: the shares of {', '.join(splits)} are more than 1 in all")


def _check_dealing(random: RandomSplits, labels: str, dealt: bool) -> None:
    if "stratify" in random.model_fields_set:
        if not dealt:
            raise ValueError("random.stratify: the splits are given, nothing is dealt out")
        if random.stratify and labels != "classes":
            raise ValueError(f"random.stratify: labels that are {labels} have no classes")


def _array(name: str) -> str:
    file, colon, array = _below(name).partition(":")
    if file.lower().endswith(".npz"):
        if not array:
            raise ValueError(f"name an array of the file: {file}:array")
    elif colon:
        raise ValueError(f"{file} is no .npz file; of others give the path alone")
    return name


Array = Annotated[str, Field(min_length=1), AfterValidator(_array)]  # `faces.npz:images`, or the path of a file
_IMAGES = "Of the images: (images, height, width) or (..., channels), 8 or 16 bits, colours red first."
_LABELS = "Of their labels: classes as whole numbers from 0 or as names, or counts, or numbers."
_GROUPS = "Of what must not be parted, such as a patient, where there is one: a number or a name for each image."
_WEIGHTS = "Of weights in the training loss, where there is one."


class Arrays(Strict):
    """Arrays of images and of what is known of them: `faces.npz:images`, `images.npy`, or the name of an IDX file."""

    images: Array = Field(description=_IMAGES)
    labels: Array = Field(description=_LABELS)
    groups: Array | None = Field(None, description=_GROUPS)
    weights: Array | None = Field(None, description=_WEIGHTS)


class ArraySplit(Strict):
    """One split of arrays of your own: all of them, a `share`, or a `number` from the `first` on."""

    images: Array | None = Field(None, description=f"{_IMAGES} Left out: all arrays are those under `arrays`.")
    labels: Array | None = Field(None, description=_LABELS)
    groups: Array | None = Field(None, description=_GROUPS)
    weights: Array | None = Field(None, description=_WEIGHTS)
    share: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="A part of the images, dealt out at random; see `random`."
    )
    first: Annotated[int, Field(ge=0)] | None = Field(
        None, description="The first image of the split, counted from 0. Left out: the first there is."
    )
    number: PositiveInt | None = Field(None, description="How many images. Left out: all from `first` on.")

    @model_validator(mode="after")
    def _one_way(self) -> "ArraySplit":
        given = self.model_dump(exclude_none=True)
        if ("images" in given) != ("labels" in given):
            raise ValueError("images and labels: give both, or neither")
        if "images" not in given and (others := given.keys() & {"groups", "weights"}):
            raise ValueError(f"{others.pop()}: give images and labels, too, or name it under `arrays`")
        if "share" in given and (others := given.keys() & {"first", "number"}):
            raise ValueError(f"{others.pop()}: images of a `share` are dealt out at random; leave one out")
        return self

    def own(self) -> Arrays | None:
        """Its arrays, where it names some."""
        names = self.model_dump(include={*Arrays.model_fields}, exclude_none=True)
        return Arrays(**names) if names else None


class ArraysDataset(OwnDataset):
    """Images of your own in arrays: .npz and .npy files, as numpy saves them, and IDX files, as MNIST has them."""

    source: Literal["arrays"] = Field(
        description="Where the images come from: `arrays` of your own, in .npz, .npy or IDX files."
    )
    arrays: Arrays | None = Field(None, description="The arrays of all splits that name none of their own.")
    splits: Annotated[dict[Name, ArraySplit], Field(min_length=1)] = Field(description="The splits, by name.")
    random: RandomSplits = Field(RandomSplits(), description="How images are dealt out, where splits have a `share`.")

    def by_arrays(self) -> list[tuple[Arrays, dict[str, ArraySplit]]]:
        """The arrays that are read, each with the splits that take their images from them."""
        found: list[tuple[Arrays, dict[str, ArraySplit]]] = []
        for name, split in self.splits.items():
            arrays = split.own() or self.arrays
            if arrays is None:
                raise ValueError(f"splits.{name}: names no images and labels, and `arrays` does neither")
            same = next((splits for other, splits in found if other == arrays), None)
            if same is None:
                found.append((arrays, same := {}))
            same[name] = split
        return found

    def named(self) -> dict[str, str]:
        """The files of the arrays."""
        places = {"arrays": self.arrays} | {f"splits.{name}": split.own() for name, split in self.splits.items()}
        return {
            f"{place}.{key}": name.partition(":")[0]
            for place, arrays in places.items()
            if arrays is not None
            for key, name in arrays.model_dump(exclude_none=True).items()
        }

    def files(self) -> list[str]:
        """The files in `folder` that are read."""
        return sorted({*self.named().values()})

    @model_validator(mode="after")
    def _arrays_fit(self) -> "ArraysDataset":
        found = self.by_arrays()
        if self.arrays is not None and all(arrays != self.arrays for arrays, _ in found):
            raise ValueError("arrays: every split names its own")
        images = [arrays.images for arrays, _ in found]
        if twice := next((name for name in images if images.count(name) > 1), None):
            raise ValueError(f"splits: the images of {twice} have one array each of labels, groups and weights")
        if len({arrays.groups is None for arrays, _ in found}) > 1:
            raise ValueError("splits: some have groups, others have none: name them for all")
        for _, splits in found:
            shares = [split.share is not None for split in splits.values()]
            if any(shares) and not all(shares):
                raise ValueError(f"splits: of {', '.join(splits)}, which share images, all have a `share`, or none")
            _check_shares(splits)
        _check_dealing(self.random, self.labels, any(split.share for split in self.splits.values()))
        return self
