"""The figure of a preparation shows images as they were read and after each step, whole and none too fine."""

from itertools import pairwise

import numpy as np
import pytest
from unit.preparations import noise, raw_of, step

from calotype.data.readers import Raw
from calotype.figures import base, preparation
from calotype.steps.base import Known
from calotype.steps.registry import read_steps

STYLED = pytest.mark.usefixtures("style")


# ---- Which images it shows -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "rows", "expected"),
    [
        ([2, 2, 0, 1, 0, 1], 3, [2, 3, 0]),
        ([2, 2, 0, 1, 0, 1], 4, [2, 4, 3, 0]),
        ([5, 5, 5, 5], 3, [0, 1, 2]),
        ([1, 0], 6, [1, 0]),
        (list(range(10)) * 3, 6, [0, 1, 3, 5, 7, 9]),  # spread over all
        ([7] * 5 + [3] * 5 + [0, 1000], 2, [10, 11]),
    ],
)
def test_images_of_the_figure_show_as_many_labels_as_there_is_room_for(labels, rows, expected):
    assert preparation.chosen(np.array(labels), rows) == expected


def test_images_with_numbers_come_from_the_least_to_the_largest():
    assert preparation.chosen(np.array([0.5, 9.5, 3.5, 7.5, 1.5]), 3) == [0, 2, 1]
    assert preparation.chosen(np.array([2.5, 1.5]), 6) == [1, 0]


@pytest.mark.parametrize(
    ("label", "classes", "names", "facts", "expected"),
    [
        (1, ["oak", "beech"], ["a/1.png", "b/2.png"], {"classes": 2}, "2.png\nbeech"),
        (3, [], None, {"minimum": 0, "maximum": 9}, "image 7\ncount 3"),
        (3.14159, [], None, {}, "image 7\n3.142"),
    ],
)
def test_a_row_of_the_figure_is_called_by_file_and_label(label, classes, names, facts, expected):
    raw = Raw(2, iter(()), names=names, **facts)
    assert preparation.called((7, label, noise()), 1, raw, classes) == expected


@pytest.mark.parametrize(
    ("values", "white", "expected"),
    [
        ([0, 0.5], 1, (0, 1)),
        ([0, 0.25], 1, (0, 0.25)),
        ([-2, 3], 1, (-2, 3)),
        ([0, 7], 1, (0, 7)),
        ([4, 4], None, (4, 5)),
    ],
)
def test_pixels_outside_the_range_before_a_function_of_the_users_are_not_cut_off(values, white, expected):
    column = [(np.full((2, 2, 1), value, np.float32), Known("unit", white=white)) for value in values]
    assert preparation._ranges(column) == [expected] * 2


def test_images_of_12_bits_are_not_black_beside_images_of_8_bits():
    levels = np.arange(64).reshape(8, 8, 1)
    images = [(levels * 4).astype(np.uint8), (levels * 65).astype(np.uint16), (levels * 1000 + 900).astype(np.uint16)]
    rows = preparation.all_stages([(i, 0, image) for i, image in enumerate(images)], read_steps(["scale"]))
    (axes,) = preparation.preview(rows, read_steps(["scale"]), ["a", "b", "c"]).axes
    shown = [image.get_array() for image in axes.images]
    assert [(image.min(), image.max()) for image in shown[:3]] == [(0, 252), (0, 255), (4, 249)]
    assert [image.max() for image in shown[3:]] == [252, 16, 249], "after `scale`, the range is shared"
    assert "an image that uses less than half of the grey levels is shown brighter" in " ".join(
        text.get_text().replace("\n", " ") for text in axes.texts
    )


def test_colours_of_8_bits_are_shown_as_they_are_and_no_note_says_otherwise():
    pixels = np.random.default_rng(0).integers(60, 160, (8, 8, 3)).astype(np.uint8)
    (axes,) = preparation.preview(preparation.all_stages([(1, 0, pixels)], []), [], ["a"]).axes
    shown = axes.images[0].get_array()  # with more pixels
    assert {*map(tuple, shown.reshape(-1, 3).tolist())} == {*map(tuple, pixels.reshape(-1, 3).tolist())}
    assert not any("brighter" in text.get_text() for text in axes.texts)


