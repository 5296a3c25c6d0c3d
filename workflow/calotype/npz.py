"""Read arrays of images and labels from .npz files; never an object, which could run code while it is read."""

import zipfile
import zlib
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from calotype.errors import CalotypeError, did_you_mean


def _broken(path: Path, problem: str) -> CalotypeError:
    return CalotypeError(f"{path}: {problem}.", f"delete {path.parent} to have it fetched again.")


def read_array(path: Path, name: str) -> NDArray[np.generic]:
    """Read one array of an .npz file.

    Raises:
        CalotypeError: the file is missing, broken or no .npz file, or has no such array, or it holds Python objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [entry.removesuffix(".npy") for entry in archive.namelist()]
            if name not in names:
                raise CalotypeError(f"{path}: has no array `{name}`.", did_you_mean(name, names))
            with archive.open(f"{name}.npy") as file:
                return np.lib.format.read_array(file, allow_pickle=False)
    except OSError as error:
        raise _broken(path, f"cannot be read: {error.strerror or error}") from None
    except zipfile.BadZipFile as error:
        raise _broken(path, f"not an .npz file, or truncated: {error}") from None
    except (ValueError, EOFError, KeyError, MemoryError, RuntimeError, zlib.error) as error:
        if "Object arrays" in str(error):
            raise CalotypeError(
                f"{path}: `{name}` holds Python objects, which are never read.", "save it as an array of numbers."
            ) from None
        problem = str(error).split(": <")[0]  # what comes then is an object of Python's
        raise _broken(path, f"`{name}` cannot be read: {problem or type(error).__name__}") from None


def read_images(path: Path, images: str, labels: str) -> tuple[NDArray[np.uint8 | np.uint16], NDArray[np.int64]]:
    """Read images and their labels.

    Returns:
        Images, shape (images, height, width, channels), uint8 or uint16; labels, shape (images,).

    Raises:
        CalotypeError: as `read_array`, or they are no images of 8 or 16 bits, or no whole numbers, or not as many.
    """
    pixels, numbers = read_array(path, images), read_array(path, labels)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise CalotypeError(
            f"{path}: `{images}` holds {pixels.dtype}.",
            "save the images as they were, with 8 or 16 bits: uint8 or uint16.",
        )
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    if pixels.ndim != 4 or pixels.shape[3] not in (1, 3) or 0 in pixels.shape:
        shape = " x ".join(map(str, pixels.shape))
        raise CalotypeError(
            f"{path}: `{images}` is {shape}.", "images, height, width, and for colour 3 channels are expected."
        )
    numbers = numbers.reshape(-1) if numbers.shape == (len(pixels), 1) else numbers  # as Keras's CIFAR-10 has them
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise CalotypeError(
            f"{path}: `{labels}` is {numbers.dtype} of {numbers.ndim} dimensions.",
            "one whole number an image is expected.",
        )
    if len(pixels) != len(numbers):
        raise CalotypeError(f"{path}: {len(pixels)} images in `{images}`, but {len(numbers)} labels in `{labels}`.")
    if numbers.dtype == np.uint64 and numbers.size and numbers.max() > np.iinfo(np.int64).max:
        raise CalotypeError(f"{path}: `{labels}`: {numbers.max()} is no class.")
    return cast("NDArray[np.uint8 | np.uint16]", pixels), numbers.astype(np.int64)
