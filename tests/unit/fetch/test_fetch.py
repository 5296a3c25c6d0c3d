"""Files of a dataset come from any source that has them, and never with wrong content."""

import gzip
import logging
import os
import subprocess

import pytest
from unit.mirrors import CONTENTS, IMAGES, LABELS, checksum, found, part, put

from calotype.fetch.fetch import fetch
from calotype.fetch.state import Limits
from calotype.util.errors import CalotypeError

# ---- Folders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [(), ("images",), ("images", "labels")])
def test_files_of_a_folder_are_used_compressed_or_not(place, tmp_path, compress):
    place.fetch({"folder": str(put(tmp_path / "mirror", compress=compress))})


def test_a_folder_may_hold_one_sub_folder_per_dataset(place, tmp_path):
    """MNIST and Fashion-MNIST have the same file names."""
    put(tmp_path / "mirror" / "other", {"images": b"others", "labels": b"others"})
    put(tmp_path / "mirror", {"images": b"others", "labels": b"others"})
    put(tmp_path / "mirror" / "tiny", compress=("images",))
    place.fetch({"folder": str(tmp_path / "mirror")})


def test_the_users_own_folder_comes_before_every_source(place, tmp_path, server, caplog):
    server.put(CONTENTS)
    with caplog.at_level(logging.INFO, "calotype"):
        place.fetch({"url": server.url}, own=[tmp_path / "nowhere", put(tmp_path / "mine")])
    assert server.asked == []
    assert caplog.messages == [f"tiny: images, labels from {tmp_path / 'mine'}"]


def test_the_users_own_files_are_left_as_they_are(place, tmp_path):
    mine = put(tmp_path / "mine", compress=("images",))
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in mine.iterdir()}
    place.fetch(own=[mine])
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in mine.iterdir()} == before


def test_a_wrong_file_is_never_used_even_if_it_is_the_users_own(place, tmp_path):
    mine = put(tmp_path / "mine", {"images": IMAGES[:-1] + b"?", "labels": LABELS})
    message = place.refused(own=[mine])
    assert message.startswith("tiny: no source provided images. Tried:\n")
    wrong = checksum(IMAGES[:-1] + b"?")
    assert f"  {mine}: wrong checksum: expected {checksum(IMAGES)[:16]}…, got {wrong[:16]}… (images)\n" in message


def test_each_file_may_come_from_another_source(place, tmp_path, server, caplog):
    server.put({"labels": LABELS})
    with caplog.at_level(logging.INFO, "calotype"):
        place.fetch({"folder": str(put(tmp_path / "mirror", {"images": IMAGES}))}, {"url": server.url})
    assert server.requests("images.gz") == [], "an existing file was requested again"
    assert caplog.messages == [f"tiny: images from {tmp_path / 'mirror'}; labels from {server.url}"]


def test_a_compressed_file_beside_a_wrong_plain_one_is_found(place, tmp_path):
    put(tmp_path / "mirror", {"images": b"", "labels": LABELS})
    place.fetch({"folder": str(put(tmp_path / "mirror", {"images": IMAGES}, compress=("images",)))})


def test_a_file_that_a_browser_unpacked_is_used(place, tmp_path):
    place.fetch({"folder": str(put(tmp_path / "mirror", {"images.gz": IMAGES, "labels.gz": LABELS}))})


def test_links_to_the_files_are_used(place, tmp_path):
    put(tmp_path / "store")
    (tmp_path / "mirror").mkdir()
    for file in CONTENTS:
        (tmp_path / "mirror" / file).symlink_to(tmp_path / "store" / file)
    place.fetch({"folder": str(tmp_path / "mirror")})
    assert not any(path.is_symlink() for path in place.folder.iterdir()), "the target of a link may change"


