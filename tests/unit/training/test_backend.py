"""The start of TensorFlow, which each of these tests makes in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[3] / "workflow"


def python(code: str, folder: Path) -> tuple[str, str]:
    """What some code prints and complains of that finds modules in a folder, and after it the library."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{LIBRARY}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr


def test_a_model_file_can_import_what_keras_was_imported_without(tmp_path):
    """Keras, too, would import them, for parts that no training uses; and garbage is looked for again afterwards."""
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
