"""The first convolution and max-pooling of a trained model, applied to one image.

Computed with NumPy: importing TensorFlow for one image would take longer than plotting ten figures.
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
HINT = "feature maps need a model that begins with keras.Input, Conv2D (stride 1, ReLU or no activation), MaxPooling2D."


def _padding(size: int, window: int, stride: int) -> tuple[int, int]:
    """Return the padding before and after of Keras's `same`; an odd one is larger after."""
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def _windows(image: Array, size: tuple[int, int], strides: tuple[int, int], padding: str, fill: float) -> Array:
    """Return all windows of an image: shape (rows, columns, channels, *size)."""
    if padding == "same":
        edges = [_padding(*sides) for sides in zip(image.shape, size, strides, strict=False)]
        image = np.pad(image, [*edges, (0, 0)], constant_values=fill)
    return sliding_window_view(image, size, axis=(0, 1))[:: strides[0], :: strides[1]]


def convolve(image: Array, kernel: Array, bias: Array | None, padding: str) -> Array:
    """Convolve an image, shape (height, width, channels), with stride 1, as keras.layers.Conv2D does.

    `kernel` has shape (rows, columns, channels, filters), `bias` shape (filters,).
    """
    windows = _windows(image, kernel.shape[:2], (1, 1), padding, 0)
    found = np.tensordot(windows.astype(np.float64), kernel.transpose(2, 0, 1, 3), axes=3)
    return (found if bias is None else found + bias).astype(np.float32)


def max_pool(maps: Array, size: tuple[int, int], strides: tuple[int, int], padding: str) -> Array:
    """Return the largest value of every window of maps, shape (height, width, filters), as MaxPooling2D does."""
    return _windows(maps, size, strides, padding, -np.inf).max(axis=(-2, -1))


def _source(layer: dict[str, Any]) -> str | None:
    """Return the name of the only input layer of a layer of a functional model, or None."""
    found = [
        tensor["config"]["keras_history"][0]
        for node in layer.get("inbound_nodes", [])
        for tensor in node["args"]
        if isinstance(tensor, dict) and tensor.get("class_name") == "__keras_tensor__"
    ]
    return found[0] if len(found) == 1 else None


def _first_layers(architecture: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the configs of the convolution and the max-pooling at the start of a model."""
    try:
        model = json.loads(architecture)
        layers = model["config"]["layers"]
        kinds = [layer["class_name"] for layer in layers[:3]]
        functional = model["class_name"] == "Functional"
        follow = not functional or all(_source(layer) == before["name"] for before, layer in pairwise(layers[:3]))
    except (ValueError, LookupError, TypeError) as error:
        raise CalotypeError(f"architecture of the model: cannot be read: {error!r}.", HINT) from None
    if kinds != ["InputLayer", "Conv2D", "MaxPooling2D"] or not follow:
        raise CalotypeError(f"the model begins with {', '.join(kinds) or 'nothing'}: it has no feature maps.", HINT)
    convolution, pooling = layers[1]["config"], layers[2]["config"]
    supported: dict[str, tuple[Any, ...]] = {
        "strides": ([1, 1],), "dilation_rate": ([1, 1],), "groups": (1,), "data_format": ("channels_last",),
        "activation": ("relu", "linear"), "padding": ("same", "valid"),
    }  # fmt: skip
    for key, values in supported.items():
        if convolution[key] not in values:
            raise CalotypeError(f"layer {convolution['name']} of the model: {key}: {convolution[key]}.", HINT)
    return convolution, pooling


def first_features(architecture: str, weights: Path, image: Array) -> tuple[Array, Array]:
    """Return the maps of an image after the first convolution with its activation, and after max-pooling.

    Args:
        architecture: text of Keras's ``model.to_json()``.
        weights: of that model, a Keras 3 ``.weights.h5`` file.
        image: shape (height, width, channels), as the model takes it.

    Raises:
        CalotypeError: the model begins with other layers, or the weights are unreadable or of another model.
    """
    convolution, pooling = _first_layers(architecture)
    try:
        with h5py.File(weights) as file:
            # Keras names the groups by class and order: this is always the first convolution, whatever its name.
            found = file["layers/conv2d/vars"]
            kernel = found["0"][()]
            bias = found["1"][()] if convolution["use_bias"] else None
    except (OSError, LookupError) as error:
        raise CalotypeError(f"{weights}: cannot be read: {error}.", "delete it to train its pack again.") from None
    shape = (*convolution["kernel_size"], image.shape[-1], convolution["filters"])
    if kernel.shape != shape:
        raise CalotypeError(
            f"{weights}: the first convolution has a kernel of shape {kernel.shape}, but the model needs {shape}.",
            "use the weights, architecture and images of the same model.",
        )
    maps = convolve(image.astype(np.float32), kernel, bias, convolution["padding"])
    if convolution["activation"] == "relu":
        maps = np.maximum(maps, np.float32(0))
    return maps, max_pool(maps, tuple(pooling["pool_size"]), tuple(pooling["strides"]), pooling["padding"])
