"""Start TensorFlow and Keras the same way in every process."""

import gc
import logging
import os
import sys

from calotype.util import start_environment
from calotype.util.errors import CalotypeError

logger = logging.getLogger(__name__)

# TensorFlow reads the environment when it is imported.
if _ignored := start_environment.fix(os.environ):
    logger.warning("Ignoring environment variables that change results: %s", ", ".join(_ignored))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# Keras imports these for plots and wrappers that training does not need: a quarter of its import time. A model file can
# still import both. A notebook that needs those parts of Keras imports Keras before this module.
_left_out = {"matplotlib", "sklearn"} - sys.modules.keys()

# TensorFlow's C++ code writes to the terminal before its log settings apply.
_terminal = os.dup(2)
with open(os.devnull, "wb") as _devnull:
    os.dup2(_devnull.fileno(), 2)
for _name in _left_out:
    sys.modules[_name] = None  # type: ignore[assignment]  # makes its import fail
_collects = gc.isenabled()
gc.disable()  # nearly all of the half million new objects stay: another quarter of the time
try:
    import tensorflow as tf  # and, with it, Keras
finally:
    os.dup2(_terminal, 2)
    os.close(_terminal)
    for _name in _left_out:
        sys.modules.pop(_name, None)
    gc.freeze()  # later collections skip these objects
    if _collects:
        gc.enable()

import cv2  # noqa: E402
import keras  # noqa: E402

__all__ = ["device_name", "keras", "start", "tf", "use_for_unseeded_draws"]

if keras.config.backend() != "tensorflow":
    raise CalotypeError(
        f"Keras was already imported with the backend {keras.config.backend()}; calotype needs TensorFlow.",
        "import calotype first, or set KERAS_BACKEND=tensorflow.",
    )
from keras.src.backend.common import global_state  # noqa: E402
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR  # noqa: E402

for _name, _value in start_environment.KERAS.items():
    getattr(keras.config, f"set_{_name}")(_value)


def start(threads: int) -> None:
    """Set threads and determinism; call this once, before the first operation.

    The number of threads changes the last bits of convolutions, so it is part of a recipe.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    cv2.setNumThreads(threads)
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)  # several processes may share a GPU
    if gpus:
        # CPUs give the same bits without it, and it costs time.
        tf.config.experimental.enable_op_determinism()
    elif os.environ.get("SLURM_JOB_GPUS"):
        logger.warning("The job has a GPU, but TensorFlow cannot use it. Hint: install envs/gpu.txt.")


def use_for_unseeded_draws(generator: keras.random.SeedGenerator) -> None:
    """Let the functions of `keras.random` draw from a generator if they get no seed; Keras has no public function."""
    global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, generator)


def device_name() -> str:
    """Return the name of the first GPU, or "cpu"."""
    gpus = tf.config.list_physical_devices("GPU")
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu")) if gpus else "cpu"
