"""A result says nothing of keys that were left out: another default must not pass for the old one."""

import json
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from calotype.config.datasets import DATASETS
from calotype.config.recipe import Recipe
from calotype.steps.registry import STEPS

# The default of each key, by its type, as it was when the key came.
RECORDED = Path(__file__).with_name("defaults.json")
CHANGED = (
    "another default than the one that finished results were computed with. They would pass for results with the new "
    "one. Hint: give the key a new name; of a recipe, add the key to `Recipe.resolved`, so that its value counts "
    "even at the default; then edit defaults.json."
)


def below(kind: type[BaseModel], seen: dict[str, type[BaseModel]]) -> None:
    """Add a type, and the types of its keys."""
    if kind.__name__ in seen:
        return
    seen[kind.__name__] = kind
    waiting = [field.annotation for field in kind.model_fields.values()]
    while waiting:
        each = waiting.pop()
        if isinstance(each, type) and issubclass(each, BaseModel):
            below(each, seen)
        else:
            waiting += get_args(each)


def defaults() -> dict[str, str]:
    """Return the default of each key that a result may depend on, as text."""
    kinds: dict[str, type[BaseModel]] = {}
    for kind in (Recipe, *DATASETS.values(), *STEPS.values()):
        below(kind, kinds)
    return {
        f"{name}.{key}": repr(field.get_default(call_default_factory=True))
        for name, kind in kinds.items()
        for key, field in kind.model_fields.items()
        if not field.is_required()
    }


def test_a_changed_default_does_not_pass_off_old_results_as_new_ones():
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    changed = {key: value for key, value in defaults().items() if recorded.get(key, value) != value}
    assert not changed, CHANGED


def test_the_default_of_every_key_is_recorded():
    missing = defaults().keys() - json.loads(RECORDED.read_text(encoding="utf-8")).keys()
    assert not missing, f"new keys: PYTHONPATH=workflow python {Path(__file__).relative_to(Path.cwd())}"


def test_all_that_the_code_reads_of_a_recipe_is_part_of_the_identity():
    """Which splits there are is known by the manifests that go in."""
    properties = {name for name, value in vars(Recipe).items() if isinstance(value, property)}
    recipe = Recipe(model="dense", loss="binary_crossentropy", optimizer="adam", epochs=1, batch_size=1)
    assert recipe.resolved().keys() == properties - {"splits"}
    assert recipe.resolved()["binary"]
    assert not recipe.resolved()["more_is_better"]


if __name__ == "__main__":
    before = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    RECORDED.write_text(json.dumps(dict(sorted((defaults() | before).items())), indent=1) + "\n", encoding="utf-8")
