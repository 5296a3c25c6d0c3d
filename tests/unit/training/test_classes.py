"""A model that classifies has the loss, metrics and predictions of its classes."""

import numpy as np
import pytest
from unit.trainings import CLASSES, class_recipe, class_split, of, recipe, train

from calotype.data.prepared_split import Split, open_split
from calotype.evaluation.runs import measure
from calotype.tasks.classify import CLASSIFY, most_probable
from calotype.util.errors import CalotypeError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]

STILL = {"optimizer": {"name": "sgd", "learning_rate": 1e-30}, "epochs": 1, "batch_size": 1000}


def surprise(probabilities, labels, smoothing=0.0):
    """Return the mean crossentropy by its formula."""
    targets = np.eye(CLASSES)[labels] * (1 - smoothing) + smoothing / CLASSES
    return -(targets * np.log(probabilities)).sum(axis=1).mean()


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_loss_and_accuracy_of_classes_are_those_computed_by_hand(data, tmp_path, smoothing):
    """At a rate too small to learn anything, the model that trained is the one that predicts."""
    made = class_recipe(**STILL, label_smoothing=smoothing, validation_split=0.3)
    pack = train(data, made, range(1), tmp_path / "models", tests=("train",))
    probabilities, labels = pack.predictions["train"][0], class_split("train").labels
    size = int(46 * 0.7)
    assert of(pack, "loss") == pytest.approx([surprise(probabilities[:size], labels[:size], smoothing)], rel=1e-5)
    assert of(pack, "val_loss") == pytest.approx([surprise(probabilities[size:], labels[size:], smoothing)], rel=1e-5)
    right = probabilities.argmax(axis=1) == labels
    assert of(pack, "accuracy") == pytest.approx([right[:size].mean()], rel=1e-6)
    assert of(pack, "val_accuracy") == pytest.approx([right[size:].mean()], rel=1e-6)


def test_a_held_out_part_larger_than_a_batch_of_predictions_is_measured_whole(data, tmp_path, tensorflow, monkeypatch):
    """There are full batches and a smaller last one."""
    monkeypatch.setattr(tensorflow.training, "TEST_BATCH", 4)
    made = class_recipe(**STILL, validation_split=0.3)
    pack = train(data, made, range(1), tmp_path / "models", tests=("train",))
    probabilities, labels = pack.predictions["train"][0][32:], class_split("train").labels[32:]
    assert len(labels) % 4
    assert of(pack, "val_loss") == pytest.approx([surprise(probabilities, labels)], rel=1e-5)
    assert of(pack, "val_accuracy") == pytest.approx([(probabilities.argmax(axis=1) == labels).mean()], rel=1e-6)


def test_penalties_of_weights_count_in_the_loss_of_a_training(data, tmp_path):
    made = {}
    for l2 in (0.0, 0.5):
        changes = {"model_arguments": {"units": [6], "l2": l2}}
        made[l2] = of(train(data, class_recipe(**STILL, **changes), range(1), tmp_path / f"{l2}"), "loss")[0]
    assert made[0.5] > made[0.0] + 0.5


def test_labels_as_numbers_and_as_vectors_train_the_same_model(data, tmp_path):
    found = {}
    for kind in ("categorical_crossentropy", "sparse_categorical_crossentropy"):
        pack = train(data, class_recipe(loss=kind, epochs=5), range(1), tmp_path / kind)
        found[kind] = pack.predictions["test"], of(pack, "accuracy"), of(pack, "loss")
    one_hot, sparse = found.values()
    np.testing.assert_allclose(one_hot[0], sparse[0], atol=1e-5)
    assert one_hot[1] == pytest.approx(sparse[1])
    assert one_hot[2] == pytest.approx(sparse[2], rel=1e-4)
    assert len(set(one_hot[2])) == 5


def test_a_model_that_classifies_learns_its_classes(data, tmp_path):
    made = class_recipe(optimizer={"name": "adam", "learning_rate": 0.02}, epochs=25)
    pack = train(data, made, range(2), tmp_path / "models")
    for probabilities in pack.predictions["test"]:
        assert measure(CLASSIFY, class_split("test").labels, probabilities)["accuracy"] > 0.75, "chance is one in three"


