"""Effect of layers, dropout and the optimizer on MNIST: dense layers of 784 units, one change at a time.

    python mnist_ablation.py DATA --variant dropout --seed 0 --out results.csv

DATA holds the four IDX files.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from keras import layers

# hidden layers, dropout, optimizer, epochs
VARIANTS = {
    "one-layer": (1, 0.0, "adam", 2),
    "two-layers": (2, 0.0, "adam", 2),
    "three-layers": (3, 0.0, "adam", 2),
    "dropout": (3, 0.2, "adam", 2),
    "sgd": (3, 0.2, "sgd", 2),
    "sgd-20": (3, 0.2, "sgd", 20),
}


def load(folder, part):
    images = np.fromfile(folder / f"{part}-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 784)
    labels = np.fromfile(folder / f"{part}-labels-idx1-ubyte", np.uint8)[8:]
    return images.astype("float32") / 255, keras.utils.to_categorical(labels, 10)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--variant", choices=VARIANTS, default="one-layer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="default: those of the variant")
    parser.add_argument("--out", type=Path, default="results.csv")
    args = parser.parse_args()

    keras.utils.set_random_seed(args.seed)
    images, labels = load(args.data, "train")
    test_images, test_labels = load(args.data, "t10k")
    hidden, dropout, optimizer, epochs = VARIANTS[args.variant]

    model = keras.Sequential([keras.Input((784,))])
    for _ in range(hidden):
        model.add(layers.Dense(784, activation="relu", kernel_initializer="random_normal"))
    if dropout:
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(10, activation="softmax", kernel_initializer="random_normal"))
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    model.fit(images, labels, batch_size=200, epochs=args.epochs or epochs, verbose=2)
    _, accuracy = model.evaluate(test_images, test_labels, verbose=0)

    print(f"test error: {1 - accuracy:.2%}")
    with open(args.out, "a") as out:
        out.write(f"{args.variant},{args.seed},test,error,{1 - accuracy}\n")


main()
