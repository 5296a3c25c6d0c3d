"""Invented results, their report page, and the text that a browser would show."""

import json
import math
from dataclasses import fields
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd

from calotype.config.dataset_drawn import DotsDataset
from calotype.config.dataset_fetched import CsvDataset
from calotype.config.load import Config, Settings
from calotype.config.paths import Layout
from calotype.config.study import CLAIM_KINDS, Study
from calotype.evaluation import divergence
from calotype.evaluation import tables as evaluation
from calotype.evaluation.claims import claims_table
from calotype.evaluation.comparisons import differences_table
from calotype.evaluation.more_seeds import MoreSeeds
from calotype.evaluation.packs import PackOrigin
from calotype.evaluation.runs import seed_predictions
from calotype.evaluation.study_results import StudyResults
from calotype.report import html as report
from calotype.report.jobs import Job, train_job
from calotype.report.links import Links
from calotype.report.section import section as section_of_study
from calotype.report.shown_figures import ShownFigure
from calotype.tasks.registry import TASKS
from calotype.util.files import write_csv

TEMPLATE = Path(__file__).parents[2] / "workflow/report/report.html.j2"
SOURCE_URL = "https://example.org/page?a=1&b=2"
SVG = '<svg width="252pt" height="180pt" xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>'
MADE = report.Made(datetime(2026, 11, 30, 10, 50, tzinfo=UTC), "snakemake --cores all")
LABELS = np.arange(20) % 6


def config(label="Wide net", title="Counting dots", claims=None, url=SOURCE_URL, **changes):
    recipe = {"model": "dots_source", "loss": "mean_squared_error", "epochs": 2, "batch_size": 32}
    optimizer = {"name": "adamw", "learning_rate": 0.003, "schedule": "cosine"}
    study = {
        "title": title,
        "description": f"About {title}.",
        "source": {"title": f"A page on {title}", "url": url},
        "dataset": "dots",
        "task": "count",
        "tests": ["test", "test-large"],
        "variants": {
            "wide": recipe | {"optimizer": "adam", "label": label, "description": f"The {label}."},
            "deep": recipe | {"optimizer": optimizer, "seeds": 1, "augment": ["dihedral"]},
        },
        "claims": claims if claims is not None else [claim(quote=f"{title}, says the source.")],
    }
    splits = {name: {"images": 20, "seed": 1} for name in ("train", "test", "test-large")}
    return Config(
        Settings(studies=["dots"], seeds=3),
        {"dots": DotsDataset.model_validate({"source": "dots", "splits": splits})},
        {"dots": Study.model_validate(study | changes)},
    )


def claim(**changes):
    base = {"variant": "wide", "split": "test", "metric": "exact", "quote": "It says so."}
    return base | (changes if set(CLAIM_KINDS) & set(changes) else {"value": 0.9} | changes)


def right(*shares: float):
    """Predictions of one seed for each share: so many of the 20 images are right, the others off by two."""
    found = np.tile(LABELS, (len(shares), 1)).astype(np.float32)
    for row, share in zip(found, shares, strict=True):
        row[round(20 * share) :] += 2
    return found


PREDICTIONS = {
    "wide": {"test": right(0.8, 0.9, 1.0), "test-large": right(0.85, 0.9, 0.95)},
    "deep": {"test": right(0.95), "test-large": right(0.95)},
}


def origin(variant, first, last, **changes):
    content = {
        "code": {"digest": "c0de" * 16, "git": "abc-dirty"},
        "config": {},
        "data": [{"split": "train", "sha256": "da7a" * 16, "images": 1000}],
        "packages": {"python": "3.11.7", "keras": "3.15.0"},
        "machine": {"system": "Linux", "processor": "A CPU", "cores": 2, "device": "cpu", "host": "node1"},
        "job": {"slurm": None, "partition": None},
        "parameters": 338881,
        "seconds": {str(seed): 10.0 + seed for seed in range(first, last + 1)},
        "wall_seconds": 34.0,
        "cpu_seconds": 33.0,
        "peak_memory_mib": 816,
        "best_epochs": {},
    }
    return PackOrigin("dots", variant, first, last, content | changes)


