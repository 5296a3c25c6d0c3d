"""Functions in child processes end independently, and their costs are measured separately."""

import os
import signal
import time

import numpy as np
import pytest

from calotype.util.children import in_children

MIB = 2**20


def spend(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return 0


def fill(mib):
    return int(np.ones(mib * MIB, np.uint8).sum() == 0)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def fail():
    raise ValueError


def test_a_function_that_fails_or_is_killed_stops_no_other():
    functions = {"killed": die, "raised": fail, "asked": lambda: 75, "well": lambda: 0}
    ended = {child.name: child.status for child in in_children(functions, 2)}
    assert ended == {"killed": -signal.SIGKILL, "raised": 1, "asked": 75, "well": 0}


def test_each_function_is_charged_for_what_it_took_alone():
    ended = {child.name: child for child in in_children({"long": lambda: spend(0.3), "large": lambda: fill(200)}, 1)}
    assert ended["long"].cpu_seconds == pytest.approx(0.3, abs=0.25)
    assert ended["long"].seconds >= 0.3
    assert ended["large"].peak_memory_mib - ended["long"].peak_memory_mib == pytest.approx(200, abs=40)


def test_no_more_run_at_a_time_than_asked(tmp_path):
    def here():
        (tmp_path / str(os.getpid())).touch()
        most = len([*tmp_path.iterdir()])
        time.sleep(0.05)
        (tmp_path / str(os.getpid())).unlink()
        return most

    assert max(child.status for child in in_children({str(i): here for i in range(6)}, 2)) <= 2


def test_children_end_with_what_waits_for_them():
    ended = in_children({"quick": lambda: 0, "slow": lambda: time.sleep(60) or 0}, 2)
    assert next(ended).name == "quick"
    ended.close()
    assert os.wait()[1] == signal.SIGTERM
