"""The built-in models are those of the sources, with the arguments of the shipped studies."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from calotype.util.errors import CalotypeError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]

STUDIES = Path(__file__).parents[3] / "config/studies"
SQUARE = (8, 8, 1)


def shipped(tensorflow, study, variant, shape, outputs):
    """Build the model of a variant in config/studies."""
    content = yaml.safe_load((STUDIES / f"{study}.yaml").read_text(encoding="utf-8"))
    entry = content.get("defaults", {}) | content["variants"][variant]
    return tensorflow.models.build(entry["model"], shape, outputs, entry.get("model_arguments", {}))


def table(tensorflow, net):
    """Return kind, output shape and parameters of each layer, as the report lists them."""
    layers = tensorflow.training.layers_table(net)
    return [tuple(row) for row in layers[["kind", "output_shape", "parameters"]].to_numpy().tolist()]


# ---- The nets of the sources -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("study", "variant", "shape", "outputs", "parameters"),
    [
        ("dots", "source", (40, 40, 1), 1, 338_881),
        ("digits", "source", (8, 8, 1), 10, 1_135),
        ("mnist-dnn", "source", (28, 28, 1), 10, 567_434),
        ("mnist-ablation", "one-layer", (28, 28, 1), 10, 623_290),
        ("mnist-ablation", "two-layers", (28, 28, 1), 10, 1_238_730),
        ("mnist-ablation", "three-layers", (28, 28, 1), 10, 1_854_170),
        ("mnist-ablation", "dropout", (28, 28, 1), 10, 1_854_170),
        ("mnist-ablation", "sgd-20", (28, 28, 1), 10, 1_854_170),
        ("fashion", "source", (28, 28, 1), 10, 804_554),
    ],
)
def test_models_of_the_sources_have_their_numbers_of_parameters(tensorflow, study, variant, shape, outputs, parameters):
    net = shipped(tensorflow, study, variant, shape, outputs)
    assert net.count_params() == parameters
    assert net.output_shape == (None, outputs)
    assert sum(count for *_, count in table(tensorflow, net)) == parameters


def test_model_of_the_fashion_source_is_its_table_line_by_line(tensorflow):
    assert table(tensorflow, shipped(tensorflow, "fashion", "source", (28, 28, 1), 10)) == [
        ("Conv2D", "(None, 28, 28, 32)", 320),
        ("MaxPooling2D", "(None, 14, 14, 32)", 0),
        ("Dropout", "(None, 14, 14, 32)", 0),
        ("Flatten", "(None, 6272)", 0),
        ("Dense", "(None, 128)", 802_944),
        ("Dropout", "(None, 128)", 0),
        ("Dense", "(None, 10)", 1_290),
    ]


def test_model_of_the_deep_mnist_source_has_its_layers(tensorflow):
    assert table(tensorflow, shipped(tensorflow, "mnist-dnn", "source", (28, 28, 1), 10)) == [
        ("Flatten", "(None, 784)", 0),
        ("Dense", "(None, 512)", 401_920),
        ("Dense", "(None, 256)", 131_328),
        ("Dense", "(None, 128)", 32_896),
        ("Dense", "(None, 10)", 1_290),
    ]


def test_layers_of_the_ablation_differ_as_its_variants_say(tensorflow):
    """The only dropout follows the third hidden layer."""
    hidden, last = ("Dense", "(None, 784)", 615_440), ("Dense", "(None, 10)", 7_850)
    for variant, expected in {
        "one-layer": [hidden, last],
        "two-layers": [hidden] * 2 + [last],
        "three-layers": [hidden] * 3 + [last],
        "dropout": [hidden] * 3 + [("Dropout", "(None, 784)", 0), last],
    }.items():
        net = shipped(tensorflow, "mnist-ablation", variant, (28, 28, 1), 10)
        assert table(tensorflow, net) == [("Flatten", "(None, 784)", 0), *expected]
        assert [layer.rate for layer in net.layers if type(layer).__name__ == "Dropout"] == [0.2] * (
            variant == "dropout"
        )


def test_weights_of_the_ablation_begin_with_the_spread_that_its_losses_ask_for(tensorflow):
    """Keras's random_normal: standard deviation 0.05. Its default, Glorot's, is uniform and below 0.062 here."""
    kernels = [
        w for w in shipped(tensorflow, "mnist-ablation", "two-layers", (28, 28, 1), 10).get_weights() if w.ndim == 2
    ]
    assert [kernel.shape for kernel in kernels] == [(784, 784), (784, 784), (784, 10)]
    for kernel in kernels:
        assert kernel.std() == pytest.approx(0.05, rel=0.05)
        assert kernel.mean() == pytest.approx(0, abs=0.003)
        assert np.abs(kernel).max() > 0.13, "normal, not uniform, not truncated"
    plain = shipped(tensorflow, "mnist-dnn", "source", (28, 28, 1), 10).get_weights()[0]
    limit = (6 / (784 + 512)) ** 0.5
    assert 0.99 * limit < np.abs(plain).max() <= limit


def test_model_of_the_digits_penalises_kernels_biases_and_outputs(tensorflow):
    """The source sets its regularizers after the layers are built, which does nothing; ours do something."""
    net = shipped(tensorflow, "digits", "source", (8, 8, 1), 10)
    weights = [np.full(w.shape, 0.5 + 0.1 * i, np.float32) for i, w in enumerate(net.get_weights())]
    net.set_weights(weights)
    image = np.full((1, 8, 8, 1), 0.01, np.float32)
    outputs = net(image).numpy()
    hidden = 1 / (1 + np.exp(-(image.reshape(1, -1) @ weights[0] + weights[1])))  # sigmoid
    squares = [(array.astype(float) ** 2).sum() for array in (*weights, hidden, outputs)]
    assert len(net.losses) == 6
    assert sum(map(float, net.losses)) == pytest.approx(1e-4 * sum(squares), rel=1e-4)
    assert [layer.activation.__name__ for layer in net.layers if hasattr(layer, "activation")] == ["sigmoid", "softmax"]


def test_a_model_without_penalties_has_none(tensorflow):
    net = tensorflow.models.build("dense", SQUARE, 3, {"units": [4]})
    net(np.zeros((1, *SQUARE), np.float32))
    assert net.losses == []


@pytest.mark.parametrize("initializer", ["ones", {"class_name": "Constant", "config": {"value": 1.0}}])
def test_an_initializer_may_be_a_name_or_have_settings(tensorflow, initializer):
    net = tensorflow.models.build("dense", SQUARE, 3, {"units": [4], "initializer": initializer})
    kernels = [w for w in net.get_weights() if w.ndim == 2]
    assert [kernel.shape for kernel in kernels] == [(64, 4), (4, 3)]
    assert all((kernel == 1).all() for kernel in kernels)


@pytest.mark.parametrize("arguments", [{"units": [4, 4]}, {"units": [4, 4], "initializer": "random_normal"}])
def test_layers_of_the_same_shape_do_not_begin_with_the_same_weights(tensorflow, arguments):
    """Layers that share an initializer object get the same numbers; Keras warns of it."""
    tensorflow.keras.utils.set_random_seed(1)
    kernels = [w for w in tensorflow.models.build("dense", (2, 2, 1), 4, arguments).get_weights() if w.ndim == 2]
    assert [kernel.shape for kernel in kernels] == [(4, 4)] * 3
    assert len({kernel.tobytes() for kernel in kernels}) == 3


@pytest.mark.parametrize(("name", "arguments"), [("dense", {"units": [5]}), ("fashion_source", {})])
def test_models_that_classify_give_probabilities(tensorflow, name, arguments):
    net = tensorflow.models.build(name, SQUARE, 3, arguments)
    probabilities = net(np.random.default_rng(1).random((4, *SQUARE), np.float32)).numpy()
    assert probabilities.shape == (4, 3)
    assert (probabilities > 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


# ---- Our own nets ----------------------------------------------------------------------------------------------------


def test_accurate_model_has_fewer_parameters_than_that_of_the_source(tensorflow):
    net = shipped(tensorflow, "dots", "accurate", (40, 40, 1), 1)
    assert net.count_params() < 338_881
    assert net.output_shape == (None, 1)


def test_dots_that_overlap_add_up_in_the_darkness(tensorflow):
    """One dot gives 127, two that overlap 63, then 31, 15, 7; white gives 255."""
    net = tensorflow.models.build("all_convolutional", SQUARE, 1, {"blocks": [], "darkness": True})
    net.set_weights([np.ones((1, 1), np.float32), np.zeros(1, np.float32)])
    grey = np.array([255, 127, 63, 31, 15, 7], np.float32) / 255
    images = np.broadcast_to(grey[:, None, None, None], (6, *SQUARE))
    assert net(images).numpy()[:, 0].tolist() == pytest.approx([n / 4 for n in range(6)], abs=1e-4)


def convolutions(tensorflow, *blocks, **arguments):
    return tensorflow.models.build("all_convolutional", SQUARE, 3, {"blocks": list(blocks), **arguments})


def test_words_of_a_block_do_what_they_say(tensorflow):
    """Output shapes show padding, stride and max-pooling."""
    net = convolutions(tensorflow, [4, 1, 3], [5, 1, 3, "valid"], [6, 1, 3, "pool"], [7, 2, 3])
    shapes = [(kind, shape) for kind, shape, _ in table(tensorflow, net) if kind in ("Conv2D", "MaxPooling2D")]
    assert shapes == [
        ("Conv2D", "(None, 8, 8, 4)"),
        ("Conv2D", "(None, 6, 6, 5)"),
        ("Conv2D", "(None, 6, 6, 6)"),
        ("MaxPooling2D", "(None, 3, 3, 6)"),
        ("Conv2D", "(None, 2, 2, 7)"),
    ]


def test_a_residual_block_that_has_learnt_nothing_changes_nothing(tensorflow):
    image = np.random.default_rng(1).random((2, *SQUARE), np.float32)
    found = {}
    for words in ([], ["residual"]):
        net = convolutions(tensorflow, [1, 1, 3, *words])
        net.set_weights([np.zeros_like(w) if w.ndim == 4 else np.ones_like(w) for w in net.get_weights()])
        for layer in net.layers:
            if type(layer).__name__ == "BatchNormalization":
                layer.set_weights([np.ones(1), np.zeros(1), np.zeros(1), np.ones(1)])
        found[len(words)] = net(image).numpy()
    np.testing.assert_allclose(found[0], 1, atol=1e-6)
    np.testing.assert_allclose(found[1], 1 + image.mean(axis=(1, 2)) @ np.ones((1, 3)), rtol=1e-5)


def test_grey_levels_are_divided_by_the_largest(tensorflow):
    net = convolutions(tensorflow, largest=16.0)
    net.set_weights([np.ones((1, 3), np.float32), np.zeros(3, np.float32)])
    image = np.full((1, *SQUARE), 12, np.float32)
    assert net(image).numpy().tolist() == [[0.75] * 3]


def test_dropout_and_softmax_are_at_the_end_where_they_are_asked_for(tensorflow):
    plain = convolutions(tensorflow, [4, 1, 3])
    assert not [layer for layer in plain.layers if type(layer).__name__ == "Dropout"]
    assert plain.layers[-1].activation.__name__ == "linear"
    net = convolutions(tensorflow, [4, 1, 3], dropout=0.3, activation="softmax")
    assert [type(layer).__name__ for layer in net.layers[-3:]] == ["GlobalAveragePooling2D", "Dropout", "Dense"]
    assert net.layers[-2].rate == 0.3
    probabilities = net(np.random.default_rng(1).random((4, *SQUARE), np.float32)).numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("study", "variant"),
    [
        (path.stem, variant)
        for path in sorted(STUDIES.glob("*.yaml"))
        for variant, entry in yaml.safe_load(path.read_text(encoding="utf-8"))["variants"].items()
        if not entry.get("model", "").startswith("sklearn")
    ],
)
def test_the_model_of_every_shipped_variant_can_be_made(tensorflow, study, variant):
    content = yaml.safe_load((STUDIES / f"{study}.yaml").read_text(encoding="utf-8"))
    classify = content["task"] == "classify"
    width = {"dots": 40, "digits": 8}.get(content["dataset"], 28)
    net = shipped(tensorflow, study, variant, (width, width, 1), 10 if classify else 1)
    outputs = net(np.full((2, width, width, 1), 0.5, np.float32)).numpy()
    assert outputs.shape == (2, 10 if classify else 1)
    if classify:
        np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)


# ---- Models that cannot be made --------------------------------------------------------------------------------------

OWN = """
import keras
from keras import layers