def test_checksums_may_be_in_upper_case(place, tmp_path):
    mirror = put(tmp_path / "mirror")
    checksums = {file: checksum(content).upper() for file, content in CONTENTS.items()}
    fetch(place.folder, checksums, [{"folder": str(mirror)}], name="tiny", own=[], parts=place.parts)
    assert (place.folder / "images").read_bytes() == IMAGES


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.mkdir(), "not a file (images)"),
        (os.mkfifo, "not a file (images)"),
        (lambda path: path.symlink_to(path), "cannot be read: Too many levels of symbolic links (images)"),
        (lambda path: path.symlink_to("nowhere"), "not found (images)"),
    ],
    ids=["folder", "pipe", "link to itself", "dangling link"],
)
def test_a_path_that_is_no_file_is_named_and_does_not_hang_or_crash(place, tmp_path, make, reason):
    make(put(tmp_path / "mirror", {"labels": LABELS}) / "images")
    assert f"  {tmp_path / 'mirror'}: {reason}\n" in place.refused({"folder": str(tmp_path / "mirror")})


def test_a_file_that_may_not_be_read_is_named(place, tmp_path):
    (put(tmp_path / "mirror") / "images").chmod(0)
    if os.access(tmp_path / "mirror" / "images", os.R_OK):
        pytest.skip("the superuser may read everything")
    assert "cannot be read: Permission denied (images)" in place.refused({"folder": str(tmp_path / "mirror")})


def test_a_missing_folder_is_named(place, tmp_path):
    (tmp_path / "file").write_text("")
    message = place.refused({"folder": str(tmp_path / "nowhere")}, own=[tmp_path / "file"])
    assert message.startswith("tiny: no source provided images, labels. Tried:\n")
    assert f"  {tmp_path / 'file'}: not a folder\n  {tmp_path / 'nowhere'}: folder not found\n" in message


BROKEN = gzip.compress(IMAGES)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (BROKEN[:-1], "truncated"),
        (BROKEN[: len(BROKEN) // 2], "truncated"),
        (BROKEN[:5], "truncated"),
        (BROKEN + b"garbage", "damaged gzip file"),
        (BROKEN + gzip.compress(b"more"), "wrong checksum"),
        (BROKEN[:1000] + bytes(1000) + BROKEN[2000:], "damaged gzip file"),
        (BROKEN[:-8] + bytes(8), "damaged gzip file"),
        (gzip.compress(BROKEN), "wrong checksum"),
        (gzip.compress(b""), "wrong checksum"),
        (b"", "wrong checksum"),
    ],
    ids=["one-byte-less", "half", "head", "garbage-after", "more-after", "hole", "no-crc", "twice", "empty", "nothing"],
)
def test_broken_gzip_is_named_and_the_next_source_is_tried(place, tmp_path, content, reason):
    mirror = put(tmp_path / "mirror", {"images.gz": content, "labels": LABELS})
    assert f"  {mirror}: {reason}" in place.refused({"folder": str(mirror)})
    place.fetch({"folder": str(mirror)}, {"folder": str(put(tmp_path / "good"))})


def test_a_decompression_bomb_does_not_fill_the_disk(place, tmp_path):
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 100_000
    mirror = put(tmp_path / "mirror", {"images.gz": bomb, "labels": LABELS})
    message = place.refused({"folder": str(mirror)}, limits=Limits(file=1_000_000))
    assert f"  {mirror}: larger than 1,000,000 bytes (images.gz)\n" in message


def test_a_full_disk_leaves_nothing_that_looks_like_a_dataset(place, tmp_path, files_no_longer_than):
    mirror = put(tmp_path / "mirror")
    with files_no_longer_than(200_000), pytest.raises(CalotypeError, match=r"tiny\.fetched: cannot be written: File"):
        place.fetch({"folder": str(mirror)})
    assert list(place.folder.parent.iterdir()) == []


# ---- Existing files --------------------------------------------------------------------------------------------------


