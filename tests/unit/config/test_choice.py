"""Variants are chosen by validation images, never by test images; figures of a large study show a few."""

import pytest
from unit.projects import CLASSIFY, CLOTHES_FILE, changed, project_with_classes

from calotype.config.choice import choosing
from calotype.config.study import Study

HELD_OUT = {"validation_split": 0.2}
DENSE = {"model": "dense", "model_arguments": {"units": [4]}, "loss": "categorical_crossentropy", "epochs": 1}
DENSE |= {"optimizer": "adam", "batch_size": 8}


def study(number=3, figures=None, claims=(), **recipe):
    variants = {f"v{i}": DENSE | recipe for i in range(number)}
    made = {"title": "Sweep", "dataset": "clothes", "task": "classify", "tests": ["test"], "variants": variants}
    claims = [{"variant": name, "metric": "parameters", "value": 1, "quote": "One."} for name in claims]
    return Study.model_validate(made | {"claims": claims} | ({"figures": {"variants": figures}} if figures else {}))


def by(headline="accuracy", *recipes, **recipe):
    recipes = recipes or (recipe, recipe)
    variants = {f"v{i}": DENSE | each for i, each in enumerate(recipes)}
    made = {"title": "Sweep", "dataset": "clothes", "task": "classify", "tests": ["test"], "variants": variants}
    return choosing(Study.model_validate(made).variants, headline)


def test_the_score_is_the_recorded_one_that_is_nearest_to_the_headline():
    assert by(**HELD_OUT) == {"metric": "val_accuracy", "more": True, "images": "last 20 % of the split train"}
    assert by("log_loss", **HELD_OUT)["metric"] == "val_loss"
    assert not by("log_loss", **HELD_OUT)["more"]
    assert by("roc_auc", training_metrics=["auc"], **HELD_OUT)["metric"] == "val_auc"
    assert by("roc_auc", **HELD_OUT)["metric"] == "val_loss"
    assert by(validation="valid")["images"] == "split valid"


@pytest.mark.parametrize(
    ("recipes", "reason"),
    [
        (({}, {}), "no variant holds out validation images"),
        ((HELD_OUT, {}), "1 of 2 variants hold out no validation images"),
        ((HELD_OUT, {"validation_split": 0.1}), "different validation images"),
        (({"validation": "valid"}, HELD_OUT), "different validation images"),
    ],
)
def test_variants_without_comparable_scores_are_not_chosen(recipes, reason):
    assert reason in by("accuracy", *recipes)["reason"]
    assert "metric" not in by("accuracy", *recipes)


def test_losses_of_different_kinds_are_not_compared():
    kinds = [HELD_OUT | {"loss": loss} for loss in ("categorical_crossentropy", "kl_divergence")]
    assert by("log_loss", *kinds) == {"reason": "the variants have different losses"}
    assert by("accuracy", *kinds)["metric"] == "val_accuracy"


def test_all_variants_of_a_small_study_are_shown_and_nothing_changes_for_it():
    assert study(12).chosen is None
    assert study(13, "all").chosen is None


def test_the_best_six_of_a_large_study_are_shown():
    assert study(13, **HELD_OUT).chosen == {"best": 6, "by": by(**HELD_OUT), "always": []}
    assert study(13).chosen["by"] == {"reason": "no variant holds out validation images"}
    assert study(3, "best 2", **HELD_OUT).chosen["best"] == 2


def test_a_list_names_the_variants_and_those_with_claims_stay():
    assert study(13, ["v2", "v1"], ["v5", "v5"]).chosen == {"names": ["v2", "v1"], "always": ["v5"]}


def complaint(tmp_path, value):
    made = project_with_classes(tmp_path)
    return made.study(changed(CLASSIFY, "figures", {"variants": value}), "clothes").complaint()


@pytest.mark.parametrize("value", ["worst 6", "best", "best 0", "best six", 6, [], ["plain", "plain"], "six"])
def test_a_wrong_choice_is_named_with_what_is_allowed(tmp_path, value):
    text = complaint(tmp_path, value)
    assert text.startswith(f"{CLOTHES_FILE}: figures.variants: ")
    assert "duplicate variant" in text or "neither `all`, `best` and a number, nor a list of variants" in text


def test_an_unknown_variant_of_a_list_is_named(tmp_path):
    assert "figures.variants.0: variant `plian` not found.\nHint: did you mean `plain`?" in complaint(
        tmp_path, ["plian"]
    )


def test_the_best_cannot_be_asked_for_without_validation_images(tmp_path):
    made = changed(CLASSIFY, "variants", {"plain": {}, "other": {}}) | {"claims": [], "figures": {"variants": "best 1"}}
    text = project_with_classes(tmp_path).study(made, "clothes").complaint()
    assert "figures.variants: `best 1` cannot be chosen: no variant holds out validation images." in text
    assert "never choose on test images" in text
