"""A small model for small pictures."""

import keras
from keras import layers


def build(shape: tuple[int, int, int], outputs: int, *, width: int = 16, dropout: float = 0.2) -> keras.Model:
    """Build three convolutions with stride 2, global average pooling and a softmax."""
    net = [keras.Input(shape)]
    for filters in (width, 2 * width, 4 * width):
        net += [
            layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
        ]
    net += [layers.GlobalAveragePooling2D(), layers.Dropout(dropout), layers.Dense(outputs, activation="softmax")]
    return keras.Sequential(net)
