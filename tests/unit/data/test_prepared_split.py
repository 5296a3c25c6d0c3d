"""A prepared split gives a training whole groups, waits for files that are on their way, and knows its images."""

import hashlib
import json
import os
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from calotype.data import prepared_split
from calotype.data.prepared_split import Split, open_split, place_of
from calotype.util.errors import CalotypeError


def split(groups: list[int] | None, number: int = 20) -> Split:
    number = number if groups is None else len(groups)
    found = None if groups is None else np.array(groups, np.int32)
    images, labels = np.zeros((number, 2, 2, 1), np.float32), np.zeros(number, np.int64)
    return Split(images, labels, np.arange(100, 100 + number), None, found)


# ---- Images that are held out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "first"), [(0.0, 20), (0.25, 15), (0.1, 18), (0.33, 13)])
def test_without_groups_the_last_images_are_held_out_as_in_fit(share, first):
    assert split(None).held_out_from(share) == first


GROUPS = [0] * 7 + [3] * 6 + [1] * 7


@pytest.mark.parametrize(
    ("groups", "share", "first"),
    [
        (GROUPS, 0.3, 13),  # image 14; 13 is nearer than 7
        (GROUPS, 0.55, 7),  # image 9
        (GROUPS, 0.7, 7),  # image 6
        (GROUPS, 0.99, 7),  # image 0; no group begins before
        (GROUPS, 0.01, 13),  # image 19
        (GROUPS, 0.5, 7),  # image 10 is as near to both: the first
        ([5, 2, 2, 2], 0.9, 1),
        ([2, 2, 2, 5], 0.1, 3),
    ],
)
def test_held_out_images_begin_at_the_group_nearest_to_the_share(groups, share, first):
    assert split(groups).held_out_from(share) == first


@pytest.mark.parametrize("share", np.linspace(0.01, 0.99, 25))
def test_no_patient_is_trained_on_and_held_out(share):
    groups = np.repeat([4, 0, 3, 1, 2], [1, 6, 2, 8, 3]).tolist()
    first = split(groups).held_out_from(share)
    assert not {*groups[:first]} & {*groups[first:]}
    wanted = int(len(groups) * (1 - share))
    edges = [i for i, (one, next_) in enumerate(pairwise(groups), 1) if one != next_]
    assert abs(first - wanted) == min(abs(edge - wanted) for edge in edges)


def test_a_single_group_is_not_parted_to_hold_some_of_it_out():
    with pytest.raises(CalotypeError, match=r"they are all of one group.\nHint: .*`validation`.*validation_split: 0"):
        split([4] * 20).held_out_from(0.25)
    assert split([4] * 20).held_out_from(0.0) == 20


def test_nothing_is_held_out_where_nothing_is_asked_for():
    assert split([0] * 10 + [1] * 10).held_out_from(0.0) == 20


# ---- Files that are late ---------------------------------------------------------------------------------------------


