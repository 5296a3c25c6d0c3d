"""The built-in models.

A model is a function of the image shape (height, width, channels) and the number of outputs. It returns a Keras model
that is not compiled. A custom model is such a function in a user's file, named in the config as
``path/to/file.py:function``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from calotype.training.backend import keras
from calotype.util.errors import CalotypeError, about
from calotype.util.user_code import load_function

layers = keras.layers
LAST = "float32"  # type of the last layer at any precision: probabilities need the digits


def _of_probabilities(outputs: int) -> str:
    """Return the activation that gives probabilities; a single output is that of the second of two classes."""
    return "softmax" if outputs > 1 else "sigmoid"


def dots_source(shape: tuple[int, int, int], outputs: int, *, output: str = "linear") -> keras.Model:
    """Build the model of the NeSI support page "Keras": 338,881 parameters at 40 x 40 x 1.

    Three 3 x 3 convolutions (32, 128, 256 filters, padding, ReLU), each with 2 x 2 max-pooling, then a dense layer with
    the activation `output`, for instance softplus for numbers from 0.
    """
    stack = [keras.Input(shape)]
    for filters in (32, 128, 256):
        stack += [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)]
    return keras.Sequential([*stack, layers.Flatten(), layers.Dense(outputs, activation=output, dtype=LAST)])


def dense(
    shape: tuple[int, int, int],
    outputs: int,
    *,
    units: list[int],
    activation: str = "relu",
    initializer: str | dict[str, Any] = "glorot_uniform",
    l2: float = 0.0,
    dropout: float = 0.0,
    output: str | None = None,
) -> keras.Model:
    """Build dense layers on the pixels.

    Args:
        units: of each hidden layer.
        activation: of the hidden layers.
        initializer: of all kernels; Keras's name, or a mapping with class_name and config.
        l2: weight in the loss of the squared kernels, biases and outputs of all layers.
        dropout: share of the last hidden layer's outputs to drop in training.
        output: activation of the last layer; by default softmax, or sigmoid for one output.
    """
    if l2 and keras.config.dtype_policy().name != "float32":
        raise ValueError("l2: sums of squares do not fit into 16 bits; remove `precision`")

    def layer(count: int, function: str, **options: Any) -> Any:
        penalised = ("kernel_regularizer", "bias_regularizer", "activity_regularizer") if l2 else ()
        options |= {name: keras.regularizers.L2(l2) for name in penalised}
        return layers.Dense(count, function, kernel_initializer=keras.initializers.get(initializer), **options)

    stack = [keras.Input(shape), layers.Flatten(), *(layer(count, activation) for count in units)]
    if dropout:
        stack.append(layers.Dropout(dropout))
    return keras.Sequential([*stack, layer(outputs, output or _of_probabilities(outputs), dtype=LAST)])


def fashion_source(shape: tuple[int, int, int], outputs: int) -> keras.Model:
    """Build the model of the Fashion-MNIST example: 804,554 parameters at 28 x 28 x 1 and ten classes."""
    stack = [keras.Input(shape), layers.Conv2D(32, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)]
    stack += [layers.Dropout(0.25), layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dropout(0.25)]
    return keras.Sequential([*stack, layers.Dense(outputs, activation=_of_probabilities(outputs), dtype=LAST)])


def all_convolutional(
    shape: tuple[int, int, int],
    outputs: int,
    *,
    blocks: list[list[Any]],
    momentum: float = 0.9,
    darkness: bool = False,
    largest: float | None = None,
    dropout: float = 0.0,
    activation: str = "linear",
) -> keras.Model:
    """Build convolutions with batch normalisation and ReLU, the mean over the image, and one dense layer.

    Args:
        blocks: filters, stride and kernel size of each convolution, then any of three words. ``valid`` omits the
            padding, ``pool`` adds 2 x 2 max-pooling, ``residual`` adds the block's input to its output.
        momentum: of the running mean and variance of the batch normalisation; Keras's 0.99 suits longer runs.
        darkness: use the logarithm of the brightness (in 0..1). Half-transparent dots multiply the brightness under
            them, so overlapping dots add up in the logarithm.
        largest: divide the image by this first.
        dropout: share of the mean's entries to drop in training.
        activation: of the dense layer: softmax for classes, sigmoid for one output of two classes.
    """
    image = keras.Input(shape)
    x = image
    if largest is not None:
        x = layers.Rescaling(1 / largest)(x)
    if darkness:
        x = -keras.ops.log2((x * 255 + 1) / 256) / 4
    for filters, stride, kernel, *words in blocks:
        if unknown := set(words) - {"valid", "pool", "residual"}:
            raise ValueError(f"blocks: `{unknown.pop()}`: allowed words are valid, pool, residual")
        padding = "valid" if "valid" in words else "same"
        y = layers.Conv2D(filters, kernel, strides=stride, padding=padding, use_bias=False)(x)
        if "pool" in words:
            y = layers.MaxPooling2D(2)(y)
        y = layers.BatchNormalization(momentum=momentum)(y)
        y = layers.ReLU()(y)
        x = layers.Add()([x, y]) if "residual" in words else y
    x = layers.GlobalAveragePooling2D()(x)
    if dropout:
        x = layers.Dropout(dropout)(x)
    return keras.Model(image, layers.Dense(outputs, activation=activation, dtype=LAST)(x))


MODELS: Mapping[str, Callable[..., keras.Model]] = {
    "dots_source": dots_source,
    "dense": dense,
    "fashion_source": fashion_source,
    "all_convolutional": all_convolutional,
}


def build(name: str, shape: tuple[int, int, int], outputs: int, arguments: dict[str, Any]) -> keras.Model:
    """Build a model by its name in the config: one of `MODELS`, or ``path/to/file.py:function``.

    Raises:
        CalotypeError: file or function are missing, or it fails, or it returns no Keras model.
    """
    with about("model"):  # reload, so that earlier models leave no trace
        make = load_function(name, reload=True) if ":" in name else MODELS.get(name)
    if make is None:
        raise CalotypeError(f"model: {name}: not found.", f"built-in models are {', '.join(MODELS)}.")
    try:
        model = make(shape, outputs, **arguments)
    except TypeError as error:
        hint = "check that `model_arguments` are keyword arguments of the function."
        raise CalotypeError(f"model: {name}: {error}.", hint) from error
    except Exception as error:
        raise CalotypeError(f"model: {name}: {type(error).__name__}: {error}") from error
    if not isinstance(model, keras.Model):
        problem = f"model: {name}: must return a Keras model, not {type(model).__name__}."
        raise CalotypeError(problem, "end the function with `return`, and its model.")
    return model
