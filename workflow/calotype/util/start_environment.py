"""Fix at start what a user's environment and dotfiles would change in a result."""

from collections.abc import MutableMapping

# Set in every process that computes; Python reads its own two only at start, so a call sets them for all of its jobs.
VARIABLES = {
    "KERAS_BACKEND": "tensorflow",
    # On by default only where the processor has AVX-512; without AVX-512 it is 1.2 to 3 times faster, too, and whether
    # it is on changes the last bits of a result.
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",  # names of files in another locale
}
# Of Keras, whatever ~/.keras/keras.json says: its defaults.
KERAS = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}

# Removed, as they choose kernels, precision or limits: all variables of these families, but for those that name a
# place, a number of threads (Snakemake sets it for each job) or what is logged.
FAMILIES = (
    *("KERAS_", "TF_", "XLA_", "ONEDNN_", "DNNL_", "NVIDIA_TF32_", "CUBLAS_", "CUDNN_"),
    *("OPENBLAS_", "MKL_", "BLIS_", "OMP_", "KMP_", "NPY_", "NUMEXPR_", "SCIPY_", "SKLEARN_", "OPENCV_"),
    *("MATPLOTLIBRC", "MPLBACKEND", "GLIBC_TUNABLES", "PYTHONOPTIMIZE"),
)
KEPT = ("_HOME", "_DIR", "_PATH", "_PATHS", "_ROOT", "_NUM_THREADS", "_LOG_LEVEL", "_VERBOSE", "TF_GPU_ALLOCATOR")
OTHERS = ("TF_CPP_", "TF_CLI_", "TF_LOG", "TF_TOKEN_", "TF_VAR_")  # logging; and Terraform's
PLACES = "--xla_gpu_cuda_data_dir="  # the one flag of XLA_FLAGS that only finds files


def fix(environment: MutableMapping[str, str]) -> list[str]:
    """Set and remove variables, before the libraries that read them are imported.

    Args:
        environment: of this process, and of those that it starts.

    Returns:
        The variables of the user that no longer count, to be said.
    """
    changed = [name for name, value in VARIABLES.items() if environment.get(name, value) != value]
    for name in [name for name in environment if name.startswith(FAMILIES) and not _is_kept(name)]:
        if name in VARIABLES:
            continue
        found = environment.pop(name)
        if name == "XLA_FLAGS" and (places := [flag for flag in found.split() if flag.startswith(PLACES)]):
            environment[name] = " ".join(places)
        if environment.get(name) != found:
            changed.append(name)
    environment.update(VARIABLES)
    return sorted(changed)


def _is_kept(name: str) -> bool:
    return name.endswith(KEPT) or name.startswith(OTHERS)
