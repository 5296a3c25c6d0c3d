"""Download files over HTTP with retries, and resume unfinished downloads."""

import fcntl
import glob
import hashlib
import io
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

import requests
import urllib3
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from calotype.fetch.state import CHUNK, Limits, Order, RefusedError, UnusableError, parts_unwritable

logger = logging.getLogger(__name__)


class _PassingError(Exception):
    """An answer of a server that may differ at the next try."""

    def __init__(self, reason: str, pause: float = 0) -> None:
        super().__init__(reason)
        self.pause = pause


def from_url(order: Order, source: str, url: str) -> None:
    """Download from a folder on a web server, compressed files first to save traffic."""
    if not url.startswith(("http://", "https://")):
        raise UnusableError("not tried: only http and https addresses are fetched")
    with requests.Session() as session:
        for name, file in sorted(order.names().items(), key=lambda pair: not pair[0].endswith(".gz")):
            if file in order.missing:
                _from_address(order, source, name, file, f"{url.rstrip('/')}/{quote(name)}", session)


def _from_address(order: Order, source: str, what: str, file: str, address: str, session: requests.Session) -> None:
    key = hashlib.sha256(address.encode()).hexdigest()[:16]
    path = order.parts / f"{file}.{order.missing[file][:16]}.{key}.part"
    with _part(path) as part:
        try:
            resumed = _download(session, address, part, order.limits)
            if not order.offer(source, what, file, part.content()) and resumed:
                # The file may have changed between the first part and the second.
                part.begin("")
                _download(session, address, part, order.limits)
                order.offer(source, what, file, part.content())
        except RefusedError as error:
            order.refuse(source, str(error), what, file)
            return
        path.unlink(missing_ok=True)


def forget_parts(parts: Path, files: Mapping[str, str]) -> None:
    """Delete the unfinished downloads of fetched files, given with their checksums."""
    for file, checksum in files.items():
        for part in parts.glob(f"{glob.escape(file)}.{checksum[:16]}.*.part"):
            with suppress(OSError):
                part.unlink()


class _Part:
    """A download that may be unfinished.

    The first line of its file is the validator, an ETag or a date: with it the server checks that its file is the same.
    If the line is empty, the download starts again. Only the open file is used, as its path may disappear meanwhile.
    """

    def __init__(self, file: io.BufferedRandom) -> None:
        self.file = file
        file.seek(0)
        line = file.readline(4096)
        self.validator = line[:-1].decode("latin-1")
        self.start = len(line)
        if not line.endswith(b"\n"):
            self.begin("")

    def begin(self, validator: str) -> None:
        """Discard all bytes."""
        self.file.seek(0)
        self.file.truncate()
        self.validator = validator
        self.start = self.file.write(validator.encode("latin-1", "replace") + b"\n")

    def size(self) -> int:
        """Return the number of bytes, and move to the end for the next write."""
        return self.file.seek(0, os.SEEK_END) - self.start

    def content(self) -> io.BufferedRandom:
        """Return the file at the start of the bytes."""
        self.file.seek(self.start)
        return self.file