def net(shape, outputs, *, rate=0.4):
    return keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dropout(rate), layers.Dense(outputs)])


def too_deep(shape, outputs):
    return keras.Sequential([keras.Input(shape)] + [layers.Conv2D(2, 3) for _ in range(9)] + [layers.Dense(outputs)])


def fails(shape, outputs):
    raise ValueError("three filters are too few")


def needs_a_file(shape, outputs):
    return open("/nowhere/weights")


def no_model(shape, outputs):
    return 3


constant = 3
"""


@pytest.fixture
def own(tmp_path):
    """Write a file of custom models, valid and invalid."""
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path / "own.py"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("{own}.missing:net", "own.py.missing not found"),
        ("{own}:missing", "function not found"),
        ("{own}:constant", "function not found"),
        ("dots_sauce", "not found"),
        ("{own}:no_model", "must return a Keras model, not int"),
        ("{own}:fails", "three filters are too few"),
        ("{own}:needs_a_file", "No such file"),
        ("{own}:too_deep", "own.py:too_deep"),
        ("{broken}:net", "broken.py"),
        ("{folder}:net", " not found"),
    ],
)
def test_a_model_that_cannot_be_made_is_named(tensorflow, own, tmp_path, name, complaint):
    (tmp_path / "broken.py").write_text("import nothing_that_is_installed\n")
    name = name.format(own=own, broken=tmp_path / "broken.py", folder=tmp_path)
    with pytest.raises(CalotypeError) as problem:
        tensorflow.models.build(name, SQUARE, 1, {})
    assert str(problem.value).startswith(f"model: {name}: ")
    assert complaint in str(problem.value)


@pytest.mark.parametrize("words", [["vaild"], ["pool", "Residual"], [True]])
def test_a_misspelt_word_of_a_block_does_not_train_another_model(tensorflow, words):
    """With `vaild`, the padding would silently stay."""
    with pytest.raises(CalotypeError) as problem:
        tensorflow.models.build("all_convolutional", SQUARE, 1, {"blocks": [[4, 1, 3, "valid"], [4, 1, 3, *words]]})
    assert f"blocks: `{words[-1]}`: allowed words are valid, pool, residual" in str(problem.value)


def test_a_wrong_argument_of_a_model_is_answered_with_a_hint(tensorflow, own):
    with pytest.raises(CalotypeError, match=r"unexpected keyword argument 'rat'") as problem:
        tensorflow.models.build(f"{own}:net", SQUARE, 1, {"rat": 0.1})
    assert "\nHint: " in str(problem.value)
    assert "model_arguments" in str(problem.value)
