"""Made-up predictions and histories of runs."""

import hashlib
import json

import numpy as np
import pandas as pd

from calotype.evaluation.runs import SeedPredictions
from calotype.evaluation.tables import differences_table, runs_table, summary_table
from calotype.tasks.classify import CLASSIFY

LABELS = np.array([0, 1, 2, 3, 5])


def said(*values) -> np.ndarray:
    return np.array(values, np.float32)


def two(*scores):
    """Probabilities of two classes, by that of the second."""
    return np.stack([1 - np.array(scores), np.array(scores)], axis=1).astype(np.float32)


def one_run(predictions, labels=LABELS, seed=0, variant="wide", split="test"):
    return SeedPredictions(variant, seed, split, np.asarray(labels), predictions)


def guesses(images=200, classes=4, key=1, sure=1.0):
    """Labels, and probabilities that favour them somewhat."""
    rng = np.random.default_rng(key)
    labels = rng.integers(0, classes, images)
    chances = rng.random((images, classes)) ** 3 * sure + 0.01
    chances[np.arange(images), labels] += 0.3
    return labels, (chances / chances.sum(axis=1, keepdims=True)).astype(np.float32)


def history(*rows):
    return pd.DataFrame(rows, columns=["seed", "epoch", "metric", "value"])


def shown_to(runs, **images):
    """Return the pooled table of these runs: ten images of each split, except for the named variants."""
    shown = runs[["study", "variant", "split"]].drop_duplicates()
    seeds = shown.apply(lambda row: (runs.variant == row.variant).sum() // runs.split.nunique(), axis=1)
    return shown.assign(metric="accuracy", seeds=seeds, images=seeds * shown.variant.map(lambda v: images.get(v, 10)))


def summary_of(task, runs, training=()):
    """Return the summary of these runs, as `evaluate` writes it."""
    return summary_table(runs_table("dots", task, runs, training), task, runs)


def differences(runs, metric="accuracy", **images):
    return differences_table(runs, shown_to(runs, **images), metric, CLASSIFY, ())


def prepare_images(file, labels, size=8):
    """Return a prepared array of random images with these labels, and its manifest."""
    records = np.zeros(len(labels), [("image", np.float32, (size, size, 1)), ("label", labels.dtype), ("id", np.int64)])
    records["image"] = np.random.default_rng(1).random((len(labels), size, size, 1))
    records["label"], records["id"] = labels, np.arange(len(labels))
    np.save(file, records)
    manifest = json.dumps({"sha256": hashlib.sha256(file.read_bytes()).hexdigest()})
    file.with_suffix(".json").write_text(manifest, encoding="utf-8")
