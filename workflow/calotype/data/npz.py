"""Read arrays from .npz and .npy files; never Python objects, which could run code while they are read."""

import errno
import zipfile
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from calotype.data.readers import Raw, part
from calotype.util.errors import CalotypeError, did_you_mean


def _refused(where: str, error: Exception) -> CalotypeError:
    """Explain why numpy does not read an array."""
    if "Object arrays" in str(error) or "Python objects" in str(error):
        return CalotypeError(f"{where} holds Python objects, which are never read.", "save it as an array of numbers.")
    problem = " ".join(str(error).split(": <")[0].split())  # without the representation of a Python object
    return CalotypeError(f"{where} cannot be read: {problem[:200] or type(error).__name__}.")


def read_npz(path: Path, name: str) -> NDArray[Any]:
    """Read one array of an .npz file into memory, and nothing else."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [entry.removesuffix(".npy") for entry in archive.namelist()]
            if name not in names:
                raise CalotypeError(f"{path}: array `{name}` not found.", did_you_mean(name, names))
            with archive.open(f"{name}.npy") as file:
                return _native(np.lib.format.read_array(file, allow_pickle=False))
    except CalotypeError:
        raise
    except OSError as error:
        damaged = error.errno in (None, errno.EINVAL)  # a wrong offset in the archive
        problem = f"`{name}` is damaged" if damaged else f"cannot be read: {error.strerror}"
        raise CalotypeError(f"{path}: {problem}.") from None
    except zipfile.BadZipFile as error:
        raise CalotypeError(f"{path}: not an .npz file, or truncated: {error}.") from None
    except Exception as error:  # neither zipfile nor numpy documents the errors of a damaged file
        raise _refused(f"{path}: `{name}`", error) from None


def open_npy(path: Path) -> NDArray[Any]:
    """Open an .npy file without reading it into memory."""
    try:
        return _native(np.lib.format.open_memmap(path, mode="r"))
    except OSError as error:
        raise CalotypeError(f"{path}: cannot be read: {error.strerror or error}.") from None
    except Exception as error:  # numpy does not document the errors of a damaged header
        raise _refused(f"{path}: the array", error) from None


def _native(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array in the byte order of this machine; only big-endian arrays are copied."""
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def as_images(pixels: NDArray[Any], name: str) -> NDArray[np.uint8 | np.uint16]:
    """Return an array as images, shape (images, height, width, channels), a view; an error calls it `name`."""
    if pixels.dtype not in (np.uint8, np.uint16):
        raise CalotypeError(
            f"{name} holds {pixels.dtype}.", "save the original images with 8 or 16 bits: uint8 or uint16."
        )
    shaped = pixels[..., None] if pixels.ndim == 3 else pixels
    if shaped.ndim != 4 or shaped.shape[3] not in (1, 3) or 0 in shaped.shape:
        shape = " x ".join(map(str, pixels.shape))
        raise CalotypeError(f"{name} is {shape}.", "its shape must be (images, height, width), and for colour also 3.")
    return cast("NDArray[np.uint8 | np.uint16]", shaped)


def one_each(values: NDArray[Any], images: int, name: str, what: str) -> NDArray[Any]:
    """Return one entry for each image, shape (images,); an error calls the array `name` and its content `what`.

    The shape may be (images, 1), as of the labels of Keras's CIFAR-10.
    """
    values = values.reshape(-1) if values.ndim == 2 and values.shape[1] == 1 else values
    if values.ndim != 1:
        shape = " x ".join(map(str, values.shape)) or "a single number"
        hint = "convert one-hot labels: labels.argmax(axis=1)." if values.ndim == 2 else None
        raise CalotypeError(f"{name} is {shape}; there must be one of the {what} for each image.", hint)
    if len(values) != images:
        raise CalotypeError(f"{name} has {len(values)} {what} for {images} images.")
    return values


def read_images(path: Path, images: str, labels: str) -> tuple[NDArray[np.uint8 | np.uint16], NDArray[np.int64]]:
    """Read images, shape (images, height, width, channels), and labels, shape (images,), from an .npz file."""
    pixels = as_images(read_npz(path, images), f"{path}: `{images}`")
    numbers = one_each(read_npz(path, labels), len(pixels), f"{path}: `{labels}`", "labels")
    if numbers.dtype.kind not in "iu":
        raise CalotypeError(f"{path}: `{labels}` is {numbers.dtype}.", "there must be one whole number for each image.")
    if numbers.dtype == np.uint64 and numbers.max() > np.iinfo(np.int64).max:
        raise CalotypeError(f"{path}: `{labels}`: {numbers.max()} is not a class.")
    return pixels, numbers.astype(np.int64)


def read_part(
    folder: Path, *, file: str, images: str, labels: str, first: int, number: int | None, classes: int
) -> Raw:
    """Return some images of an .npz file."""
    return part(*read_images(folder / file, images, labels), folder / file, first, number, classes)
