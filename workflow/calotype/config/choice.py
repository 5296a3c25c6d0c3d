"""The choice among variants by their scores on validation images, and the variants that figures show."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from calotype.config.recipe import Recipe
from calotype.config.training_metrics import THE_MORE_THE_BETTER
from calotype.util.typed import Strict

LARGE, BEST = 12, 6  # a study of more variants shows its best in figures and on the first screen of the report
SHOWN_ALONE = 3  # variants whose own figures the report shows; it links those of others
# The metric of the training history that is nearest to a headline metric. Others: the loss.
NEAREST = {
    **dict.fromkeys(("accuracy", "balanced_accuracy", "error", "macro_f1", "top_3", "top_5"), "accuracy"),
    "average_precision": "auc",
    "mean_absolute_error": "mean_absolute_error",
    "r2": "r2_score",
    "roc_auc": "auc",
    "root_mean_squared_error": "root_mean_squared_error",
}


def _variants(value: Any) -> Any:
    """Raise one error for a wrong value; pydantic would raise one for each possible type."""
    if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
        if len(set(value)) < len(value):
            raise ValueError("duplicate variant")
        return value
    word, _, number = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if value is None or value == "all" or (word == "best" and number.isdecimal() and int(number)):
        return value
    raise ValueError(f"{value!r:.60} is neither `all`, `best` and a number, nor a list of variants")


class StudyFigures(Strict):
    """The figures of a study."""

    variants: Annotated[str | list[str] | None, BeforeValidator(_variants)] = Field(
        None,
        description="Variants in figures and in the tables of the report: `all`, `best 6` by their mean score on "
        f"validation images, or a list of names. Variants with claims are always shown. Default: all, or `best {BEST}` "
        f"in a study of more than {LARGE} variants; the first {BEST} if it holds out no images.",
    )

    @property
    def best(self) -> int | None:
        """The number of best variants, if the config asks for them."""
        words = self.variants.split() if isinstance(self.variants, str) else []
        return int(words[1]) if words[:1] == ["best"] else None


def _recorded(variant: Recipe) -> list[str]:
    return ["loss", *(["accuracy"] * variant.classifies), *variant.training_metrics]


def _images(variant: Recipe) -> str:
    if variant.validation:
        return f"split {variant.validation}"
    return f"last {100 * variant.validation_split:g} % of the split {variant.train}"


def choosing(variants: Mapping[str, Recipe], headline: str) -> dict[str, Any]:
    """Return how variants can be compared on validation images, as plain data.

    Returns:
        ``metric``: of the history, such as ``val_accuracy``, that is nearest to the headline metric and that all
        variants record; ``more``: whether a higher value is better; ``images``: the validation images in words.
        Without comparable scores, only ``reason``.
    """
    found = list(variants.values())
    if lacking := [name for name, variant in variants.items() if not variant.holds_out]:
        few = f"{len(lacking)} of {len(found)} variants hold out no validation images"
        return {"reason": "no variant holds out validation images" if len(lacking) == len(found) else few}
    if len({_images(variant) for variant in found}) > 1:
        return {"reason": "the variants hold out different validation images"}
    names = [NEAREST.get(headline, "loss"), found[0].monitor.removeprefix("val_"), "loss"]
    metric = next(name for name in names if all(name in _recorded(variant) for variant in found))
    if len({variant.scale_targets for variant in found}) > 1:
        return {"reason": "the variants have targets of different scales"}
    if metric == "loss" and len({(variant.loss, variant.label_smoothing) for variant in found}) > 1:
        return {"reason": "the variants have different losses"}
    return {"metric": f"val_{metric}", "more": metric in THE_MORE_THE_BETTER, "images": _images(found[0])}


def shown(
    figures: StudyFigures, variants: Mapping[str, Recipe], by: Mapping[str, Any], always: Sequence[str]
) -> dict[str, Any] | None:
    """Return the variants that figures show, as plain data; None for all.

    Args:
        by: how variants are compared, as `choosing` returns it.
        always: variants that are always shown.

    Returns:
        ``names``: the variants of a list; or ``best``: the number of the best variants, and ``by``. And ``always``.
    """
    if figures.variants == "all" or (figures.variants is None and len(variants) <= LARGE):
        return None
    kept = [*dict.fromkeys(always)]
    if isinstance(figures.variants, list):
        return {"names": figures.variants, "always": kept}
    return {"best": figures.best or BEST, "by": by, "always": kept}
