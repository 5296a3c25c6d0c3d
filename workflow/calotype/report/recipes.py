"""Training settings of the variants, in words."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from calotype.evaluation.packs import PackOrigin


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
        better = f"an improvement of more than {delta:g}" if (delta := variant.get("min_delta")) else "improvement"
        words.append(f"stopped after {variant['patience']} epochs without {better}")
    if plateau := variant.get("reduce_on_plateau"):
        epochs = f"{plateau['patience']} epochs without improvement of {variant['monitor']}"
        words.append(f"the learning rate is multiplied by {plateau['factor']:g} after {epochs}")
    return "; ".join(words)


def recipes(study: Mapping[str, Any], origins: Sequence[PackOrigin]) -> list[dict[str, Any]]:
    """Return a row for each variant, for the template."""
    rows = []
    for name, variant in study["variants"].items():
        packs = [pack for pack in origins if pack.variant == name]
        optimizer = {
            key: value for key, value in variant["optimizer"].items() if value not in (None, {}, "constant", 0.0)
        }
        rows.append(
            {
                **variant,
                "parameters": packs[0].origin["parameters"],
                "optimizer": optimizer.pop("name"),
                "optimizer_arguments": optimizer,
                "loss": variant["loss"].replace("_", " "),
                "augment": ", ".join(_augmentation(change) for change in variant["augment"]) or "none",
                "remarks": [words for words in (_validation(variant), _kept(packs), _views(variant)) if words],
                "seconds": statistics.median(s for pack in packs for s in pack.origin["seconds"].values()),
            }
        )
    return rows
