"""Write files and folders completely or not at all, and identify them by content.

Each is written beside its place first, and then renamed. If reading or writing fails, the functions raise a
CalotypeError with the reason that the system gives.
"""

import fnmatch
import hashlib
import itertools
import json
import os
import platform
import re
import shutil
import stat
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calotype.util.errors import CalotypeError

if TYPE_CHECKING:
    import pandas as pd  # its import takes 0.3 s

UNTOUCHED = 3600  # seconds after which a partial file of another machine belongs to a killed job
SYSTEM_NAMES = ("@eaDir", "#recycle", "__MACOSX", "$RECYCLE.BIN", "System Volume Information", "Icon\r")
HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:8]  # names of nodes may be long and differ at their ends


def unwritable(path: Path, error: OSError) -> CalotypeError:
    """Return the error of a file or folder that cannot be written."""
    # The HDF5 library hides the message of the system in a long text.
    buried = re.search(r"error message = '([^']*)'", str(error))
    return CalotypeError(
        f"{path}: cannot be written: {error.strerror or (buried[1] if buried else error)}.",
        "check that the disk has space and that you may write there, or set another folder as `data:` or `results:` in "
        "config/config.yaml.",
    )


def _partial(stem: str, suffix: str = "") -> str:
    """Return the name of a partial file or folder, which identifies the process that writes it."""
    return f".{stem}.{os.getpid()}-{uuid.uuid4().hex[:8]}-{HOST}.partial{suffix}"