def saved(path, records):
    """Write an array and its manifest."""
    np.save(path, records)
    path.with_suffix(".json").write_text(json.dumps({"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}))


@pytest.fixture
def array(tmp_path):
    """Return a prepared array and its bytes."""
    records = np.zeros(3, [("id", "<i8"), ("label", "<i8"), ("image", "<f4", (2, 2, 1))])
    records["id"] = 7, 8, 9
    saved(tmp_path / "train.npy", records)
    return tmp_path / "train.npy", (tmp_path / "train.npy").read_bytes()


def clock(monkeypatch, waited=None) -> list[float]:
    """Let time pass only while the code sleeps; call `waited` after each time. Returns the sleeps."""
    sleeps: list[float] = []

    def sleep(seconds):
        sleeps.append(seconds)
        if waited is not None:
            waited(len(sleeps))

    monkeypatch.setattr(prepared_split, "time", SimpleNamespace(monotonic=lambda: 100.0 + sum(sleeps), sleep=sleep))
    return sleeps


KEPT = {"missing": None, "empty": 0, "header": 60, "images": -10}


@pytest.mark.parametrize("kept", KEPT)
def test_a_job_waits_for_an_array_that_another_node_has_just_written(array, monkeypatch, kept):
    path, content = array
    path.unlink() if KEPT[kept] is None else path.write_bytes(content[: KEPT[kept]])
    sleeps = clock(monkeypatch, lambda times: path.write_bytes(content) if times == 4 else None)
    assert open_split(path, patience=60).ids.tolist() == [7, 8, 9]
    assert sum(sleeps) == 4


@pytest.mark.parametrize("kept", [None, 0, 9])
def test_a_job_waits_for_the_manifest_too(array, monkeypatch, kept):
    path, manifest = array[0], array[0].with_suffix(".json")
    content = manifest.read_text()
    manifest.unlink() if kept is None else manifest.write_text(content[:kept])
    sleeps = clock(monkeypatch, lambda times: manifest.write_text(content) if times == 2 else None)
    assert open_split(path, patience=60).ids.tolist() == [7, 8, 9]
    assert sum(sleeps) == 2


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("patience", [{}, {"patience": 1}, {"patience": 5}], ids=str)
def test_a_job_does_not_wait_longer_for_an_array_than_it_should(array, monkeypatch, kept, patience):
    path, content = array
    path.unlink() if KEPT[kept] is None else path.write_bytes(content[: KEPT[kept]])
    sleeps = clock(monkeypatch)
    with pytest.raises(CalotypeError, match=r"train\.npy: not a prepared array"):
        open_split(path, **patience)
    assert sum(sleeps) == patience.get("patience", 0)


@pytest.mark.parametrize("wrong", ["text", "another program's", "objects"])
def test_a_job_does_not_wait_for_a_file_that_stays_damaged(tmp_path, monkeypatch, wrong):
    path = tmp_path / "train.npy"
    if wrong == "text":
        path.write_text("a table, and no array, but long enough for the header of one", encoding="utf-8")
    else:
        np.save(path, np.zeros((3, 4)) if wrong == "another program's" else np.array([object()]))
    sleeps = clock(monkeypatch)
    with pytest.raises(CalotypeError, match=r"train\.npy: not a prepared array"):
        open_split(path, patience=60)
    assert sleeps == []


def test_weights_and_groups_are_read_where_the_array_has_them_and_nowhere_else(array, tmp_path):
    found = open_split(array[0])
    assert (found.weights, found.groups) == (None, None)
    kinds = [("id", "<i8"), ("label", "<i8"), ("image", "<f4", (2, 2, 1)), ("weight", "<f4"), ("group", "<i4")]
    records = np.zeros(2, kinds)
    records["weight"], records["group"] = (0.5, 2), (4, 3)
    saved(tmp_path / "both.npy", records)
    found = open_split(tmp_path / "both.npy")
    assert found.weights.tolist() == [0.5, 2]
    assert found.groups.tolist() == [4, 3]


def test_an_array_that_is_no_longer_the_one_of_its_manifest_is_refused_unless_that_does_not_matter(array):
    path, content = array
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(CalotypeError, match=r"train\.npy: its checksum is not that of its manifest.*\nHint: delete it"):
        open_split(path, patience=60)
    assert open_split(path, verify=False).ids.tolist() == [7, 8, 9]
    path.write_bytes(content)
    assert open_split(path).ids.tolist() == [7, 8, 9]
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(0, 0))
    with pytest.raises(CalotypeError, match="its content has changed"):
        open_split(path)


def test_an_array_is_read_once_in_a_process_to_verify_it(array, monkeypatch):
    open_split(array[0])
    monkeypatch.setattr(prepared_split, "sha256", lambda path: pytest.fail(f"{path} was read again"))
    open_split(array[0])


# ---- An image that a figure is to show -------------------------------------------------------------------------------


def test_an_image_is_found_by_its_number_at_the_source():
    assert [place_of(split(None), number) for number in (100, 107, 119)] == [0, 7, 19]
    for number in (99, 120):
        with pytest.raises(CalotypeError, match=rf"test image {number} not found\.\nHint: .* are 100 to 119\."):
            place_of(split(None), number)


def test_only_an_image_that_models_are_tested_on_is_an_example():
    assert [place_of(split(None), number, tested=8) for number in (100, 107)] == [0, 7]
    with pytest.raises(CalotypeError, match=r"108 is not among the first 8, .*\nHint: image 100 is the first"):
        place_of(split(None), 108, tested=8)
