"""An intact checkpoint exists at any moment, and a damaged one is never used."""

import json
import logging
import os
import pickle
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from calotype.training import checkpoints
from calotype.training.checkpoints import Checkpoint
from calotype.util.errors import CalotypeError

ROOT = Path(__file__).parents[3]
ARRAYS = {"state/model/000000": np.arange(6, dtype=np.float32).reshape(2, 3), "state/model/000001": np.float64(0.5)}
VALUES = {"epoch": 3, "rows": [[1, "loss", 0.1], [2, "loss", float("nan")]], "best": None}


def save(folder, epoch, arrays=ARRAYS, identity="ours"):
    checkpoints.save(folder, identity, Checkpoint(arrays, VALUES | {"epoch": epoch}))


def numbers(folder):
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture
def folder(tmp_path, caplog):
    """Write two checkpoints of a run, of epochs 1 and 2."""
    caplog.set_level(logging.DEBUG, "calotype")
    save(tmp_path / "seed-000", 1)
    save(tmp_path / "seed-000", 2)
    return tmp_path / "seed-000"


def epoch(folder, identity="ours"):
    found = checkpoints.load(folder, identity)
    return found and found.values["epoch"]


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


def test_a_run_with_no_checkpoint_begins_anew(tmp_path):
    assert checkpoints.load(tmp_path / "seed-000", "ours") is None


# ---- Incomplete files ------------------------------------------------------------------------------------------------


def test_a_file_torn_at_any_place_is_refused_and_the_one_before_is_used(folder, caplog):
    """After a power failure the file may exist without its end."""
    newest = folder / "000002.npz"
    whole = newest.read_bytes()
    for size in range(0, len(whole), 7):
        newest.write_bytes(whole[:size])
        caplog.clear()
        assert epoch(folder) == 1, size
        assert f"{newest}: deleted: damaged" in caplog.text
        assert "Trying the previous checkpoint" in caplog.text


def test_a_file_with_nothing_but_noughts_at_its_end_is_refused(folder):
    """Some file systems leave such files after a power failure."""
    newest = folder / "000002.npz"
    whole = newest.read_bytes()
    for size in range(0, len(whole), 41):
        newest.write_bytes(whole[:size].ljust(len(whole), b"\0"))
        assert epoch(folder) == 1, size


def test_no_flipped_bit_changes_a_training_or_ends_it(folder):
    """The checkpoint is refused, or its contents are unchanged, because some bits of the format mean nothing."""
    newest = folder / "000002.npz"
    whole, refused, tried = newest.read_bytes(), 0, 0
    directory = whole.index(b"PK\x01\x02")  # of the zip entries: each byte here has a meaning
    for place in [*range(0, directory, 3), *range(directory, len(whole))]:
        for mask in (0x01, 0x40) if place >= directory else (1 << place % 8,):
            spoilt = bytearray(whole)
            spoilt[place] ^= mask
            newest.write_bytes(spoilt)
            found = checkpoints.load(folder, "ours")
            tried += 1
            refused += found.values["epoch"] == 1
            if found.values["epoch"] == 2:
                assert {name: array.tobytes() for name, array in found.arrays.items()} == {
                    name: array.tobytes() for name, array in ARRAYS.items()
                }, place
    assert refused > 0.6 * tried


def test_another_content_with_a_valid_checksum_of_the_file_is_refused(folder):
    """Anyone can write a file with valid zip checksums; the inner checksum must match, too."""
    newest = folder / "000002.npz"
    with np.load(newest) as found:
        arrays = {name: found[name] for name in found.files}
    arrays["array/state/model/000000"] = arrays["array/state/model/000000"] + 1
    np.savez(newest, **arrays)
    assert epoch(folder) == 1


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\0" * 5000, b"no checkpoint\n", b"PK\x03\x04", b"\x93NUMPY\x01\x00", os.urandom(3000), pickle.dumps([1])],
    ids=["empty", "noughts", "text", "begin of a zip", "begin of an array", "noise", "pickle"],
)
def test_a_file_of_garbage_is_refused_with_a_word_and_the_one_before_is_used(folder, caplog, garbage):
    (folder / "000003.npz").write_bytes(garbage)
    assert epoch(folder) == 2
    assert f"{folder}/000003.npz: deleted: damaged" in caplog.text


def test_other_files_of_numpys_are_refused(folder):
    with open(folder / "000003.npz", "wb") as file:
        np.save(file, np.arange(3))
    np.savez(folder / "000004.npz", values=np.array("[1, 2]"))
    np.savez(folder / "000005.npz", a=np.arange(3))
    with zipfile.ZipFile(folder / "000006.npz", "w") as file:
        file.writestr("values", "no array")
    assert epoch(folder) == 2


def test_a_folder_in_the_place_of_a_checkpoint_does_not_end_a_training(folder, caplog):
    (folder / "000003.npz").mkdir()
    assert epoch(folder) == 2
    assert "000003.npz: not used: unreadable" in caplog.text
    save(folder, 4)
    assert epoch(folder) == 4


def test_after_two_that_are_torn_the_training_begins_anew_and_says_so(folder, caplog):
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[:-30])
    assert checkpoints.load(folder, "ours") is None
    assert caplog.text.count("deleted: damaged") == 2


def test_a_torn_file_does_not_count_as_one_of_the_two_that_are_kept(folder):
    """Otherwise the next damaged file would leave none."""
    (folder / "000002.npz").write_bytes(b"torn")
    assert epoch(folder) == 1
    save(folder, 3)
    (folder / numbers(folder)[-1]).write_bytes(b"torn, too")
    assert epoch(folder) == 1


def test_a_wrong_place_of_the_directory_does_not_count_as_one_of_the_two_that_are_kept(folder):
    """The system calls it an invalid argument of its own, and not a damaged file."""
    newest = folder / "000002.npz"
    content = bytearray(newest.read_bytes())
    content[content.rindex(b"PK\5\6") + 19] = 255
    newest.write_bytes(content)
    assert epoch(folder) == 1
    assert not newest.exists()


class Opened:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("entry", ["values", "array/state/model/000000"])
def test_nothing_in_a_checkpoint_is_ever_run(folder, tmp_path, entry):
    """A pickle runs its contents; anyone with access to the folder could run code as the user."""
    with np.load(folder / "000002.npz") as found:
        arrays = {name: found[name] for name in found.files}
    arrays[entry] = np.array([Opened(tmp_path / "mark")], dtype=object)
    np.savez(folder / "000003.npz", allow_pickle=True, **arrays)
    spoilt = (folder / "000003.npz").read_bytes()
    assert epoch(folder) == 2
    assert not (tmp_path / "mark").exists()
    (tmp_path / "spoilt.npz").write_bytes(spoilt)
    with np.load(tmp_path / "spoilt.npz", allow_pickle=True) as found:
        found[entry]
    assert (tmp_path / "mark").exists(), "this test would not notice"


def test_a_checkpoint_of_another_recipe_data_or_code_is_not_used(folder, caplog):
    assert checkpoints.load(folder, "another") is None
    assert "not used: it belongs to another recipe, data or code" in caplog.text
    save(folder, 7, identity="another")
    assert epoch(folder, "another") == 7
    assert epoch(folder) == 2, "it is no torn one, and removes nothing"


# ---- Kept files ------------------------------------------------------------------------------------------------------


def test_at_most_two_are_kept_however_long_a_training_is(tmp_path):
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
