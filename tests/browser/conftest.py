"""A Chromium for all browser tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.chromium import CHROMIUM, Browser, browser

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a tab of a headless Chromium."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="session")
def checkers() -> Path:
    """Return the folder of axe-core and html-validate; package-lock.json pins both."""
    if not (HERE / "node_modules").is_dir():
        pytest.skip("needs its packages: npm ci --prefix tests/browser")
    return HERE / "node_modules"


@pytest.fixture(scope="session")
def page(finished_once) -> Path:
    """Return the report page of a project that ran."""
    return finished_once.folder / "results/report.html"
