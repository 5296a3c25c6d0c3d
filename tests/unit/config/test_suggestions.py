"""Misspelt and old keys are answered with the right one."""

from pathlib import Path
from typing import Any

import pytest
from unit.mistakes import FILES, complaint, content_of, dumped

pytestmark = pytest.mark.usefixtures("valid_config")

MEANT = {
    "config: sedes": "seeds",
    "config: result": "results",
    "config: study": "studies",
    "datasets: leaves.clases": "classes",
    "datasets: leaves.foldr": "folder",
    "datasets: leaves.split": "splits",
    "datasets: leaves.table.lable": "label",
    "datasets: leaves.random.seeds": "seed",
    "datasets: leaves.splits.train.shares": "share",
    "datasets: leaves.prepare.0.widht": "width",
    "datasets: dots.drawing.minimun": "minimum",
    "datasets: digits.fetch.file": "files",
    "leaves: titel": "title",
    "leaves: variant": "variants",
    "leaves: source.link": "title",
    "leaves: defaults.batchsize": "batch_size",
    "leaves: defaults.optimizer.learningrate": "learning_rate",
    "leaves: variants.plain.epoch": "epochs",
    "leaves: variants.more.augment.1.pixel": "pixels",
    "leaves: claims.0.metrics": "metric",
}


def opened(file: str, where: str) -> tuple[Any, Any, int | str]:
    """Return the content of a config file, the place in it that holds a key, and the key."""
    *above, last = (int(step) if step.isdigit() else step for step in where.split("."))
    content = place = content_of(file)
    for key in above:
        place = place[key]
    return content, place, last


def refusal(file: str, content: Any) -> str:
    """Return the error for a config file with this content."""
    if file == "config":
        return complaint(file, content)
    Path(FILES[file]).write_text(dumped(content), encoding="utf-8")
    return complaint(file, None)


@pytest.mark.parametrize("what", MEANT)
def test_a_misspelt_key_is_answered_with_what_was_meant(what):
    file, where = what.split(": ")
    content, place, last = opened(file, where)
    place[last] = 1
    text = refusal(file, content)
    assert "is not a known key" in text
    assert f"`{MEANT[what]}`" in text or f"allowed values are {MEANT[what]}" in text
    assert str(last) in text
