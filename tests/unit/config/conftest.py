"""Files of the valid config in `unit.mistakes`."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from unit.mistakes import FILES, STUDIES, text_of


@pytest.fixture
def valid_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the valid config, and the folder of images that it names."""
    for name in ("config/studies", "images"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "images/labels.csv").write_text("image,label\n", encoding="utf-8")
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "images/0.png")
    monkeypatch.chdir(tmp_path)
    Path(FILES["datasets"]).write_text(text_of("datasets"), encoding="utf-8")
    for name in STUDIES:
        Path(FILES[name]).write_text(text_of(name), encoding="utf-8")
