"""Keras's `fit` on TensorFlow, as its users call it."""

import timing

timing.one_core()  # before TensorFlow counts the cores

import os  # noqa: E402

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


def model_of(net: timing.Net) -> keras.Model:
    """Return the model as its source defines it."""

    def dense(units: int, activation: str | None) -> keras.layers.Layer:
        regularizer = keras.regularizers.L2(net.l2) if net.l2 else None
        return layers.Dense(
            units,
            activation=activation,
            kernel_initializer=keras.initializers.RandomNormal(net.deviation) if net.deviation else "glorot_uniform",
            kernel_regularizer=regularizer,
            bias_regularizer=regularizer,
            activity_regularizer=regularizer,
        )

    model = keras.Sequential([keras.Input(net.shape)])
    for filters in net.filters:
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    if net.dropout:
        model.add(layers.Dropout(net.dropout))
    model.add(layers.Flatten())
    for units in net.units:
        model.add(dense(units, "sigmoid" if net.sigmoid else "relu"))
    if net.dropout:
        model.add(layers.Dropout(net.dropout))
    model.add(dense(net.outputs, "softmax" if net.classes else None))
    return model


class _Laps(keras.callbacks.Callback):
    def __init__(self, clock: timing.Clock) -> None:
        super().__init__()
        self.clock = clock

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        del epoch, logs
        self.model.stop_training = not self.clock.lap()


def fit(net: timing.Net, clock: timing.Clock) -> None:
    """One call of `fit`."""
    images, labels = net.data()
    model = model_of(net)
    sgd = net.optimizer == "sgd"
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9) if sgd else keras.optimizers.Adam(0.001)
    if net.classes:
        model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
        targets = keras.utils.to_categorical(labels, net.classes)
    else:
        model.compile(optimizer=optimizer, loss="mean_squared_error")
        targets = (labels / 5).astype("float32")
    model.fit(images, targets, batch_size=net.batch, epochs=10**6, callbacks=[_Laps(clock)], verbose=0)


timing.main({"fit": fit}, f"keras {keras.__version__}, tensorflow {tf.__version__}")
