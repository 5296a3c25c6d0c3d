"""A target folder, a server, and an address without a server."""

import pytest
from unit.mirrors import Place, nobody_there, serving


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def server(monkeypatch):
    with serving(monkeypatch) as server:
        yield server


@pytest.fixture
def nobody(monkeypatch):
    with nobody_there(monkeypatch) as url:
        yield url
