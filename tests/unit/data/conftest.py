"""Images of leaves that are right, and an empty folder to work in."""

from pathlib import Path

import pytest
from unit.leaves import grow


@pytest.fixture(scope="module")
def leaves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images for each class."""
    return grow(tmp_path_factory.mktemp("right"))


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder below another one."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
