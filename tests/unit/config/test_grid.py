"""Parameter sweeps: every combination once, under a name that a reader understands."""

import pytest

from calotype.config.grid import expand, settings_of
from calotype.util.errors import CalotypeError


def test_no_two_values_of_a_grid_are_shown_alike():
    values = [0.1, 0.1000001, 1e-7, 1.00000001e-7]
    found = expand({"a": {"label": "Dense", "grid": {"optimizer.learning_rate": values}}})
    assert len(found) == len({entry["label"] for entry in found.values()}) == len(values)
    assert "0.1000001" in list(found.values())[1]["label"]


def test_a_grid_gives_each_combination_and_the_last_key_changes_fastest():
    found = expand({"net": {"epochs": 3, "grid": {"batch_size": [32, 64], "optimizer.learning_rate": [0.1, 0.01]}}})
    assert [*found] == [
        "net-batch_size-32-learning_rate-0_1",
        "net-batch_size-32-learning_rate-0_01",
        "net-batch_size-64-learning_rate-0_1",
        "net-batch_size-64-learning_rate-0_01",
    ]
    last = found["net-batch_size-64-learning_rate-0_01"]
    assert last == {
        "epochs": 3,
        "batch_size": 64,
        "optimizer": {"learning_rate": 0.01},
        "label": "net, batch_size 64, learning_rate 0.01",
    }


def test_other_variants_stay_as_and_where_they_are():
    found = expand({"a": {"epochs": 1}, "b": {"grid": {"epochs": [2, 3]}}, "c": {"epochs": 4}})
    assert [*found] == ["a", "b-epochs-2", "b-epochs-3", "c"]
    assert found["a"] == {"epochs": 1}


def test_an_optimizer_that_is_only_a_name_takes_what_is_varied():
    found = expand({"a": {"optimizer": "sgd", "grid": {"optimizer.arguments.momentum": [0.0, 0.9]}}})
    assert found["a-momentum-0_9"]["optimizer"] == {"name": "sgd", "arguments": {"momentum": 0.9}}


def test_one_combination_does_not_change_what_another_shares_with_it():
    shared = {"optimizer": {"name": "adam"}, "grid": {"optimizer.learning_rate": [0.1, 0.2]}}
    found = expand({"a": shared})
    assert [entry["optimizer"]["learning_rate"] for entry in found.values()] == [0.1, 0.2]
    assert shared["optimizer"] == {"name": "adam"}


def test_what_is_not_varied_comes_from_the_defaults():
    defaults = {"optimizer": {"name": "adam", "learning_rate": 1.0}, "model_arguments": {"dropout": 0.5}, "epochs": 3}
    grid = {"optimizer.learning_rate": [0.1], "model_arguments.units": [[8]]}
    (found,) = expand({"a": {"grid": grid}}, defaults).values()
    assert found["optimizer"] == {"name": "adam", "learning_rate": 0.1}
    assert found["model_arguments"] == {"dropout": 0.5, "units": [8]}
    assert defaults["optimizer"]["learning_rate"] == 1.0
    (own,) = expand({"a": {"optimizer": "sgd", "grid": grid}}, defaults).values()
    assert own["optimizer"] == {"name": "sgd", "learning_rate": 0.1}


def test_a_number_and_its_negative_have_two_names():
    assert [*expand({"a": {"grid": {"x": [0.1, -0.1]}}})] == ["a-x-0_1", "a-x-minus0_1"]


def test_lists_and_words_and_switches_have_readable_names():
    values = {"units": [[64], [512, 256]], "activation": ["relu", "tanh"], "bias": [True, False]}
    found = expand({"a": {"label": "Dense", "grid": {f"model_arguments.{key}": each for key, each in values.items()}}})
    assert len(found) == 8
    assert "a-units-512_256-activation-tanh-bias-false" in found
    assert found["a-units-64-activation-relu-bias-true"]["label"] == "Dense, units 64, activation relu, bias true"


def test_keys_that_end_alike_are_told_apart():
    found = expand({"a": {"grid": {"optimizer.name": ["adam"], "augment.name": ["flip"]}}})
    assert [*found] == ["a-optimizer_name-adam-augment_name-flip"]


@pytest.mark.parametrize(
    ("variants", "problem"),
    [
        ({"a": {"grid": None}}, r"variants.a.grid: is not a mapping"),
        ({"a": {"grid": []}}, r"variants.a.grid: is not a mapping"),
        ({"a": {"grid": {}}}, r"variants.a.grid: is not a mapping"),
        ({"a": {"grid": {"epochs": 3}}}, r"grid.epochs: is not a list of values.*\n.*epochs: \[3\]"),
        ({"a": {"grid": {"epochs": []}}}, "grid.epochs: is not a list"),
        ({"a": {"grid": {"epochs": [1, 1]}}}, "grid.epochs: duplicate value"),
        ({"a": {"grid": {"epochs": [1, True]}}}, "grid.epochs: duplicate value"),
        ({"a": {"grid": {3: [1]}}}, "grid: 3 is not a key"),
        ({"a": {"grid": {"optimizer.": [1]}}}, "'optimizer.' is not a key"),
        ({"a": {"grid": {"label": ["x"]}}}, "label: cannot be swept"),
        ({"a": {"grid": {"side_by_side": [1, 2]}}}, "side_by_side: cannot be swept"),
        ({"a": {"epochs": 3, "grid": {"epochs.x": [1]}}}, "`epochs` is not a mapping"),
        ({"a": {"grid": {"epochs": [*range(2000)]}}}, "gives 2,000 variants"),
        ({"a": {"grid": {"x": [0.1, "0,1"]}}}, "duplicate variant `a-x-0_1`"),
        ({"a-x-1": {}, "a": {"grid": {"x": [1]}}}, "duplicate variant `a-x-1`"),
    ],
)
def test_a_grid_that_is_none_is_named(variants, problem):
    with pytest.raises(CalotypeError, match=problem):
        expand(variants)


def test_the_settings_of_a_grid_are_known_by_variant_and_one_value_is_no_setting():
    variants = {
        "plain": {"epochs": 1},
        "g": {"grid": {"optimizer.name": ["adam", "sgd"], "epochs": [3], "model_arguments.units": [[8], [8, 4]]}},
        "h": {"grid": {"epochs": [2]}},
    }
    (found,) = [*settings_of(variants)]
    assert found == "g"
    grid = settings_of(variants)["g"]
    assert grid["settings"] == {
        "optimizer.name": {"name": "optimizer", "values": ["adam", "sgd"]},
        "model_arguments.units": {"name": "units", "values": ["8", "8 4"]},
    }
    assert [*grid["variants"]] == [name for name in expand(variants) if name.startswith("g-")]
    assert grid["variants"]["g-name-sgd-epochs-3-units-8_4"] == ["sgd", "8 4"]
