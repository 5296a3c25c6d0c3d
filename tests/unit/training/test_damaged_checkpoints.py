"""A damaged checkpoint is refused, the previous one is used, and nothing in a file is run."""

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from unit.checkpointing import ARRAYS, epoch, numbers, save

from calotype.training import checkpoints


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


def test_no_flipped_bit_changes_a_training_run_or_ends_it(folder):
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


def test_after_two_damaged_checkpoints_the_training_starts_again_and_says_so(folder, caplog):
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
