"""Start TensorFlow the same way in every process. The only modules that import this one are those that train."""

import gc
import logging
import os
import sys

from calotype.util import start_environment
from calotype.util.errors import CalotypeError

logger = logging.getLogger(__name__)

# Before the import, which reads them. A call of Snakemake has done it already; a notebook has not.
if _ignored := start_environment.fix(os.environ):
    logger.warning("Ignoring environment variables that change results: %s", ", ".join(_ignored))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# Keras imports these where they are installed, for plots and wrappers that no training needs: a quarter of the time of
# this import. A model file can import both, but those parts of Keras say that they are not installed; a notebook that
# wants them imports Keras before this module.
_left_out = {"matplotlib", "sklearn"} - sys.modules.keys()

# TensorFlow's C++ side greets on the terminal before any of its settings for that can act.
_terminal = os.dup(2)
with open(os.devnull, "wb") as _nowhere:
    os.dup2(_nowhere.fileno(), 2)
for _name in _left_out:
    sys.modules[_name] = None  # type: ignore[assignment]  # makes its import fail
_collects = gc.isenabled()
gc.disable()  # it would look through half a million objects again and again, nearly all of which stay: another quarter
try:
    import tensorflow as tf  # and, with it, Keras
finally:
    os.dup2(_terminal, 2)
    os.close(_terminal)
    for _name in _left_out:
        sys.modules.pop(_name, None)
    gc.freeze()  # or later collections would look through them all
    if _collects:
        gc.enable()

import cv2  # noqa: E402
import keras  # noqa: E402

__all__ = ["device_name", "keras", "start", "tf"]

if keras.config.backend() != "tensorflow":
    raise CalotypeError(
        f"Keras was imported with the backend {keras.config.backend()} before; calotype trains with TensorFlow.",
        "import calotype first, or set KERAS_BACKEND=tensorflow.",
    )
for _name, _value in start_environment.KERAS.items():
    getattr(keras.config, f"set_{_name}")(_value)


def start(threads: int) -> None:
    """Fix what makes a training repeatable; to be called once, before anything is computed.

    Args:
        threads: of a single operation. Their number changes the last bits of convolutions, so it is part of a recipe.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    cv2.setNumThreads(threads)
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)  # several processes may share a card
    if gpus:
        # On a CPU two processes agree bit for bit without it, and it costs time.
        tf.config.experimental.enable_op_determinism()
    elif os.environ.get("SLURM_JOB_GPUS"):
        logger.warning("The job holds a GPU that TensorFlow cannot use: install envs/gpu.txt.")


def device_name() -> str:
    """The GPU's name as its driver gives it, or "cpu"."""
    gpus = tf.config.list_physical_devices("GPU")
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu")) if gpus else "cpu"