def test_augmentation_is_drawn_for_the_training_images_and_for_no_others(data, tmp_path):
    """Erasing all pixels leaves nothing to learn from, but held-out and test images are complete."""
    nothing = [{"name": "erase", "pixels": 100}]
    made = class_recipe(**STILL | {"epochs": 2}, validation_split=0.3, augment=nothing)
    pack = train(data, made, range(1), tmp_path / "models", tests=("train",))
    probabilities, labels = pack.predictions["train"][0], class_split("train").labels
    assert of(pack, "loss") == pytest.approx([np.log(CLASSES)] * 2, rel=1e-5), "all biases are zero"
    assert of(pack, "val_loss") == pytest.approx([surprise(probabilities[32:], labels[32:])] * 2, rel=1e-5)
    assert abs(surprise(probabilities[32:], labels[32:]) - np.log(CLASSES)) > 0.01


@pytest.mark.parametrize("monitor", [None, "val_loss", "val_accuracy"])
def test_a_training_run_of_classes_that_diverges_ends_and_is_counted_as_wrong(data, tmp_path, monitor):
    optimizer = {"name": "sgd", "learning_rate": 1e30}
    held_out = {"validation_split": 0.3, "restore_best_weights": True, "monitor": monitor} if monitor else {}
    made = class_recipe(optimizer=optimizer, epochs=3, **held_out)
    pack = train(data, made, range(2), tmp_path / "models")
    assert not np.isfinite(pack.history[pack.history.metric == "loss"].value).all()
    for probabilities in pack.predictions["test"]:
        assert not np.isfinite(probabilities).any()
        assert np.isnan(most_probable(probabilities)).all(), "no class is predicted, not even the first"


@pytest.mark.parametrize("classes", [True, False])
def test_predictions_are_the_mean_over_the_views_that_were_asked_for(tensorflow, data, tmp_path, classes):
    """The views do not change the training."""
    made = class_recipe(epochs=3) if classes else recipe(f"{data}/own.py:linear", scale_targets=True)
    plain = train(data, made, range(1), tmp_path / "plain")
    viewed = train(data, made, range(1), tmp_path / "viewed", test_time_augmentation=["flip", "shift"])
    assert viewed.history.equals(plain.history)
    weights = "seed-000.weights.h5"
    assert (tmp_path / "plain" / weights).read_bytes() == (tmp_path / "viewed" / weights).read_bytes()
    model = tensorflow.keras.models.model_from_json((tmp_path / "plain/architecture.json").read_text())
    model.load_weights(tmp_path / "plain" / weights)
    images = class_split("test").images if classes else np.array(open_split(data / "test.npy").images)
    views = tensorflow.augment.test_time_augmentation(images, ["flip", "shift"])
    assert len(views) == 10
    expected = np.mean([model(np.ascontiguousarray(view)).numpy() for view in views], axis=0) * (1 if classes else 5)
    expected = expected if classes else expected[:, 0]
    np.testing.assert_allclose(viewed.predictions["test"][0], expected, atol=1e-5)
    assert np.abs(viewed.predictions["test"] - plain.predictions["test"]).max() > 1e-3


def test_layers_are_listed_with_their_shapes_and_parameters(data, tmp_path):
    made = class_recipe(model_arguments={"units": [6, 5], "dropout": 0.5}, epochs=1)
    pack = train(data, made, range(1), tmp_path / "models")
    assert pack.layers.columns.tolist() == ["layer", "kind", "output_shape", "parameters"]
    assert pack.layers[["kind", "output_shape", "parameters"]].values.tolist() == [
        ["Flatten", "(None, 64)", 0],
        ["Dense", "(None, 6)", 64 * 6 + 6],
        ["Dense", "(None, 5)", 6 * 5 + 5],
        ["Dropout", "(None, 5)", 0],
        ["Dense", "(None, 3)", 5 * 3 + 3],
    ]
    assert pack.parameters == pack.layers.parameters.sum()


def test_symmetries_of_images_that_are_not_square_are_refused_by_name(data, tmp_path):
    """A quarter turn changes their shape, and TensorFlow's message would not explain that."""
    split = class_split("train")
    wide = Split(np.ascontiguousarray(split.images[:, :6]), split.labels, split.ids)
    made = class_recipe(augment=["flip", "dihedral"], epochs=1)
    with pytest.raises(CalotypeError) as problem:
        train(data, made, range(1), tmp_path / "models", train_split=wide)
    assert str(problem.value).startswith("augment: dihedral: the images are 8 x 6 px, not square.\nHint: use `flip`")