def remove_partials(folder: Path, levels: int) -> None:
    """Remove the partial files and folders of killed jobs in a folder and in `levels` levels of its subfolders."""
    for path in itertools.chain(*(folder.glob("*/" * level + ".*.partial*") for level in range(levels + 1))):
        with suppress(OSError):
            if _is_abandoned(path):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_abandoned(path: Path) -> bool:
    written = re.search(r"\.(\d+)-[0-9a-f]{8}-(.*)\.partial", path.name)
    if written is None:
        return False  # a file of the user
    if written[2] != HOST:
        return max(each.stat().st_mtime for each in (path, *path.rglob("*"))) < time.time() - UNTOUCHED
    try:
        os.kill(int(written[1]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # the process of another user
    return False


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; at the end it is synced and replaces `path`.

    It has the same suffix, as NumPy and Keras choose the format by it. If the block raises, `path` stays as it was.
    """
    aside = path.with_name(_partial(path.stem, path.suffix))
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
    """Yield an empty folder beside `folder` to fill; at the end it replaces `folder`."""
    aside = folder.with_name(_partial(folder.name))
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


def check_regular(path: Path) -> None:
    """Raise a CalotypeError if a path is a pipe, a socket or a device, which a reader could read without end."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise CalotypeError(f"{path}: not a file, but a pipe, a socket or a device.", "move it away.")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_hidden(name: str) -> bool:
    """Tell if a file or folder is hidden, or written by an operating system for itself."""
    return name.startswith(".") or name in SYSTEM_NAMES


def files_below(folder: Path, ignore: Sequence[str] = (), follow: bool = False) -> Iterator[str]:
    """Find the files below a folder, except hidden and ignored files and all in hidden folders.

    Args:
        ignore: patterns of names with * and ?; all other characters are literal.
        follow: follow links to folders; without, they are an error. A folder that is found twice is always an error.
    """

    def refuse(error: OSError) -> None:
        raise CalotypeError(f"{error.filename}: cannot be read: {error.strerror}.")

    patterns = [pattern.replace("[", "[[]") for pattern in ignore]
    found = {os.path.realpath(folder): str(folder)}
    for where, folders, files in os.walk(folder, onerror=refuse, followlinks=follow):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for path in (os.path.join(where, name) for name in folders):
            if os.path.islink(path) and not follow:
                raise CalotypeError(
                    f"{path}: a link to a folder.",
                    "name the folder that the link points to; or, for images of a dataset, set `follow_links: true`.",
                )
            if follow and (first := found.setdefault(os.path.realpath(path), path)) != path:
                raise CalotypeError(f"{path}: by a link the same folder as {first}.", "delete the link.")
        for name in files:
            if not is_hidden(name) and not any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
                yield os.path.join(where, name)


def checksums(paths: Iterable[str], known: Path, start: Path = Path()) -> dict[str, str]:
    """Compute the SHA-256 of regular files in hexadecimal; missing files are left out.

    Args:
        paths: of the files.
        known: a file that keeps the checksums. A file of the same size and time stamp is not read again.
        start: the folder that names are relative to.

    Returns:
        Checksums by name: the bytes of the relative path in hexadecimal, as they may be no valid text.
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
            if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device may never end
                raise CalotypeError(f"{path}: neither a file nor a folder.", "move it away.")
            stamp = [status.st_size, status.st_mtime_ns]
            entry = before.get(name)
            checksum = entry[2] if entry and entry[:2] == stamp else sha256(Path(path))
        except FileNotFoundError:
            continue  # a link to nothing; the code that reads it reports it
        except OSError as error:
            raise CalotypeError(f"{path}: cannot be read: {error.strerror}.") from None
        seen[name] = [*stamp, checksum]
    if seen != before:
        with suppress(CalotypeError):  # only speeds up the next call
            write_text(json.dumps(seen), known)
    return {name: entry[2] for name, entry in seen.items()}


def contents(
    folder: Path, ignore: Sequence[str] | None, known: Path, named: Iterable[str] = (), follow: bool = False
) -> str:
    """Compute a SHA-256 over the names and contents of the files in a folder, in hexadecimal.

    Args:
        folder: a missing folder counts as empty.
        ignore: as for `files_below`; None: only the files in `named` count.
        known: as for `checksums`.
        named: paths relative to the folder, which count also if they are ignored.
        follow: as for `files_below`.
    """
    found = hashlib.sha256()
    if folder.is_dir():
        paths = {os.path.join(folder, file) for file in named}
        paths |= set() if ignore is None else {*files_below(folder, ignore, follow)}
        for name, checksum in checksums({*map(os.path.normpath, paths)}, known, folder).items():
            found.update(f"{name} {checksum}\n".encode())
    return found.hexdigest()


def declared_contents(declared: Iterable[str], known: Path) -> dict[str, str]:
    """Compute a SHA-256 in hexadecimal of each path that a `files:` key declares; `known` as for `checksums`."""
    below = {path: [*files_below(Path(path))] if os.path.isdir(path) else [path] for path in declared}
    sums = checksums({file for files in below.values() for file in files}, known)
    found = {}
    for path, files in below.items():
        named = {os.path.relpath(file, path): sums.get(os.fsencode(os.path.relpath(file)).hex()) for file in files}
        found[path] = hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()
    return found


def check_writable(folder: Path, key: str, source: str = "config") -> None:
    """Raise a CalotypeError that names the key if a folder of the config cannot be written to or created."""
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        problem = f"{nearest} is not a folder"
    elif not os.access(nearest, os.W_OK | os.X_OK):
        problem = f"you may not write to {nearest.resolve()}"
    else:
        return
    raise CalotypeError(f"{source}: {key}: {folder}: {problem}.", f"set another folder: --config {key}=/path/to/folder")


def write_text(text: str, file: Path) -> None:
    """Write a text file in UTF-8, completely or not at all."""
    with new_file(file) as aside:
        aside.write_text(text, encoding="utf-8")


def read_json(file: str | Path) -> Any:
    """Read a JSON file of this workflow."""
    return json.loads(Path(file).read_text(encoding="utf-8"))


def harmless(cell: Any) -> Any:
    """Put ' before a text that a spreadsheet would run, such as a file name that begins with =; not before numbers."""
    if (
        isinstance(cell, str)
        and re.match(r"'*[=+@\t\r-]", cell)
        and not re.fullmatch(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", cell)
    ):
        return f"'{cell}"
    return cell


def unharmed(cell: Any) -> Any:
    """Undo `harmless`."""
    return cell[1:] if isinstance(cell, str) and re.match(r"'+[=+@\t\r-]", cell) else cell


def write_csv(table: "pd.DataFrame", file: Path) -> None:
    """Write a table without row names, numbers with all digits, and no text that a spreadsheet would run."""
    table = table.assign(**{name: table[name].map(harmless) for name in table.select_dtypes(exclude="number")})
    with new_file(file) as aside:
        table.to_csv(aside, index=False, lineterminator="\n")
