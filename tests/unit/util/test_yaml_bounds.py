"""A YAML file that would take minutes or gigabytes, or never end, is refused at once."""

import os
import time
from pathlib import Path

import pytest

from calotype.util.errors import CalotypeError
from calotype.util.yaml_validation import read_yaml

SECONDS = 3  # on a busy machine; without the bounds it is minutes, or for ever


@pytest.fixture
def refused_at_once(tmp_path):
    """Read a text, and give the error that comes at once."""

    def read(content: str | Path) -> str:
        path = content if isinstance(content, Path) else tmp_path / "file.yaml"
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        before = time.process_time()
        with pytest.raises(CalotypeError) as problem:
            read_yaml(path)
        assert time.process_time() - before < SECONDS
        assert str(problem.value).startswith(str(path))
        return str(problem.value)

    return read


def nested(levels: int, inner: str) -> str:
    """Each mapping holds the one before nine times."""
    lines = [f"m{i}: &m{i} {inner.format(', '.join([f'*m{i - 1}'] * 9))}" for i in range(1, levels)]
    return "\n".join(["m0: &m0 {x: 1}", *lines])


def test_merge_keys_that_grow_with_each_line_do_not_keep_a_call_waiting(refused_at_once):
    for levels in (7, 9, 40):
        assert "merge keys (<<) expand to more than" in refused_at_once(nested(levels, "{{<<: [{}]}}"))


def test_merge_keys_are_still_merged(tmp_path):
    path = tmp_path / "file.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [*a, {z: 4}]}\n", encoding="utf-8")
    assert read_yaml(path) == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2, "z": 4}}


def test_anchors_that_grow_with_each_line_do_not_fill_the_memory(refused_at_once):
    assert "its anchors expand to more than" in refused_at_once(nested(12, "{{x: [{}]}}"))


def test_a_pipe_or_a_device_in_place_of_a_file_does_not_keep_a_call_waiting(refused_at_once, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/zero"), tmp_path / "pipe"):
        assert "not a file, but a pipe, a socket or a device" in refused_at_once(path)


def test_a_mistake_at_the_end_of_a_long_file_does_not_keep_a_call_waiting(refused_at_once):
    long = "".join(f"key{i}: value\n" for i in range(20_000))
    assert f", line {20_001 + 1}: not valid YAML" in refused_at_once(f"{long}x: [\n")


def test_a_file_of_gigabytes_is_not_read(refused_at_once, tmp_path):
    with open(tmp_path / "large.yaml", "wb") as file:
        file.truncate(2**33)
    assert "too large for a config file" in refused_at_once(tmp_path / "large.yaml")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x: !!set word", "line 1: not valid YAML: expected a mapping node"),
        ('x: 1\ny: "\\Uffffffff"', "line 2: not valid YAML"),
        ("x: 0x" + "f" * 5000, "line 1: not valid YAML"),
        ("x: " + "9" * 5000, "line 1: not valid YAML"),
    ],
)
def test_what_the_yaml_library_stumbles_over_is_named_with_its_line(refused_at_once, text, problem):
    found = refused_at_once(text)
    assert problem in found
    assert len(found) < 300
