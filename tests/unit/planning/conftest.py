"""A folder with a config, and images of classes in folders or with a table."""

from pathlib import Path

import pytest
import yaml
from unit.new_studies import CLASSES, HEADER, TABLE, image


@pytest.fixture
def config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a config, the start of relative paths."""
    (tmp_path / "config/studies").mkdir(parents=True)
    (tmp_path / "config/datasets.yaml").write_text(HEADER, encoding="utf-8")
    net = {"model": "dots_source", "loss": "mean_squared_error", "optimizer": "adam", "epochs": 1, "batch_size": 1}
    study = {"title": "Dots", "dataset": "dots", "task": "count", "tests": ["test"], "variants": {"a": net}}
    (tmp_path / "config/studies/dots.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def leaves(config_folder: Path) -> Path:
    """Return a folder of images for each class."""
    for label, (name, number) in enumerate(CLASSES.items()):
        (config_folder / "leaves" / name).mkdir(parents=True)
        for i in range(number):
            image(100 * label + i).save(config_folder / f"leaves/{name}/{i}.png")
    return Path("leaves")


@pytest.fixture
def table(config_folder: Path) -> Path:
    """Return a folder with images and a table of their labels."""
    (config_folder / "x/img").mkdir(parents=True)
    for i in range(10):
        image(i).save(config_folder / f"x/img/{i}.png")
    (config_folder / "x/labels.csv").write_text(TABLE)
    return Path("x")
