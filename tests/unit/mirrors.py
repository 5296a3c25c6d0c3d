"""The target folder of a dataset, and its sources: folders and a server on loopback."""

import contextlib
import functools
import gzip
import hashlib
import http.server
import random
import re
import socket
import threading

import pytest

from calotype.fetch.fetch import fetch
from calotype.fetch.state import Limits
from calotype.util.errors import CalotypeError

QUICK = Limits(pause=0)
# More than what is read at once, and as hard to compress as it looks: half of it is half of the download.
IMAGES = random.Random(1).randbytes(600_000)
LABELS = b"2 7 1 8 2 8 1 8 2 8" * 10
CONTENTS = {"images": IMAGES, "labels": LABELS}


def checksum(content):
    return hashlib.sha256(content).hexdigest()


def sums(contents):
    """Return the output of `sha256sum` for files, sorted by name."""
    return "".join(f"{checksum(contents[file])}  {file}\n" for file in sorted(contents))


def found(folder):
    """Return the content of each file in a folder's list of checksums, which must match."""
    listed = (folder / "SHA256SUMS").read_text(encoding="utf-8")
    contents = {line.split("  ", 1)[1]: (folder / line.split("  ", 1)[1]).read_bytes() for line in listed.splitlines()}
    assert listed == sums(contents)
    return contents


class Place:
    """Target folder of a dataset, with checks of the files left in it."""

    def __init__(self, root):
        self.root = root
        self.folder = root / "data" / "tiny"
        self.parts = root / "data" / ".partial"

    def fetch(self, *sources, contents=CONTENTS, own=(), limits=QUICK):
        """Fetch the files, and check their contents and that no other files are left."""
        checksums = {file: checksum(content) for file, content in contents.items()}
        fetch(self.folder, checksums, sources, name="tiny", own=own, parts=self.parts, limits=limits)
        assert found(self.folder) == contents
        assert self.unfinished() == []
        assert {path.name for path in self.folder.parent.iterdir()} <= {"tiny", ".partial"}

    def refused(self, *sources, **options):
        """Return the error of a failed fetch; existing files must stay, and no others may be left."""
        before = self.there()
        with pytest.raises(CalotypeError) as problem:
            self.fetch(*sources, **options)
        assert self.there() == before
        message = str(problem.value)
        assert message.startswith("tiny: no source provided ")
        return message

    def there(self):
        """Every file and folder of the data, without unfinished downloads, with its content."""
        paths = [path for path in self.root.glob("data/**/*") if self.parts not in (path, *path.parents)]
        return {path: path.is_file() and path.read_bytes() for path in paths}

    def unfinished(self):
        return sorted(self.parts.glob("*"))


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
    """A web server on loopback that answers as a test tells it, and records the requests.

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
        """Return the ranges in the requests for a file."""
        return [wanted for path, wanted in self.asked if path == f"/sets/tiny/{file}"]

    def handle_error(self, *_):
        """Ignore clients that hang up, which several tests do on purpose."""


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
    """Return an answer with a status and a page that names it."""

    def answer(handler, _):
        handler.wfile.write(handler.begin(f"<html>{code}</html>".encode(), code, headers=headers))

    return answer


def part(of_it=0.5):
    """Return an answer that ends after a part of the file."""

    def answer(handler, content):
        body = handler.begin(content)
        handler.wfile.write(body[: int(len(body) * of_it)])
        handler.close_connection = True

    return answer


def silence(handler, _):
    """Never answer."""
    handler.server.over.wait(300)
    handler.close_connection = True


@contextlib.contextmanager
def serving(monkeypatch):
    """Start a server."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=functools.partial(server.serve_forever, 0.01))
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def nobody_there(monkeypatch):
    """Return an address without a server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/sets"
