"""Read drawn images of dots and their labels."""

import os
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.data.readers import Raw
from calotype.util.errors import CalotypeError

JPEG_END = b"\xff\xd9"


def read_labels(folder: Path, minimum: int, maximum: int) -> pd.DataFrame:
    """Read the labels of a folder of drawn images, and check them against its images.

    Returns:
        Columns ``imageId`` and ``numberOfFeatures``, int64, in the order of the file.
    """
    file = folder / "labels.csv"
    hint = f"delete {folder}; Snakemake draws it again."
    try:
        table = pd.read_csv(file, usecols=["imageId", "numberOfFeatures"], dtype=np.int64)
    except FileNotFoundError:
        raise CalotypeError(f"{file}: file not found.", hint) from None
    except (ValueError, OSError) as error:
        problem = " ".join(str(error).split())
        raise CalotypeError(f"{file}: not a table of imageId and numberOfFeatures: {problem}.", hint) from None
    wrong = table.loc[~table.numberOfFeatures.between(minimum, maximum), ["imageId", "numberOfFeatures"]]
    for number, count in wrong.to_numpy():
        raise CalotypeError(f"{file}: image {number}: the count {count} is not in {minimum}..{maximum}.", hint)
    if table.imageId.duplicated().any():
        raise CalotypeError(f"{file}: duplicate image {table.imageId[table.imageId.duplicated()].iloc[0]}.", hint)
    labelled = {f"img{number}.jpg" for number in table.imageId}
    try:
        there = {name for name in os.listdir(folder) if name.endswith(".jpg")}
    except OSError as error:
        raise CalotypeError(f"{folder}: cannot be read: {error.strerror}.", hint) from None
    for names, problem in (
        (labelled - there, "has a label, but the image is missing"),
        (there - labelled, "has no label"),
    ):
        if names:
            more = f" ({len(names)} in all)" if len(names) > 1 else ""
            raise CalotypeError(f"{folder / min(names)}: {problem}{more}.", hint)
    return table


def _broken(path: Path | str, problem: str) -> CalotypeError:
    return CalotypeError(f"{path}: {problem}.", f"delete {Path(path).parent}; Snakemake draws it again.")


def read_image(path: Path | str, width: int) -> NDArray[np.uint8]:
    """Read a drawn image, shape (width, width, 3), with three equal channels."""
    try:
        with open(path, "rb", buffering=0) as file:  # a buffer would be one more copy
            content = file.read()
    except OSError as error:
        raise _broken(path, f"cannot be read: {error.strerror}") from None
    # OpenCV fills the missing part of a truncated JPEG with grey.
    if not content.rstrip(b"\0").endswith(JPEG_END):
        raise _broken(path, f"truncated, or not a JPEG file ({len(content)} bytes)")
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise _broken(path, "OpenCV cannot read this image")
    if image.shape != (width, width, 3):
        raise _broken(path, f"{image.shape[1]} x {image.shape[0]} px instead of {width} x {width}")
    return np.asarray(image, np.uint8)


def read_drawn(folder: Path, *, width: int, minimum: int, maximum: int) -> Raw:
    """Return the images of a drawn split; each is read, and may raise, when it is asked for."""
    labels = read_labels(folder, minimum, maximum)
    if labels.empty:
        raise CalotypeError(f"{folder}: no images found.", f"delete {folder}; Snakemake draws it again.")
    records = (
        (number, count, read_image(f"{folder}/img{number}.jpg", width))
        for number, count in zip(labels.imageId.tolist(), labels.numberOfFeatures.tolist(), strict=True)
    )
    return Raw(len(labels), records, minimum=minimum, maximum=maximum)
