"""Training settings of the variants, in words."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from calotype.config.optimizer_arguments import DEFAULT_RATE, default_rate
from calotype.config.recipe import SCIKIT_LEARN
from calotype.evaluation.packs import PackOrigin
from calotype.evaluation.study_results import StudyResults
from calotype.evaluation.tables import images_tested
from calotype.tasks.labels import OF_CLASSES
from calotype.util.powers import with_powers


def _augmentation(change: Mapping[str, Any]) -> str:
    units = {"pixels": "{} px", "degrees": "{:g}°", "zoom": "{:g} zoom", "strength": "{:g}", "fill": "(fill: {})"}
    there = {key: unit for key, unit in units.items() if change.get(key) not in (None, "zero")}
    return " ".join([change["name"], *(unit.format(change[key]) for key, unit in there.items())])


def _kept(packs: Sequence[PackOrigin]) -> str:
    """Return the kept epoch of each seed as text; empty if all train to the last epoch."""
    kept = [str(epoch) for pack in packs for epoch in pack.origin["best_epochs"].values()]
    return f"epoch kept, by seed: {', '.join(kept)}" if kept else ""


def _views(variant: Mapping[str, Any]) -> str:
    """Describe test-time augmentation; empty if there is none."""
    kinds = {"flip": "flipped", "shift": "shifted by one pixel"}
    copies = ", ".join(kinds[kind] for kind in variant["test_time_augmentation"])
    return f"predictions are averaged over each test image and its copies ({copies})" if copies else ""


def _validation(variant: Mapping[str, Any]) -> str:
    """Describe the use of validation images; empty if there are none."""
    words = []
    if variant["validation_split"]:
        words.append(f"the last {100 * variant['validation_split']:g} % of the training images are held out")
    if variant.get("validation"):
        words.append(f"validated on {variant['validation']}")
    if variant["restore_best_weights"]:
        words.append(f"the epoch with the best {variant['monitor']} is kept")
    if variant["patience"]:
        better = (
            f"an improvement of more than {with_powers(f'{delta:g}')}"
            if (delta := variant.get("min_delta"))
            else "improvement"
        )
        words.append(f"stopped after {variant['patience']} epochs without {better}")
    if plateau := variant.get("reduce_on_plateau"):
        epochs = f"{plateau['patience']} epochs without improvement of {variant['monitor']}"
        words.append(f"the learning rate is multiplied by {plateau['factor']:g} after {epochs}")
    return "; ".join(words)


def _images(variant: Mapping[str, Any], packs: Sequence[PackOrigin], tested: Mapping[str, int]) -> str:
    """Return the numbers of images of a variant: trained on, and by test split."""
    trained = next(split["images"] for split in packs[0].origin["data"] if split["split"] == variant["train"])
    tests = [
        f"{'the first ' if count == variant['test_images'] else ''}{count:,} images of {split}"
        for split, count in tested.items()
        if count
    ]
    return f"trained on {trained:,} images of {variant['train']}; tested on {' and '.join(tests) or 'none'}"


def _rate(variant: Mapping[str, Any]) -> str:
    """Return the learning rate if the config leaves it to the optimizer; empty otherwise."""
    optimizer = variant["optimizer"]
    if optimizer["learning_rate"] is not None or optimizer["schedule"] != "constant":
        return ""
    rate = DEFAULT_RATE if variant["model"] in SCIKIT_LEARN else default_rate(optimizer["name"])
    return f"learning rate {rate:g}, the default of {optimizer['name']}"


def _loss(variant: Mapping[str, Any], classes: Sequence[str]) -> str:
    """Describe what changes the loss: label smoothing and class weights; empty without both."""
    words, weights = [], variant["class_weight"]
    if variant["label_smoothing"]:
        words.append(f"label smoothing {variant['label_smoothing']:g}")
    if isinstance(weights, str):
        words.append(f"class weights: {weights}")
    elif weights:
        words.append(
            "class weights: " + ", ".join(f"{name} {weight:g}" for name, weight in zip(classes, weights, strict=True))
        )
    return "; ".join(words)


def _targets(variant: Mapping[str, Any], packs: Sequence[PackOrigin]) -> str:
    """Describe the scale of targets that are numbers; empty for classes."""
    if variant["loss"] in OF_CLASSES:
        return ""
    if not variant["scale_targets"]:
        return "targets are the labels, not scaled"
    scaled = packs[0].origin["targets"]
    ends = scaled["offset"], scaled["offset"] + scaled["scale"]
    first, last = (with_powers(f"{end:g}") for end in ends)
    return f"targets are scaled: labels from {first} to {last} become 0 to 1"


def _arguments(values: Mapping[str, Any]) -> str:
    """Return keyword arguments in one line, as in a study file; empty without any."""
    return yaml.safe_dump(values, default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf)[1:-2]


def _computing(variant: Mapping[str, Any]) -> str:
    """Describe precision and XLA; empty for scikit-learn."""
    if variant["model"] in SCIKIT_LEARN:
        return ""
    xla = {True: "on", False: "off", "auto": "automatic, on for dense models without augmentation on a CPU"}
    return f"precision {variant['precision']}; XLA {xla[variant['jit_compile']]}"


def recipes(study: Mapping[str, Any], results: StudyResults) -> list[dict[str, Any]]:
    """Return a row for each variant, for the template."""
    rows, tested = [], images_tested(results.table("pooled"))
    for name, variant in study["variants"].items():
        packs = [pack for pack in results.origins if pack.variant == name]
        optimizer = {
            key: value for key, value in variant["optimizer"].items() if value not in (None, {}, "constant", 0.0)
        }
        remarks = [
            f"in the config and in file names: {name}" if variant["label"] != name else "",
            _images(variant, packs, tested[name].to_dict()),
            _rate(variant),
            _loss(variant, results.classes),
            _targets(variant, packs),
            _computing(variant),
            _validation(variant),
            _kept(packs),
            _views(variant),
        ]
        rows.append(
            {
                **variant,
                "parameters": packs[0].origin["parameters"],
                "optimizer": optimizer.pop("name"),
                "optimizer_arguments": _arguments(optimizer),
                "model_arguments": _arguments(variant["model_arguments"]),
                "loss": variant["loss"].replace("_", " "),
                "augment": ", ".join(_augmentation(change) for change in variant["augment"]) or "none",
                "remarks": [words for words in remarks if words],
                "seconds": statistics.median(s for pack in packs for s in pack.origin["seconds"].values()),
            }
        )
    return rows
