"""Wrong arguments of built-in models and optimizers are errors with file, key and hint, before any job."""

import copy
import math
import os
import subprocess
import sys

import pytest
import yaml
from unit.projects import changed

from calotype.config.load import load
from calotype.config.static_checks import check_studies
from calotype.util.errors import CalotypeError

SHIRTS = {
    "source": "idx",
    "fetch": {"files": {"images": "a" * 64, "labels": "b" * 64}, "sources": [{"folder": "/usr/share/clothes"}]},
    "splits": {
        "train": {"images": "images", "labels": "labels", "number": 20},
        "test": {"images": "images", "labels": "labels", "first": 20},
    },
    "prepare": [{"name": "resize", "width": 6, "height": 6}, "scale"],
    "classes": ["Shirt", "Bag", "Boot"],
}
DOTS = {"source": "dots", "splits": {name: {"images": 5, "seed": 1} for name in ("train", "test")}}
STUDY = {
    "title": "Clothes",
    "dataset": "shirts",
    "task": "classify",
    "tests": ["test"],
    "defaults": {
        "loss": "categorical_crossentropy",
        "optimizer": {"name": "sgd", "learning_rate": 0.1, "arguments": {"momentum": 0.9}},
        "epochs": 2,
        "batch_size": 8,
    },
    "variants": {
        "a": {"model": "dense", "model_arguments": {"units": [4]}},
        "b": {"model": "all_convolutional", "model_arguments": {"blocks": [[4, 1, 3]], "activation": "softmax"}},
        "c": {"model": "sklearn.neural_network.MLPClassifier", "model_arguments": {"hidden_layer_sizes": [4]}},
    },
}
COUNT = {"dataset": "dots", "task": "count", "variants": {"a": STUDY["variants"]["a"] | {"loss": "huber"}}}


@pytest.fixture
def problem(tmp_path):
    """Return a function that gives the error of a study, or None."""
    (tmp_path / "config/studies").mkdir(parents=True)
    (tmp_path / "config/datasets.yaml").write_text(yaml.safe_dump({"shirts": SHIRTS, "dots": DOTS}))

    def found(study):
        (tmp_path / "config/studies/clothes.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
        try:
            check_studies(load({"studies": ["clothes"]}, root=tmp_path))
        except CalotypeError as error:
            return str(error)
        return None

    return found


def test_the_study_that_the_mistakes_are_put_into_has_none(problem):
    assert problem(STUDY) is None


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("a.model_arguments.units", [-5], ".0: -5 is not a positive whole number."),
        ("a.model_arguments.units", 15, ": 15 is not a list."),
        ("a.model_arguments.units", [True], ".0: true is not a whole number."),
        ("a.model_arguments.activation", "reluu", ": 'reluu' is not one of celu, elu, "),
        ("a.model_arguments.l2", "1e-4", ': "1e-4" is text in YAML, not a number. Hint: write 1.0e-4'),
        ("a.model_arguments.l2", -5, ": -5 is out of range: it must be >= 0."),
        ("a.model_arguments.l2", math.nan, ": NaN is not a finite number."),
        ("a.model_arguments.dropout", 1.5, ": 1.5 is out of range: it must be < 1."),
        ("a.model_arguments.initializer", "he_norma", ": 'he_norma' is not one of constant, glorot_normal, "),
        (
            "a.model_arguments.initializer",
            {"class_name": "random_normal", "config": {"std": 0.1}},
            ": config: `random_normal` has no argument `std`. Hint: did you mean `stddev`?",
        ),
        (
            "a.model_arguments.initializer",
            {"class_name": "random_normal", "config": {"stddev": -1}},
            ".stddev: -1 is out of range: it must be >= 0.",
        ),
        ("a.model_arguments", {}, ".units: is missing."),
        ("a.model_arguments.output", "linear", ": the last layer has the activation linear, but the loss categorical_"),
        ("a.model", "dots_source", "_arguments.units: is not a known key. Hint: allowed values are output."),
        ("b.model_arguments.blocks", [[4, 0, 3]], ".0: stride: 0 is not a positive whole number, or two of them."),
        ("b.model_arguments.blocks", [[4, 1, 3, "poool"]], ".0: 'poool' is not one of valid, pool, residual."),
        (
            "b.model_arguments",
            {"blocks": [[4, 1, 3], [4, 2, 3, "residual"]]},
            ": blocks.1: a residual block must keep the size. Hint: use stride 1, and neither `pool` nor `valid`.",
        ),
        ("b.model_arguments.blocks", [[4, 1, 7, "valid"]], ".0: images of 6 x 6 px are too small for this model."),
        ("b.model_arguments.darkness", "no", ': "no" is neither true nor false.'),
        ("b.model_arguments.darknes", True, ": is not a known key. Hint: did you mean `darkness`?"),
        ("b.model_arguments.momentum", 90, ": 90 is out of range: it must be < 1."),
        ("c.model_arguments.hidden_layer_sizes", [0], ": [0] is neither a positive whole number nor a list of them."),
        ("c.model_arguments.activation", "sigmoid", ": 'sigmoid' is not one of identity, logistic, relu, tanh."),
        ("c.model_arguments.max_iter", 10, ": is not a known key. Hint: allowed values are hidden_layer_sizes, "),
        ("c.model_arguments.alpha", -1, ": -1 is out of range: it must be >= 0."),
    ],
)
def test_a_wrong_argument_of_a_model_is_an_error(problem, key, value, error):
    text = problem(changed(STUDY, f"variants.{key}", value))
    assert text.startswith(f"config/studies/clothes.yaml: variants.{key}{error}")


