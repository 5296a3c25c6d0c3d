"""What the first convolution and max-pooling of a trained net make of an image, without importing TensorFlow.

A figure needs this for one image; to start TensorFlow for it takes longer than to draw ten figures.
"""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from calotype.util.errors import CalotypeError

Array = NDArray[np.float32]
HINT = (
    "feature maps are drawn of models that begin with keras.Input, Conv2D (stride 1, ReLU or no activation) and "
    "MaxPooling2D."
)


def _padding(size: int, window: int, stride: int) -> tuple[int, int]:
    """How much Keras's padding `same` adds before and after: half each, what is odd after."""
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def _windows(image: Array, size: tuple[int, int], strides: tuple[int, int], padding: str, fill: float) -> Array:
    """Every window of an image: shape (rows, columns, channels, size of the window)."""
    if padding == "same":
        edges = [_padding(*sides) for sides in zip(image.shape, size, strides, strict=False)]
        image = np.pad(image, [*edges, (0, 0)], constant_values=fill)
    return sliding_window_view(image, size, axis=(0, 1))[:: strides[0], :: strides[1]]


def convolve(image: Array, kernel: Array, bias: Array | None, padding: str) -> Array:
    """A convolution with stride 1, as keras.layers.Conv2D computes it.

    Args:
        image: shape (height, width, channels).
        kernel: shape (rows, columns, channels, filters).
        bias: shape (filters,), or none.
        padding: same or valid.

    Returns:
        shape (height, width, filters); for `valid`, smaller by the kernel less one.
    """
    windows = _windows(image, kernel.shape[:2], (1, 1), padding, 0)
    found = np.tensordot(windows.astype(np.float64), kernel.transpose(2, 0, 1, 3), axes=3)
    return (found if bias is None else found + bias).astype(np.float32)


def max_pool(maps: Array, size: tuple[int, int], strides: tuple[int, int], padding: str) -> Array:
    """The largest value in every window, as keras.layers.MaxPooling2D computes it.

    Args:
        maps: shape (height, width, filters).
        size: of the window.
        strides: from one window to the next.
        padding: same or valid.

    Returns:
        shape (rows, columns, filters).
    """
    return _windows(maps, size, strides, padding, -np.inf).max(axis=(-2, -1))


def _source(layer: dict[str, Any]) -> str | None:
    """The name of the layer that a layer of a functional model takes; None for a sequential one's, or for several."""
    found = [
        tensor["config"]["keras_history"][0]
        for node in layer.get("inbound_nodes", [])
        for tensor in node["args"]
        if isinstance(tensor, dict) and tensor.get("class_name") == "__keras_tensor__"
    ]
    return found[0] if len(found) == 1 else None


def _first_layers(architecture: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The configs of the convolution and the max-pooling that a model begins with."""
    try:
        model = json.loads(architecture)
        layers = model["config"]["layers"]
        kinds = [layer["class_name"] for layer in layers[:3]]
        functional = model["class_name"] == "Functional"
        follow = not functional or all(_source(layer) == before["name"] for before, layer in pairwise(layers[:3]))
    except (ValueError, LookupError, TypeError) as error:
        raise CalotypeError(f"the model's architecture cannot be read: {error!r}.", HINT) from None
    if kinds != ["InputLayer", "Conv2D", "MaxPooling2D"] or not follow:
        raise CalotypeError(f"the model begins with {', '.join(kinds) or 'nothing'}; there are no feature maps.", HINT)
    convolution, pooling = layers[1]["config"], layers[2]["config"]
    supported: dict[str, tuple[Any, ...]] = {
        "strides": ([1, 1],), "dilation_rate": ([1, 1],), "groups": (1,), "data_format": ("channels_last",),
        "activation": ("relu", "linear"), "padding": ("same", "valid"),
    }  # fmt: skip
    for key, values in supported.items():
        if convolution[key] not in values:
            raise CalotypeError(f"the model's layer {convolution['name']}: {key}: {convolution[key]}.", HINT)
    return convolution, pooling


def first_features(architecture: str, weights: Path, image: Array) -> tuple[Array, Array]:
    """What a model's first convolution, with its bias and activation, and the max-pooling after it make of an image.

    Args:
        architecture: the text of Keras's ``model.to_json()``.
        weights: of that model, a Keras 3 ``.weights.h5`` file.
        image: shape (height, width, channels), as the model takes it.

    Returns:
        the maps after the convolution, shape (height, width, filters), and those after the pooling.

    Raises:
        CalotypeError: the model begins otherwise, or the weights cannot be read or are not its own.
    """
    convolution, pooling = _first_layers(architecture)
    try:
        with h5py.File(weights) as file:
            # Keras names the groups by class and order, not by the layers' names, which differ between processes. The
            # first convolution of the model's own layers is always this one.
            found = file["layers/conv2d/vars"]
            kernel = found["0"][()]
            bias = found["1"][()] if convolution["use_bias"] else None
    except (OSError, LookupError) as error:
        raise CalotypeError(
            f"{weights}: cannot be read: {error}.", "delete it to have its pack trained again."
        ) from None
    shape = (*convolution["kernel_size"], image.shape[-1], convolution["filters"])
    if kernel.shape != shape:
        raise CalotypeError(
            f"{weights}: the first convolution has a kernel of shape {kernel.shape}, but the architecture and "
            f"the image ask for {shape}.",
            "give the weights, the architecture and the images of one model.",
        )
    maps = convolve(image.astype(np.float32), kernel, bias, convolution["padding"])
    if convolution["activation"] == "relu":
        maps = np.maximum(maps, np.float32(0))
    return maps, max_pool(maps, tuple(pooling["pool_size"]), tuple(pooling["strides"]), pooling["padding"])
