"""Start TensorFlow, for each test in a new process."""

import json
import os
import subprocess
import sys
from pathlib import Path

from unit.trainings import OWN

from calotype.util import start_environment

TESTS = Path(__file__).resolve().parents[2]
LIBRARY = Path(__file__).resolve().parents[3] / "workflow"


def environment(**variables: str) -> dict[str, str]:
    """Return this process's environment with more variables, without those that the start of TensorFlow removes."""
    found = dict(os.environ)
    start_environment.fix(found)  # scikit-learn sets some when it is imported
    return found | variables


def python(code: str, folder: Path) -> tuple[str, str]:
    """Run code that finds modules in a folder, then in the library; return its output and its errors."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(PYTHONPATH=f"{folder}{os.pathsep}{LIBRARY}"),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr


def test_a_model_file_can_import_what_keras_was_imported_without(tmp_path):
    """Keras would import them for parts that training does not use. Afterwards, garbage collection is on again."""
    code = (
        "import gc, sys\n"
        "from calotype.training import backend\n"
        "print(sorted({'matplotlib', 'sklearn'} & sys.modules.keys()))\n"
        "print(gc.isenabled(), gc.get_freeze_count() > 100_000)\n"
        "import matplotlib.figure, sklearn.base\n"
        "print(matplotlib.figure.Figure.__name__, sklearn.base.BaseEstimator.__name__)\n"
    )
    assert python(code, tmp_path)[0] == "[]\nTrue True\nFigure BaseEstimator\n"


def test_a_tensorflow_that_cannot_be_imported_is_heard_of(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('broken')\n")
    code = (
        "import gc, os, sys\n"
        "try:\n"
        "    from calotype.training import backend\n"
        "except ImportError as error:\n"
        "    print(error, gc.isenabled(), sorted({'matplotlib', 'sklearn'} & sys.modules.keys()))\n"
        "os.write(2, b'heard')\n"
    )
    assert python(code, tmp_path) == ("broken True []\n", "heard")


# ---- A user's dotfiles and variables ---------------------------------------------------------------------------------

HOSTILE = {
    "KERAS_BACKEND": "jax",
    "KERAS_MAX_EPOCHS": "1",
    "XLA_FLAGS": "--xla_cpu_enable_fast_math=true --xla_cpu_fast_math_honor_nans=false",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_DETERMINISTIC_OPS": "1",
    "TF_NUM_INTRAOP_THREADS": "2",
    "OPENCV_CPU_DISABLE": "AVX2",
}
KERAS_JSON = {"floatx": "float16", "epsilon": 0.01, "backend": "jax", "image_data_format": "channels_first"}
TRAIN = """
import hashlib, logging, os, sys, tempfile
from pathlib import Path

logging.basicConfig(level=logging.WARNING)
from calotype.training import backend

backend.start(1)
from unit.trainings import class_recipe, class_split, train

with tempfile.TemporaryDirectory() as folder:
    for name, made in {"dense": class_recipe(jit_compile=True), "net": class_recipe(model=sys.argv[1])}.items():
        train(None, made, range(1), Path(folder, name, "models"))
        for file in sorted(Path(folder, name, "models").glob("*.h5")):
            print(name, hashlib.sha256(file.read_bytes()).hexdigest())
"""


def test_a_users_dotfiles_and_variables_give_the_same_bytes_of_weights(tmp_path):
    model = tmp_path / "own.py"
    model.write_text(OWN, encoding="utf-8")
    printed, said = {}, {}
    for name, variables in {"plain": {}, "hostile": HOSTILE}.items():
        home = tmp_path / name
        (home / ".keras").mkdir(parents=True)
        if variables:
            (home / ".keras/keras.json").write_text(json.dumps(KERAS_JSON), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", TRAIN, f"{model}:classifier"],
            env=environment(PYTHONPATH=f"{LIBRARY}{os.pathsep}{TESTS}", HOME=str(home)) | variables,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        printed[name], said[name] = done.stdout, done.stderr
    assert printed["plain"].count("dense") == printed["plain"].count("net") == 1
    assert printed["hostile"] == printed["plain"]
    assert "Ignoring environment variables" not in said["plain"]
    assert all(name in said["hostile"] for name in HOSTILE)


def test_a_notebook_that_began_with_another_backend_is_told_what_to_do(tmp_path):
    (tmp_path / "keras.py").write_text("class config:\n    backend = staticmethod(lambda: 'jax')\n", encoding="utf-8")
    code = "from calotype.training import backend"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(PYTHONPATH=f"{tmp_path}{os.pathsep}{LIBRARY}"),
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "with the backend jax" in done.stderr
    assert "Hint: import calotype first" in done.stderr
