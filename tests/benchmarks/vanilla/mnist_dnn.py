"""Recognise MNIST's digits with a dense net of 512, 256 and 128 units.

    python mnist_dnn.py DATA --seed 0 --out results.csv

DATA holds the four IDX files.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from keras import layers


def load(folder, part):
    images = np.fromfile(folder / f"{part}-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 28, 28)
    labels = np.fromfile(folder / f"{part}-labels-idx1-ubyte", np.uint8)[8:]
    return images.astype("float32") / 255, keras.utils.to_categorical(labels, 10)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", type=Path, default="results.csv")
    args = parser.parse_args()

    keras.utils.set_random_seed(args.seed)
    images, labels = load(args.data, "train")
    test_images, test_labels = load(args.data, "t10k")
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.Dense(256, activation="relu"),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    model.fit(images, labels, batch_size=128, epochs=args.epochs, verbose=2)
    _, accuracy = model.evaluate(test_images, test_labels, verbose=0)

    print(f"test accuracy: {accuracy:.2%}")
    with open(args.out, "a") as out:
        out.write(f"source,{args.seed},test,accuracy,{accuracy}\n")


main()
