"""Feature maps computed without Keras equal those of Keras."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest

from calotype.evaluation import feature_maps
from calotype.util.errors import CalotypeError

# As tutorials show it.
BEFORE = np.array([[1, 3, 2, 1], [2, 9, 1, 1], [1, 3, 2, 3], [5, 6, 1, 2]], np.float32)[..., None]
AFTER = np.array([[9, 2], [6, 3]], np.float32)[..., None]


@pytest.fixture
def keras(tensorflow):
    tensorflow.keras.utils.set_random_seed(1)
    return tensorflow.keras


def saved(model, folder):
    """Save the architecture and weights of a model whose biases are not zero."""
    for variable in model.trainable_variables:
        if variable.path.endswith("bias"):
            variable.assign(np.linspace(-0.2, 0.2, variable.shape[0]))
    model.save_weights(folder / "seed-000.weights.h5")
    return model.to_json(), folder / "seed-000.weights.h5"


def image(shape=(9, 11, 2)):
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def compare(keras, model, folder, convolution, pooling):
    """See that the maps are those of two layers of a model."""
    shown = image(model.input_shape[1:])
    maps, pooled = feature_maps.first_features(*saved(model, folder), shown)
    net = keras.Model(model.inputs[0], [convolution.output, pooling.output])
    for ours, theirs in zip((maps, pooled), net(shown[None]), strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs[0].numpy(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel", [1, 2, 3, (4, 5)])
@pytest.mark.parametrize(("activation", "bias"), [("relu", True), ("linear", True), ("relu", False)])
def test_the_first_maps_are_those_of_keras(keras, tmp_path, padding, kernel, activation, bias):
    layers = keras.layers
    first = layers.Conv2D(4, kernel, padding=padding, activation=activation, use_bias=bias)
    pool = layers.MaxPooling2D(2)
    model = keras.Sequential(
        [keras.Input((9, 11, 2)), first, pool, layers.Conv2D(3, 2), layers.Flatten(), layers.Dense(2)]
    )
    compare(keras, model, tmp_path, first, pool)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("size", "strides"), [(2, None), (3, 2), (3, 1), ((2, 3), (3, 1)), (5, 2)])
def test_any_pooling_is_that_of_keras(keras, tmp_path, padding, size, strides):
    first = keras.layers.Conv2D(4, 3, activation="linear", padding="same")
    pool = keras.layers.MaxPooling2D(size, strides=strides, padding=padding)
    compare(keras, keras.Sequential([keras.Input((9, 11, 2)), first, pool]), tmp_path, first, pool)


@pytest.mark.parametrize("names", [("zz", "aa"), ("conv2d_1", "conv2d"), (None, None)])
def test_the_first_of_two_convolutions_is_found_whatever_they_are_called(keras, tmp_path, names):
    """Keras's names depend on the other models of its process, and do not sort in the order of the layers."""
    layers = keras.layers
    second = layers.Conv2D(2, 3, name=names[1])
    first, pool = layers.Conv2D(2, 3, name=names[0]), layers.MaxPooling2D(2)
    model = keras.Sequential([keras.Input((9, 11, 2)), first, pool, second])
    compare(keras, model, tmp_path, first, pool)


def test_a_functional_model_is_followed(keras, tmp_path):
    layers = keras.layers
    second, first, pool = layers.Conv2D(2, 3), layers.Conv2D(2, 3, activation="relu"), layers.MaxPooling2D(2)
    inputs = keras.Input((9, 11, 2))
    model = keras.Model(inputs, layers.Flatten()(second(pool(first(inputs)))))
    compare(keras, model, tmp_path, first, pool)


def test_the_model_of_the_dots_has_feature_maps(keras, tensorflow, tmp_path):
    model = tensorflow.models.build("dots_source", (40, 40, 1), 1, {})
    maps, pooled = feature_maps.first_features(*saved(model, tmp_path), image((40, 40, 1)))
    assert maps.shape == (40, 40, 32)
    assert pooled.shape == (20, 20, 32)
    assert keras.layers.MaxPooling2D(2)(maps[None]).numpy()[0] == pytest.approx(pooled)


# ---- Pooling ---------------------------------------------------------------------------------------------------------


def test_the_tutorials_example_is_pooled_as_they_say():
    assert np.array_equal(feature_maps.max_pool(BEFORE, (2, 2), (2, 2), "valid"), AFTER)


def test_keras_pools_the_tutorials_example_as_they_say(keras):
    assert np.array_equal(keras.layers.MaxPooling2D(2)(BEFORE[None])[0].numpy(), AFTER)


