"""What is still to be had of a dataset, and how what is offered for it is checked and taken."""

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
    """How long to wait, how often to try, how much to take.

    Attributes:
        connect: seconds until a server accepts a connection.
        answer: seconds of silence, before and within an answer.
        whole: seconds for one download, so that a trickle ends, too.
        client: seconds for one call of a package client, likewise.
        tries: of one download, when what went wrong may pass.
        pause: seconds before the second try; doubles with every further one.
        longest_pause: seconds; a server that asks for a longer one is left alone.
        file: bytes of one decompressed file; more is taken for a decompression bomb.
        package: bytes of an unpacked package, likewise.
    """

    connect: float = 10
    answer: float = 10
    whole: float = 1800
    client: float = 300
    tries: int = 3
    pause: float = 1
    longest_pause: float = 60
    file: int = 2 * 1024**3
    package: int = 8 * 1024**3


LIMITS = Limits()


class RefusedError(Exception):
    """Why one file of a source was not taken; the source may have others."""


class UnusableError(Exception):
    """Why a whole source was given up: no more of it is worth the wait."""


@dataclass(frozen=True)
class Refusal:
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
class Order:
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
    refusals: list[Refusal] = field(default_factory=list)
    origins: dict[str, list[str]] = field(default_factory=dict)

    def names(self) -> dict[str, str]:
        """The names under which the missing files may lie in a source, and the file that each means."""
        return {name: file for file in self.missing for name in (file, f"{file}.gz")}

    def refuse(self, refusal: Refusal) -> None:
        """Note why something was not taken."""
        self.refusals.append(refusal)
        logger.debug("%s: %s: %s: %s", self.name, refusal.source, refusal.what or "as a whole", refusal.reason)

    def offer(self, source: str, what: str, file: str, content: io.BufferedReader | io.BufferedRandom) -> bool:
        """Take a file if the content, decompressed if it is compressed, has its checksum."""
        target = self.folder / file
        try:
            checksum = _write(target, content, self.limits.file)
            if checksum != self.missing[file]:
                raise RefusedError(f"wrong checksum: expected {self.missing[file][:16]}…, got {checksum[:16]}…")
        except RefusedError as error:
            target.unlink(missing_ok=True)
            self.refuse(Refusal(source, str(error), what, file))
            return False
        del self.missing[file]
        self.origins.setdefault(source, []).append(file)
        return True

    def offer_path(self, source: str, what: str, file: str, path: Path) -> bool:
        """Take a file if there is one at a path, and it has the checksum."""
        try:
            # Opened only if regular: a named pipe would wait for its writer for ever.
            if not stat.S_ISREG(path.stat().st_mode):
                self.refuse(Refusal(source, "not a file", what, file))
                return False
            content = open(path, "rb")  # noqa: SIM115 -- so that an error of reading is not one of writing
        except (FileNotFoundError, NotADirectoryError):
            return False
        except (OSError, ValueError) as error:
            self.refuse(Refusal(source, _unreadable(error), what, file))
            return False
        with content:
            return self.offer(source, what, file, content)


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
        raise RefusedError("truncated") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise RefusedError(f"not a whole gzip file: {error}") from None
    except (OSError, tarfile.TarError) as error:
        raise RefusedError(_unreadable(error)) from None


def _write(target: Path, content: io.BufferedReader | io.BufferedRandom, limit: int) -> str:
    """Write what is read, and give its SHA-256. An OSError that leaves this is one of writing."""
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
    """Says that unfinished downloads have no place to wait."""
    return CalotypeError(
        f"{parts}: cannot be written: {error.strerror or error}.", "unfinished downloads wait there; see that they can."
    )
