"""Datasets of a user's own image files."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from calotype.config.dataset_base import Splits
from calotype.config.dataset_user import Below, RandomSplits, UserDataset, check_random, check_shares
from calotype.steps.base import Step
from calotype.steps.geometry import Pad
from calotype.steps.tone import Invert
from calotype.util.typed import Strict


class ImageTable(Strict):
    """A table with one line per image, and the names of its columns."""

    file: Below = Field(description="A table as CSV or TSV file, in `folder` or below it.")
    image: str = Field("image", description="Column of the images' paths, which start from `folder`.")
    label: str = Field("label", description="Column of the labels.")
    split: str | None = Field(None, description="Column of the splits.")
    weight: str | None = Field(None, description="Column of the weights in the training loss. Default: no weights.")
    group: str | None = Field(
        None, description="Column of groups, such as patients or plates; all images of a group are in the same split."
    )


def _one_folder(name: str) -> str:
    name = name.rstrip("/")
    if not name or "/" in name or name in (".", ".."):
        raise ValueError(f"{name!r} is not the name of one folder in `folder`")
    return name


class ImageSplit(Strict):
    """One split of a user's own images. Give exactly one of the keys."""

    share: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Fraction of the images, split at random; see `random`."
    )
    folder: Annotated[str, AfterValidator(_one_folder)] | None = Field(
        None, description="Folder in `folder` that holds the class folders of this split."
    )
    value: str | None = Field(None, description="Value of this split in the table's column `split`.")

    @model_validator(mode="after")
    def _one_way(self) -> "ImageSplit":
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("give exactly one of share, folder, value")
        return self


class RandomImages(RandomSplits):
    """Settings of random splits of image files."""

    group_pattern: str | None = Field(
        None,
        description="Regular expression whose first group in brackets finds an image's group in its path, such as a "
        "patient; all images of a group are in the same split. Default: the table's column `group`, if any.",
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


class ImagesDataset(UserDataset):
    """Your own image files, with one folder per class or a table of labels."""

    reader = "calotype.data.read_catalogued:read_files"
    lister = "calotype.data.catalogue_image_files:list_files"

    source: Literal["images"]
    table: ImageTable | None = Field(
        None, description="Table of labels. Default: the images of each class are in a folder with its name."
    )
    class_folder: Literal["first", "last"] = Field(
        "first",
        description="Folder that names the class, if folders are nested and there is no table: the first or the last "
        "in an image's path, below the folder of its split.",
    )
    splits: Splits[ImageSplit]
    random: RandomImages = Field(RandomImages(), description="Settings of random splits, for splits with a `share`.")
    alpha: Literal["refuse", "drop", "black", "white"] = Field(
        "refuse", description="Transparent pixels: refuse such images, drop the transparency, or lay them on a colour."
    )
    ignore: list[str] = Field(
        ["Thumbs.db", "desktop.ini"],
        description="File names to ignore, with * and ?. Names that begin with a dot are always ignored.",
    )
    follow_links: bool = Field(
        False, description="Follow links to folders, and to files outside `folder`, which are refused otherwise."
    )
    unusable: Literal["refuse", "skip"] = Field(
        "refuse",
        description="Images that cannot be used, such as damaged files: an error, or skipped and listed in "
        "`skipped.csv`.",
    )
    unlabelled: Literal["refuse", "ignore"] = Field(
        "refuse", description="Images that the table does not name: an error, or ignored."
    )

    def may_hold(self, split: str, number: int, limit: int | None = None) -> bool:
        return number > 0

    def place(self) -> dict[str, Any]:
        return super().place() | {"ignore": self.ignore}

    def skips(self) -> bool:
        return super().skips() or self.unusable == "skip"

    def named(self) -> dict[str, str]:
        return {"table.file": self.table.file} if self.table else {}

    def reading(self, split: str) -> dict[str, Any]:
        return super().reading(split) | {"alpha": self.alpha}

    @model_validator(mode="after")
    def _borders_have_the_background(self) -> "ImagesDataset":
        """Pad cut-outs with the colour behind them; another colour would show their bounding box."""
        white = self.alpha == "white"
        steps: list[Step] = []
        for step in self.prepare:
            white ^= isinstance(step, Invert) and self.alpha in ("black", "white")
            if white and isinstance(step, Pad) and step.border == "value" and step.value is None:
                step = step.model_copy(update={"border": "white"})
            steps.append(step)
        self.__dict__["prepare"] = steps  # the model is frozen
        return self

    @model_validator(mode="after")
    def _labels_and_splits_fit(self) -> "ImagesDataset":
        if self.table is None and self.labels != "classes":
            raise ValueError(f"labels: {self.labels} need a table; folders give classes")
        if self.table is not None and self.class_folder != "first":
            raise ValueError("class_folder: not allowed with a table, which gives the labels")
        if self.table is None and (wrong := [name for name in self.classes if re.search(r"[/\\]|^\.{1,2}$", name)]):
            raise ValueError(
                f"classes: {wrong[0]!r}: must be the name of a folder, without / and \\; rename the folder"
            )
        kinds = {key for split in self.splits.values() for key in split.model_dump(exclude_none=True)}
        if len(kinds) > 1:
            raise ValueError(
                f"splits: all must have the same key (share, folder or value), not {' and '.join(sorted(kinds))}"
            )
        kind = kinds.pop()
        if kind == "share":
            check_shares(self.splits)
        if kind == "value" and (self.table is None or self.table.split is None):
            raise ValueError("splits: `value` needs table.split, the name of the column")
        if kind != "value" and self.table is not None and self.table.split is not None:
            raise ValueError(f"table.split: the splits have a {kind}, not a `value` of that column")
        if kind == "folder" and self.table is not None:
            raise ValueError("splits: `folder` is for class folders; with a table use `value` or `share`")
        check_random(self.random, self.labels, kind == "share")
        taken = [getattr(split, kind) for split in self.splits.values()]
        if kind != "share" and len(set(taken)) < len(taken):
            raise ValueError(f"splits: duplicate {kind}")
        if self.random.group_pattern and self.table is not None and self.table.group is not None:
            raise ValueError("random.group_pattern: the table already has a column `group`; remove one")
        return self