# ---- Models without feature maps -------------------------------------------------------------------------------------


def refused(keras, *layers, shape=(9, 11, 2)):
    """Return the error for a model that begins with these layers."""
    with pytest.raises(CalotypeError) as caught:
        feature_maps._first_layers(keras.Sequential([keras.Input(shape), *layers]).to_json())
    assert "Hint: feature maps need a model that begins with" in str(caught.value)
    return str(caught.value).splitlines()[0]


def test_a_model_that_begins_otherwise_is_refused(keras):
    layers = keras.layers
    pool = layers.MaxPooling2D(2)
    assert refused(keras, layers.Flatten(), layers.Dense(2)).startswith(
        "the model begins with InputLayer, Flatten, Dense:"
    )
    assert "InputLayer, Conv2D:" in refused(keras, layers.Conv2D(2, 3))
    assert "Conv2D, AveragePooling2D:" in refused(keras, layers.Conv2D(2, 3), layers.AveragePooling2D(2))
    assert "Conv2D, BatchNormalization:" in refused(keras, layers.Conv2D(2, 3), layers.BatchNormalization(), pool)
    assert "strides: [2, 2]" in refused(keras, layers.Conv2D(2, 3, strides=2), pool)
    assert "activation: gelu" in refused(keras, layers.Conv2D(2, 3, activation="gelu"), pool)
    assert "dilation_rate: [2, 2]" in refused(keras, layers.Conv2D(2, 3, dilation_rate=2), pool)
    assert "groups: 2" in refused(keras, layers.Conv2D(2, 3, groups=2), pool)


def test_a_pooling_on_another_branch_is_not_taken_for_that_of_the_convolution(keras):
    layers = keras.layers
    inputs = keras.Input((8, 8, 2))
    joined = layers.Add()([layers.Conv2D(2, 3, padding="same")(inputs), layers.MaxPooling2D(1)(inputs)])
    with pytest.raises(CalotypeError, match="it has no feature maps"):
        feature_maps._first_layers(keras.Model(inputs, joined).to_json())


@pytest.mark.parametrize("architecture", ["", "[]", "{}", '{"class_name": "Sequential", "config": {"layers": [1]}}'])
def test_what_is_no_architecture_is_refused(architecture, tmp_path):
    with pytest.raises(CalotypeError, match="architecture of the model: cannot be read"):
        feature_maps.first_features(architecture, tmp_path / "none.weights.h5", image())


def sequential(keras, channels=2):
    net = [keras.Input((9, 11, channels)), keras.layers.Conv2D(3, 3), keras.layers.MaxPooling2D(2)]
    return keras.Sequential(net)


def test_weights_that_cannot_be_read_name_the_file(keras, tmp_path):
    architecture = sequential(keras).to_json()
    with pytest.raises(CalotypeError, match=r"none\.weights\.h5: cannot be read"):
        feature_maps.first_features(architecture, tmp_path / "none.weights.h5", image())
    (tmp_path / "torn.weights.h5").write_bytes(b"\x89HDF")
    with pytest.raises(CalotypeError, match=r"torn\.weights\.h5: cannot be read"):
        feature_maps.first_features(architecture, tmp_path / "torn.weights.h5", image())
    h5py.File(tmp_path / "empty.weights.h5", "w").close()
    with pytest.raises(CalotypeError, match=r"empty\.weights\.h5: cannot be read"):
        feature_maps.first_features(architecture, tmp_path / "empty.weights.h5", image())


def test_weights_of_another_model_are_refused(keras, tmp_path):
    _, weights = saved(sequential(keras, channels=1), tmp_path)
    with pytest.raises(CalotypeError, match=r"kernel of shape \(3, 3, 1, 3\)"):
        feature_maps.first_features(sequential(keras).to_json(), weights, image())


def test_feature_maps_need_no_tensorflow(keras, tmp_path, root):
    architecture, weights = saved(sequential(keras), tmp_path)
    (tmp_path / "architecture.json").write_text(architecture, encoding="utf-8")
    program = """
import json, pathlib, sys
import numpy as np
from calotype.evaluation import feature_maps
maps, pooled = feature_maps.first_features(
    pathlib.Path(sys.argv[1]).read_text(), pathlib.Path(sys.argv[2]), np.ones((9, 11, 2), np.float32))
print(json.dumps([maps.shape, pooled.shape, sorted({"tensorflow", "keras"} & set(sys.modules))]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "architecture.json", weights],
        env={"PYTHONPATH": str(root / "workflow")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [[7, 9, 3], [3, 4, 3], []]
