"""The arguments of the built-in models, with the values that Keras and scikit-learn can train with.

Every call of Snakemake checks them, so this module imports neither; tests compare it with both.
"""

import functools
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, create_model, model_validator

from calotype.config.optimizer_arguments import BelowOne, NotNegative
from calotype.config.recipe import Recipe
from calotype.util.errors import closest, did_you_mean
from calotype.util.typed import Number, Positive, PositiveInt, Strict

# Not `glu`, which halves the outputs, and `threshold`, which needs arguments.
Activation = Literal[
    "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh",
    "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu",
    "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus",
    "swish", "tanh", "tanh_shrink",
]  # fmt: skip
Axes = list[int] | int | None
_SCALED: Mapping[str, Any] = {"seed": (int | None, None), "input_axes": (Axes, None), "output_axes": (Axes, None)}
_NORMAL: Mapping[str, Any] = {"mean": (Number, 0.0), "stddev": (NotNegative, 0.05), "seed": (int | None, None)}
# The initializers that suit a dense layer, by Keras's names, with the types and defaults of their arguments.
INITIALIZERS: Mapping[str, Mapping[str, Any]] = {
    "constant": {"value": (Number, ...)},
    "glorot_normal": _SCALED,
    "glorot_uniform": _SCALED,
    "he_normal": _SCALED,
    "he_uniform": _SCALED,
    "identity": {"gain": (Number, 1.0)},
    "lecun_normal": _SCALED,
    "lecun_uniform": _SCALED,
    "ones": {},
    "orthogonal": {"gain": (Number, 1.0), "seed": (int | None, None)},
    "random_normal": _NORMAL,
    "random_uniform": {"minval": (Number, -0.05), "maxval": (Number, 0.05), "seed": (int | None, None)},
    "truncated_normal": _NORMAL,
    "variance_scaling": {
        "scale": (Positive, 1.0),
        "mode": (Literal["fan_in", "fan_out", "fan_avg"], "fan_in"),
        "distribution": (Literal["normal", "truncated_normal", "uniform", "untruncated_normal"], "truncated_normal"),
        **_SCALED,
    },
    "zeros": {},
}
_CLASSES = {name.title().replace("_", ""): name for name in INITIALIZERS}
ALIASES = _CLASSES | {
    "IdentityInitializer": "identity", "OrthogonalInitializer": "orthogonal", "normal": "random_normal", "one": "ones",
    "uniform": "random_uniform", "zero": "zeros",
}  # fmt: skip
MAPPING = ("class_name", "config", "module", "registered_name")  # keys of an initializer in Keras's files


@functools.cache
def _arguments_of(initializer: str) -> type[Strict]:
    return create_model("Initializer", __base__=Strict, **INITIALIZERS[initializer])


def _initializer(value: Any) -> Any:
    found = {"class_name": value} if isinstance(value, str) else value
    if found is None:
        return value
    if not isinstance(found, dict) or not isinstance(found.get("class_name"), str) or not found.keys() <= {*MAPPING}:
        example = "{class_name: random_normal, config: {stddev: 0.1}}"
        raise ValueError(f"{value!r} is neither a name nor a mapping such as {example}")
    name, config = str(found["class_name"]), found.get("config") or {}
    kind: str = ALIASES.get(name, name)
    if kind not in INITIALIZERS:
        hint = closest(name, INITIALIZERS)
        raise ValueError(f"{name!r} is not one of {', '.join(INITIALIZERS)}" + (f"\nHint: {hint}" if hint else ""))
    if not isinstance(config, dict):
        raise ValueError(f"config: {config!r} is not a mapping")
    known = INITIALIZERS[kind]
    for key in config:
        if key not in known:
            hint = did_you_mean(key, known) or "remove it: there are no arguments."
            raise ValueError(f"config: `{name}` has no argument `{key}`\nHint: {hint}")
    _arguments_of(kind).model_validate(config)
    return value


Initializer = Annotated[Any, BeforeValidator(_initializer)]


def _positive(value: Any) -> bool:
    return type(value) is int and value > 0


def _block(block: list[Any]) -> list[Any]:
    """Check one block of `all_convolutional`: filters, stride, kernel, words."""
    if len(block) < 3:
        raise ValueError(f"{block} has not all of filters, stride and kernel\nHint: example: [32, 1, 3]")
    filters, stride, kernel, *words = block
    if not _positive(filters):
        raise ValueError(f"filters: {filters!r} is not a positive whole number")
    for name, value in (("stride", stride), ("kernel", kernel)):
        pair = isinstance(value, list) and len(value) == 2 and all(map(_positive, value))
        if not pair and not _positive(value):
            raise ValueError(f"{name}: {value!r} is not a positive whole number, or two of them")
    for word in words:
        if word not in ("valid", "pool", "residual"):
            raise ValueError(f"{word!r} is not one of valid, pool, residual")
    return block


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _keeps_size(block: list[Any]) -> bool:
    _, stride, kernel, *words = block
    return _pair(stride) == (1, 1) and "pool" not in words and ("valid" not in words or _pair(kernel) == (1, 1))


def _sizes(value: Any) -> Any:
    if not _positive(value) and not (isinstance(value, list) and all(map(_positive, value))):
        raise ValueError(f"{value!r} is neither a positive whole number nor a list of them")
    return value


