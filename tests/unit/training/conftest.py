"""Prepared images and checkpoints for the tests of training."""

import logging

import pytest
from unit.checkpointing import save
from unit.trainings import make_data


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Return a folder of tiny prepared splits, and a file of custom models; tests must not change it."""
    folder = tmp_path_factory.mktemp("data")
    make_data(folder)
    return folder


@pytest.fixture
def folder(tmp_path, caplog):
    """Write two checkpoints of a run, of epochs 1 and 2."""
    caplog.set_level(logging.DEBUG, "calotype")
    save(tmp_path / "seed-000", 1)
    save(tmp_path / "seed-000", 2)
    return tmp_path / "seed-000"
