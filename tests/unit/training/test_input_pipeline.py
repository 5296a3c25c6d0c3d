"""Streamed images give the same bytes as images that stay on the device."""

import numpy as np
import pytest
from unit.trainings import predictor_of

from calotype.config.recipe import Recipe
from calotype.data.prepared_split import Split
from calotype.util.errors import CalotypeError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]

IMAGES, BATCH = 23, 4
BASE = {"loss": "categorical_crossentropy", "optimizer": "adam", "epochs": 2, "batch_size": BATCH}
RECIPES = {
    "dense, with XLA": {"model": "dense", "model_arguments": {"units": [5]}, "jit_compile": True},
    "dropout and held-out images": {
        "model": "dense",
        "model_arguments": {"units": [5], "dropout": 0.3},
        "validation_split": 0.3,
    },
    "a split that is held out": {
        "model": "dense",
        "model_arguments": {"units": [5]},
        "validation": "held-out",
        "jit_compile": False,
    },
    "convolutions, augmented": {
        "model": "all_convolutional",
        "model_arguments": {"blocks": [[3, 2, 3]], "activation": "softmax"},
        "augment": ["dihedral", {"name": "shift", "pixels": 1}],
    },
}


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(1)
    return Split(rng.random((IMAGES, 6, 6, 1), np.float32), rng.integers(0, 3, IMAGES), np.arange(IMAGES))


def trained(recipe, images, stream_above_mib, looks):
    """Return weights and metrics after two epochs; calls for their steps end at `looks`."""
    from calotype.training import keras_trainer

    facts = {"minimum": None, "maximum": None, "classes": 3, "validation": images if recipe.validation else None}
    trainer = keras_trainer.Trainer(recipe, images, **facts, stream_above_mib=stream_above_mib)
    logs = []
    trainer.begin(7)
    for epoch in (1, 2):
        trainer.begin_epoch(7, epoch)
        ends = [*[look for look in looks if look < trainer.steps], trainer.steps]
        for first, last in zip([0, *ends], ends, strict=False):
            trainer.train(first, last)
        logs.append(trainer.end_epoch())
    return trainer, [weight.tobytes() for weight in trainer.weights()], logs


@pytest.mark.parametrize("name", RECIPES)
def test_images_that_do_not_fit_the_device_train_the_same_model(name, images, monkeypatch):
    from calotype.training import input_pipeline

    monkeypatch.setattr(input_pipeline, "BLOCK", 2 * BATCH * images.images[:1].nbytes)
    recipe = Recipe.model_validate(BASE | RECIPES[name])
    streamed, *found = trained(recipe, images, 0.0, looks=[1, 3])
    resident, *expected = trained(recipe, images, 1.0, looks=[])
    assert isinstance(streamed.feed, input_pipeline.Streamed)
    assert isinstance(resident.feed, input_pipeline.Resident)
    assert found == expected


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_a_streamed_training_run_resumes_in_the_middle_of_an_epoch(precision, images, monkeypatch):
    from calotype.training import input_pipeline, keras_trainer

    monkeypatch.setattr(input_pipeline, "BLOCK", 2 * BATCH * images.images[:1].nbytes)
    recipe = Recipe.model_validate(BASE | RECIPES["convolutions, augmented"] | {"precision": precision})

    def new_trainer():
        trainer = keras_trainer.Trainer(recipe, images, minimum=None, maximum=None, classes=3, stream_above_mib=0.0)
        trainer.begin(7)
        trainer.begin_epoch(7, 1)
        return trainer

    stopped, other = new_trainer(), new_trainer()
    stopped.train(0, 3)
    other.restore(stopped.state())
    for trainer in (stopped, other):
        trainer.train(3, trainer.steps)
        trainer.begin_epoch(7, 2)
        trainer.train(0, trainer.steps)
    expected, found = stopped.state(), other.state()
    assert [name for name in expected if expected[name].tobytes() != found[name].tobytes()] == []


def test_a_stream_begins_at_any_step_and_goes_back(images, monkeypatch):
    from calotype.training import input_pipeline

    monkeypatch.setattr(input_pipeline, "BLOCK", 2 * BATCH * images.images[:1].nbytes)
    stream = input_pipeline.Streamed(images.images, images.labels[:, None], BATCH)
    order = np.random.default_rng(2).permutation(IMAGES).astype(np.int32)
    stream.begin_epoch(order, np.arange(IMAGES, dtype=np.int32)[:, None])
    for first, last in ((3, 6), (0, 2), (5, 6)):  # forwards, back, and past a block
        seen = [
            part.draws[step * BATCH : (step + 1) * BATCH, 0].numpy().tolist()
            for part in stream.parts(first, last)
            for step in range(part.first, part.last)
        ]
        assert [number for batch in seen for number in batch] == [*range(IMAGES)][first * BATCH : last * BATCH]
        for part in stream.parts(first, last):
            shown = part.images.numpy()[part.places]
            numbers = part.draws.numpy()[:, 0]
            np.testing.assert_array_equal(shown, images.images[order[numbers]])
            np.testing.assert_array_equal(part.targets.numpy()[part.places, 0], images.labels[order[numbers]])


