"""A file that a user's function reads is declared: an edit of it trains again, a missing one stops no job halfway."""

import pytest

from calotype.config.static_checks import check_files
from calotype.util.errors import CalotypeError
from calotype.util.files import declared_contents


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/one.npy").write_bytes(b"1")
    (tmp_path / "weights/two.npy").write_bytes(b"2")


@pytest.mark.parametrize(
    ("files", "arguments"),
    [
        ([], {"units": [3, 4], "activation": "relu", "rate": 0.5, "other": "nowhere/one.npy"}),
        (["weights/one.npy"], {"weights": "weights/one.npy", "again": "./weights/../weights/one.npy"}),
        (["weights"], {"weights": "weights/one.npy", "more": {"deep": ["weights/two.npy", "weights/"]}}),
        (["weights/one.npy"], {}),
    ],
)
def test_what_is_declared_or_is_no_path_passes(files, arguments):
    check_files(files, arguments, "study.yaml: variants.wide", "model_arguments")


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ({"weights": "weights/two.npy"}, "weights"),
        ({"deep": {"files": [1, "weights/two.npy"]}}, "deep.files.1"),
    ],
)
def test_a_path_that_is_not_declared_is_refused_with_how_to_declare_it(arguments, key):
    with pytest.raises(CalotypeError) as problem:
        check_files(["weights/one.npy"], arguments, "study.yaml: variants.wide", "model_arguments")
    found, hint = str(problem.value).split("\nHint: ")
    assert found.startswith(f"study.yaml: variants.wide.model_arguments.{key}: weights/two.npy is an undeclared file")
    assert hint == "add `files: [weights/one.npy, weights/two.npy]` beside `model_arguments`."


def test_a_declared_file_that_is_missing_is_named_with_its_key():
    with pytest.raises(CalotypeError, match=r"^datasets\.yaml: dots\.prepare\.1\.custom\.files\.1: none\.npy not f"):
        check_files(["weights/one.npy", "none.npy"], {}, "datasets.yaml: dots.prepare.1.custom", "arguments")


def test_content_counts_and_neither_time_nor_place(tmp_path):
    def found(*paths):
        return [*declared_contents(paths, tmp_path / "known.json").values()]

    before = found("weights/one.npy", "weights")
    (tmp_path / "weights/one.npy").touch()
    assert found("weights/one.npy", "weights") == before
    assert found(f"{tmp_path}/weights/one.npy")[0] != before[1]
    (tmp_path / "weights").rename(tmp_path / "elsewhere")
    assert found("elsewhere/one.npy", "elsewhere") == before
    (tmp_path / "elsewhere/two.npy").write_bytes(b"3")
    assert found("elsewhere/one.npy", "elsewhere") == [before[0], found("elsewhere")[0]]
    assert found("elsewhere")[0] != before[1]
    (tmp_path / "elsewhere/two.npy").write_bytes(b"2")
    (tmp_path / "elsewhere/two.npy").rename(tmp_path / "elsewhere/three.npy")
    assert found("elsewhere")[0] != before[1]
