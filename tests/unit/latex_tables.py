"""Made-up tables of a study, and its tables in LaTeX."""

import math

import pandas as pd

from calotype.config.study import CLAIM_KINDS
from calotype.evaluation.claims import claims_table
from calotype.evaluation.study_results import StudyResults
from calotype.evaluation.tables import summary_table
from calotype.report.latex import latex_tables
from calotype.tasks.classify import CLASSIFY
from calotype.util.files import write_csv

HOSTILE = r"50 % & $x_1^2$ #1 {a} ~b \input{secret}"
PARAMETERS = {"wide": 1135, "deep": 804_554}
COLUMNS = ["study", "variant", "split", "metric", "mean", "low", "high", "n", "diverged"]
POOLED = ["study", "variant", "split", "metric", "value", "images", "seeds"]
DIFFERENCES = ["study", "split", "metric", "variant", "than", "mean", "low", "high", "n"]
METRIC_NAMES = ("exact", "off_by_more_than_one", "sum_of_squared_errors")
LABELS = {"wide": "Wide & co", "deep": "Deep"}


def summary(variants=("wide", "deep"), splits=("test", "test-large")):
    rows = []
    for variant in variants:
        for split in splits:
            rows += [
                ("dots", variant, split, "exact", 0.888, 0.841, 0.935, 5, 0),
                ("dots", variant, split, "off_by_more_than_one", 0.001, math.nan, math.nan, 5, 0),
                ("dots", variant, split, "sum_of_squared_errors", 12345.6, 12000.0, 13000.0, 5, 0),
            ]
        rows.append(("dots", variant, "train", "training_accuracy", 0.99, 0.98, 1.0, 5, 0))
    return pd.DataFrame(rows, columns=COLUMNS)


def pooled(variants=("wide", "deep")):
    """Of 2,000 images in `test` and 20,000 in `test-large`, with five seeds."""
    rows = [
        ("dots", variant, split, metric, 0.888, 5 * images, 5)
        for variant in variants
        for split, images in (("test", 2000), ("test-large", 20_000))
        for metric in ("exact", "off_by_more_than_one")
    ]
    return pd.DataFrame(rows, columns=POOLED)


def claims():
    base = {"variant": "wide", "split": "test", "quote": HOSTILE, "note": ""}
    base |= dict.fromkeys(CLAIM_KINDS)
    made = [
        base | {"metric": "accuracy", "value": 0.9009},
        base | {"metric": "accuracy", "between": [0.9, 0.93]},
        base | {"metric": "accuracy", "similar_to": "deep"},
        base | {"metric": "log_loss", "at_most": 12345.0},
        base | {"metric": "accuracy", "as_low_as": 0.9},
        base | {"metric": "parameters", "split": None, "variant": "deep", "value": 804_554.0},
    ]
    rows = [
        ("dots", variant, seed, "test", metric, value + seed / 100)
        for variant in PARAMETERS
        for metric, value in (("accuracy", 0.9), ("log_loss", 12_000.0))
        for seed in range(5)
    ]
    runs = pd.DataFrame(rows, columns=["study", "variant", "seed", "split", "metric", "value"])
    return claims_table("dots", made, runs, summary_table(runs, CLASSIFY, ()), pooled(), PARAMETERS, same_images=True)


def layers():
    rows = [
        ("wide", "dense", "Dense", "(None, 15)", 975),
        ("wide", "dense_1", "Dense", "(None, 10)", 160),
        ("deep", "conv2d", "Conv2D", "(None, 28, 28, 32)", 320),
        ("deep", "my_layer", "My_Layer%", "(None, 10)", 804_234),
    ]
    return pd.DataFrame(rows, columns=["variant", "layer", "kind", "output_shape", "parameters"])


def lost_summary():
    """Of `wide`, two of five seeds diverged, of `deep` all."""
    table = summary()
    wide = table.variant == "wide"
    table.loc[wide, ["n", "diverged"]] = [3, 2]
    table.loc[~wide, ["mean", "low", "high", "n", "diverged"]] = [math.nan, math.nan, math.nan, 0, 5]
    return table


def lost_pooled():
    pools = pooled()
    pools.loc[pools.variant == "deep", ["images", "seeds"]] = 0
    return pools


def latex(
    folder, *, labels=LABELS, metrics=METRIC_NAMES, title="Dots", tests=("test", "test-large"), unit="", **tables
):
    """Return the tables of a study in LaTeX by name; `tables` replace the made-up ones."""
    nothing = pd.DataFrame(columns=DIFFERENCES)
    made = {"summary": summary(), "pooled": pooled(), "claims": claims(), "layers": layers(), "differences": nothing}
    for name, table in (made | tables).items():
        write_csv(table, folder / f"{name}.csv")
    results = StudyResults("dots", str(folder), "count", tests, metrics[0], labels, unit=unit)
    return latex_tables(results, title, metrics)
