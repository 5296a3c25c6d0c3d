"""Datasets of a user's own image files."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from calotype.config.dataset_base import Splits
from calotype.config.dataset_user import Below, OwnDataset, RandomSplits, check_dealing, check_shares
from calotype.util.typed import Strict


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

    reader = "calotype.data.read_catalogued:read_files"
    lister = "calotype.data.catalogue_image_files:list_files"

    source: Literal["images"]
    table: ImageTable | None = Field(
        None, description="A table of their labels. Left out: each class has a folder of its name."
    )
    splits: Splits[ImageSplit]
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

    def may_hold(self, split: str, number: int, limit: int | None = None) -> bool:
        return number > 0

    def place(self) -> dict[str, Any]:
        return super().place() | {"ignore": self.ignore}

    def named(self) -> dict[str, str]:
        return {"table.file": self.table.file} if self.table else {}

    def reading(self, split: str) -> dict[str, Any]:
        return super().reading(split) | {"alpha": self.alpha}

    @model_validator(mode="after")
    def _labels_and_splits_fit(self) -> "ImagesDataset":
        if self.table is None and self.labels != "classes":
            raise ValueError(f"labels: {self.labels} need a table; folders are classes")
        if self.table is None and any(re.search(r"[/\\]|^\.{1,2}$", name) for name in self.classes):
            raise ValueError("classes: each is the name of a folder in `folder`")
        kinds = {key for split in self.splits.values() for key in split.model_dump(exclude_none=True)}
        if len(kinds) > 1:
            raise ValueError(
                f"splits: all have the same of share, folder, value; here are {' and '.join(sorted(kinds))}"
            )
        kind = kinds.pop()
        if kind == "share":
            check_shares(self.splits)
        if kind == "value" and (self.table is None or self.table.split is None):
            raise ValueError("splits: `value` needs table.split, the name of the column")
        if kind != "value" and self.table is not None and self.table.split is not None:
            raise ValueError(f"table.split: the splits have a {kind}, not a `value` of that column")
        if kind == "folder" and self.table is not None:
            raise ValueError("splits: `folder` is for classes in folders; with a table give `value` or `share`")
        check_dealing(self.random, self.labels, kind == "share")
        taken = [getattr(split, kind) for split in self.splits.values()]
        if kind != "share" and len(set(taken)) < len(taken):
            raise ValueError(f"splits: two have the same {kind}")
        if self.random.group_pattern and self.table is not None and self.table.group is not None:
            raise ValueError("random.group_pattern: the table has a column `group` already; leave one out")
        return self
