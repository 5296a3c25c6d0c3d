"""A missing file or folder is answered with the closest one, and never with a wrong hint."""

from calotype.util.errors import nearest_path

START = "paths start from the working directory."


def test_a_mistyped_folder_is_answered_with_the_one_beside_it(tmp_path, monkeypatch):
    (tmp_path / "leaves").mkdir()
    (tmp_path / "leafs.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert nearest_path(tmp_path / "leafs", folder=True) == f"did you mean `{tmp_path}/leaves`?"
    assert nearest_path("leafs/", folder=True) == nearest_path("leafs/train", folder=True) == "did you mean `leaves`?"
    assert nearest_path("leaf.txt") == "did you mean `leafs.txt`?"
    assert nearest_path("leaf.txt", folder=True) != "did you mean `leafs.txt`?"


def test_only_a_relative_path_is_said_to_start_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert nearest_path("nowhere/leafs") == START
    assert nearest_path("zzz") == START
    assert nearest_path(tmp_path / "zzz/train") == f"correct the path: {tmp_path} has no `zzz`."
    assert nearest_path("x" * 300) == START
