"""Recognise scikit-learn's digits with a perceptron of 15 hidden units, in Keras and in scikit-learn.

python digits.py --seed 0 --out results.csv
"""

import argparse
from pathlib import Path

import keras
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

TRAIN = 1000


def train_keras(images, labels, epochs):
    def layer(units, activation):
        l2 = keras.regularizers.L2(1e-4)
        return keras.layers.Dense(
            units, activation=activation, kernel_regularizer=l2, bias_regularizer=l2, activity_regularizer=l2
        )

    model = keras.Sequential([keras.Input((64,)), layer(15, "sigmoid"), layer(10, "softmax")])
    optimizer = keras.optimizers.SGD(learning_rate=0.1, momentum=0.9)
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    model.fit(images, keras.utils.to_categorical(labels), batch_size=100, epochs=epochs, verbose=2)
    return model


def train_sklearn(images, labels, epochs, seed):
    model = MLPClassifier(
        hidden_layer_sizes=(15,),
        activation="logistic",
        solver="sgd",
        learning_rate_init=0.1,
        momentum=0.9,
        nesterovs_momentum=False,
        alpha=1e-4,
        batch_size=100,
        max_iter=epochs,
        n_iter_no_change=epochs,  # all of them
        random_state=seed,
    )
    return model.fit(images, labels)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--out", type=Path, default="results.csv")
    args = parser.parse_args()

    keras.utils.set_random_seed(args.seed)
    images, labels = load_digits(return_X_y=True)
    test_images, test_labels = images[TRAIN:], labels[TRAIN:]

    model = train_keras(images[:TRAIN], labels[:TRAIN], args.epochs)
    _, accuracy = model.evaluate(test_images, keras.utils.to_categorical(test_labels), verbose=0)
    classifier = train_sklearn(images[:TRAIN], labels[:TRAIN], args.epochs, args.seed)
    other = classifier.score(test_images, test_labels)

    print(f"test accuracy: Keras {accuracy:.2%}, scikit-learn {other:.2%}")
    with open(args.out, "a") as out:
        out.write(f"source,{args.seed},test,accuracy,{accuracy}\n")
        out.write(f"scikit-learn,{args.seed},test,accuracy,{other}\n")


main()
