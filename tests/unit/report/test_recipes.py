"""The page says everything with which each variant was trained and tested."""

from dataclasses import replace

import pytest
from unit.pages import PREDICTIONS, config, origin, results

from calotype.config.optimizer import Optimizer
from calotype.config.paths import Layout
from calotype.report.recipes import _loss, recipes


def row(tmp_path, variant="wide", targets=None, **keys):
    """Return the row of a variant of a study of counts with these keys."""
    made = config()
    study = made.studies["dots"]
    changed = study.variants[variant].model_copy(update=keys)
    studies = {"dots": study.model_copy(update={"variants": study.variants | {variant: changed}})}
    made = replace(made, studies=studies)
    packs = [origin("wide", 0, 2, targets=targets), origin("deep", 0, 0, targets=targets)]
    found = results(tmp_path, made, PREDICTIONS, packs)
    rows = recipes(Layout(made).described(["dots"])["dots"], found)
    return rows[0 if variant == "wide" else 1]


def remarks(tmp_path, *variant, **keys):
    """Return the remarks on a variant."""
    return row(tmp_path, *variant, **keys)["remarks"]


def test_numbers_of_images_rates_and_precision_are_there_also_where_the_config_leaves_them_out(tmp_path):
    assert remarks(tmp_path) == [
        "in the config and in file names: wide",
        "trained on 1,000 images of train; tested on 20 images of test and 20 images of test-large",
        "learning rate 0.001, the default of adam",
        "targets are the labels, not scaled",
        "precision float32; XLA automatic, on for dense models without augmentation on a CPU",
    ]


def test_a_cut_of_the_test_images_is_said(tmp_path):
    assert "tested on the first 20 images of test and the first 20" in remarks(tmp_path, test_images=20)[1]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"scale_targets": True}, "targets are scaled: labels from 2 to 27 become 0 to 1"),
        ({"precision": "mixed_bfloat16", "jit_compile": False}, "precision mixed_bfloat16; XLA off"),
        ({"jit_compile": True}, "precision float32; XLA on"),
    ],
)
def test_each_choice_is_in_words(tmp_path, keys, said):
    assert said in remarks(tmp_path, targets={"offset": 2.0, "scale": 25.0}, **keys)


def test_a_rate_in_the_config_is_no_default(tmp_path):
    assert not [words for words in remarks(tmp_path, "deep") if words.startswith("learning rate")]


@pytest.mark.parametrize(
    ("weights", "said"),
    [("balanced", "class weights: balanced"), ({"oak": 2.5}, "class weights: beech 1, oak 2.5"), (None, "")],
)
def test_what_changes_the_loss_is_named_by_class(weights, said):
    listed = [1.0, 2.5] if isinstance(weights, dict) else weights
    assert _loss({"label_smoothing": 0.0, "class_weight": listed}, ["beech", "oak"]) == said
    smoothed = _loss({"label_smoothing": 0.1, "class_weight": listed}, ["beech", "oak"])
    assert smoothed == "; ".join(filter(None, ["label smoothing 0.1", said]))


def test_arguments_are_written_as_in_a_study_file(tmp_path):
    optimizer = Optimizer(name="sgd", learning_rate=0.1, arguments={"momentum": 0.9, "nesterov": True})
    shown = row(tmp_path, optimizer=optimizer, model_arguments={"filters": [8, 16], "pool": False, "name": None})
    assert shown["optimizer_arguments"] == "learning_rate: 0.1, arguments: {momentum: 0.9, nesterov: true}"
    assert shown["model_arguments"] == "filters: [8, 16], pool: false, name: null"
    assert row(tmp_path)["optimizer_arguments"] == ""


def test_scikit_learn_has_no_precision_and_its_own_default_rate(tmp_path):
    said = remarks(tmp_path, model="sklearn.neural_network.MLPClassifier", optimizer=Optimizer(name="sgd"))
    assert "learning rate 0.001, the default of sgd" in said
    assert "learning rate 0.01, the default of sgd" in remarks(tmp_path, optimizer=Optimizer(name="sgd"))
    assert not [words for words in said if words.startswith("precision")]
