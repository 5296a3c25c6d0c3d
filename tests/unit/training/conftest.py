"""Prepared images for the tests of training."""

import pytest
from unit.trainings import make_data


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Return a folder of tiny prepared splits, and a file of custom models; tests must not change it."""
    folder = tmp_path_factory.mktemp("data")
    make_data(folder)
    return folder
