"""The missing files of a dataset, and the verification of files that a source offers."""

import gzip
import hashlib
import io
import logging
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from calotype.util.errors import CalotypeError

logger = logging.getLogger(__name__)

CHUNK = 64 * 1024
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Limits:
    """Limits of times in seconds, of tries, and of sizes in bytes."""

    connect: float = 10  # until a server accepts a connection
    answer: float = 10  # without data, before and during an answer
    whole: float = 1800  # for one download, also if data comes slowly
    client: float = 300  # for one call of a package client
    tries: int = 3  # of one download, after transient errors
    pause: float = 1  # before the second try; doubles with each further try
    longest_pause: float = 60  # if a server asks for a longer pause, its download is given up
    file: int = 2 * 1024**3  # of one decompressed file, against decompression bombs
    package: int = 8 * 1024**3  # of an unpacked package


LIMITS = Limits()


class RefusedError(Exception):
    """A file of a source was refused; the source may have others."""


class UnusableError(Exception):
    """A whole source was given up."""


@dataclass(frozen=True)
class Refusal:
    """The reason why a file of a source, or the whole source, was refused."""

    source: str
    reason: str
    what: str = ""  # name in the source; empty for the whole source
    file: str = ""  # the wanted file; empty for the whole source


@dataclass
class Order:
    """The missing files of a dataset, and the sources tried so far."""

    name: str  # of the dataset
    missing: dict[str, str]  # checksums by file
    folder: Path  # for the files
    parts: Path  # for unfinished downloads
    limits: Limits
    refusals: list[Refusal] = field(default_factory=list)
    origins: dict[str, list[str]] = field(default_factory=dict)  # files by source

    def names(self) -> dict[str, str]:
        """Return the names that missing files may have in a source, with the file of each name."""
        return {name: file for file in self.missing for name in (file, f"{file}.gz")}

    def refuse(self, source: str, reason: str, what: str = "", file: str = "") -> None:
        """Record a refusal."""
        self.refusals.append(Refusal(source, reason, what, file))
        logger.debug("%s: %s: %s: %s", self.name, source, what or "whole source", reason)

    def offer(self, source: str, what: str, file: str, content: io.BufferedReader | io.BufferedRandom) -> bool:
        """Accept a file if its content, decompressed if necessary, has the right checksum."""
        target = self.folder / file
        try:
            checksum = _write(target, content, self.limits.file)
            if checksum != self.missing[file]:
                raise RefusedError(f"wrong checksum: expected {self.missing[file][:16]}…, got {checksum[:16]}…")
        except RefusedError as error:
            target.unlink(missing_ok=True)
            self.refuse(source, str(error), what, file)
            return False
        del self.missing[file]
        self.origins.setdefault(source, []).append(file)
        return True

    def offer_path(self, source: str, what: str, file: str, path: Path) -> None:
        """Accept the file at a path if it exists and has the right checksum."""
        try:
            # Open only regular files: opening a named pipe may never return.
            if not stat.S_ISREG(path.stat().st_mode):
                self.refuse(source, "not a file", what, file)
                return
            content = open(path, "rb")  # noqa: SIM115 -- to keep errors of reading apart from errors of writing
        except (FileNotFoundError, NotADirectoryError):
            return
        except (OSError, ValueError) as error:
            self.refuse(source, _unreadable(error), what, file)
            return
        with content:
            self.offer(source, what, file, content)


def _unreadable(error: Exception) -> str:
    return f"cannot be read: {(isinstance(error, OSError) and error.strerror) or error}"


def _chunks(content: io.BufferedReader | io.BufferedRandom) -> Iterator[bytes]:
    """Read, and decompress by content, not by name: browsers and some servers unpack a .gz but keep its name."""
    try:
        plain = gzip.GzipFile(fileobj=content) if content.peek(2)[:2] == GZIP else content
        while chunk := plain.read(CHUNK):
            yield chunk
    except EOFError:
        raise RefusedError("truncated") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise RefusedError(f"damaged gzip file: {error}") from None
    except (OSError, tarfile.TarError) as error:
        raise RefusedError(_unreadable(error)) from None


def _write(target: Path, content: io.BufferedReader | io.BufferedRandom, limit: int) -> str:
    """Write the content and return its SHA-256; an OSError raised here is an error of writing."""
    digest, size = hashlib.sha256(), 0
    with open(target, "wb") as file:
        for chunk in _chunks(content):
            size += len(chunk)
            if size > limit:
                raise RefusedError(f"larger than {limit:,} bytes")
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def parts_unwritable(parts: Path, error: OSError) -> CalotypeError:
    """Return the error that the folder of unfinished downloads cannot be written."""
    hint = "make it writable: unfinished downloads are kept there."
    return CalotypeError(f"{parts}: cannot be written: {error.strerror or error}.", hint)
