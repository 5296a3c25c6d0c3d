"""A result records its package versions; only versions that can change it count."""

import sys
from importlib import metadata

from calotype.util.package_versions import COMPUTING, computing, imported


def test_every_package_that_was_imported_is_recorded_with_its_version():
    """Compare with the modules that this test imports."""
    import cv2
    import numpy
    import PIL
    import sklearn

    found = imported()
    assert found["numpy"] == numpy.__version__
    assert found["scikit-learn"] == sklearn.__version__
    assert found["pillow"] == PIL.__version__
    assert found["opencv-python-headless"].startswith(cv2.__version__)
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))


def test_an_installed_package_that_was_not_imported_is_not_recorded():
    assert "uv" not in imported()
    assert metadata.version("uv")


def test_a_record_holds_all_versions_that_an_identity_asks_for():
    """This holds also for a process that trained with scikit-learn and never imported TensorFlow."""
    assert computing(imported()) == computing()
    assert {"keras", "numpy"} <= computing().keys() <= set(COMPUTING)
