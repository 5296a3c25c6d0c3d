"""Records of attempts to train a pack: the report counts killed ones, too, and knows what each used."""

import json
import os
import time

import pytest
from unit.lease_holders import take

from calotype.jobs import attempts, usage
from calotype.jobs.attempts import COMPLETED, FAILED, KILLED, STOPPED
from calotype.jobs.signals import StoppedError

HOLD = """
filled = bytearray(b"x" * 200 * 2**20)
with lease(folders(variant, [0]), "study/variant, seeds 0 to 0", asked_mib=None, stop=Stop()) as held:
    while held._usage.record()["used"]["memory_mib"] < 200:
        time.sleep(0.1)
    held._show(1)
    say("held")
    time.sleep(600)
"""
RESULTS = "results"


def states(tmp_path):
    return {
        name: [attempt.state for attempt in some] for name, some in attempts.read(tmp_path / RESULTS, "study").items()
    }


def test_a_killed_attempt_is_counted_with_what_it_used(start, tmp_path, variant):
    process = start(HOLD, wait_for="held")
    process.kill()
    process.wait()
    assert states(tmp_path) == {}, "nobody knows yet"
    with take(variant, 0):
        pass
    (found,) = attempts.read(tmp_path / RESULTS, "study").values()
    assert [attempt.state for attempt in found] == [KILLED, COMPLETED]
    killed = found[0]
    assert killed.used["memory_mib"] >= 200
    assert killed.used["seconds"] > 0
    assert killed.began == pytest.approx(time.time(), abs=600)


@pytest.mark.parametrize(("error", "state"), [(StoppedError("SIGTERM"), STOPPED), (KeyboardInterrupt(), FAILED)])
def test_a_stopped_attempt_and_a_failed_one_are_told_apart(tmp_path, variant, error, state):
    with pytest.raises(type(error)), take(variant, 0):
        raise error
    assert list(states(tmp_path).values()) == [[state]]


def test_attempts_at_an_earlier_result_do_not_count_for_the_new_one(tmp_path, variant):
    for error in (StoppedError("SIGTERM"), None, StoppedError("SIGTERM"), None):
        try:
            with take(variant, 0):
                if error is not None:
                    raise error
        except StoppedError:
            pass
    assert list(states(tmp_path).values()) == [[STOPPED, COMPLETED]]


def test_a_record_of_another_version_or_a_torn_one_is_no_error(tmp_path, variant):
    with take(variant, 0):
        pass
    (record,) = tmp_path.rglob("attempts/study/variant/*.json")
    for number, text in enumerate(("{", "[]", json.dumps({"name": "x"}), json.dumps({"later": 1}))):
        record.with_name(f"{number}.json").write_text(text)
    assert list(states(tmp_path).values()) == [[COMPLETED]]


def test_mapped_pages_of_files_are_not_memory_that_a_job_needs(tmp_path):
    import numpy as np

    file, mib = tmp_path / "images.npy", 200
    np.save(file, np.ones(mib * 2**20, np.uint8))
    before = usage.memory_mib()
    images = np.load(file, mmap_mode="r")
    assert images.sum() == images.size
    assert usage.memory_mib() - before < mib / 2
    copy = images.copy()
    assert usage.memory_mib() - before > mib / 2
    assert copy.size


def test_memory_of_forked_processes_counts_each_page_once():
    filled = b"x" * 300 * 2**20
    before = usage.memory_mib()
    reader, writer = os.pipe()
    children = []
    for _ in range(3):
        if not (child := os.fork()):
            os.close(writer)
            os.read(reader, 1)  # until the parent ends it
            os._exit(0)
        children.append(child)
    try:
        assert usage.memory_mib() < before + 300
    finally:
        os.close(writer)
        for child in children:
            os.waitpid(child, 0)
    assert filled
