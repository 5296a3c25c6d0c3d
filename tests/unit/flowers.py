"""Datasets of a user's image files: a folder for each class, or a table of labels; and their catalogue."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from calotype.config.dataset_images import ImagesDataset
from calotype.data.catalogue import write_catalogue
from calotype.data.readers import Raw, read_raw
from calotype.util.yaml_validation import validate

CLASSES = ["daisy", "rose", "tulip"]
EACH = 10  # images of a class
HALVES = {"train": {"share": 0.5}, "test": {"share": 0.5}}
TABLE = {"file": "labels.csv"}
GIVEN = {"train": {"value": "train"}, "test": {"value": "test"}}
FULL = TABLE | {"split": "split", "weight": "weight", "group": "plate"}


def image(number: int, *, width: int = 6) -> Image.Image:
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (5, width, 3), np.uint8))


def grow_flowers(folder: Path) -> Path:
    """Return a folder with a folder of images for each class."""
    for label, name in enumerate(CLASSES):
        (folder / "flowers" / name).mkdir(parents=True)
        for i in range(EACH):
            image(100 * label + i).save(folder / f"flowers/{name}/{i}.png")
    return folder / "flowers"


def grow_cells(folder: Path) -> Path:
    """Return a folder of images with a table of their labels."""
    (folder / "cells/raw").mkdir(parents=True)
    lines = ["image,label,split,weight,plate"]
    for i in range(12):
        image(i).save(folder / f"cells/raw/{i}.png")
        lines.append(f"raw/{i}.png,{CLASSES[i % 3]},{'train' if i < 8 else 'test'},{i / 2},plate-{i // 2}")
    (folder / "cells/labels.csv").write_text("\n".join(lines) + "\n")
    return folder / "cells"


def dataset(folder: Path, /, **keys) -> ImagesDataset:
    entry = {"source": "images", "folder": str(folder), "classes": CLASSES, "splits": HALVES} | keys
    return validate(ImagesDataset, {key: value for key, value in entry.items() if value is not None}, "datasets.yaml")


def catalogue(folder: Path, /, **keys) -> pd.DataFrame:
    """Return the catalogue in natural order of the paths: 2.png before 10.png."""
    files = folder.parent / "catalogue.csv", folder.parent / "catalogue.json"
    write_catalogue(dataset(folder, **keys), *files)
    found = pd.read_csv(files[0], dtype={"path": str, "split": str, "group": str}, keep_default_na=False)
    padded = found.path.str.replace(r"\d+", lambda number: number[0].zfill(3), regex=True)
    return found.iloc[padded.argsort()].reset_index(drop=True)


def raw_of(folder: Path, split: str, **keys) -> Raw:
    """Return the images of a split in the catalogue."""
    made = dataset(folder, **keys)
    listed = {"split": split, "catalogue": folder.parent / "catalogue.csv"}
    return read_raw(made.reader, folder, **listed, **made.reading(split))