LAYERS = [("conv2d", "Conv2D", "(None, 40, 40, 32)", 320), ("dense", "Dense", "(None, 1)", 338_561)]


def results(tmp_path, made, predictions, origins, training=(), labels=LABELS, lost=None):
    """Read the results of a study from the files that the workflow writes."""
    ((name, study),) = made.studies.items()
    lost = {variant: (lost or {}).get(variant, {}) for variant in study.variants}
    runs = list(seed_predictions(predictions, dict.fromkeys(study.tests, labels), lost))
    rows = [*training, *divergence.divergence_rows(lost, dict.fromkeys(study.variants, "train"))]
    table = evaluation.runs_table(name, TASKS[study.task], runs, rows)
    pooled = evaluation.pooled_table(name, TASKS[study.task], runs)
    layers = pd.DataFrame(
        [(variant, *layer) for variant in study.variants for layer in LAYERS],
        columns=["variant", "layer", "kind", "output_shape", "parameters"],
    )
    claims = [entry.model_dump() for entry in study.claims]
    sizes = layers.groupby("variant").parameters.sum().to_dict()
    same_images = Layout(made).described([name])[name]["same_images"]
    summary = evaluation.summary_table(table, TASKS[study.task], runs)
    more = MoreSeeds(study.headline, study.margin, origins)
    frames = {
        "runs": table,
        "summary": summary,
        "pooled": pooled,
        "confusion": evaluation.confusion_table(name, TASKS[study.task], runs),
        "differences": differences_table(
            table, pooled, layers, study.headline, TASKS[study.task], runs, study.comparisons
        ),
        "claims": claims_table(name, claims, table, summary, pooled, sizes, same_images=same_images, more=more),
        "layers": layers,
        "history": pd.DataFrame(
            [(variant, 0, epoch, "loss", 1 / epoch) for variant in study.variants for epoch in (1, 2)],
            columns=["variant", "seed", "epoch", "metric", "value"],
        ),
    }
    for kind, frame in frames.items():
        write_csv(frame, tmp_path / f"{kind}.csv")
    packs = [(pack.variant, pack.first, pack.last, pack.origin) for pack in origins]
    (tmp_path / "provenance.json").write_text(json.dumps(packs), encoding="utf-8")
    return StudyResults(**Layout(made).results_of(name) | {"folder": str(tmp_path)})


def prepared(described, folder):
    """Write the manifests of a study's splits into a folder, and return the described study with their paths."""
    splits = {}
    for number, split in enumerate(described["splits"]):
        file = folder / f"{split}.json"
        manifest = {"split": split, "sha256": f"{number}da7a" * 12, "images": 20, "shape": [40, 50, 1]}
        file.write_text(json.dumps(manifest), encoding="utf-8")
        splits[split] = str(file)
    return described | {"splits": splits}


def section_of(found, made, figures=(), previews=()):
    folder = Path(found.folder)
    described = prepared(Layout(made).described([found.study])[found.study], folder)
    described["results"] = {one.name: getattr(found, one.name) for one in fields(found) if one.init}
    return section_of_study(described, figures, previews, Links(folder))


def own_print(name, folder, caption="Figure.\n"):
    """Write a figure of the study into a folder of figures."""
    file = folder / f"{name}.svg"
    file.parent.mkdir(exist_ok=True)
    file.write_text(SVG, encoding="utf-8")
    return ShownFigure("dots", name, file, caption, name.partition("/")[2])


def rendered(sections, jobs=(), uses=()):
    """Return the page of some studies."""
    return report.render(TEMPLATE, sections, jobs, MADE, uses)


def section(tmp_path, predictions=None, lost=None, prints=(), previews=(), **changes):
    made = config(**changes)
    packs = [origin("wide", 0, 2), origin("deep", 0, 0)]
    found = results(tmp_path, made, predictions or PREDICTIONS, packs, lost=lost)
    prints = prints or [own_print("training-curves", tmp_path, f"Losses: {changes.get('label', 'Wide net')}\n")]
    return section_of(found, made, prints, previews)