def test_a_white_image_is_shown_white():
    rows = preparation.all_stages([(1, 0, np.full((8, 8, 1), 255, np.uint8))], [])
    (axes,) = preparation.preview(rows, [], ["image 1"]).axes
    assert (axes.images[0].get_array() == 255).all()


def test_the_images_that_were_chosen_are_those_that_are_shown():
    images = [noise(seed=seed) for seed in range(9)]
    records = preparation.pick(raw_of(images), [7, 2])
    assert [number for number, _, _ in records] == [107, 102]
    assert np.array_equal(records[0][2], images[7])


def test_a_split_is_not_read_beyond_the_last_image_that_is_shown():
    def records():
        for i in range(9):
            assert i <= 4, "read too far"
            yield i, 0, noise()

    assert [number for number, _, _ in preparation.pick(Raw(9, records(), classes=3), [1, 4])] == [1, 4]


# ---- The figure ------------------------------------------------------------------------------------------------------


@pytest.fixture
def drawn():
    """Return the figure of a preparation of colour images of several sizes."""

    def made(plain, channels=3):
        steps = read_steps(plain)
        records = [(i, i % 3, noise(20 + i, 24, channels, seed=i)) for i in range(4)]
        rows = preparation.all_stages(records, steps)
        return preparation.preview(rows, steps, [f"image {i}\nShirt" for i in range(4)])

    return made


SHOWN = [
    "grey", step("resize", width=16, height=16), step("threshold", method="adaptive", block=5), "scale",
    step("normalise", mean=0.5, std=0.25),
]  # fmt: skip


@STYLED
def test_each_image_is_shown_as_it_was_read_and_after_each_step(drawn):
    figure = drawn(SHOWN)
    (axes,) = figure.axes
    assert len(axes.images) == 4 * (1 + len(SHOWN))
    words = [text.get_text() for text in axes.texts]
    for name in ("as read", "grey", "resize", "threshold", "scale", "normalise", "image 3\nShirt"):
        assert name in words
    joined = " ".join(" ".join(words).split())
    assert "16 × 16 px" in joined
    assert "method adaptive, block 5" in joined
    assert "several sizes" in joined


@STYLED
@pytest.mark.parametrize("count", [0, 1, 12])
def test_no_word_or_picture_of_the_figure_lies_outside_it_whatever_the_number_of_steps(drawn, count):
    figure = drawn([step("blur", size=3)] * count)
    width, height = figure.get_size_inches()
    assert width <= base.double() + 1e-6
    (axes,) = figure.axes
    boxes = [image.get_extent() for image in axes.images]
    assert all(0 <= left < right <= width and 0 <= top < low <= height for left, right, low, top in boxes)
    lefts = sorted({round(left, 6) for left, *_ in boxes})
    assert all(b - a > 0.3 for a, b in pairwise(lefts))


@STYLED
def test_the_figure_has_the_same_bytes_every_time(drawn, tmp_path):
    for name in ("a", "b"):
        base.save(drawn(SHOWN), [tmp_path / f"{name}{suffix}" for suffix in (".pdf", ".svg", ".png")])
    for suffix in (".pdf", ".svg", ".png"):
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


@STYLED
def test_a_large_image_is_plotted_no_finer_than_paper_shows():
    image = noise(1500, 1200)
    rows = preparation.all_stages([(1, 0, image)], [])
    (axes,) = preparation.preview(rows, [], ["image 1"]).axes
    assert max(axes.images[0].get_array().shape) < 700


@STYLED
def test_colours_are_plotted_unchanged():
    image = np.zeros((8, 8, 3), np.uint8)
    image[..., 0] = 255
    (axes,) = preparation.preview(preparation.all_stages([(1, 0, image)], []), [], ["image 1"]).axes
    assert axes.images[0].get_array()[0, 0].tolist() == [255, 0, 0]
