"""Array files with a checksum of their content, so that a damaged or changed file is not used."""

import errno
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calotype.util.files import new_file

HEAD = "head"  # the entry with the checksum and the plain data, as JSON
ARRAY = "array/"  # prefix of the names of arrays


def _checksum(values: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    found = hashlib.sha256(f"{values}\n".encode())
    for name in sorted(arrays):
        dtype = arrays[name].dtype
        kind = f"{dtype.itemsize} bytes" if dtype.kind == "V" else dtype.str  # bfloat16 loses its name in a file
        found.update(f"{name} {kind} {arrays[name].shape}\n".encode())
        found.update(np.ascontiguousarray(arrays[name]).view(np.uint8).data if arrays[name].size else b"")
    return found.hexdigest()


def write_sealed(file: Path, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays and plain data as .npz."""
    text = json.dumps(values)
    head = json.dumps({"values": text, "sha256": _checksum(text, arrays)})
    with new_file(file) as aside:
        np.savez(
            aside, allow_pickle=False, **{HEAD: np.array(head)}, **{f"{ARRAY}{name}": arrays[name] for name in arrays}
        )


def read_sealed(file: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read the plain data and the arrays that `write_sealed` wrote.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, was changed, or is another kind of file.
    """
    try:
        with np.load(file, allow_pickle=False) as found:
            head = json.loads(str(found[HEAD]))
            arrays = {name.removeprefix(ARRAY): found[name] for name in found.files if name != HEAD}
        if head["sha256"] != _checksum(head["values"], arrays):
            raise ValueError("wrong checksum")
        return json.loads(head["values"]), arrays
    except Exception as error:  # zipfile does not document the errors of a damaged archive
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # these come from wrong offsets
            raise
        raise ValueError(str(error)) from error
