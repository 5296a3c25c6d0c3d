"""Open an array of a user's own by its name: `faces.npz:images`, `images.npy`, or the name of an IDX file."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from calotype.data.idx import read_idx
from calotype.data.npz import open_npy, read_npz
from calotype.util.errors import with_hint
from calotype.util.files import check_regular


def open_array(folder: Path, name: str) -> NDArray[Any]:
    """Open an array.

    Args:
        folder: that its name starts from.
        name: as datasets.yaml has it.

    Returns:
        As it was saved. One of an .npz file is in memory, once, and nothing else of the file is; the others are mapped,
        and take no more memory than what is used of them.

    Raises:
        CalotypeError: the file is missing, broken or of another kind, has no such array, or it holds Python objects.
    """
    file, _, array = name.partition(":")
    path = folder / file
    check_regular(path)
    with with_hint("bring it back, or save it anew; .npz, .npy and IDX files are read."):
        if array:
            return read_npz(path, array)
        return open_npy(path) if path.suffix.lower() == ".npy" else read_idx(path)
