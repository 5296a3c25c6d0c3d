"""The part of a new study that depends on its task."""

from typing import NamedTuple


class Starter(NamedTuple):
    """Lines of the study file that `new_study` writes: YAML within `defaults`, and within `variants`."""

    defaults: str
    variants: str


_LAYERS = "blocks: [[16, 1, 3], [32, 2, 3], [32, 1, 3], [64, 2, 3], [64, 1, 3]]"
_CONVOLUTIONS = f"""\
  convolutions:
    label: Convolutions
    model: all_convolutional
    # [filters, stride, kernel] each
    model_arguments: {{{_LAYERS}%s}}
"""
NUMBERS = Starter(
    """\
  loss: mean_squared_error
  scale_targets: true          # train on 0..1, whatever the labels' units
""",
    _CONVOLUTIONS % "",
)
CLASSES = Starter(
    """\
  loss: categorical_crossentropy
""",
    f"""\
  dense:                     # the baseline: a model that ignores how pixels are arranged
    label: Dense
    model: dense
    model_arguments: {{units: [64]}}
{_CONVOLUTIONS % ", activation: softmax"}\
  augmented:                 # the same model; images are flipped and shifted at random in training
    label: Convolutions, augmented
    model: all_convolutional
    model_arguments: {{{_LAYERS}, activation: softmax}}
    augment: [flip, {{name: shift, pixels: 2}}]
""",
)
