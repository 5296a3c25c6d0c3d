"""The part of a new study that its task decides."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Starter:
    """Lines of the study file that `new_study` writes.

    Attributes:
        defaults: of the variants: the loss, and what belongs to it; YAML within `defaults`.
        variants: YAML within `variants`.
    """

    defaults: str
    variants: str


_LAYERS = "blocks: [[16, 1, 3], [32, 2, 3], [32, 1, 3], [64, 2, 3], [64, 1, 3]]"

NUMBERS = Starter(
    """\
  loss: mean_squared_error
  scale_targets: true          # train on 0..1, whatever the labels' units
""",
    f"""\
  convolutions:
    label: Convolutions
    model: all_convolutional
    # [filters, stride, kernel] each
    model_arguments: {{{_LAYERS}}}
""",
)
CLASSES = Starter(
    """\
  loss: categorical_crossentropy
""",
    f"""\
  dense:                     # what the pixels say without their neighbourhood: the number to beat
    label: Dense
    model: dense
    model_arguments: {{units: [64]}}
  convolutions:
    label: Convolutions
    model: all_convolutional
    # [filters, stride, kernel] each
    model_arguments: {{{_LAYERS}, activation: softmax}}
  augmented:                 # the same, on images that are flipped and moved a little
    label: Convolutions, augmented
    model: all_convolutional
    model_arguments: {{{_LAYERS}, activation: softmax}}
    augment: [flip, {{name: shift, pixels: 2}}]
""",
)