def test_an_image_is_fetched_once_an_epoch_however_its_steps_are_taken(images, monkeypatch):
    """Two steps of four images are a block: steps 2 and 3 lie in the second block, which is fetched once."""
    from calotype.training import input_pipeline

    monkeypatch.setattr(input_pipeline, "BLOCK", (2 * BATCH + 3) * images.images[:1].nbytes)
    fetched = []

    class Disk:
        """Images that record which of them are read."""

        def __getitem__(self, places):
            fetched.extend(places.tolist())
            return images.images[places]

    stream = input_pipeline.Streamed(images.images, images.labels[:, None], BATCH)
    assert (stream.steps, stream.size) == (2, 2 * BATCH)
    stream.images = Disk()
    order = np.random.default_rng(2).permutation(IMAGES).astype(np.int32)
    for _ in range(2):
        fetched.clear()
        stream.begin_epoch(order, np.zeros((IMAGES, 0), np.int32))
        for first, last in ((0, 1), (1, 3), (3, 4), (4, 6)):
            assert sum(part.last - part.first for part in stream.parts(first, last)) == last - first
        assert fetched == order.tolist()


def test_images_larger_than_a_block_are_streamed_a_step_at_a_time(images, monkeypatch):
    from calotype.training import input_pipeline

    monkeypatch.setattr(input_pipeline, "BLOCK", images.images[:1].nbytes - 1)
    stream = input_pipeline.Streamed(images.images, images.labels[:, None], BATCH)
    assert (stream.capacity, stream.steps) == (1, 1)
    stream.begin_epoch(np.arange(IMAGES, dtype=np.int32), np.zeros((IMAGES, 0), np.int32))
    assert [len(part.places) for part in stream.parts(0, 6)] == [4, 4, 4, 4, 4, 3]


def test_held_out_images_are_streamed_each_once_and_in_whole_batches(images, monkeypatch):
    from calotype.training import input_pipeline

    monkeypatch.setattr(input_pipeline, "BLOCK", 5 * images.images[:1].nbytes)
    stream = input_pipeline.Streamed(images.images, images.labels[:, None], BATCH)
    blocks = [*stream.held_out(3, 2)]
    assert [len(block) for block, _ in blocks] == [4, 4, 4, 4, 4]
    np.testing.assert_array_equal(np.concatenate([block for block, _ in blocks]), images.images[3:])
    assert [len(block) for block, _ in stream.held_out(3, 250)] == [20]


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_a_training_run_in_half_precision_comes_near_one_in_full(precision, images):
    found = {}
    for used in ("float32", precision):
        recipe = Recipe.model_validate(BASE | RECIPES["convolutions, augmented"] | {"precision": used})
        trainer, _, found[used] = trained(recipe, images, 1.0, looks=[])
    for half, full in zip(found[precision], found["float32"], strict=True):
        assert half["loss"] == pytest.approx(full["loss"], abs=0.05)
        assert half["loss"] != full["loss"]
    # In 16 bits the sums would be less exact.
    np.testing.assert_allclose(predictor_of(trainer).predict(images.images).sum(axis=1), 1, atol=1e-5)


def test_a_penalty_that_does_not_fit_half_precision_is_refused_by_name(images):
    model = {"model": "dense", "model_arguments": {"units": [5], "l2": 1e-4}, "precision": "mixed_float16"}
    with pytest.raises(CalotypeError, match="l2: sums of squares"):
        trained(Recipe.model_validate(BASE | model), images, 1.0, looks=[])


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"model": "dense", "model_arguments": {"units": [5]}}, True),
        ({"model": "dense", "model_arguments": {"units": [5], "dropout": 0.3}}, False),
        ({"model": "dense", "model_arguments": {"units": [5]}, "augment": ["flip"]}, False),
        ({"model": "all_convolutional", "model_arguments": {"blocks": [[3, 2, 3]], "activation": "softmax"}}, False),
        ({"model": "dense", "model_arguments": {"units": [5]}, "jit_compile": False}, False),
    ],
)
def test_xla_is_used_where_it_measures_faster_and_nowhere_else(keys, expected, images):
    from calotype.training import keras_trainer

    recipe = Recipe.model_validate(BASE | keys)
    trainer = keras_trainer.Trainer(recipe, images, minimum=None, maximum=None, classes=3)
    assert trainer.xla == expected