class DotsSource(Strict):
    """Arguments of the model `dots_source`."""

    output: Activation = "linear"


class Dense(Strict):
    """Arguments of the model `dense`."""

    units: list[PositiveInt]
    activation: Activation = "relu"
    initializer: Initializer = "glorot_uniform"
    l2: NotNegative = 0.0
    dropout: BelowOne = 0.0
    output: Activation | None = None


class FashionSource(Strict):
    """Arguments of the model `fashion_source`: none."""


class AllConvolutional(Strict):
    """Arguments of the model `all_convolutional`."""

    blocks: list[Annotated[list[Any], AfterValidator(_block)]]
    momentum: BelowOne = 0.9
    darkness: bool = False
    largest: Positive | None = None
    dropout: BelowOne = 0.0
    activation: Activation = "linear"

    @model_validator(mode="after")
    def _residual_blocks_fit(self) -> "AllConvolutional":
        before = None  # the filters of the block before; the first block gets the channels of the image
        for place, block in enumerate(self.blocks):
            if "residual" in block[3:]:
                if not _keeps_size(block):
                    raise ValueError(
                        f"blocks.{place}: a residual block must keep the size\n"
                        "Hint: use stride 1, and neither `pool` nor `valid`."
                    )
                if before is not None and 1 not in (before, block[0]) and before != block[0]:
                    raise ValueError(
                        f"blocks.{place}: a residual block must keep the number of filters: {block[0]} is not {before}"
                    )
            before = block[0]
        return self


class Perceptron(Strict):
    """Arguments of scikit-learn's MLPClassifier that have no key in a recipe."""

    hidden_layer_sizes: Annotated[Any, BeforeValidator(_sizes)] = (100,)
    activation: Literal["identity", "logistic", "relu", "tanh"] = "relu"
    alpha: NotNegative = 0.0001


OF_MODEL: Mapping[str, type[Strict]] = {
    "all_convolutional": AllConvolutional,
    "dense": Dense,
    "dots_source": DotsSource,
    "fashion_source": FashionSource,
    "sklearn.neural_network.MLPClassifier": Perceptron,
}

# ---- The last layer --------------------------------------------------------------------------------------------------

PROBABILITIES = ("softmax", "sparsemax")  # the sum of several outputs is 1; a single output is always 1
ONE_PROBABILITY = ("sigmoid", "hard_sigmoid", "sparse_sigmoid")
NEGATIVE = ("linear", "tanh")  # of the activations that training checks for the loss poisson
UP_TO_ONE = ("sigmoid", "tanh")
Problem = tuple[str, str, str | None]  # the argument, or "" for the model; the problem; a hint
_LAST = {"all_convolutional": "activation", "dense": "output", "dots_source": "output"}


def misfit(recipe: Recipe, largest_label: int | None = None) -> Problem | None:
    """Return the problem of a last layer of a built-in model that does not fit the loss or the labels.

    Args:
        recipe: with valid arguments.
        largest_label: of labels that are counts, if the config tells it.
    """
    key, loss = _LAST.get(recipe.model), recipe.loss
    usual = "softmax" if recipe.classifies and not recipe.binary else "sigmoid"
    default = usual if recipe.model in ("dense", "fashion_source") else "linear"
    name = recipe.model_arguments.get(key or "") or default
    problem, better = "", "linear"
    if recipe.classifies:
        allowed = ONE_PROBABILITY if recipe.binary else PROBABILITIES
        problem, better = f"the loss {loss} needs {allowed[0]}" * (name not in allowed), allowed[0]
    elif name in (*PROBABILITIES, "log_softmax"):
        problem = "a single output would always be the same"
    elif loss == "poisson" and name in NEGATIVE:
        problem, better = "the loss poisson needs outputs from 0", "softplus"
    elif name in UP_TO_ONE and largest_label is not None and largest_label > 1 and not recipe.scale_targets:
        problem, better = f"labels go up to {largest_label}", "linear, or `scale_targets: true`"
    if not problem:
        return None
    return key or "", f"the last layer has the activation {name}, but {problem}.", f"use {better}."


# ---- The size of the image -------------------------------------------------------------------------------------------


def _after(side: int, stride: int, kernel: int, words: list[Any]) -> int:
    """Return the height or width after a convolution; 0 or less if the image is too small."""
    side = (side - kernel) // stride + 1 if "valid" in words else -(-side // stride)
    return side // 2 if "pool" in words else side


def too_small(model: str, arguments: Mapping[str, Any], size: tuple[int, int]) -> Problem | None:
    """Return the problem of a built-in model whose convolutions are too large for images of a width and height."""
    pools = {"dots_source": 3, "fashion_source": 1}.get(model, 0)
    blocks = arguments["blocks"] if model == "all_convolutional" else [[1, 1, 3, "pool"]] * pools
    width, height = size
    for place, (_, stride, kernel, *words) in enumerate(blocks):
        strides, kernels = _pair(stride), _pair(kernel)  # of height and width
        height, width = _after(height, strides[0], kernels[0], words), _after(width, strides[1], kernels[1], words)
        if min(height, width) < 1:
            where = f"blocks.{place}" if model == "all_convolutional" else ""
            return where, f"images of {size[0]} x {size[1]} px are too small for this model.", None
    return None
