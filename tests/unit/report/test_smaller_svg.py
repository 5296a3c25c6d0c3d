"""Figures on the page are small and still look the same; tests/browser compares the pictures."""

import base64
import io
import re
from urllib.parse import unquote

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from calotype.report.smaller_svg import data_uri, smaller


@pytest.fixture
def drawn():
    """Return a figure with a line, text and a noisy image as matplotlib writes it."""
    figure = Figure(figsize=(3, 2))
    left, right = figure.subplots(1, 2)
    left.plot([0.123456, 1.234567], [3, 4])
    left.set_title("Größe <&>")
    right.imshow(np.random.default_rng(0).integers(0, 255, (300, 300)), cmap="gray")
    written = io.StringIO()
    figure.savefig(written, format="svg", dpi=300)
    return written.getvalue()


def test_a_figure_is_smaller_than_its_file(drawn):
    assert len(data_uri(smaller(drawn))) < 0.6 * len(drawn)


def test_the_scale_of_letters_stays(drawn):
    assert "scale(0.015625)" in drawn
    assert "scale(0.015625)" in smaller(drawn)


def test_every_name_that_is_used_is_there_once(drawn):
    made = smaller(drawn)
    names = re.findall(r' id="([^"]*)"', made)
    assert len(set(names)) == len(names)
    assert set(re.findall(r'(?:href="|url\()#([\w.-]+)', made)) == set(names)


def test_an_image_has_no_more_pixels_than_a_screen_shows(drawn):
    data = smaller(drawn).partition("data:image/webp;base64,")[2].partition('"')[0]
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert 150 < image.width < 300
    assert image.convert("L").getextrema()[1] > 150


def test_an_address_of_a_figure_can_stand_between_double_quotes(drawn):
    made = str(data_uri(smaller(drawn)))
    assert not {*'"&#\n'} & {*made}
    assert unquote(made).startswith("data:image/svg+xml,<svg ")


def test_a_damaged_image_inside_a_figure_is_left_as_it_is():
    damaged = '<svg><image width="10" xlink:href="data:image/png;base64,AAAA"/></svg>'
    assert "data:image/png;base64,AAAA" in smaller(damaged)