@pytest.mark.parametrize(
    ("optimizer", "error"),
    [
        ({"arguments": {"clipnorm": -1}}, "arguments.clipnorm: -1 is not a positive number."),
        ({"arguments": {"nesterov": "no"}}, 'arguments.nesterov: "no" is neither true nor false.'),
        ({"arguments": {"momentumm": 0.9}}, "arguments.momentumm: is not a known key. Hint: did you mean `momentum`?"),
        ({"arguments": {"momentum": 90}}, "arguments.momentum: 90 is out of range: it must be <= 1."),
        (
            {"arguments": {"momentum": 1}},
            "arguments.momentum: 1 is a whole number; Keras needs a decimal number here. Hint: write 1.0",
        ),
        ({"arguments": {"weight_decay": {"a": 1}}}, 'arguments.weight_decay: {"a": 1} is not a number.'),
        (
            {"arguments": {"clipnorm": 1, "clipvalue": 1}},
            "arguments: clipnorm and clipvalue: give only one.",
        ),
        ({"name": "muon", "arguments": {"exclude_layers": ["["]}}, "arguments.exclude_layers.0: '[' is not a regular"),
        (
            {"schedule": "exponential_decay", "schedule_arguments": {"decay_steps": 3}},
            "schedule_arguments.decay_rate: is missing.",
        ),
        (
            {"schedule": "cosine_decay", "schedule_arguments": {"decay_step": 3, "decay_steps": 3}},
            "schedule_arguments.decay_step: is not a known key. Hint: did you mean `decay_steps`?",
        ),
        (
            {
                "learning_rate": None,
                "schedule": "piecewise_constant_decay",
                "schedule_arguments": {"boundaries": [3], "values": [0.1]},
            },
            "schedule_arguments: values: 1 do not fit 1 boundaries. Hint: give one value more than boundaries",
        ),
    ],
)
def test_a_wrong_argument_of_an_optimizer_is_an_error_where_it_is_written(problem, optimizer, error):
    study = copy.deepcopy(STUDY)
    del study["variants"]["c"]
    own = changed(study, "variants.b.optimizer", {"name": "sgd", "learning_rate": 0.1} | optimizer)
    assert problem(own).startswith(f"config/studies/clothes.yaml: variants.b.optimizer.{error}")
    shared = changed(study, "defaults.optimizer", {"name": "sgd", "learning_rate": 0.1} | optimizer)
    lines = problem(shared).splitlines()
    assert lines[0].startswith(f"config/studies/clothes.yaml: defaults.optimizer.{error}")
    assert len(lines) == 1  # not once for each variant


def test_arguments_of_all_variants_and_of_a_grid_are_listed_at_once(problem):
    study = changed(STUDY, "variants.a.grid", {"model_arguments.units": [[4], [0]], "model_arguments.l2": [0, -1]})
    study = changed(study, "variants.c.model_arguments.alpha", -1)
    study["variants"]["a"].pop("model_arguments")
    keys = [line.split(": ")[1] for line in problem(study).splitlines()]
    assert keys == [
        "variants.a-units-4-l2-minus1.model_arguments.l2",
        "variants.a-units-0-l2-0.model_arguments.units.0",
        "variants.a-units-0-l2-minus1.model_arguments.units.0",
        "variants.a-units-0-l2-minus1.model_arguments.l2",
        "variants.c.model_arguments.alpha",
    ]


def test_a_wide_grid_of_wrong_values_is_cut(problem):
    study = changed(STUDY, "variants.a.grid", {"model_arguments.l2": [-1 - number for number in range(99)]})
    lines = problem(study).splitlines()
    assert len(lines) == 20
    assert lines[-1] == "config/studies/clothes.yaml: and more errors."


def test_a_penalty_needs_all_digits(problem):
    study = changed(STUDY, "variants.a.precision", "mixed_bfloat16")
    text = problem(changed(study, "variants.a.model_arguments.l2", 0.1))
    assert text.startswith("config/studies/clothes.yaml: variants.a.model_arguments.l2: sums of squares do not fit")
    assert problem(study) is None


def test_a_bounded_last_layer_does_not_fit_drawn_counts(problem):
    """The default last layer of `dense` is a sigmoid for one output."""
    text = problem(STUDY | COUNT)
    assert text.startswith(
        "config/studies/clothes.yaml: variants.a.model_arguments.output: the last layer has the activation sigmoid, "
        "but labels go up to 5.\nHint: use linear, or `scale_targets: true`."
    )
    assert problem(changed(STUDY | COUNT, "variants.a.scale_targets", True)) is None
    assert problem(changed(STUDY | COUNT, "variants.a.model_arguments.output", "linear")) is None


def test_whole_numbers_are_good_enough_for_scikit_learn(problem):
    only = {"variants": {"c": STUDY["variants"]["c"]}}
    study = changed(STUDY | only, "defaults.optimizer.arguments", {"momentum": 0})
    assert problem(study) is None


def test_the_check_imports_neither_keras_nor_scikit_learn_nor_numpy():
    """Every call of Snakemake runs it, also on each node."""
    heavy = "{'keras', 'numpy', 'sklearn', 'tensorflow'}"
    code = f"import sys, calotype.config.static_checks; sys.exit(bool({heavy} & sys.modules.keys()))"
    path = os.pathsep.join(sys.path)
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, check=False).returncode == 0
