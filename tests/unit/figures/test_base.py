"""Figures are the same bytes every time, and their files are written whole or not at all."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from unit.all_figures import FIGURES
from unit.drawings import SUFFIXES, accuracy_by_label, saved, training_curves

from calotype.figures import base
from calotype.util.errors import CalotypeError

ROOT = Path(__file__).parents[3]
STYLE = ROOT / "workflow/report/calotype.mplstyle"
pytestmark = pytest.mark.usefixtures("style", "closed")

ELSEWHERE = """
import hashlib, pathlib, sys
from unit.all_figures import FIGURES
from unit.drawings import saved
from calotype.figures import base
base.use_style(pathlib.Path(sys.argv[1]))
for name, make in reversed(FIGURES.items()):
    for suffix, content in saved(make(), pathlib.Path(sys.argv[2], name)).items():
        print(name, suffix, hashlib.sha256(content).hexdigest())
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """Return the files of each figure, by figure and suffix."""
    return {name: saved(make(), tmp_path_factory.mktemp(name)) for name, make in FIGURES.items()}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Return the SHA-256 of the files of each figure, plotted by another process in another order."""
    made = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(STYLE), str(tmp_path_factory.mktemp("elsewhere"))],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("workflow", "tests")),
            "PYTHONHASHSEED": "7",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return {(name, suffix): digest for name, suffix, digest in map(str.split, made.stdout.splitlines())}


def test_a_figure_is_the_same_bytes_when_plotted_again(printed, tmp_path):
    assert saved(accuracy_by_label(), tmp_path) == printed["accuracy_by_label"]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_the_same_bytes_in_any_process(printed, elsewhere, name, suffix):
    assert hashlib.sha256(printed[name][suffix]).hexdigest() == elsewhere[name, suffix]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_does_not_say_when_it_was_made(printed, name):
    assert b"CreationDate" not in printed[name][".pdf"]
    assert b"<dc:date>" not in printed[name][".svg"]


def test_a_figure_of_fixed_places_is_the_same_in_every_format(tmp_path):
    """Between two files matplotlib would put the style's layout in place of none."""
    figure = training_curves()
    place = figure.axes[0].get_position().bounds
    saved(figure, tmp_path)
    assert figure.axes[0].get_position().bounds == place


def test_a_full_disk_leaves_no_half_figure(tmp_path, files_no_longer_than):
    with pytest.raises(CalotypeError, match=r"figure\.pdf: cannot be written"), files_no_longer_than(2000):
        base.save(accuracy_by_label(), [tmp_path / "figure.pdf"])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_figures_holds_each_in_every_format_and_nothing_older(printed, tmp_path):
    folder = tmp_path / "figures" / "seeds"
    for names in (("source", "left-out"), ("source", "added")):
        with base.new_figures(folder) as save:
            for name in names:
                save(FIGURES["seeds"](), name)
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert files == {f"{name}{suffix}": printed["seeds"][suffix] for name in names for suffix in printed["seeds"]}


def test_a_full_disk_leaves_the_older_folder_of_figures_whole(tmp_path, files_no_longer_than):
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "old.svg").touch()
    with (
        pytest.raises(CalotypeError, match=f"{folder}: cannot be written: File too large"),
        files_no_longer_than(2000),
        base.new_figures(folder) as save,
    ):
        save(accuracy_by_label(), "new")
    assert list(tmp_path.rglob("*")) == [folder, folder / "old.svg"]


def test_figures_do_not_pile_up_in_memory(tmp_path):
    base.save(accuracy_by_label(), [tmp_path / "figure.png"])
    assert plt.get_fignums() == []
