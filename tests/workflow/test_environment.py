"""A user's dotfiles and variables change no byte of a result, whichever stage makes it."""

import json
from pathlib import Path

import pytest

VARIABLES = {
    "KERAS_BACKEND": "jax",
    "LC_ALL": "C",
    "MPLBACKEND": "svg",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
    "NVIDIA_TF32_OVERRIDE": "0",
    "OMP_NUM_THREADS": "3",
    "OPENBLAS_CORETYPE": "Nehalem",
    "OPENCV_CPU_DISABLE": "AVX2",
    "PYTHONHASHSEED": "5",
    "TF_DETERMINISTIC_OPS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_NUM_INTRAOP_THREADS": "2",
    "TZ": "Pacific/Chatham",
    "XLA_FLAGS": "--xla_cpu_enable_fast_math=true",
}
KERAS_JSON = {"floatx": "float16", "epsilon": 0.01, "backend": "jax", "image_data_format": "channels_first"}
MATPLOTLIBRC = "figure.facecolor: black\nfont.size: 20\nlines.linewidth: 9\naxes.grid: True\nsavefig.bbox: tight\n"


def hostile(home: Path) -> dict[str, str]:
    """Return the environment of a user with hostile dotfiles in a folder."""
    files = {".keras/keras.json": json.dumps(KERAS_JSON), ".config/matplotlib/matplotlibrc": MATPLOTLIBRC}
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text(text, encoding="utf-8")
    return VARIABLES | {"HOME": str(home), "MATPLOTLIBRC": str(home / ".config/matplotlib/matplotlibrc")}


@pytest.mark.slow
def test_dotfiles_and_variables_of_a_user_change_no_byte_of_a_result(finished_once, fresh, tmp_path):
    done = fresh.snakemake("--cores", "2", variables=hostile(tmp_path / "home"))
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    expected, found = finished_once.digests(), fresh.digests()
    assert {name for name in expected if found.get(name) != expected[name]} == set()
    (line,) = {line for line in printed.splitlines() if line.startswith("Ignoring environment variables")}
    assert {"KERAS_BACKEND", "XLA_FLAGS", "OPENCV_CPU_DISABLE"} <= {*line.replace(",", "").split()}
