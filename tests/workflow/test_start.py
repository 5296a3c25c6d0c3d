"""The first steps with a user's own images: new_study, check, and the plan that they lead to."""

import re

import numpy as np
import pytest
import yaml
from PIL import Image

# Only on request: the test of the tutorial covers the same path.
pytestmark = [pytest.mark.slow, pytest.mark.soak]
BROKEN = '''"""A model of our own that does not work."""


def net(shape, outputs):
    return shape + outputs
'''


@pytest.fixture
def leaves(fresh):
    """Return a project with images of two classes beside it, whose names contain special characters."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(("größe 1", 'it\'s "2"')):
        folder = fresh.folder / "my leaves" / name
        folder.mkdir(parents=True)
        for i in range(20):
            Image.fromarray(rng.integers(60 * label, 120 + 60 * label, (12, 16, 3), np.uint8)).save(folder / f"{i}.png")
    return fresh


def test_from_a_folder_of_images_to_a_plan_and_mistakes_are_said_all_at_once(leaves):
    printed = leaves.run("new_study", "--config", "name=leaves", "images=my leaves")
    assert "leaves: 40 images in my leaves" in printed
    (command,) = re.findall(r"^Next +snakemake --cores all (.*)$", printed, re.MULTILINE)
    assert command == "check --config 'studies=[leaves]'"
    printed = leaves.run("check", "--config", "studies=[leaves]")
    assert "results/prepared/leaves/train-preview.png" in printed
    said = r"^Jobs +\d+: train 3, predict 1, evaluate 1, claims 1, figures 1, report 1$"
    assert re.search(said, printed, re.MULTILINE), printed
    assert re.search(r"^Disk .* free$", printed, re.MULTILINE)
    assert re.search(r"^Next +snakemake --cores all leaves$", printed, re.MULTILINE)
    # The forecast equals the plan.
    jobs = int(re.findall(r"^Jobs +(\d+)", printed, re.MULTILINE)[0])
    plan = leaves.plan("leaves")
    assert (sum(plan.values()) - 1, plan["train"]) == (jobs, 3)  # less the target itself
    (leaves.folder / "mine.py").write_text(BROKEN, encoding="utf-8")
    file = leaves.folder / "config/studies/leaves.yaml"
    study = yaml.safe_load(file.read_text(encoding="utf-8")) | {"example": 99}
    study["variants"] = {"dense": study["variants"]["dense"] | {"model": "mine.py:net", "model_arguments": {}}}
    file.write_text(yaml.safe_dump(study), encoding="utf-8")
    done = leaves.snakemake("--cores", "2", "check", "--config", "studies=[leaves]")
    printed = done.stdout + done.stderr
    assert done.returncode != 0
    assert "config/studies/leaves.yaml: example: test image 99 not found." in printed
    assert "config/studies/leaves.yaml: variants.dense: model: mine.py:net:" in printed
    assert "Traceback" not in printed