def page(tmp_path, **changes):
    jobs = [
        Job("draw", "dots-train", 1.5, math.nan, math.nan),
        train_job(origin("wide", 0, 2)),
        train_job(origin("deep", 0, 0)),
    ]
    return rendered([section(tmp_path, **changes)], jobs)


VOID = {"meta", "link", "br", "img", "hr", "input"}  # elements without an end


class Page(HTMLParser):
    """Reads a page as a strict browser would: every element closed, in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.attributes, self.elements, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.elements.append(tag)
        self.attributes += [(tag, key, value) for key, value in attributes]
        assert len({key for key, _ in attributes}) == len(attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text += data

    def handle_startendtag(self, tag, attributes):  # of an SVG
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def values(self, *keys):
        return [value for _, key, value in self.attributes if key in keys]


NAMES = ["T-shirt/top", "Bag & <b>box</b>", "Ankle boot"]
CLASS_LABELS = np.arange(30) % 3


def hits(*shares: float):
    """Probabilities of one seed for each share: so many of the 30 images are right, the others the next class."""
    found = np.full((len(shares), 30, 3), 0.1, np.float32)
    for row, share in zip(found, shares, strict=True):
        said = CLASS_LABELS.copy()
        said[round(30 * share) :] += 1
        row[np.arange(30), said % 3] = 0.8
    return found


CLASS_PREDICTIONS = {"plain": {"test": hits(0.8, 0.9, 1.0)}, "other": {"test": hits(0.7, 0.8, 0.9)}}
TRAINING = [
    (variant, seed, "train", "training_accuracy", 0.9 + seed / 50) for variant in CLASS_PREDICTIONS for seed in range(3)
]


def class_config(**changes):
    recipe = {"model": "dense", "model_arguments": {"units": [4]}, "loss": "sparse_categorical_crossentropy"}
    recipe |= {"optimizer": "adam", "epochs": 2, "batch_size": 32}
    held_out = {"validation_split": 0.1, "restore_best_weights": True, "monitor": "val_accuracy", "patience": 3}
    changed = [{"name": "shift", "pixels": 2}, {"name": "affine", "degrees": 15.0, "zoom": 0.1}, "flip"]
    held_out |= {"test_time_augmentation": ["flip", "shift"], "min_delta": 0.001, "reduce_on_plateau": {"patience": 2}}
    changed += [{"name": "rotate", "degrees": 5.0, "fill": "edge"}, {"name": "noise", "strength": 0.1}]
    study = {
        "title": "Clothes",
        "dataset": "clothes",
        "task": "classify",
        "tests": ["test"],
        "variants": {"plain": recipe, "other": recipe | held_out | {"label": "Other net", "augment": changed}},
        "claims": [
            {"variant": "plain", "split": "test", "metric": "accuracy", "value": 0.9009, "quote": "It says so."},
            {"variant": "plain", "metric": "training_accuracy", "between": [0.5, 0.95], "quote": "It says so, too."},
            {
                "variant": "other",
                "metric": "parameters",
                "value": 1135,
                "quote": "It counts.",
                "note": "We count better",
            },
        ],
    }
    fetch = {"files": {"a.csv": "a" * 64}, "sources": [{"python": "scikit-learn"}]}
    splits = {"train": {"table": "a.csv"}, "test": {"table": "a.csv"}}
    dataset = {"source": "csv", "fetch": fetch, "splits": splits, "classes": NAMES}
    return Config(
        Settings(studies=["clothes"], seeds=3),
        {"clothes": CsvDataset.model_validate(dataset)},
        {"clothes": Study.model_validate(study | changes)},
    )


def class_section(tmp_path, predictions=None, lost=None, **changes):
    made = class_config(**changes)
    packs = [
        origin("plain", 0, 2),
        origin("other", 0, 1, best_epochs={"0": 2, "1": 1}),
        origin("other", 2, 2, best_epochs={"2": 2}),
    ]
    found = results(tmp_path, made, predictions or CLASS_PREDICTIONS, packs, TRAINING, CLASS_LABELS, lost)
    return section_of(found, made)
