"""Find the GPU of a job, and compute on it."""

import os
import platform
import time

from calotype.jobs import slurm
from calotype.util.errors import CalotypeError

RIGHT = 27  # of a convolution over 3 x 3 pixels of 3 channels, all 1
OLDEST_DRIVER = 525  # of CUDA 12
INSTALL = "pip install -r envs/gpu.txt, in the environment that your jobs use."


def find_gpu() -> list[str]:
    """Return lines about the GPU, after a small convolution on it.

    Raises:
        CalotypeError: TensorFlow sees no GPU, or cannot compute on it.
    """
    from calotype.training.backend import tf

    version, node = tf.version.VERSION, platform.node()
    gpus = tf.config.list_physical_devices("GPU")
    listed = slurm.ask("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    cards = [line.strip() for line in (listed or "").splitlines() if line.strip()]
    if not gpus:
        problem, hint = reason(tf.test.is_built_with_cuda(), cards, version)
        raise CalotypeError(f"gpu_test: TensorFlow sees no GPU on {node}: {problem}.", hint)
    tf.config.experimental.set_memory_growth(gpus[0], True)
    details = tf.config.experimental.get_device_details(gpus[0])
    name = details.get("device_name", "GPU")
    started = time.monotonic()
    try:
        with tf.device("GPU:0"):
            image, kernel = tf.ones((1, 64, 64, 3)), tf.ones((3, 3, 3, 8))
            largest = tf.reduce_max(tf.nn.conv2d(image, kernel, 1, "SAME"))
        found, place = float(largest), largest.device
    except tf.errors.OpError as error:
        words = str(error).splitlines()[0]
        raise CalotypeError(f"gpu_test: TensorFlow cannot compute on {name} of {node}: {words}", INSTALL) from error
    if found != RIGHT or "GPU" not in place:
        problem = f"gpu_test: {name} of {node}: a convolution gives {found:g} on {place}, not {RIGHT} on the GPU."
        raise CalotypeError(problem, "tell the administrators.")
    capability = ".".join(map(str, details.get("compute_capability", ())))
    lines = [f"GPU on {node}: {card} (name, memory, driver)" for card in dict.fromkeys(cards)]
    lines.append(f"TensorFlow {version} sees {len(gpus)}: {name}, compute capability {capability or 'unknown'}.")
    lines.append(f"A convolution on it is right, and took {time.monotonic() - started:.1f} s, with the start of CUDA.")
    if len(gpus) > 1:
        lines.append("A training run uses one GPU. Hint: ask for one.")
    return lines


def reason(built_with_cuda: bool, cards: list[str], version: str) -> tuple[str, str]:
    """Return the reason why TensorFlow sees no GPU, and what to do."""
    if not built_with_cuda:
        return f"TensorFlow {version} of this environment is for CPUs only", INSTALL
    if slurm.job_id() and not (os.environ.get("SLURM_JOB_GPUS") or os.environ.get("CUDA_VISIBLE_DEVICES")):
        return "Slurm gave the job none", "set `gres` in the profile; `snakemake --cores 1 cluster` proposes it."
    if cards:
        driver = cards[0].rpartition(",")[2].strip()
        if driver.partition(".")[0].isdigit() and int(driver.partition(".")[0]) < OLDEST_DRIVER:
            return (
                f"its driver {driver} is older than {OLDEST_DRIVER}",
                "choose other nodes, or ask for a newer driver.",
            )
        return f"TensorFlow does not find the libraries of CUDA, though the node has {cards[0]}", INSTALL
    return "`nvidia-smi` shows none", "choose a partition or a node with NVIDIA GPUs."
