"""Images, recipes and models that train in a second, and functions that train and predict a pack."""

import textwrap
from dataclasses import dataclass, field

import numpy as np

from calotype.config.recipe import Recipe
from calotype.data.draw_dots import write_split as draw_split
from calotype.data.prepared_split import Split, open_split
from calotype.data.read_dots import read_drawn
from calotype.preparation.prepare import write_split
from calotype.steps.registry import read_steps
from calotype.training.predicting import Asked, new_predictor, predicted
from calotype.training.result import Pack

RANGE = {"minimum": 0, "maximum": 5}
STEPS = read_steps(["grey", "scale"])
IMAGES = {"train": 22, "test": 13}
CLASSES = 3
CLASS_IMAGES = {"train": 46, "test": 17}
OWN = '''
import keras
import tensorflow as tf
from keras import layers


def net(shape, outputs, *, rate=0.4):
    """Dropout twice, once in a model inside the model, and batch normalisation."""
    convolution = layers.Conv2D(4, 3, activation="relu")
    inner = keras.Sequential([convolution, layers.BatchNormalization(), layers.Dropout(rate)])
    return keras.Sequential([keras.Input(shape), inner, layers.Flatten(), layers.Dropout(rate), layers.Dense(outputs)])


def classifier(shape, outputs, *, rate=0.3):
    """Dropout, batch normalisation, and a probability for each class."""
    net = [layers.Conv2D(3, 3, activation="relu"), layers.BatchNormalization(), layers.Dropout(rate)]
    return keras.Sequential([keras.Input(shape), *net, layers.Flatten(), layers.Dense(outputs, activation="softmax")])


def linear(shape, outputs):
    dense = layers.Dense(outputs, use_bias=False, kernel_initializer="zeros")
    return keras.Sequential([keras.Input(shape), layers.Flatten(), dense])



class Leaky(layers.Layer):
    """Draws without a seed of its own, and counts its calls in a variable that Keras does not track."""

    def build(self, shape):
        self.calls = tf.Variable(0.0, trainable=False)

    def call(self, x, training=False):
        if training:
            self.calls.assign_add(1.0)
        return x / (1 + self.calls) + keras.random.normal(keras.ops.shape(x), stddev=0.1)


def leaky(shape, outputs):
    return keras.Sequential([keras.Input(shape), Leaky(), layers.Flatten(), layers.Dense(outputs)])


def two_outputs(shape, outputs):
    return keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(2)])


def not_flat(shape, outputs):
    return keras.Sequential([keras.Input(shape), layers.Dense(outputs)])


def fails(shape, outputs):
    raise ValueError("three filters are too few")



'''


def recipe(model, **changes):
    base = {"loss": "mean_squared_error", "optimizer": {"name": "adam"}, "epochs": 2, "batch_size": 8}
    return Recipe.model_validate({"model": model} | base | changes)


def class_recipe(model="dense", **changes):
    """Return a recipe of classes without dropout, held-out images and XLA (which compiles longer than this trains)."""
    base = {
        "loss": "categorical_crossentropy",
        "optimizer": {"name": "sgd", "learning_rate": 0.1},
        "jit_compile": False,
    }
    base |= {"model_arguments": {"units": [6]}} if model == "dense" else {}
    return recipe(model, **base | changes)


def class_split(split):
    """Tiny noisy images of three classes: a bright bar above, in the middle, or below."""
    rng = np.random.default_rng([len(split), 7])
    labels = rng.integers(0, CLASSES, CLASS_IMAGES[split])
    images = rng.random((len(labels), 8, 8, 1), np.float32)
    for image, label in zip(images, labels, strict=True):
        image[3 * label : 3 * label + 2] += 0.6
    return Split(images, labels, np.arange(len(labels)))


def make_data(folder):
    """Tiny drawn images, prepared as in the workflow; and the file of custom models."""
    for key, (split, images) in enumerate(IMAGES.items()):
        draw_split(folder / split, images=images, seed=key, width=8, quality=90, **RANGE)
        files = folder / f"{split}.npy", folder / f"{split}.json"
        write_split(
            read_drawn(folder / split, width=8, **RANGE), *files, split=split, steps=read_steps(["grey", "scale"])
        )
    (folder / "own.py").write_text(textwrap.dedent(OWN))


@dataclass(frozen=True)
class Predicted(Pack):
    """Return a pack and its predictions: by test split, an array with one row per seed."""

    predictions: dict = field(default_factory=dict)


def predict(made, pack, models, seeds, images, **tested):
    """Predict with saved weights, as workflow/scripts/predict.py does."""
    asked = Asked.of(made, **tested)
    predictor = new_predictor(asked, images.shape[1:], pack.targets)
    found = []
    for seed in seeds:
        predictor.load(models, seed)
        found.append(predicted(predictor, asked, seed, images))
    return np.stack(found)


def predictor_of(trainer):
    """Make a predictor that has the weights of a trainer."""
    found = new_predictor(Asked.of(trainer.recipe), trainer.shape, trainer.targets)
    found.model.set_weights(trainer.weights())
    return found


def train(data, made, seeds, models, train_split=None, validation=None, tests=("test",), **tested):
    """Train a pack and predict as workflow/scripts/train.py does."""
    from calotype.training.keras_trainer import Trainer
    from calotype.training.loop import Store, train_pack

    models.mkdir(parents=True)
    find = class_split if made.classifies else lambda split: open_split(data / f"{split}.npy")
    labels = {"minimum": None, "maximum": None, "classes": CLASSES} if made.classifies else {**RANGE, "classes": None}
    trainer = Trainer(made, train_split or find("train"), validation=validation, **labels)
    store = Store({seed: models.parent / f"checkpoints/{seed}" for seed in seeds}, "identity", minutes=60.0)
    pack = train_pack("study/variant", made, seeds, trainer, models, store=store, check=lambda: None)
    found = {split: predict(made, pack, models, seeds, find(split).images, **tested) for split in tests}
    return Predicted(**vars(pack), predictions=found)


def of(pack, metric, seed=0):
    """Return the values of a metric, epoch by epoch."""
    return pack.history[(pack.history.metric == metric) & (pack.history.seed == seed)].value.tolist()


def turned_in_numpy(image, symmetry):
    """Flip an image down, across, and along the diagonal, as the bits of a symmetry say, in this order."""
    image = image[::-1] if symmetry & 1 else image
    image = image[:, ::-1] if symmetry & 2 else image
    return image.transpose(1, 0, 2) if symmetry & 4 else image
