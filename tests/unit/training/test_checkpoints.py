"""An intact checkpoint exists at any moment, and a damaged one is never used."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from unit.checkpointing import ARRAYS, VALUES, epoch, numbers, save

from calotype.training import checkpoints
from calotype.util.errors import CalotypeError

ROOT = Path(__file__).parents[3]


# ---- Saved state is restored -----------------------------------------------------------------------------------------


def test_the_newest_comes_back_bit_for_bit(folder):
    found = checkpoints.load(folder, "ours")
    assert json.dumps(found.values) == json.dumps(VALUES | {"epoch": 2})
    assert found.arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        again = found.arrays[name]
        assert (again.tobytes(), again.shape, again.dtype) == (array.tobytes(), array.shape, array.dtype)


def odd_arrays():
    rng = np.random.default_rng(1)
    nan = np.array([0x7FC00001, 0xFFC00000, 0x7F800001], np.uint32).view(np.float32)
    return {
        "no numbers, each with bits of its own": nan,
        "infinite, and minus nought": np.array([np.inf, -np.inf, -0.0]),
        "one number": np.array(7, np.int64),
        "empty": np.zeros((3, 0), np.float32),
        "of another order": np.asfortranarray(rng.random((3, 4))),
        "cut out of another": rng.random((8, 8))[::2, 1::3],
        "yes and no": np.array([True, False]),
        "states of seeds": rng.integers(0, 2**32, 2, dtype=np.uint32),
        "half": rng.random(5).astype(np.float16),
    }


@pytest.mark.parametrize("kind", odd_arrays())
def test_every_kind_of_array_comes_back_bit_for_bit(tmp_path, kind):
    array = odd_arrays()[kind]
    save(tmp_path, 1, {"state/a": array})
    found = checkpoints.load(tmp_path, "ours").arrays["state/a"]
    assert (found.tobytes(), found.shape, found.dtype) == (array.tobytes(), array.shape, array.dtype)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(), (3, 2), (0, 2)])
def test_weights_of_a_type_that_numpy_does_not_know_come_back_bit_for_bit(tmp_path, tensorflow, shape):
    dtype = tensorflow.tf.bfloat16.as_numpy_dtype
    array = (np.arange(np.prod(shape, dtype=int)) / 3).reshape(shape).astype(dtype)
    save(tmp_path, 1, {"state/a": array})
    found = checkpoints.load(tmp_path, "ours").arrays["state/a"].view(dtype)
    assert (found.tobytes(), found.shape, found.dtype) == (array.tobytes(), array.shape, array.dtype)


def test_a_run_without_checkpoint_starts_again(tmp_path):
    assert checkpoints.load(tmp_path / "seed-000", "ours") is None


# ---- Kept files ------------------------------------------------------------------------------------------------------


def test_at_most_two_are_kept_however_long_a_training_run_is(tmp_path):
    for number in range(1, 13):
        save(tmp_path, number)
        assert len(numbers(tmp_path)) == min(number, 2)
        assert epoch(tmp_path) == number
    assert numbers(tmp_path) == ["000011.npz", "000012.npz"]


def test_more_than_a_million_checkpoints_have_an_order(tmp_path):
    save(tmp_path, 1)
    (tmp_path / "000001.npz").rename(tmp_path / "999999.npz")
    save(tmp_path, 2)
    assert epoch(tmp_path) == 2
    save(tmp_path, 3)
    assert epoch(tmp_path) == 3


def test_other_files_of_the_folder_are_left_alone(folder):
    for name in ("lease", ".000003.abc.partial.npz", "notes.npz"):
        (folder / name).write_text("somebody's")
    save(folder, 3)
    assert epoch(folder) == 3
    checkpoints.forget(folder.parent, {".": 1})
    assert {"lease", "notes.npz"} <= {*numbers(folder)}


def test_nothing_is_left_of_runs_whose_results_are_in_use_and_all_of_the_others(tmp_path):
    study = tmp_path / "checkpoints" / "dots"
    runs = [study / name for name in ("source/seed-000", "source/seed-001", "source/seed-002", "own/seed-000")]
    for folder in runs:
        save(folder, 1)
        save(folder, 2)
    checkpoints.forget(study, {"source": 2, "accurate": 3})
    assert [folder.exists() for folder in runs] == [False, False, True, True]
    assert [epoch(folder) for folder in runs[2:]] == [2, 2]
    checkpoints.forget(study, {"source": 3, "own": 1})
    assert list(tmp_path.iterdir()) == []
    checkpoints.forget(study, {"source": 3})


# ---- Failed writes ---------------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_the_older_ones_whole(folder, files_no_longer_than):
    large = {"state/model/000000": np.zeros(5000)}
    with files_no_longer_than(3000), pytest.raises(CalotypeError, match="cannot be written"):
        save(folder, 3, large)
    assert numbers(folder) == ["000001.npz", "000002.npz"]
    assert epoch(folder) == 2
    save(folder, 3, large)
    assert epoch(folder) == 3


@pytest.mark.skipif(os.getuid() != 0 or not Path("/bin/mount").exists(), reason="needs the right to mount")
def test_a_file_system_without_room_leaves_the_older_ones_whole(tmp_path):
    """Mount a real file system in a child's namespace, which ends with the child."""
    script = f"""
import logging, os, subprocess, sys
import numpy as np
from calotype.training import checkpoints
from calotype.util.errors import CalotypeError
from pathlib import Path
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", {str(tmp_path)!r}]).returncode:
    sys.exit(77)
folder = Path({str(tmp_path)!r}, "seed-000")
def save(epoch, size):
    checkpoints.save(folder, "ours", checkpoints.Checkpoint({{"a": np.zeros(size)}}, {{"epoch": epoch}}))
save(1, 10)
save(2, 10)
try:
    save(3, 20000)
except CalotypeError as error:
    assert "No space left" in str(error), error
else:
    sys.exit("it had room")
assert sorted(file.name for file in folder.iterdir()) == ["000001.npz", "000002.npz"]
assert checkpoints.load(folder, "ours").values == {{"epoch": 2}}
save(3, 10)
assert checkpoints.load(folder, "ours").values == {{"epoch": 3}}
"""
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("this machine refuses mounts")
    assert done.returncode == 0, done.stderr


def test_a_reader_sees_whole_files_while_a_writer_is_at_work(tmp_path):
    save(tmp_path, 0)
    end = threading.Event()

    def write():
        for number in range(1, 40):
            save(tmp_path, number, {"state/a": np.full(20000, number)})
        end.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while not end.is_set():
        found = checkpoints.load(tmp_path, "ours")
        if found is not None:  # both may have been replaced since they were listed
            seen.append(found.values["epoch"])
    writer.join()
    assert seen == sorted(seen)
    assert epoch(tmp_path) == 39
