"""Made-up predictions and histories of runs."""

import hashlib
import json
from itertools import pairwise

import numpy as np
import pandas as pd

from calotype.evaluation.comparisons import differences_table
from calotype.evaluation.runs import SeedPredictions
from calotype.evaluation.tables import pooled_table, runs_table, summary_table

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


def summary_of(task, runs, training=()):
    """Return the summary of these runs, as `evaluate` writes it."""
    return summary_table(runs_table("dots", task, runs, training), task, runs)


def same_layers(variants):
    """Return layers of variants that all have the same model."""
    columns = ["variant", "layer", "kind", "output_shape", "parameters"]
    return pd.DataFrame([(name, "dense", "Dense", "(None, 4)", 20) for name in variants], columns=columns)


def consecutive(variants, same_order=True, **further):
    """Return the comparisons of a study that leaves out `compare`."""
    return {"pairs": [(variant, than, same_order) for than, variant in pairwise(variants)]} | further


def compared(task, runs, metric, comparisons=None, layers=None, training=()):
    """Return the differences of these runs, as `evaluate` writes them."""
    variants = dict.fromkeys(run.variant for run in runs)
    table, pooled = runs_table("study", task, runs, training), pooled_table("study", task, runs)
    layers = same_layers(variants) if layers is None else layers
    return differences_table(table, pooled, layers, metric, task, runs, comparisons or consecutive(variants))


def prepare_images(file, labels, size=8):
    """Return a prepared array of random images with these labels, and its manifest."""
    records = np.zeros(len(labels), [("image", np.float32, (size, size, 1)), ("label", labels.dtype), ("id", np.int64)])
    records["image"] = np.random.default_rng(1).random((len(labels), size, size, 1))
    records["label"], records["id"] = labels, np.arange(len(labels))
    np.save(file, records)
    manifest = json.dumps({"sha256": hashlib.sha256(file.read_bytes()).hexdigest()})
    file.with_suffix(".json").write_text(manifest, encoding="utf-8")
