"""Images of leaves, flowers, cells and faces that are right, and an empty folder to work in."""

from pathlib import Path

import pytest
from unit.faces import fill
from unit.flowers import grow_cells, grow_flowers
from unit.leaves import grow


@pytest.fixture(scope="module")
def leaves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of images for each class."""
    return grow(tmp_path_factory.mktemp("right"))


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder below another one."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    """Return a folder with a folder of images for each class."""
    return grow_flowers(tmp_path)


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Return a folder of images with a table of their labels."""
    return grow_cells(tmp_path)


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Return a folder with the same images in an .npz file, in .npy files, and, grey, in IDX files."""
    return fill(tmp_path)
