"""Values stand for config in the identity of a result: all that the code reads, and no new key at its default."""

import pytest

from calotype.config.augmentation import Augmentation
from calotype.config.optimizer import Optimizer, Plateau
from calotype.config.recipe import Recipe
from calotype.steps.registry import STEPS

# The keys that were there when results began to be identified so. A later one has `exclude_if=is_default(...)` with the
# default that it came with, which it keeps when its default changes.
FIRST = {
    "Augmentation": {"pixels", "degrees", "zoom"},
    "Blur": {"method", "sigma"},
    "Contrast": {"clip", "tiles"},
    "Crop": {"left", "top"},
    "Grey": {"method"},
    "Morphology": {"shape", "iterations"},
    "Normalise": {"range", "levels", "mean", "deviation", "split"},
    "Optimizer": {"learning_rate", "schedule", "warmup", "arguments"},
    "Own": {"arguments"},
    "Pad": {"border", "value"},
    "Plateau": {"factor", "patience", "min_delta", "cooldown", "min_learning_rate"},
    "Recipe": {
        "model_arguments", "label_smoothing", "train", "scale_targets", "augment", "validation_split", "monitor",
        "restore_best_weights", "patience", "precision", "jit_compile", "threads",
    },
    "Resize": {"keep_aspect", "interpolation"},
    "Threshold": {"value", "block", "constant", "window"},
}  # fmt: skip


@pytest.mark.parametrize("model", [Recipe, Optimizer, Plateau, Augmentation, *STEPS.values()])
def test_a_new_key_at_its_default_is_no_part_of_the_identity(model):
    """Else everybody's results would be computed again for a key that nobody uses."""
    later = {key: field for key, field in model.model_fields.items() if key not in FIRST.get(model.__name__, ())}
    always = {key for key, field in later.items() if field.exclude is None and field.exclude_if is None}
    always = {key for key in always if not later[key].is_required()}
    steps = {key for key in always if model in STEPS.values() and later[key].default is None}  # a step leaves out None
    assert always - steps == set()
    for key, field in later.items():
        assert field.exclude_if is None or field.is_required() or field.exclude_if(field.get_default()), key


def test_all_that_the_code_reads_of_a_recipe_is_part_of_the_identity():
    """Which splits there are is known by the manifests that go in."""
    properties = {name for name, value in vars(Recipe).items() if isinstance(value, property)}
    recipe = Recipe(model="dense", loss="binary_crossentropy", optimizer="adam", epochs=1, batch_size=1)
    assert recipe.resolved().keys() == properties - {"splits"}
    assert recipe.resolved()["binary"]
    assert not recipe.resolved()["more_is_better"]
