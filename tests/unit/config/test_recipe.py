"""The recipe decides about retraining: only keys that can change a result retrain."""

import copy
import json
from typing import Any, get_args

import pytest
from pydantic import ValidationError
from unit.projects import CLASSIFY, CLOTHES, FETCHED, SETTINGS, STUDY, changed

from calotype.config.augmentation import Augmentation
from calotype.config.optimizer import Optimizer
from calotype.config.recipe import Recipe
from calotype.config.training_metrics import TrainingMetric

RECIPE: dict[str, Any] = {"model": "dense", "optimizer": {"name": "sgd"}, "epochs": 1, "batch_size": 1}


# ---- Names instead of settings ---------------------------------------------------------------------------------------


def test_an_optimizer_by_its_name_is_the_one_with_no_settings(project):
    project.study(changed(changed(STUDY, "variants.wide.optimizer", "sgd"), "variants.deep.optimizer", {"name": "sgd"}))
    variants = project.load().studies["dots"].variants
    assert variants["wide"].optimizer == variants["deep"].optimizer == Optimizer(name="sgd")


def test_an_augmentation_by_its_name_is_the_one_with_no_settings(project):
    project.study(changed(STUDY, "variants.wide.augment", ["flip", {"name": "shift", "pixels": 2}]))
    found = project.load().studies["dots"].variants["wide"].augment
    assert found == [Augmentation(name="flip"), Augmentation(name="shift", pixels=2)]


# ---- Retraining ------------------------------------------------------------------------------------------------------


def test_labels_descriptions_and_seeds_retrain_nothing(project):
    before = project.load().studies["dots"].variants["wide"].recipe()
    study = copy.deepcopy(STUDY)
    study["variants"]["wide"] |= {"label": "Another", "description": "More words.", "seeds": 50}
    study |= {"title": "Another", "claims": [], "description": "More.", "source": {"title": "A page"}}
    settings = SETTINGS | {"seeds": 9, "seeds_per_job": 1, "results": "elsewhere"}
    assert project.study(study).load(settings).studies["dots"].variants["wide"].recipe() == before
    assert set(before) <= set(Recipe.model_fields)


def test_keys_at_their_defaults_retrain_nothing_spelled_out_or_left_out(classes):
    """Results that were there before a key came are still those of the same config."""

    def recipe(variant):
        study = changed(CLASSIFY, "variants.plain", variant)
        return classes.study(study, "clothes").load().studies["clothes"].variants["plain"].recipe()

    plain = {"augment": ["flip"], "optimizer": "adam"}
    optimizer = {"name": "adam", "schedule": "constant", "warmup_fraction": 0}
    spelled = {"augment": [{"name": "flip", "fill": "zero"}], "optimizer": optimizer, "mode": "auto", "threads": 1}
    assert recipe(plain) == recipe(plain | spelled)
    assert recipe(plain) != recipe(plain | {"threads": 2})


def test_weights_of_classes_are_given_by_name_and_kept_by_place(classes):
    """So that another name of a class retrains nothing."""
    for given in ({"Bag": 2}, {"Bag": 2.0, "Shirt": 1}, [1.0, 2.0, 1.0]):
        study = changed(CLASSIFY, "variants.plain.class_weight", given)
        found = classes.study(study, "clothes").load().studies["clothes"].variants["plain"].recipe()
        assert found["class_weight"] == [1.0, 2.0, 1.0]
    numbers = CLASSIFY | {"dataset": "digits", "example": None, "claims": [], "variants": {"plain": {}}}
    classes.study(changed(numbers, "variants.plain.class_weight", {1: 3}), "clothes")
    assert classes.load().studies["clothes"].variants["plain"].class_weight == [1.0, 3.0]


def test_a_validation_split_is_prepared_for_the_variant_that_names_it(classes):
    classes.datasets(changed(FETCHED, "clothes.splits.more", CLOTHES["splits"]["train"]))
    assert classes.load().splits_of("clothes") == ["train", "test"]
    found = classes.study(changed(CLASSIFY, "variants.plain.validation", "more"), "clothes").load()
    assert found.splits_of("clothes") == ["train", "test", "more"]
    assert found.studies["clothes"].variants["plain"].splits == ["train", "more"]


OTHER: dict[str, Any] = {
    "model": "fashion_source",
    "model_arguments": {"units": [5]},
    "loss": "sparse_categorical_crossentropy",
    "label_smoothing": 0.1,
    "optimizer": {"name": "adam", "learning_rate": 0.01},
    "train": "more",
    "scale_targets": True,
    "augment": ["dihedral"],
    "validation_split": 0.2,
    "validation": "again",
    "monitor": "val_accuracy",
    "mode": "max",
    "restore_best_weights": True,
    "reduce_on_plateau": {"factor": 0.5},
    "class_weight": "balanced",
    "training_metrics": ["auc"],
    "precision": "mixed_bfloat16",
    "jit_compile": True,
}


