"""Memory of a training, forecast from its smoke test: a user asks for it before the first job."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# Each child is forked after the import of TensorFlow, as `check` does it; a training process has the same imports.
MEASURE = """
import json, sys, tempfile
from functools import partial
from pathlib import Path
import numpy as np
from calotype.config.recipe import Recipe
from calotype.data.prepared_split import Split
from calotype.jobs.usage import Peak
from calotype.planning.check import _import_library, try_variant
from calotype.planning.memory_forecast import training_mib
from calotype.training.predicting import PREDICT_BATCH, Asked, new_predictor
from calotype.training.trainer import new_trainer
from calotype.util.children import in_children

folder = Path(sys.argv[1])
cases = json.loads(sys.argv[2])

def data(number, shape):
    file = folder / f"{number}.npy"
    images = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(number, *shape))
    images[:] = np.random.default_rng(0).random((1, *shape), np.float32)
    images.flush()
    images = np.load(file, mmap_mode="r")
    return Split(images, np.arange(number) % 10, np.arange(number).astype(str))

def forecast(recipe, split, above):
    seen = try_variant(recipe, split, {"minimum": 0, "maximum": 9, "classes": 10})
    return training_mib(recipe, seen.memory, [split.images.nbytes / 2**20], above, seen.weights_mib)

def used(recipe, split, above):
    _import_library(recipe)
    with Peak() as peak, tempfile.TemporaryDirectory() as models:
        trainer = new_trainer(recipe, split, None, {"minimum": 0, "maximum": 9, "classes": 10}, above)
        trainer.begin(0)
        trainer.begin_epoch(0, 1)
        trainer.train(0, min(trainer.steps, 12))
        trainer.end_epoch()
        trainer.state()
        trainer.save(Path(models), 0)
        predictor = new_predictor(Asked.of(recipe), split.images.shape[1:], trainer.targets)
        predictor.load(Path(models), 0)
        predictor.predict(np.asarray(split.images[:PREDICT_BATCH]))
    return max(peak.mib.values())

def write(name, measure, recipe, number, shape, above):
    found = measure(Recipe(**recipe), data(number, shape), above)
    (folder / f"{name}.json").write_text(json.dumps(found))
    return 0

for case, (recipe, *given) in cases.items():
    for name, measure in (("forecast", forecast), ("used", used)):
        _import_library(Recipe(**recipe))
        (ended,) = in_children({"": partial(write, f"{case}-{name}", measure, recipe, *given)}, most=1)
        assert ended.status == 0
"""
COMMON = {"loss": "categorical_crossentropy", "optimizer": "adam", "epochs": 2}
DENSE = COMMON | {"model": "dense", "model_arguments": {"units": [512, 256]}, "batch_size": 128}
BLOCKS = {"blocks": [[16, 2, 5], [32, 2, 3], [64, 2, 3]], "activation": "softmax"}
PHOTOS = COMMON | {"model": "all_convolutional", "model_arguments": BLOCKS, "batch_size": 32}
PERCEPTRON = COMMON | {
    "model": "sklearn.neural_network.MLPClassifier",
    "model_arguments": {"hidden_layer_sizes": [50]},
    "batch_size": 100,
}
CASES = {
    "perceptron": (PERCEPTRON, 20_000, (28, 28, 1), 2000),  # first: later children share TensorFlow
    "dense": (DENSE, 40_000, (28, 28, 1), 2000),
    "photos": (PHOTOS, 700, (224, 224, 3), 2000),
    "streamed photos": (PHOTOS, 700, (224, 224, 3), 100),
}


@pytest.mark.slow
def test_the_forecast_is_within_a_quarter_of_what_training_needs(tmp_path):
    subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path, json.dumps(CASES)],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "workflow"), "HOME": str(tmp_path)},
        check=True,
    )
    found = {
        case: [json.loads((tmp_path / f"{case}-{name}.json").read_text()) for name in ("forecast", "used")]
        for case in CASES
    }
    for case, (forecast, used) in found.items():
        assert 0.75 * used < forecast < 1.25 * used, (case, found)
    assert found["streamed photos"][1] < found["photos"][1], "the cases differ"
