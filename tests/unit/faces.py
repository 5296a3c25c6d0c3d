"""A dataset of a user's images in arrays, and its catalogue."""

import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from calotype.config.dataset_arrays import ArraysDataset
from calotype.data.catalogue import write_catalogue
from calotype.util.errors import CalotypeError
from calotype.util.yaml_validation import validate

NUMBER = 30
IMAGES = np.random.default_rng(1).integers(0, 256, (NUMBER, 5, 4, 3), np.uint8)
LABELS = np.arange(NUMBER) % 3
PEOPLE = np.arange(NUMBER) // 3
CLASSES = ["calm", "glad", "sad"]
FACES = {"images": "faces.npz:images", "labels": "faces.npz:labels"}
HALVES = {"train": {"share": 0.5}, "test": {"share": 0.5}}
TRAIN = {"images": "train-images-idx3-ubyte", "labels": "train-labels-idx1-ubyte"}
TEST = {"images": "t10k-images-idx3-ubyte", "labels": "t10k-labels-idx1-ubyte"}


def idx(array: np.ndarray) -> bytes:
    """Return an array as the content of an IDX file."""
    return (
        bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()
    )


def fill(folder: Path) -> Path:
    """Return a folder with the same images in an .npz file, in .npy files, and, grey, in IDX files."""
    (folder / "faces").mkdir()
    save(folder / "faces")
    np.save(folder / "faces/images.npy", IMAGES)
    np.save(folder / "faces/labels.npy", LABELS)
    for part, chosen in (("train", slice(0, 20)), ("t10k", slice(20, None))):
        (folder / f"faces/{part}-images-idx3-ubyte").write_bytes(idx(IMAGES[chosen, ..., 0]))
        (folder / f"faces/{part}-labels-idx1-ubyte").write_bytes(idx(LABELS[chosen]))
    return folder / "faces"


def save(folder: Path, **arrays: object) -> None:
    """Save the .npz file, with other arrays in the place of some."""
    known = {"images": IMAGES, "labels": LABELS, "people": PEOPLE}
    np.savez(folder / "faces.npz", **{name: np.asarray(array) for name, array in (known | arrays).items()})


def dataset(folder: Path, /, **keys) -> ArraysDataset:
    entry = {"source": "arrays", "folder": str(folder), "classes": CLASSES, "arrays": FACES, "splits": HALVES} | keys
    return validate(ArraysDataset, {key: value for key, value in entry.items() if value is not None}, "datasets.yaml")


def catalogue(folder: Path, /, **keys) -> pd.DataFrame:
    """Return the catalogue, in the order of the arrays."""
    files = folder.parent / "catalogue.csv", folder.parent / "catalogue.json"
    write_catalogue(dataset(folder, **keys), *files)
    found = pd.read_csv(files[0], dtype={"split": str, "group": str}, keep_default_na=False)
    return found.sort_values(["path", "number"], ignore_index=True)


def refused(folder: Path, /, **keys) -> str:
    with pytest.raises(CalotypeError) as problem:
        catalogue(folder, **keys)
    return str(problem.value)
