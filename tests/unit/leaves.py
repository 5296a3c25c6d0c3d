"""A dataset of leaves, and all that the workflow does with its images until they are prepared."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from PIL import Image

from calotype.config.dataset_images import ImagesDataset
from calotype.config.load import Config, load
from calotype.config.static_checks import check_folder
from calotype.data.catalogue import write_catalogue
from calotype.preparation.prepare import read_split, write_split
from calotype.steps.registry import read_steps
from calotype.util.errors import CalotypeError
from calotype.util.files import contents

RNG = np.random.default_rng(0)
GREY, COLOUR = RNG.integers(0, 256, (11, 17), np.uint8), RNG.integers(0, 256, (11, 17, 3), np.uint8)
GREY16 = RNG.integers(0, 65536, (11, 17)).astype(np.uint16)
COLOUR16 = RNG.integers(0, 65536, (11, 17, 3)).astype(np.uint16)
ALPHA = RNG.integers(0, 255, (11, 17), np.uint8)
LEAVES: dict[str, Any] = {
    "source": "images",
    "folder": "leaves",
    "classes": ["elm", "oak"],
    "splits": {"train": {"share": 0.5}, "test": {"share": 0.5}},
}
HINT = "Hint: "
INNARDS = ("Traceback", "pydantic", "errno", "validation error", "input_type", "NoneType", "0x7f", "<_io", "codec")
ONE = {"all": {"share": 1.0}}


def grow(folder: Path) -> Path:
    """Write a folder of valid images for each of two classes."""
    leaves = folder / "leaves"
    for label, name in enumerate(("elm", "oak")):
        (leaves / name).mkdir(parents=True)
        for i in range(2):
            Image.fromarray(np.random.default_rng(10 * label + i).integers(0, 256, (5, 6), np.uint8)).save(
                leaves / name / f"{i}.png"
            )
    return leaves


def configured(entry: dict[str, Any]) -> Config:
    """Return a config of one dataset, read as a call of Snakemake reads it."""
    text = {"source": "dots", "splits": {"train": {"images": 1, "seed": 1}, "test": {"images": 1, "seed": 2}}}
    net = {"model": "dense", "loss": "huber", "optimizer": "adam", "epochs": 1, "batch_size": 1}
    study = {"title": "Dots", "dataset": "dots", "task": "count", "tests": ["test"], "variants": {"a": net}}
    Path("config/studies").mkdir(parents=True, exist_ok=True)
    Path("config/datasets.yaml").write_text(
        yaml.safe_dump({"dots": text, "mine": entry}, sort_keys=False), encoding="utf-8"
    )
    Path("config/studies/dots.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    return load({"studies": ["dots"]})


def prepared(entry: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Take a dataset through what the rules `catalogue` and `prepare` do; its splits as they come out."""
    dataset = configured(entry).datasets["mine"]
    if isinstance(dataset, ImagesDataset):
        check_folder(dataset, "config/datasets.yaml: mine")
        with suppress(CalotypeError):  # what is wrong then, the rule itself must say
            contents(Path(dataset.folder), dataset.ignore, Path(".snakemake/mine.json"))
        raw_file, place = Path("results/catalogue.json"), dataset.place()
        write_catalogue(dataset, raw_file.with_suffix(".csv"), raw_file)
    else:
        raw_file, place = Path("data/SHA256SUMS"), None
    for split in dataset.splits:
        preparation = dataset.preparation(split)
        files = Path(f"results/{split}.npy"), Path(f"results/{split}.json")
        raw = read_split(preparation, raw_file, place)
        write_split(raw, *files, split=split, steps=read_steps(preparation["steps"]))
    return {split: np.load(f"results/{split}.npy") for split in dataset.splits}


def refused(entry: dict[str, Any], *parts: str) -> str:
    """Return the error of a dataset; it must be clear, and no file may be left behind."""
    before = sorted(Path().rglob("*"))
    with pytest.raises(CalotypeError) as caught:
        prepared(entry)
    text = str(caught.value)
    for part in parts:
        assert part in text
    assert not [word for word in INNARDS if word in text], text
    assert text.count(HINT) <= 1, text
    assert len(text.splitlines()) <= 9, text
    assert text.isprintable() or all(line.isprintable() for line in text.splitlines()), text
    ours = {"config", "config/datasets.yaml", "config/studies", "config/studies/dots.yaml", ".snakemake"}
    ours |= {".snakemake/mine.json", "results", "results/catalogue.csv", "results/catalogue.json"}
    ours |= {"results/skipped.csv"}
    left = {str(path) for path in {*Path().rglob("*")} - {*before}} - ours
    assert not left
    assert Path("results/catalogue.csv").exists() == Path("results/catalogue.json").exists()
    return text


def by_opencv(suffix: str, pixels: np.ndarray, *how: int) -> bytes:
    """Return a file written by OpenCV, which can write 16 bits in colour."""
    return cv2.imencode(suffix, pixels[..., ::-1] if pixels.ndim == 3 else pixels, how)[1].tobytes()


def write_image(content: bytes, suffix: str) -> None:
    """Write the file as the only image of each of two classes."""
    for name in ("elm", "oak"):
        Path("leaves", name).mkdir(parents=True, exist_ok=True)
        Path("leaves", name, f"image{suffix}").write_bytes(content)


def images_of(**keys: Any) -> NDArray[Any]:
    entry = LEAVES | {"splits": {"all": {"share": 1.0}}, "prepare": []} | keys
    return prepared(entry)["all"]["image"]
