"""Write files and folders whole or not at all: aside first, then renamed."""

import fnmatch
import hashlib
import json
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calotype.util.errors import CalotypeError

if TYPE_CHECKING:
    import pandas as pd  # a third of a second, for those who need it


def unwritable(path: Path, error: OSError) -> CalotypeError:
    """The error of a file or folder that cannot be written."""
    # The HDF5 library buries the system's words in a list of everything that it knows.
    buried = re.search(r"error message = '([^']*)'", str(error))
    return CalotypeError(
        f"{path}: cannot be written: {error.strerror or (buried[1] if buried else error)}.",
        "see that the disk has room and that you may write there, or name another folder under `data:` or `results:` "
        "in config/config.yaml.",
    )


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; at the end it is synced and takes the place of `path`.

    The path given has the same suffix, because writers such as numpy and Keras look at it. If the block raises,
    nothing is left and what stood at `path` before still does.

    Raises:
        CalotypeError: the folder or the file cannot be written.
    """
    aside = path.with_name(f".{path.stem}.{uuid.uuid4().hex}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield aside
        with open(aside, "rb") as written:
            os.fsync(written.fileno())
        os.replace(aside, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside `folder` to fill; at the end it takes the place of `folder`.

    Raises:
        CalotypeError: the folder cannot be written.
    """
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.partial")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside.mkdir()
        yield aside
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(aside, folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_below(folder: Path, ignore: Sequence[str] = ()) -> Iterator[str]:
    """The files below a folder, but hidden ones, those in hidden folders, and those whose names are ignored.

    Args:
        folder: where to look.
        ignore: patterns of names, with * and ?; all other signs stand for themselves.

    Raises:
        CalotypeError: a folder in it cannot be read, or is a link, which could lead anywhere.
    """

    def refuse(error: OSError) -> None:
        raise CalotypeError(f"{error.filename}: cannot be read: {error.strerror}.")

    patterns = [pattern.replace("[", "[[]") for pattern in ignore]
    for where, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if os.path.islink(os.path.join(where, name)):
                hint = "put the images themselves there, or name the folder that the link leads to."
                raise CalotypeError(f"{os.path.join(where, name)}: a link to a folder.", hint)
        kept = (name for name in files if not name.startswith("."))
        yield from (
            os.path.join(where, name)
            for name in kept
            if not any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
        )


def checksums(paths: Iterable[str], known: Path, start: Path = Path()) -> dict[str, str]:
    """The SHA-256 of some files, each in hexadecimal.

    Args:
        paths: of the files; one that leads to nothing is left out.
        known: a file that keeps checksums for the next call. A file whose size and time are still the same is not read
            again; one that was only touched, or copied to another machine, is, and changes nothing.
        start: the folder from which names are given.

    Returns:
        By name: the path from `start`, its bytes in hexadecimal, as it may be no text.

    Raises:
        CalotypeError: something is no file, or cannot be read.
    """
    try:
        before = dict(json.loads(known.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        before = {}
    seen: dict[str, list[Any]] = {}
    for path in sorted(paths):
        name = os.fsencode(os.path.relpath(path, start)).hex()
        try:
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):  # to read a pipe or a device may take for ever
                raise CalotypeError(f"{path}: neither a file nor a folder.", "move it away.")
            stamp = [status.st_size, status.st_mtime_ns]
            entry = before.get(name)
            checksum = entry[2] if entry and entry[:2] == stamp else sha256(Path(path))
        except FileNotFoundError:
            continue  # a link to nothing; what reads it will say so
        except OSError as error:
            raise CalotypeError(f"{path}: cannot be read: {error.strerror}.") from None
        seen[name] = [*stamp, checksum]
    if seen != before:
        with suppress(CalotypeError):  # without it the next call takes longer
            write_text(json.dumps(seen), known)
    return {name: entry[2] for name, entry in seen.items()}


def contents(folder: Path, ignore: Sequence[str], known: Path, files: Sequence[str] | None = None) -> str:
    """Identify what lies in a folder, by the names and contents of its files.

    Args:
        folder, ignore: as for `files_below`.
        known: as for `checksums`.
        files: the paths, from the folder, of those that count; left out: all.

    Returns:
        A SHA-256 in hexadecimal; of nothing, where there is no such folder.

    Raises:
        CalotypeError: as `files_below` and `checksums`.
    """
    found = hashlib.sha256()
    if folder.is_dir():
        paths = files_below(folder, ignore) if files is None else (os.path.join(folder, file) for file in files)
        for name, checksum in checksums(paths, known, folder).items():
            found.update(f"{name} {checksum}\n".encode())
    return found.hexdigest()


def declared_contents(declared: Iterable[str], known: Path) -> dict[str, str]:
    """The content of each file or folder that a `files:` key declares, in hexadecimal.

    Args:
        declared: their paths.
        known: as for `checksums`.

    Raises:
        CalotypeError: as `files_below` and `checksums`.
    """
    below = {path: [*files_below(Path(path))] if os.path.isdir(path) else [path] for path in declared}
    sums = checksums({file for files in below.values() for file in files}, known)
    found = {}
    for path, files in below.items():
        named = {os.path.relpath(file, path): sums.get(os.fsencode(os.path.relpath(file)).hex()) for file in files}
        found[path] = hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()
    return found


def check_writable(folder: Path, key: str) -> None:
    """See that a folder of the config can be written to, or made.

    Raises:
        CalotypeError: it cannot; the message names the config's key.
    """
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        problem = f"{nearest} is not a folder"
    elif not os.access(nearest, os.W_OK | os.X_OK):
        problem = f"you may not write to {nearest.resolve()}"
    else:
        return
    raise CalotypeError(f"config: {key}: {folder}: {problem}.", f"name another folder: --config {key}=/path/to/folder")


def write_text(text: str, file: Path) -> None:
    """Write a text file whole or not at all.

    Raises:
        CalotypeError: the file cannot be written.
    """
    with new_file(file) as aside:
        aside.write_text(text, encoding="utf-8")


def write_csv(table: "pd.DataFrame", file: Path) -> None:
    """Write a table with its columns and no row names; numbers in full, so that nothing is lost.

    Raises:
        CalotypeError: the file cannot be written.
    """
    with new_file(file) as aside:
        table.to_csv(aside, index=False, lineterminator="\n")
