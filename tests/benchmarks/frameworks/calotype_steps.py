"""The engine of this project, driven as `calotype.training.loop` does; called in a copy of the project."""

import math
import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import timing

timing.one_core()  # before TensorFlow counts the cores
sys.path.insert(0, str(Path.cwd() / "workflow"))

import numpy as np  # noqa: E402
import yaml  # noqa: E402

from calotype.config import load  # noqa: E402
from calotype.config.recipe import Recipe  # noqa: E402
from calotype.data.prepared_split import Split  # noqa: E402
from calotype.training import backend  # noqa: E402

backend.start(1)

from calotype.training.keras_trainer import Trainer  # noqa: E402

# Settings of a recipe, and of the trainer, by the name of the engine.
ENGINES = {
    "calotype": {},
    "xla": {"jit_compile": True},
    "no-xla": {"jit_compile": False},
    "bfloat16": {"precision": "mixed_bfloat16"},
    "streamed": {"stream_above_mib": 0.0},
}


def recipe_of(net: timing.Net, settings: Mapping[str, Any]) -> Recipe:
    """Return the recipe in config/studies, without validation images, because the other engines use none."""
    studies = load.load(yaml.safe_load(Path("config/config.yaml").read_text(encoding="utf-8"))).studies
    recipe = studies[net.study].variants[net.variant].recipe()
    found = recipe if isinstance(recipe, dict) else recipe.model_dump()
    for key in ("validation_split", "monitor", "restore_best_weights"):
        found.pop(key, None)
    return Recipe(**(found | settings))


def trainer(net: timing.Net, clock: timing.Clock, **settings: Any) -> None:
    """Epoch after epoch, with its order drawn and its metrics read, as in a run."""
    images, labels = net.data()
    split = Split(images, labels.astype(np.int64), np.arange(net.images))
    minimum, maximum = (0, 5) if net.classes is None else (None, None)
    stream_above_mib = settings.pop("stream_above_mib", math.inf)
    recipe = recipe_of(net, settings)
    engine = Trainer(
        recipe, split, minimum=minimum, maximum=maximum, classes=net.classes, stream_above_mib=stream_above_mib
    )
    assert engine.steps == net.steps
    engine.begin(seed=0)
    epoch = 1
    while True:
        engine.begin_epoch(0, epoch)
        engine.train(0, engine.steps)
        engine.end_epoch()
        if not clock.lap():
            return
        epoch += 1


assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"
engines = {name: partial(trainer, **settings) for name, settings in ENGINES.items()}
timing.main(engines, f"tensorflow {backend.tf.__version__}")
