"""The models by name.

A model is a function that takes the shape of an image and the number of outputs, and returns a Keras model that is not
compiled. A user's own model is such a function in a file of their own, named in the config as
``path/to/file.py:function``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from calotype.training.backend import keras
from calotype.util.errors import CalotypeError, about
from calotype.util.user_code import load_function

layers = keras.layers
LAST = "float32"  # of the last layer, whatever the precision of the others: probabilities need the digits


def _of_probabilities(outputs: int) -> str:
    """The activation that makes probabilities of so many outputs; one is that of the second of two classes."""
    return "softmax" if outputs > 1 else "sigmoid"


def dots_source(shape: tuple[int, int, int], outputs: int, *, output: str = "linear") -> keras.Model:
    """The net of the NeSI support page "Keras": 338,881 parameters at 40 x 40 x 1.

    Three times a 3 x 3 convolution (32, 128, 256 filters, padding, ReLU) and 2 x 2 max-pooling, then a dense layer.

    Args:
        shape: height, width, channels.
        outputs: number of outputs.
        output: activation of the dense layer: softplus, for instance, for numbers from 0.
    """
    net = [keras.Input(shape)]
    for filters in (32, 128, 256):
        net += [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)]
    return keras.Sequential([*net, layers.Flatten(), layers.Dense(outputs, activation=output, dtype=LAST)])


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
    """Dense layers on the pixels, and a softmax over the classes.

    Args:
        shape: height, width, channels.
        outputs: number of classes; 1 for the probability of the second of two, or for a number.
        units: of each hidden layer.
        activation: of the hidden layers.
        initializer: of the kernels of all layers; Keras's name, or a mapping with class_name and config.
        l2: weight of the squared kernels, biases and outputs of every layer in the loss.
        dropout: part of the last hidden layer's outputs that is dropped in training.
        output: activation of the last layer: linear for a number. Left out: that of probabilities.
    """

    if l2 and keras.config.dtype_policy().name != "float32":
        raise ValueError("l2: sums of squares do not fit into 16 bits; leave out `precision`")

    def layer(count: int, function: str, **options: Any) -> Any:
        regularizer = keras.regularizers.L2(l2) if l2 else None
        return layers.Dense(
            count,
            activation=function,
            kernel_initializer=keras.initializers.get(initializer),
            kernel_regularizer=regularizer,
            bias_regularizer=regularizer,
            activity_regularizer=regularizer,
            **options,
        )

    net = [keras.Input(shape), layers.Flatten(), *(layer(count, activation) for count in units)]
    if dropout:
        net.append(layers.Dropout(dropout))
    return keras.Sequential([*net, layer(outputs, output or _of_probabilities(outputs), dtype=LAST)])


def fashion_source(shape: tuple[int, int, int], outputs: int) -> keras.Model:
    """The net of the Fashion-MNIST example: 804,554 parameters at 28 x 28 x 1 and ten classes.

    A 3 x 3 convolution (32 filters, padding, ReLU), 2 x 2 max-pooling, dropout, a dense layer of 128, dropout, softmax.
    """
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.25),
            layers.Dense(outputs, activation=_of_probabilities(outputs), dtype=LAST),
        ]
    )


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
    """Convolutions with batch normalisation and ReLU, the mean over the image, and one dense layer.

    Args:
        shape: height, width, channels.
        outputs: number of outputs.
        blocks: filters, stride and kernel size of each convolution, and words: ``valid`` leaves out the padding,
            ``pool`` takes 2 x 2 max-pooling after it, ``residual`` adds what comes out to what went in.
        momentum: of the running mean and variance of the batch normalisation; Keras's 0.99 suits longer trainings.
        darkness: give the net the logarithm of the brightness (in 0..1) instead. A half-transparent dot multiplies what
            lies under it, so dots that overlap add up in the logarithm.
        largest: divide the image by this first.
        dropout: part of the mean's entries that is dropped in training.
        activation: of the dense layer: softmax to classify, sigmoid where one output stands for two classes.
    """
    image = keras.Input(shape)
    x = image
    if largest is not None:
        x = layers.Rescaling(1 / largest)(x)
    if darkness:
        x = -keras.ops.log2((x * 255 + 1) / 256) / 4
    for filters, stride, kernel, *words in blocks:
        if unknown := set(words) - {"valid", "pool", "residual"}:
            raise ValueError(f"blocks: `{unknown.pop()}` is not one of valid, pool, residual")
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
        CalotypeError: there is no such file or function, or it fails, or it returns no Keras model.
    """
    with about("model"):
        # Anew: no model that was built before leaves a trace in this one.
        make = load_function(name, anew=True) if ":" in name else MODELS.get(name)
    if make is None:
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
