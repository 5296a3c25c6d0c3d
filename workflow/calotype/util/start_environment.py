"""Fix the environment at start, so that a user's variables and dotfiles change no result."""

from collections.abc import MutableMapping

# Set in every process that computes. Python reads its own two only at start, so Snakemake sets them for all its jobs.
VARIABLES = {
    "KERAS_BACKEND": "tensorflow",
    # On by default only with AVX-512, and it changes the last bits of a result. Without AVX-512 it is 1.2 to 3 times
    # faster, too.
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",  # file names in another locale
}
# The defaults of Keras; ~/.keras/keras.json does not count.
KERAS = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}

# Variables of these families are removed, as they select kernels, precision or limits. Variables for paths, logging and
# the number of threads (which Snakemake sets for each job) stay.
FAMILIES = (
    *("KERAS_", "TF_", "XLA_", "ONEDNN_", "DNNL_", "NVIDIA_TF32_", "CUBLAS_", "CUDNN_"),
    *("OPENBLAS_", "MKL_", "BLIS_", "OMP_", "KMP_", "NPY_", "NUMEXPR_", "SCIPY_", "SKLEARN_", "OPENCV_"),
    *("MATPLOTLIBRC", "MPLBACKEND", "GLIBC_TUNABLES", "PYTHONOPTIMIZE"),
)
KEPT = ("_HOME", "_DIR", "_PATH", "_PATHS", "_ROOT", "_NUM_THREADS", "_LOG_LEVEL", "_VERBOSE", "TF_GPU_ALLOCATOR")
OTHERS = ("TF_CPP_", "TF_CLI_", "TF_LOG", "TF_TOKEN_", "TF_VAR_")  # logging; and Terraform's
PLACES = "--xla_gpu_cuda_data_dir="  # the flag of XLA_FLAGS that only finds files


def fix(environment: MutableMapping[str, str]) -> list[str]:
    """Set and remove variables before the libraries that read them are imported.

    Returns:
        The user's variables that were changed or removed.
    """
    changed = [name for name, value in VARIABLES.items() if environment.get(name, value) != value]
    for name in [name for name in environment if name.startswith(FAMILIES)]:
        if name in VARIABLES or name.endswith(KEPT) or name.startswith(OTHERS):
            continue
        found = environment.pop(name)
        if name == "XLA_FLAGS" and (places := [flag for flag in found.split() if flag.startswith(PLACES)]):
            environment[name] = " ".join(places)
        if environment.get(name) != found:
            changed.append(name)
    environment.update(VARIABLES)
    return sorted(changed)
