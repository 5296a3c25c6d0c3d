"""Images are identified by content: a copy or a new time stamp computes nothing again."""

import os
import shutil
from pathlib import Path

import pytest

from calotype.util.errors import CalotypeError
from calotype.util.files import contents, files_below


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with files in subfolders."""
    for name in ("a/1.png", "a/2.png", "b/1.png", "Thumbs.db", ".hidden"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / name).write_text(name)
    return tmp_path / "images"


def seen(folder: Path, known: str = "known.json") -> str:
    return contents(folder, ["Thumbs.db"], folder.parent / known)


def test_a_touched_or_copied_folder_is_the_same(folder):
    before = seen(folder)
    os.utime(folder / "a/1.png", (1, 1))
    assert seen(folder) == before
    shutil.copytree(folder, folder.parent / "copy")
    assert contents(folder.parent / "copy", ["Thumbs.db"], folder.parent / "other.json") == before


@pytest.mark.parametrize("change", ["edit", "add", "remove", "rename"])
def test_a_change_of_images_is_noticed(folder, change):
    before, file = seen(folder), folder / "a/1.png"
    if change == "edit":
        file.write_text("b/1.png")
        os.utime(file, (5, 5))
    elif change == "add":
        (folder / "b/3.png").write_text("new")
    elif change == "remove":
        file.unlink()
    else:
        file.rename(folder / "a/0.png")
    assert seen(folder) != before


def test_hidden_and_ignored_files_do_not_count(folder):
    before = seen(folder)
    (folder / ".hidden").write_text("other")
    (folder / "Thumbs.db").write_text("other")
    assert seen(folder) == before


def test_all_characters_of_a_pattern_but_stars_and_question_marks_are_literal(folder):
    for name in ("notes[1].txt", "notes1.txt", "[.txt"):
        (folder / name).write_text(name)
    names = [Path(file).name for file in files_below(folder, ["notes[1].txt", "[.*", "?.png"])]
    assert sorted(names) == ["Thumbs.db", "notes1.txt"]


def test_only_named_files_count_if_some_are_named(folder):
    named = contents(folder, None, folder.parent / "known.json", ["a/1.png", "nowhere.npz"])
    (folder / "a/2.png").write_text("other")
    assert contents(folder, None, folder.parent / "known.json", ["a/1.png", "nowhere.npz"]) == named
    (folder / "a/1.png").write_text("other")
    assert contents(folder, None, folder.parent / "known.json", ["a/1.png", "nowhere.npz"]) != named


@pytest.mark.parametrize("named", ["labels.csv", "./labels.csv"])
def test_labels_corrected_in_a_table_are_noticed_though_other_tables_are_ignored(folder, named):
    """A pattern such as *.csv also matches the table that the config names."""
    (folder / "labels.csv").write_text("image,label\n1.png,cat\n")
    before = contents(folder, ["*.csv"], folder.parent / "known.json", [named])
    (folder / "microscope.csv").write_text("date\n")
    assert contents(folder, ["*.csv"], folder.parent / "known.json", [named]) == before
    (folder / "labels.csv").write_text("image,label\n1.png,dog\n")
    assert contents(folder, ["*.csv"], folder.parent / "known.json", [named]) != before


def test_unchanged_files_are_not_read_again(folder, monkeypatch):
    before = seen(folder)
    monkeypatch.setattr("calotype.util.files.sha256", lambda path: pytest.fail(f"{path} was read again"))
    assert seen(folder) == before


@pytest.mark.parametrize("text", ["", "[]", '{"a"', "null"])
def test_a_damaged_list_of_checksums_is_replaced(folder, text):
    before = seen(folder)
    (folder.parent / "known.json").write_text(text)
    assert seen(folder) == before


def test_a_linked_folder_is_refused(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (folder / "c").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CalotypeError, match="images/c: a link to a folder"):
        seen(folder)


def test_a_missing_folder_counts_as_empty(tmp_path):
    assert contents(tmp_path / "nowhere", [], tmp_path / "known.json") == contents(tmp_path, ["*"], tmp_path / "k.json")
