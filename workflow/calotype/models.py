"""The models by name.

A model is a function that takes the shape of an image and the number of outputs, and returns a Keras model that is not
compiled. A user's own model is such a function in a file of their own, named in the config as
``path/to/file.py:function``.
"""

import importlib.util
from pathlib import Path
from typing import Any

from calotype.backend import keras
from calotype.errors import CalotypeError

layers = keras.layers


def dots_source(shape: tuple[int, int, int], outputs: int) -> keras.Model:
    """The net of the NeSI support page "Keras": 338,881 parameters at 40 x 40 x 1.

    Three times a 3 x 3 convolution (32, 128, 256 filters, padding, ReLU) and 2 x 2 max-pooling, then a dense layer.
    """
    net = [keras.Input(shape)]
    for filters in (32, 128, 256):
        net += [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)]
    return keras.Sequential([*net, layers.Flatten(), layers.Dense(outputs)])


def all_convolutional(
    shape: tuple[int, int, int],
    outputs: int,
    *,
    blocks: list[list[int]],
    momentum: float = 0.9,
    darkness: bool = False,
) -> keras.Model:
    """Convolutions with batch normalisation and ReLU, the mean over the image, and one dense layer.

    Args:
        shape: height, width, channels.
        outputs: number of outputs.
        blocks: filters, stride and kernel size of each convolution.
        momentum: of the running mean and variance of the batch normalisation; Keras's 0.99 suits longer trainings.
        darkness: give the net the logarithm of the brightness (in 0..1) instead. A half-transparent dot multiplies what
            lies under it, so dots that overlap add up in the logarithm.
    """
    image = keras.Input(shape)
    x = image
    if darkness:
        x = -keras.ops.log2((x * 255 + 1) / 256) / 4
    for filters, stride, kernel in blocks:
        x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=momentum)(x)
        x = layers.ReLU()(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(outputs)(x))


def build(name: str, shape: tuple[int, int, int], outputs: int, arguments: dict[str, Any]) -> keras.Model:
    """Build a model by its name in the config: a function of this module, or ``path/to/file.py:function``.

    Raises:
        CalotypeError: there is no such file or function, or it fails, or it returns no Keras model.
    """
    file, colon, function = name.rpartition(":")
    if colon:
        spec = importlib.util.spec_from_file_location(Path(file).stem, file)
        if spec is None or spec.loader is None or not Path(file).is_file():
            raise CalotypeError(f"model: {name}: there is no Python file {file}.")
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise CalotypeError(
                f"model: {name}: {file} cannot be imported: {type(error).__name__}: {error}."
            ) from error
        make = getattr(module, function, None)
    else:
        make = globals().get(name)
    if not callable(make):
        raise CalotypeError(f"model: {name}: there is no such function.")
    try:
        model = make(shape, outputs, **arguments)
    except TypeError as error:
        raise CalotypeError(
            f"model: {name}: {error}.", "see that `model_arguments` names the function's keyword arguments."
        ) from error
    except Exception as error:
        raise CalotypeError(f"model: {name}: {type(error).__name__}: {error}") from error
    if not isinstance(model, keras.Model):
        raise CalotypeError(f"model: {name}: returned {type(model).__name__}, not a Keras model.")
    return model
