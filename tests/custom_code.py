"""A custom model with its layers, and a custom step, as text."""

MODELS = """
import keras
import numpy as np
from my_layers import Thick

UNITS, ROUNDS = 3, 1

def net(shape, outputs, *, first):
    hidden = [Thick(UNITS) for _ in range(ROUNDS)]
    scale = float(np.load(first)[0])
    return keras.Sequential([keras.Input(shape), keras.layers.Rescaling(scale), *hidden, keras.layers.Dense(outputs)])

def plain(shape, outputs):
    return keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(outputs)])
"""
LAYERS = """
import keras
from sizes import POOL

class Thick(keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.pool, self.flat = keras.layers.AveragePooling2D(POOL), keras.layers.Flatten()
        self.dense = keras.layers.Dense(units)

    def build(self, shape):
        self.dense.build(self.flat.compute_output_shape(self.pool.compute_output_shape(shape)))

    def call(self, images):
        return self.dense(self.flat(self.pool(images)))
"""
STEPS = """
import numpy as np
from steps_helper import LEAST

def lift(image, by):
    return np.maximum(image, LEAST + np.load(by)[0]).astype(np.uint8)
"""
