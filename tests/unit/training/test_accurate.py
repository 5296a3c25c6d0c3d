"""The accurate models of two shipped studies train on images of their size; tests/workflow trains the others."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from unit.trainings import predictor_of

from calotype.config.recipe import Recipe
from calotype.data.prepared_split import Split

pytestmark = pytest.mark.slow

STUDIES = Path(__file__).parents[3] / "config/studies"


@pytest.mark.parametrize(("study", "size"), [("digits", 8), ("fashion", 28)])
def test_the_accurate_model_trains_on_its_images_and_predicts_them(tensorflow, study, size):
    content = yaml.safe_load((STUDIES / f"{study}.yaml").read_text(encoding="utf-8"))
    keys = content["defaults"] | content["variants"]["accurate"]
    recipe = Recipe(**{key: value for key, value in keys.items() if key in Recipe.model_fields} | {"batch_size": 4})
    images = np.random.default_rng(0).random((4, size, size, 1), np.float32)
    split = Split(images, np.arange(4), np.arange(4))
    trainer = tensorflow.training.Trainer(recipe, split, minimum=None, maximum=None, classes=10)
    trainer.begin(0)
    trainer.begin_epoch(0, 1)
    trainer.train(0, trainer.steps)
    assert np.isfinite(trainer.end_epoch()["loss"])
    np.testing.assert_allclose(predictor_of(trainer).predict(images).sum(axis=1), np.ones(4), atol=1e-5)