@pytest.mark.parametrize("key", Recipe.model_fields)
def test_everything_in_the_recipe_retrains(classes, key):
    study, variant, content = ("dots", "wide", STUDY) if key == "scale_targets" else ("clothes", "plain", CLASSIFY)
    splits = dict.fromkeys(("more", "again"), CLOTHES["splits"]["train"])
    classes.datasets(changed(FETCHED, "clothes.splits", CLOTHES["splits"] | splits))
    held_out = {"validation": "more"} if key == "validation" else {"validation_split": 0.1}
    content = changed(content, f"variants.{variant}", content["variants"][variant] | held_out | {"patience": 3})

    def recipe(content):
        return classes.study(content, study).load().studies[study].variants[variant].recipe()

    before, after = recipe(content), recipe(changed(content, f"variants.{variant}.{key}", OTHER.get(key, 7)))
    assert {name for name in before | after if before.get(name) != after.get(name)} == {key}


@pytest.mark.parametrize(
    "keys", [{"seeds_per_job": 2}, {"side_by_side": 2}, {"seeds": 9}, {"label": "x"}, {"description": "x"}]
)
def test_pack_size_and_names_are_no_part_of_the_recipe(classes, keys):
    before = classes.load().studies["clothes"].variants["plain"].recipe()
    after = classes.study(changed(CLASSIFY, "variants.plain", keys), "clothes").load()
    assert after.studies["clothes"].variants["plain"].recipe() == before


def test_a_study_that_shows_more_retrains_nothing(classes):
    before = classes.load().studies["clothes"].variants["plain"].recipe()
    study = CLASSIFY | {"metric": "error", "example": 23, "feature_maps": "plain", "claims": []}
    after = classes.study(study, "clothes").load(SETTINGS | {"paper": ["clothes"], "local_data": "elsewhere"})
    assert after.studies["clothes"].variants["plain"].recipe() == before


def test_a_recipe_survives_the_way_into_a_job_and_back(project):
    """Snakemake hands params to scripts as plain data."""
    project.study(changed(STUDY, "variants.wide.augment", ["flip", {"name": "erase", "pixels": 3}]))
    recipe = project.load().studies["dots"].variants["wide"].recipe()
    assert json.loads(json.dumps(recipe)) == recipe
    assert Recipe(**recipe).values() == recipe


# ---- Files that the config names -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", get_args(Optimizer.model_fields["name"].annotation))
def test_every_optimizer_that_the_config_allows_is_one_of_keras(tensorflow, name):
    optimizer = tensorflow.optimizer.make_optimizer(Optimizer(name=name), steps=10)
    assert isinstance(optimizer, tensorflow.keras.optimizers.Optimizer)
    assert type(optimizer).__name__.lower() == name


@pytest.mark.slow
@pytest.mark.parametrize("name", get_args(Recipe.model_fields["loss"].annotation))
def test_every_loss_that_the_config_allows_is_one_of_keras(tensorflow, name):
    loss, made = tensorflow.keras.losses.get(name), Recipe(**RECIPE | {"loss": name})
    true, right, wrong = [[1.0]], [[1.0]], [[0.5 if made.binary else 3.0]]
    if made.classifies and not made.binary:
        true, right, wrong = [[1]] if made.sparse else [[0.0, 1.0]], [[0.0, 1.0]], [[0.5, 0.5]]
    true, right, wrong = (tensorflow.tf.constant(value) for value in (true, right, wrong))
    least = 1 if name == "poisson" else 0
    assert float(loss(true, right)[0]) == pytest.approx(least, abs=1e-6)
    assert float(loss(true, wrong)[0]) > least + 0.04


@pytest.mark.slow
@pytest.mark.parametrize("name", get_args(TrainingMetric))
def test_every_metric_that_the_config_allows_is_one_of_keras_and_is_better_the_way_keras_says(tensorflow, name):
    metric = tensorflow.keras.metrics.get({"class_name": name, "config": {"name": name}})
    assert metric.name == name
    losses = ("huber", "categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy")
    fits = []
    for loss in losses:
        try:
            fits.append(Recipe(**RECIPE | {"loss": loss, "training_metrics": [name], "monitor": name}))
        except ValidationError:
            continue
    assert fits
    assert fits[0].more_is_better == (metric._direction == "up")
