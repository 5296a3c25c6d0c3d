"""Variables of a user's shell change no result."""

import pytest

from calotype.util.start_environment import VARIABLES, fix

PLAIN = {"HOME": "/home/somebody", "PATH": "/usr/bin", "CUDA_VISIBLE_DEVICES": "1", "SLURM_JOB_ID": "7"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("XLA_FLAGS", "--xla_cpu_enable_fast_math=true"),
        ("TF_XLA_FLAGS", "--tf_xla_auto_jit=2"),
        ("TF_DETERMINISTIC_OPS", "1"),
        ("TF_NUM_INTRAOP_THREADS", "3"),
        ("NVIDIA_TF32_OVERRIDE", "0"),
        ("KERAS_MAX_EPOCHS", "1"),
        ("NPY_DISABLE_CPU_FEATURES", "AVX2"),
        ("OPENBLAS_CORETYPE", "Haswell"),
        ("OPENCV_CPU_DISABLE", "AVX2"),
        ("MATPLOTLIBRC", "/home/somebody/paper.rc"),
    ],
)
def test_a_variable_that_changes_results_is_removed_and_named(name, value):
    environment = PLAIN | {name: value}
    assert fix(environment) == [name]
    assert environment == PLAIN | VARIABLES


def test_another_backend_of_keras_is_replaced_and_named():
    environment = PLAIN | VARIABLES | {"KERAS_BACKEND": "jax"}
    assert fix(environment) == ["KERAS_BACKEND"]
    assert environment["KERAS_BACKEND"] == "tensorflow"


@pytest.mark.parametrize(
    "name",
    [
        "KERAS_HOME",
        "MPLCONFIGDIR",
        "OMP_NUM_THREADS",
        "TF_CPP_MIN_LOG_LEVEL",
        "OPENCV_LOG_LEVEL",
        "CUDNN_PATH",
        "TF_VAR_x",
    ],
)
def test_places_threads_logging_and_other_programs_keep_their_variables(name):
    """Snakemake sets the number of threads for each job."""
    environment = PLAIN | {name: "3"}
    assert fix(environment) == []
    assert environment == PLAIN | VARIABLES | {name: "3"}


def test_the_flag_of_xla_that_finds_cuda_stays():
    found = "--xla_gpu_cuda_data_dir=/opt/cuda"
    environment = {"XLA_FLAGS": found}
    assert fix(environment) == []
    environment = {"XLA_FLAGS": f"--xla_cpu_enable_fast_math=true {found}"}
    assert fix(environment) == ["XLA_FLAGS"]
    assert environment["XLA_FLAGS"] == found


def test_a_second_call_has_nothing_to_say():
    """Each job of a call fixes the environment again."""
    environment = PLAIN | {"XLA_FLAGS": "--xla_cpu_enable_fast_math=true", "KERAS_BACKEND": "jax"}
    fix(environment)
    assert fix(environment) == []