@contextmanager
def _part(path: Path) -> Iterator[_Part]:
    """Open an unfinished download; it is kept for the next call unless it is empty."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
    except OSError as error:
        raise parts_unwritable(path.parent, error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        # Another call uses it, or the file system has no locks: use a part that no later call will find.
        file.close()
        with tempfile.TemporaryFile(dir=path.parent) as own:
            yield _Part(own)
        return
    with file:
        part = _Part(file)
        try:
            yield part
        finally:
            if part.size() == 0:
                path.unlink(missing_ok=True)


def _download(session: requests.Session, address: str, part: _Part, limits: Limits) -> bool:
    """Download the rest of a part with retries, and tell if the bytes come from more than one answer."""
    ends = time.monotonic() + limits.whole
    pause = limits.pause
    for left in reversed(range(limits.tries)):
        wait = pause
        problem: RefusedError | UnusableError
        try:
            return _try(session, address, part, limits, ends)
        except _PassingError as error:
            problem, wait = RefusedError(str(error)), max(pause, error.pause)
        except requests.exceptions.SSLError as error:
            raise UnusableError(_why(error, limits)) from None
        except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            problem = UnusableError(_why(error, limits))
        except urllib3.exceptions.ProtocolError as error:
            problem = RefusedError(_why(error, limits))
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise RefusedError(_why(error, limits)) from None
        if not left or wait > limits.longest_pause:
            break
        logger.warning("%s: %s; trying again in %g s", address, problem, wait)
        time.sleep(wait)
        pause *= 2
    raise problem


def _try(session: requests.Session, address: str, part: _Part, limits: Limits, ends: float) -> bool:
    """Ask a server once for the rest of a part; see `_download`."""
    done = part.size()
    headers = {"Accept-Encoding": "identity"}
    if done and part.validator:
        headers |= {"Range": f"bytes={done}-", "If-Range": part.validator}
    waits = (limits.connect, limits.answer)
    with session.get(address, headers=headers, stream=True, timeout=waits) as answer:
        status = f"{answer.status_code} {answer.reason or ''}".strip()
        begins = re.match(rf"bytes {done}-", answer.headers.get("Content-Range", ""))
        resumed = answer.status_code == 206 and "Range" in headers and begins is not None
        if answer.status_code == 200:
            part.begin(_validator(answer))
            done = 0
        elif answer.status_code in (206, 416) and "Range" in headers and not resumed:
            part.begin("")
            raise _PassingError(f"{status}, but not for the requested bytes")
        elif answer.status_code == 429 or answer.status_code >= 500:
            wanted = answer.headers.get("Retry-After", "")
            raise _PassingError(status, float(wanted) if re.fullmatch(r"[0-9]{1,9}", wanted) else 0)
        elif not resumed:
            raise RefusedError(status)
        length = answer.headers.get("Content-Length", "")
        total = done + int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None
        with _progress(address, done, total) as advance:
            # iter_content would wait until a chunk is full, on a slow connection for hours.
            while chunk := answer.raw.read1(CHUNK, decode_content=True):
                done += len(chunk)
                if done > limits.file:
                    part.begin("")
                    raise RefusedError(f"larger than {limits.file:,} bytes")
                part.file.write(chunk)
                advance(len(chunk))
                if time.monotonic() > ends:
                    raise RefusedError(f"not finished within {limits.whole:g} s")
    return resumed


def _validator(answer: requests.Response) -> str:
    """Return the validator of a file for resuming; empty if the server cannot identify it byte for byte."""
    headers = answer.headers
    if headers.get("Content-Encoding", "identity") != "identity" or headers.get("Accept-Ranges") == "none":
        return ""
    tag = headers.get("ETag", "W/")
    return headers.get("Last-Modified", "") if tag.startswith("W/") else tag


def _why(error: BaseException, limits: Limits) -> str:
    """Return the original message of the system in an error of requests or urllib3."""
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or link.__context__
    if any(isinstance(link, (TimeoutError, requests.Timeout)) for link in links):
        connecting = any(isinstance(link, requests.ConnectTimeout) for link in links)
        return f"no answer within {limits.connect if connecting else limits.answer:g} s"
    for link in reversed(links):
        if isinstance(link, OSError) and link.strerror:
            return str(link.strerror)
    if isinstance(error, requests.exceptions.InvalidURL):  # its text may hold a part of a password
        return "not a valid address; in a user name or password, escape signs: write / as %2F and # as %23"
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return "the connection closed before the end of the file"
    return " ".join(str(error).split())


@contextmanager
def _progress(address: str, done: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar if there is a terminal, and yield a function that advances it by some bytes."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    hidden = not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden) as progress:
        yield partial(progress.advance, progress.add_task(address.rpartition("/")[2], completed=done, total=total))
