"""Read the raw images of a dataset: drawn ones, IDX, CSV and .npz files, a user's own image files and arrays."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.data import idx, npz
from calotype.data.array_files import open_array
from calotype.data.image_file import Alpha, digest, read_picture
from calotype.util.errors import CalotypeError, with_hint
from calotype.util.files import sha256

JPEG_END = b"\xff\xd9"
# Number, label (a count, a class, or any number), image of shape (height, width, channels).
Record = tuple[int, int | float, NDArray[np.uint8] | NDArray[np.uint16]]


@dataclass(frozen=True)
class Raw:
    """The raw images of a split.

    Attributes:
        size: how many there are.
        records: number, label and pixels (height, width, channels) of each, read as they are asked for.
        minimum, maximum: the range of the labels, where they are counts: of drawn images the one they were drawn from,
            of others that of the split.
        classes: how many classes there are, where the labels are classes, which count from 0.
        weights: of each image in the training loss, shape (images,), where they have any.
        groups: of each image, by number: what must not be parted, such as a patient; shape (images,), where there are.
        names: of each image, for errors; None where its number says enough.
    """

    size: int
    records: Iterator[Record]
    minimum: int | None = None
    maximum: int | None = None
    classes: int | None = None
    weights: NDArray[np.float32] | None = None
    groups: NDArray[np.int32] | None = None
    names: Sequence[str] | None = None

    @property
    def numbers(self) -> bool:
        """Whether the labels are any numbers, neither counts nor classes."""
        return self.classes is None and self.minimum is None


def read_labels(folder: Path, minimum: int, maximum: int) -> pd.DataFrame:
    """Read the labels of a folder of drawn images and hold them against the images that are there.

    Returns:
        Columns ``imageId`` and ``numberOfFeatures``, int64, in the order of the file.

    Raises:
        CalotypeError: the file is missing or not as expected, a count is out of range, an id stands twice, or
            labels and images do not match.
    """
    file = folder / "labels.csv"
    hint = f"delete {folder} to have it drawn again."
    try:
        table = pd.read_csv(file, usecols=["imageId", "numberOfFeatures"], dtype=np.int64)
    except FileNotFoundError:
        raise CalotypeError(f"{file}: there is no such file.", hint) from None
    except (ValueError, OSError) as error:
        problem = " ".join(str(error).split())
        raise CalotypeError(f"{file}: not a table of imageId and numberOfFeatures: {problem}.", hint) from None
    wrong = table.loc[~table.numberOfFeatures.between(minimum, maximum), ["imageId", "numberOfFeatures"]]
    for number, count in wrong.to_numpy():
        raise CalotypeError(f"{file}: image {number}: the count {count} is not in {minimum}..{maximum}.", hint)
    if table.imageId.duplicated().any():
        raise CalotypeError(
            f"{file}: image {table.imageId[table.imageId.duplicated()].iloc[0]} stands there twice.", hint
        )
    labelled = {f"img{number}.jpg" for number in table.imageId}
    try:
        there = {name for name in os.listdir(folder) if name.endswith(".jpg")}
    except OSError as error:
        raise CalotypeError(f"{folder}: cannot be read: {error.strerror}.", hint) from None
    for names, problem in (
        (labelled - there, "has a label, but there is no such image"),
        (there - labelled, "has no label"),
    ):
        if names:
            more = f" ({len(names)} in all)" if len(names) > 1 else ""
            raise CalotypeError(f"{folder / min(names)}: {problem}{more}.", hint)
    return table


def _broken(path: Path | str, problem: str) -> CalotypeError:
    return CalotypeError(f"{path}: {problem}.", f"delete {Path(path).parent} to have it drawn again.")


def read_image(path: Path | str, width: int) -> NDArray[np.uint8]:
    """Read a drawn image, shape (width, width, 3), uint8. Its channels are equal: none comes first.

    Raises:
        CalotypeError: the file is missing, truncated, no image, or of another size.
    """
    try:
        with open(path, "rb", buffering=0) as file:  # a buffer would only be one more copy
            content = file.read()
    except OSError as error:
        raise _broken(path, f"cannot be read: {error.strerror}") from None
    # OpenCV fills what a truncated JPEG lacks with grey and only warns.
    if not content.rstrip(b"\0").endswith(JPEG_END):
        raise _broken(path, f"truncated, or not a JPEG file ({len(content)} bytes)")
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise _broken(path, "OpenCV cannot read this image")
    if image.shape != (width, width, 3):
        raise _broken(path, f"{image.shape[1]} x {image.shape[0]} px instead of {width} x {width}")
    return np.asarray(image, np.uint8)


def read_drawn(folder: Path, *, width: int, minimum: int, maximum: int) -> Raw:
    """The images of a split that was drawn.

    Raises:
        CalotypeError: an image or a label is missing or broken; it is named. Images are read, and may raise, later.
    """
    labels = read_labels(folder, minimum, maximum)
    if labels.empty:
        raise CalotypeError(f"{folder}: there are no images.", f"delete {folder} to have it drawn again.")
    records = (
        (number, count, read_image(f"{folder}/img{number}.jpg", width))
        for number, count in zip(labels.imageId.tolist(), labels.numberOfFeatures.tolist(), strict=True)
    )
    return Raw(len(labels), records, minimum=minimum, maximum=maximum)


def _part(
    images: NDArray[Any], labels: NDArray[np.int64], file: Path, first: int, number: int | None, classes: int
) -> Raw:
    """A part of the images of a file, shape (images, height, width, ...); each keeps its number in the file, from 0."""
    last = len(images) if number is None else first + number
    if not first < last <= len(images):
        raise CalotypeError(
            f"{file}: image {max(first, last - 1)}, counted from 0, is asked for, but there are {len(images)}.",
            "see `first` and `number` of this split in datasets.yaml.",
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise CalotypeError(
            f"{file}: image {wrong[0]}: the label {labels[wrong[0]]} is not one of the {classes} classes, 0 to "
            f"{classes - 1}.",
            "see `classes` of this dataset in datasets.yaml.",
        )
    pixels = np.asarray(images)  # a slice of an array costs much less than one of a memory map
    pixels = pixels[..., None] if pixels.ndim == 3 else pixels
    records = ((i, int(labels[i]), pixels[i]) for i in range(first, last))
    return Raw(last - first, records, classes=classes)


def _fetched(folder: Path) -> AbstractContextManager[None]:
    return with_hint(f"delete {folder} to have it fetched again.")


def read_idx_part(folder: Path, *, images: str, labels: str, first: int, number: int | None, classes: int) -> Raw:
    """A part of the images of a pair of IDX files.

    Raises:
        CalotypeError: a file is missing or broken, or has too few images or a label that is no class.
    """
    with _fetched(folder):
        return _part(*idx.read_images(folder / images, folder / labels), folder / images, first, number, classes)


def read_csv_part(folder: Path, *, table: str, first: int, number: int | None, classes: int) -> Raw:
    """A part of the images of a CSV file: a line an image, the pixels of a square row by row, then the label.

    Raises:
        CalotypeError: the file is missing or not such a table, or has too few images or a label that is no class.
    """
    with _fetched(folder):
        return _part(*_read_table(folder / table), folder / table, first, number, classes)


def _read_table(file: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    try:
        numbers = np.loadtxt(file, delimiter=",", dtype=np.int64, ndmin=2)
    except (OSError, ValueError) as error:
        problem = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error).rstrip(".")
        raise CalotypeError(f"{file}: not a table of whole numbers: {problem}.") from None
    width = round((numbers.shape[1] - 1) ** 0.5)
    if width < 1 or width**2 != numbers.shape[1] - 1:
        raise CalotypeError(f"{file}: {numbers.shape[1] - 1} pixels in a line are no square.")
    pixels = numbers[:, :-1]
    if pixels.size and not 0 <= pixels.min() <= pixels.max() <= 255:
        raise CalotypeError(f"{file}: a pixel is not in 0..255.")
    return pixels.astype(np.uint8).reshape(-1, width, width), numbers[:, -1]


def read_npz_part(
    folder: Path, *, file: str, images: str, labels: str, first: int, number: int | None, classes: int
) -> Raw:
    """A part of the images of an .npz file.

    Raises:
        CalotypeError: the file is missing or broken, or has no such arrays, too few images or a label that is no class.
    """
    with _fetched(folder):
        return _part(*npz.read_images(folder / file, images, labels), folder / file, first, number, classes)


def _catalogued(
    catalogue: Path, split: str, labels: str, classes: int, records: Callable[[pd.DataFrame], Iterator[Record]]
) -> Raw:
    """The images of a split as the catalogue lists them; `records` reads those of its lines."""
    kinds = {"path": str, "split": str, "group": str, "sha256": str}
    table = pd.read_csv(catalogue, dtype=kinds, keep_default_na=False)
    table = table[table.split == split].astype({"label": np.float64 if labels == "numbers" else np.int64})
    facts: dict[str, int] = {}
    if labels == "classes":
        facts = {"classes": classes}
    elif labels == "counts":  # of this split alone: targets are scaled by it, and a training must see no test label
        facts = {"minimum": int(table.label.min()), "maximum": int(table.label.max())}
    weights = table.weight.to_numpy(np.float32) if "weight" in table else None
    groups = pd.factorize(table.group)[0].astype(np.int32) if "group" in table else None
    names = table.path if "sha256" in table else table.path + ", image " + table.number.astype(str)
    return Raw(len(table), records(table), weights=weights, groups=groups, names=names.tolist(), **facts)


def _changed(what: str) -> CalotypeError:
    return CalotypeError(
        f"{what}: was changed after it was catalogued.", "call Snakemake again: it catalogues the images anew."
    )


def read_catalogued_files(folder: Path, *, split: str, catalogue: Path, alpha: Alpha, labels: str, classes: int) -> Raw:
    """The images of a split of a user's own files.

    Args:
        folder: that holds the images.
        split: its name.
        catalogue: the table that `catalogue.write_catalogue` wrote.
        alpha: what to do with transparency.
        labels: what they are: classes, counts or numbers.
        classes: how many there are.

    Raises:
        CalotypeError: an image is missing, broken, or not the one that was catalogued. Images are read later.
    """

    def records(table: pd.DataFrame) -> Iterator[Record]:
        for number, path, label, known in zip(table.number, table.path, table.label, table.sha256, strict=True):
            picture = read_picture(folder / path, alpha=alpha)
            if picture.sha256 != known:
                raise _changed(str(folder / path))
            yield int(number), label, picture.pixels

    return _catalogued(catalogue, split, labels, classes, records)


def read_catalogued_arrays(folder: Path, *, split: str, catalogue: Path, labels: str, classes: int) -> Raw:
    """The images of a split of a user's own arrays.

    The array of the images is opened once, when the first is asked for: one of an .npz file is then in memory as it was
    saved, the others are mapped. No image of it is copied.

    Args:
        folder: that holds the files.
        split: its name.
        catalogue: the table that `catalogue.write_catalogue` wrote.
        labels: what they are: classes, counts or numbers.
        classes: how many there are.

    Raises:
        CalotypeError: a file is missing, broken, or has another image than the one that was catalogued.
    """

    def records(table: pd.DataFrame) -> Iterator[Record]:
        path = str(table.path.iloc[0])  # all of a split come from one array
        pixels = np.asarray(npz.as_images(open_array(folder, path), path))
        for number, label, known in zip(table.number.tolist(), table.label, table.pixels, strict=True):
            if number >= len(pixels) or digest(pixels[number]) != known:
                raise _changed(f"{folder / path}, image {number}")
            yield number, label, pixels[number]

    return _catalogued(catalogue, split, labels, classes, records)


READERS: Mapping[str, Callable[..., Raw]] = {
    "dots": read_drawn,
    "idx": read_idx_part,
    "csv": read_csv_part,
    "npz": read_npz_part,
    "images": read_catalogued_files,
    "arrays": read_catalogued_arrays,
}


def read_raw(source: str, folder: Path, files: Mapping[str, str] | None = None, **where: Any) -> Raw:
    """The raw images of a split.

    Args:
        source: the kind of its dataset, as in datasets.yaml.
        folder: of its files.
        files: names and SHA-256 of the files that it is read from, where they were fetched.
        where: the further keywords of that kind.

    Raises:
        CalotypeError: a file is missing or broken, or not the one that was verified.
    """
    for name, checksum in (files or {}).items():
        if (folder / name).is_file() and sha256(folder / name) != checksum:
            raise CalotypeError(
                f"{folder / name}: its content is not what datasets.yaml says (SHA-256).",
                f"delete {folder} to have it fetched again; or change `fetch.files`, if this is the file you want.",
            )
    return READERS[source](folder, **where)
