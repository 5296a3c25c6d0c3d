"""`overwrite=true` replaces the study and the dataset that new_study wrote under a name, and nothing else."""

from pathlib import Path

import pytest
from unit.new_studies import HEADER

from calotype.config import load
from calotype.planning.folder_scan import scan_folder
from calotype.planning.new_study import check_name, write_study
from calotype.util.errors import CalotypeError

DATASETS, STUDY = Path("config/datasets.yaml"), Path("config/studies/mine.yaml")
LATER = """
# Another one.
other:
  source: dots
  splits:
    train: {images: 10, seed: 1}
    test: {images: 5, seed: 2}
"""


def again(place: Path, **asked) -> None:
    settings = load.Settings(**asked)
    check_name("mine", settings, taken=["mine"])
    write_study("mine", scan_folder(place, settings), settings)


@pytest.fixture
def written(table: Path) -> Path:
    """Return a table whose study new_study wrote before another dataset."""
    settings = load.Settings()
    write_study("mine", scan_folder(table), settings)
    DATASETS.write_text(DATASETS.read_text() + LATER)
    return table


def texts() -> tuple[str, str]:
    return DATASETS.read_text(), STUDY.read_text()


def test_what_new_study_wrote_is_replaced_and_all_else_stays(written):
    again(written, overwrite=True, group="none", size=10)
    found = load.load({"studies": ["mine", "dots"]})
    assert found.datasets["mine"].table.group is None
    assert [*found.datasets] == ["dots", "mine", "other"]
    text = DATASETS.read_text()
    assert text.startswith(HEADER)
    assert text.endswith(LATER)
    assert text.count("Written by new_study") == 1


def test_the_same_choices_write_the_same_bytes_again_and_again(written):
    before = texts()
    for _ in range(3):
        again(written, overwrite=True)
    assert texts() == before


def test_without_overwrite_nothing_is_replaced_and_the_way_to_replace_is_said(written):
    before = texts()
    with pytest.raises(CalotypeError, match=r"study `mine` already exists.*\n.*type overwrite=true"):
        again(written)
    STUDY.unlink()
    with pytest.raises(CalotypeError, match=r"dataset `mine` already exists.*\n.*type overwrite=true"):
        again(written)
    assert DATASETS.read_text() == before[0]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (DATASETS, "species", "part"),
        (DATASETS, "mine:\n", "mine:   # my own words\n"),
        (DATASETS, "\n\n# Another one.", "\n  # A note.\n\n# Another one."),
        (DATASETS, "unchanged: ", "unchanged: 0"),
        (STUDY, "# Not run yet.", "# 93 %."),
        (STUDY, "epochs: ", "epochs: 1"),
        (STUDY, "variants:", "variants:\n  more: {model: dense, model_arguments: {units: [3]}}"),
    ],
)
def test_what_was_edited_since_is_not_replaced(written, file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    before = texts()
    with pytest.raises(CalotypeError, match=r"`mine` already exists.* somebody edited it"):
        again(written, overwrite=True)
    assert texts() == before


@pytest.mark.parametrize("part", ["study", "dataset"])
def test_a_study_or_dataset_of_somebody_else_is_not_replaced(table, part):
    if part == "study":
        STUDY.write_text(Path("config/studies/dots.yaml").read_text())
    else:
        DATASETS.write_text(DATASETS.read_text() + LATER.replace("other:", "mine:"))
    before = {path: path.read_text() for path in Path("config").rglob("*.yaml")}
    with pytest.raises(CalotypeError, match=f"{part} `mine` already exists"):
        again(table, overwrite=True)
    assert {path: path.read_text() for path in Path("config").rglob("*.yaml")} == before


def test_comments_around_an_entry_and_line_ends_of_windows_do_not_count_as_edits(written):
    text = DATASETS.read_text().replace("\nmine:", "\n# My leaves.\n\nmine:").replace("\n", "\r\n")
    DATASETS.write_bytes(text.encode())
    again(written, overwrite=True, group="none")
    assert "# My leaves." in DATASETS.read_text()
    assert load.load({"studies": ["mine"]}).datasets["mine"].table.group is None


def test_a_name_that_was_never_written_needs_no_overwrite(table):
    settings = load.Settings(overwrite=True)
    check_name("mine", settings)
    write_study("mine", scan_folder(table), settings)
    assert STUDY.exists()


@pytest.mark.parametrize(("typed", "flag"), [("true", True), ("false", False), (True, True)])
def test_true_on_the_command_line_is_a_text_for_snakemake(typed, flag):
    assert load.Settings(overwrite=typed).overwrite is flag
