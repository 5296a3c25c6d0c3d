"""The log of a failed job is that of this attempt, and its error is in the lines that are shown."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from calotype.jobs.job_logs import LINES, error, excerpt
from calotype.util.entry_point import FINAL

SLURMS = """\
SNAKEMAKE
=========
  Host: g1
Building DAG of jobs...

[Mon Nov 30 02:16:10 2026]
rule train:
    output: x
Traceback (most recent call last):
  File "x.py", line 1, in <module>
OSError: no HOME here
Elapsed time: 0:00:08.425735
WorkflowError:
At least one job did not complete successfully.
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder with a log of Slurm."""
    monkeypatch.chdir(tmp_path)
    Path("1.log").write_text(SLURMS, encoding="utf-8")


def job(*logs: str) -> SimpleNamespace:
    return SimpleNamespace(is_group=lambda: False, log=logs)


def log(name: str, text: str, written: float = 1001) -> str:
    Path(name).write_text(text, encoding="utf-8")
    os.utime(name, (written, written))
    return name


def test_the_log_of_an_earlier_attempt_is_not_shown():
    old = log("rule.log", "error: old", written=999)
    path, *lines = excerpt(job(old), 1000, Path("1.log").resolve())
    assert path == "log: 1.log"
    assert lines == [
        "  Traceback (most recent call last):",
        '    File "x.py", line 1, in <module>',
        "  OSError: no HOME here",
    ]


def test_the_log_of_the_rule_comes_before_that_of_slurm():
    new = log("rule.log", "epoch 1\nepoch 2\n")
    assert excerpt(job(new), 1000, Path("1.log")) == ["log: rule.log", "  epoch 1", "  epoch 2"]


def test_a_missing_log_is_no_error():
    assert excerpt(job("none.log"), 1000, None) == ["log: the rule wrote none"]
    assert excerpt(job("none.log"), 1000, Path("2.log")) == ["log: neither the rule nor Slurm wrote one (2.log)"]


def test_a_long_traceback_does_not_hide_its_error():
    long = log("rule.log", "\n".join(["start", "12:00 error: in words", *(f"line {n}" for n in range(100)), "end"]))
    lines = excerpt(job(long), 1000, None)[1:]
    assert len(lines) == LINES
    assert lines[0] == "  12:00 error: in words"
    assert "  ..." in lines
    assert lines[-1] == "  end"


def test_of_a_group_only_the_rule_that_failed_counts():
    members = [job(log("good.log", "done\n")), job(log("bad.log", f"error: bad\n{FINAL}\n"))]
    group = SimpleNamespace(is_group=lambda: True, jobs=members)
    assert excerpt(group, 1000, Path("1.log"))[0] == "log: bad.log"
    group.jobs = members[:1]
    assert excerpt(group, 1000, Path("1.log"))[0] == "log: 1.log"


def test_the_list_at_the_end_names_the_file_and_what_to_do():
    wrong = ["12:00 error: leaves: 2 images cannot be used:", "  oak/1.jpg: truncated", "  oak/2.jpg: empty"]
    text = "\n".join([*wrong, "Hint: restore it,", "or delete it.", f"12:00 {FINAL}"])
    lines = excerpt(job(log("rule.log", text)), 1000, None)
    assert error(lines) == [
        "error: leaves: 2 images cannot be used:",
        "  oak/1.jpg: truncated",
        "Hint: restore it,",
        "or delete it.",
    ]
    assert error(["log: rule.log", "  12:00 error: x", "  Traceback"]) == ["error: x"]
    assert error(["log: rule.log", "  Hint: of an image", "  killed"]) == []
