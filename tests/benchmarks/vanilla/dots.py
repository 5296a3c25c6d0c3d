"""Count dots with a convolutional net, as the NeSI support page "Keras" does.

    python dots.py DATA --seed 0 --out results.csv

DATA holds the folders train, test and test-large, each with img1.jpg, img2.jpg, ... and labels.csv.
"""

import argparse
from pathlib import Path

import cv2
import keras
import numpy as np
import pandas as pd
from keras import layers

MOST_DOTS = 5


def load(folder, most=None):
    labels = pd.read_csv(folder / "labels.csv")[:most]
    images = []
    for number in labels["imageId"]:
        images.append(cv2.imread(str(folder / f"img{number}.jpg"), cv2.IMREAD_GRAYSCALE))
    return np.array(images, dtype="float32")[..., None] / 255, labels["numberOfFeatures"].to_numpy()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", type=Path, default="results.csv")
    args = parser.parse_args()

    keras.utils.set_random_seed(args.seed)
    images, counts = load(args.data / "train")
    model = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(128, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(256, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mean_squared_error")
    model.fit(images, counts / MOST_DOTS, batch_size=32, epochs=args.epochs, verbose=2)

    with open(args.out, "a") as out:
        for split, most in (("test", None), ("test-large", 2000)):
            images, counts = load(args.data / split, most)
            found = model.predict(images, verbose=0)[:, 0] * MOST_DOTS
            exact = np.mean(np.round(found) == counts)
            print(f"{split}: {exact:.2%} of the counts are exact")
            out.write(f"source,{args.seed},{split},exact,{exact}\n")


main()
