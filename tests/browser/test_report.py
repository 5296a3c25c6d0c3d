"""The report page as a real browser shows it."""

import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]


def browse(profile: Path, page: Path, *flags: str) -> str:
    """Open a page in headless Chromium and return its output."""
    command = [str(CHROMIUM), *FLAGS.split(), f"--user-data-dir={profile}", *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def screenshot(profile: Path, page: Path, width: int, height: int) -> np.ndarray:
    """Return a picture of the page, shape (height, width, 3), blue first."""
    picture = profile.with_suffix(".png")
    browse(profile, page, f"--window-size={width},{height}", f"--screenshot={picture}")
    image = cv2.imread(str(picture))
    assert image is not None
    return image


@pytest.fixture
def page(finished_once):
    return finished_once.folder / "results/report.html"


def test_the_page_shows_its_figures_in_colour(page, tmp_path):
    image = screenshot(tmp_path / "profile", page, 1200, 4000).astype(int)
    blue, green, red = np.moveaxis(image, 2, 0)
    assert ((red > 180) & (green < 60) & (blue < 60)).sum() > 500, "the red of wrong counts is missing"
    assert ((blue > 140) & (red < 60)).sum() > 500, "the blue of the curves is missing"


def test_the_page_asks_for_nothing_outside_itself(page):
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    assert "<script" not in text
    assert "@import" not in text


def test_a_reader_finds_claims_results_cost_and_provenance(page, tmp_path):
    dom = browse(tmp_path / "profile", page, "--dump-dom")
    for heading in ("Measured against claimed", "Results", "Figures", "Training settings", "Cost", "Provenance"):
        assert f">{heading}</h" in dom
    assert len(re.findall(r"<img ", dom)) == len(list((page.parent / "dots/figures").rglob("*.svg"))) == 10
    assert all(re.findall(r'<img [^>]*alt="([^"]*)"', dom))


def test_a_narrow_screen_cuts_nothing_off(page, tmp_path):
    # Headless Chromium has a least width of 500 px; wide tables scroll inside their own box.
    image = screenshot(tmp_path / "profile", page, 500, 3000)
    assert (image[:, -8:] > 250).all(), "something reaches into the right margin"
