"""Whatever the source of images, its reader is found by name, and files that changed are refused."""

import hashlib
import inspect
from pkgutil import resolve_name

import pytest

from calotype.config.datasets import DATASETS
from calotype.data.readers import Raw, read_raw
from calotype.util.errors import CalotypeError

READER = DATASETS["csv"].reader
WHERE = {"table": "digits.csv", "first": 0, "number": None, "classes": 4}


@pytest.mark.parametrize("name", DATASETS)
def test_every_source_has_a_reader(name):
    kind = DATASETS[name]
    assert inspect.signature(resolve_name(kind.reader)).return_annotation is Raw
    others = {"drawn": "writer", "user": "lister"}
    assert kind.origin == "fetched" or callable(resolve_name(getattr(kind, others[kind.origin])))


def test_a_fetched_file_that_changed_after_it_was_verified_is_never_prepared(tmp_path):
    file = tmp_path / "digits.csv"
    file.write_text("1,2,3,4,0\n5,6,7,8,3\n")
    files = {file.name: hashlib.sha256(file.read_bytes()).hexdigest()}
    assert read_raw(READER, tmp_path, files, **WHERE).size == 2
    file.write_text("1,2,3,4,0\n5,6,7,9,3\n")
    with pytest.raises(CalotypeError) as problem:
        read_raw(READER, tmp_path, files, **WHERE)
    said, hint = str(problem.value).split("\nHint: ")
    assert said == f"{file}: its SHA-256 is not the one in datasets.yaml."
    assert hint.startswith(f"delete {tmp_path}; Snakemake fetches it again")


def test_a_fetched_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(CalotypeError, match=r"/digits\.csv: not a table of whole numbers: .*digits\.csv not found"):
        read_raw(READER, tmp_path, {"digits.csv": "a" * 64}, **WHERE)