def test_sha256sum_finds_a_file_that_was_damaged_later(place, tmp_path):
    place.fetch({"folder": str(put(tmp_path / "mirror"))})
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    told = subprocess.run(check, cwd=place.folder, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "images: OK\nlabels: OK\n")
    (place.folder / "images").write_bytes(IMAGES[:-1] + b"?")
    told = subprocess.run(check, cwd=place.folder, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (1, "images: FAILED\nlabels: OK\n")


@pytest.mark.parametrize("sums_are_lost", [True, False], ids=["Snakemake deleted the list", "all is there"])
def test_an_existing_dataset_is_not_downloaded_again(place, tmp_path, server, caplog, sums_are_lost):
    place.fetch({"folder": str(put(tmp_path / "mirror"))})
    if sums_are_lost:
        (place.folder / "SHA256SUMS").unlink()
    server.put(CONTENTS)
    caplog.clear()
    with caplog.at_level(logging.INFO, "calotype"):
        place.fetch({"url": server.url}, own=[put(tmp_path / "mine")])
    assert server.asked == []
    assert caplog.messages == [f"tiny: images, labels from {place.folder}"]


@pytest.mark.parametrize("compress", [(), ("images",), ("images", "labels")])
def test_files_that_the_user_put_into_the_target_folder_are_used_without_a_network(place, nobody, compress):
    put(place.folder, compress=compress)
    place.fetch({"url": nobody})


def test_only_missing_or_damaged_files_are_downloaded_again(place, server):
    put(place.folder, {"images": IMAGES, "labels": LABELS[:-1]})
    server.put(CONTENTS)
    place.fetch({"url": server.url})
    assert {path for path, _ in server.asked} == {"/sets/tiny/labels.gz"}


def test_a_wrong_file_that_the_user_put_into_the_target_folder_is_named_and_stays(place, nobody):
    put(place.folder, {"images": b"another", "labels": LABELS, "notes.txt": b"mine"})
    message = place.refused({"url": nobody})
    assert message.startswith("tiny: no source provided images. Tried:\n")
    assert f"  {place.folder}: wrong checksum: expected {checksum(IMAGES)[:16]}…" in message


def test_a_failed_fetch_of_newer_files_keeps_the_existing_dataset(place, tmp_path, server):
    place.fetch({"folder": str(put(tmp_path / "mirror"))})
    newer = {**CONTENTS, "labels": b"newer"}
    server.put(newer)
    server.answers("labels.gz", part())
    place.refused({"url": server.url}, contents=newer)
    assert found(place.folder) == CONTENTS


def test_other_files_that_the_user_keeps_beside_a_dataset_stay_through_a_link_too(place, tmp_path):
    store = put(tmp_path / "store", {**CONTENTS, "more": b"mine"})
    place.folder.parent.mkdir()
    place.folder.symlink_to(store)
    place.fetch()
    assert place.folder.is_symlink()
    kept = {path.name: path.read_bytes() for path in store.iterdir() if path.name != "SHA256SUMS"}
    assert kept == {**CONTENTS, "more": b"mine"}


def test_the_empty_folder_that_snakemake_creates_is_filled_and_not_mentioned(place, tmp_path, nobody):
    place.folder.mkdir(parents=True)
    assert str(place.folder) not in place.refused({"url": nobody})
    place.fetch({"folder": str(put(tmp_path / "mirror"))})


# ---- Failed fetches --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["../images", "/etc/passwd", "a/b", "..", ".", "", "images/", "a\\b", "a\nb"])
def test_a_file_cannot_be_written_outside_the_datasets_folder(place, tmp_path, file):
    with pytest.raises(CalotypeError, match="is not a plain file name"):
        place.fetch({"folder": str(tmp_path)}, contents={file: b""})
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_the_name_of_the_list_of_checksums_is_refused(place, tmp_path):
    with pytest.raises(CalotypeError, match="tiny: `SHA256SUMS` is reserved for the list of checksums"):
        place.fetch({"folder": str(tmp_path)}, contents={"SHA256SUMS": b""})


@pytest.mark.parametrize("source", [{}, {"npm": "a", "url": "b"}, {"conda": "tiny"}])
def test_a_source_of_an_unknown_kind_is_named(place, source):
    with pytest.raises(CalotypeError, match="it must have one key of folder, url, npm, debian, python"):
        place.fetch(source)


def test_a_dataset_without_sources_says_how_to_provide_the_files(place):
    tried = "no source provided images, labels. Tried:\n  nothing: no source is configured\n"
    assert f"{tried}Hint: put these files" in place.refused()
