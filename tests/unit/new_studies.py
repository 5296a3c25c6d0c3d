"""Images, a table of them, and the studies that `new_study` writes for them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from calotype.config import load
from calotype.planning.findings import findings
from calotype.planning.folder_scan import FolderScan, scan_folder
from calotype.planning.new_study import write_study
from calotype.util.errors import CalotypeError

NUMBER = 20
TREES = [("ash", "elm")[i % 2] for i in range(NUMBER)]
CLASSES = {"beech": 12, "oak": 9, "10 mm": 8, "2 mm": 8}
HEADER = """# The datasets.

dots:
  source: dots
  splits:
    train: {images: 10, seed: 1}
    test: {images: 5, seed: 2}
"""


def image(number: int, size: tuple[int, int] = (20, 20), channels: int = 3) -> Image.Image:
    pixels = np.random.default_rng(number).integers(0, 256, (*size, channels), np.uint8)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


def fill(folder: str, first: Image.Image, number: int = 5) -> None:
    """Write different images like the first one into a new folder."""
    Path(folder).mkdir(parents=True)
    for i in range(number):
        each = first.copy()
        each.putpixel((i, 0), 0 if first.mode == "L" else (0, 0, 0))
        each.save(Path(folder, f"{i}.png"))


TABLE = "File Name,species,part,patient,weight\n" + "".join(
    f"img/{i}.png,{'oak' if i % 2 else 'beech'},{'train' if i < 6 else 'val' if i < 8 else 'test'},p{i // 2},1.5\n"
    for i in range(10)
)


def started(place: Path, name: str = "mine") -> load.Config:
    """Return the config with a new study in it, as the next call reads it."""
    settings = {"studies": ["dots"]}
    write_study(name, scan_folder(place), load.validate(load.Settings, settings, "load.yaml"))
    return load.load(settings | {"studies": [name]})


def steps_for(place: Path) -> list:
    """Return the preparation steps that are chosen for images."""
    started(place)
    return yaml.safe_load(Path("config/datasets.yaml").read_text())["mine"]["prepare"]


def relabelled(table: Path, header: str, *columns: Sequence[object]) -> str:
    """Return the message for a folder whose table has these additional columns."""
    lines = [f"img/{i}.png,{','.join(map(str, line))}" for i, line in enumerate(zip(*columns, strict=True))]
    (table / "labels.csv").write_text("\n".join([header, *lines]) + "\n")
    return "\n".join(findings("mine", scan_folder(table)))


def numbered(folder: str = "x") -> list[str]:
    """Write images without folders of classes; return their names."""
    Path(folder).mkdir(parents=True)
    for i in range(NUMBER):
        image(i).save(Path(folder, f"{i}.png"))
    return [f"{i}.png" for i in range(NUMBER)]


def table(header: str, *columns: Sequence[object], file: str = "x/labels.csv") -> None:
    lines = [",".join(map(str, line)) for line in zip(*columns, strict=True)]
    Path(file).write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def two_classes() -> list[str]:
    """Write a folder for each of two classes; return the paths of the images."""
    fill("x/ash", image(1), 10)
    fill("x/elm", image(2), 10)
    return [f"{name}/{i}.png" for name in ("ash", "elm") for i in range(10)]


def scanned(place: str = "x", **asked: Any) -> FolderScan:
    return scan_folder(Path(place), load.Settings(**asked))


def lines_of(place: str = "x", **asked: Any) -> list[str]:
    return [line.strip() for line in findings("mine", scanned(place, **asked))]


def refused(*parts: str, place: str = "x", **asked: Any) -> None:
    with pytest.raises(CalotypeError) as caught:
        scanned(place, **asked)
    for part in (*parts, "\nHint: "):
        assert part in str(caught.value)
