"""The checkpoint folder of a variant, and processes that hold its runs."""

import logging
import os
import subprocess
import sys

import pytest
from unit.lease_holders import PROCESS, ROOT


@pytest.fixture
def variant(tmp_path, caplog):
    """Return the checkpoint folder of a variant, which does not exist yet."""
    caplog.set_level(logging.DEBUG, "calotype")
    (tmp_path / "results").mkdir()
    return tmp_path / "results" / "checkpoints" / "study" / "variant"


@pytest.fixture
def start(variant):
    """Return a function that starts a process; all processes end with the test."""
    started = []

    def begin(code, *arguments, wait_for=None, **options):
        process = subprocess.Popen(
            [sys.executable, "-c", PROCESS + code, str(variant), *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )
        started.append(process)
        if wait_for is not None:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.strip() == wait_for:
                    break
            else:
                pytest.fail("".join(lines))
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
