"""Dot images are the source's: geometry, counts, JPEG files, CSV; and the same for everybody with the same seed."""

import csv
import hashlib
import os
import stat

import cv2
import numpy as np
import pytest
from scipy import stats

from calotype.data.draw_dots import BLOCK, draw_images, rasterise, sample_dots, write_split
from calotype.util.errors import CalotypeError

CENTRES = [5.185, 12.593, 20.0, 27.407, 34.815]  # px at width 40: (u + 0.04) / 1.08 * 40
SOURCE = {"minimum": 0, "maximum": 5, "width": 40}


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# ---- Placing ---------------------------------------------------------------------------------------------------------


def test_dots_lie_on_the_grid_of_the_source():
    _, circles = sample_dots(2000, 1, **SOURCE)
    there = circles[circles[..., 2] >= 0]
    for axis in (0, 1):
        assert np.unique(there[:, axis].round(3)).tolist() == CENTRES


def test_dots_have_the_sizes_of_the_source():
    _, circles = sample_dots(4000, 1, **SOURCE)
    radii = circles[..., 2][circles[..., 2] >= 0]
    assert radii.min() >= 2.25
    assert radii.max() <= 11.25
    assert stats.kstest(radii, stats.uniform(2.25, 9.0).cdf).pvalue > 0.001


def test_no_grid_point_holds_two_dots_of_an_image():
    _, circles = sample_dots(500, 2, minimum=24, maximum=25, width=40)
    for image in circles:
        there = [(x, y) for x, y, radius in image if radius >= 0]
        assert len(set(there)) == len(there) >= 24


def test_every_grid_point_is_as_likely_as_another():
    _, circles = sample_dots(20_000, 3, **SOURCE)
    first = circles[circles[:, 0, 2] >= 0][:, 0, :2]
    _, times = np.unique(first.round(3), axis=0, return_counts=True)
    assert len(times) == 25
    assert stats.chisquare(times).pvalue > 0.001


def test_y_runs_upward_as_in_r():
    """The grid is its own mirror image, so only the order of the grid points tells: the first is R's lower left."""
    _, circles = sample_dots(200, 4, minimum=24, maximum=25, width=40)
    rng = np.random.default_rng(4)
    rng.integers(24, 26, size=200)
    points = rng.random((200, 25)).argsort(axis=1)
    lower_left, upper_left = circles[points == 0], circles[points == 20]
    assert lower_left[:, :2].round(3).tolist() == [[5.185, 34.815]] * 200
    assert upper_left[:, :2].round(3).tolist() == [[5.185, 5.185]] * 200


@pytest.mark.parametrize(("minimum", "maximum"), [(0, 5), (1, 3), (0, 25)])
def test_every_count_of_the_range_is_as_likely_as_another(minimum, maximum):
    counts, circles = sample_dots(26_000, 5, minimum, maximum, 40)
    values, times = np.unique(counts, return_counts=True)
    assert values.tolist() == list(range(minimum, maximum + 1))
    assert stats.chisquare(times).pvalue > 0.001
    assert ((circles[..., 2] >= 0).sum(axis=1) == counts).all()
    assert set(circles[..., 2][circles[..., 2] < 0].tolist()) == {-1.0}


def test_dots_overlap_as_often_as_in_the_source():
    """With five dots, in 96 % of the images."""
    counts, circles = sample_dots(20_000, 6, **SOURCE)
    five = circles[counts == 5]
    apart = np.hypot(*(five[:, :, None, :2] - five[:, None, :, :2]).transpose(3, 0, 1, 2))
    touching = apart < five[:, :, None, 2] + five[:, None, :, 2]
    overlap = touching[:, *np.triu_indices(5, 1)].any(axis=1)
    assert overlap.mean() == pytest.approx(0.96, abs=0.01)


def test_a_wider_image_has_the_same_dots_further_apart():
    narrow, wide = sample_dots(50, 7, 0, 5, 40)[1], sample_dots(50, 7, 0, 5, 80)[1]
    assert np.allclose(wide[..., :2], 2 * narrow[..., :2])
    assert np.array_equal(wide[..., 2], narrow[..., 2])


# ---- Painting --------------------------------------------------------------------------------------------------------


def test_an_image_without_dots_is_white():
    circles = np.full((3, 5, 3), -1.0)
    circles[..., :2] = 20
    assert (rasterise(circles, 40) == 255).all()


def test_dots_that_pile_up_darken_as_in_r():
    for dots, grey in enumerate((255, 127, 63, 31, 15, 7, 3, 1, 0, 0)):
        pile = np.tile([20.0, 20.0, 5.0], (1, 25, 1))
        pile[0, dots:, 2] = -1
        assert rasterise(pile, 40)[0, 20, 20] == grey
    assert rasterise(np.tile([20.0, 20.0, 5.0], (1, 25, 1)), 40)[0, 20, 20] == 0


def test_dots_are_discs_cut_at_the_edge_and_not_antialiased():
    _, circles = sample_dots(40, 8, minimum=3, maximum=5, width=40)
    for image, dots in zip(rasterise(circles, 40), circles, strict=True):
        expected = np.full((40, 40), 255)
        for x, y, radius in dots[dots[:, 2] >= 0]:
            for row in range(40):
                for column in range(40):
                    if (column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2 <= radius**2:
                        expected[row, column] //= 2
        assert np.array_equal(image, expected)


def test_a_pixel_whose_middle_lies_on_the_edge_of_a_dot_is_painted():
    """About the middle of a pixel, radius 5: 81 lattice points, of which 12 lie on the circle (3, 4, 5)."""
    circle = np.array([[[20.5, 20.5, 5.0]]])
    assert (rasterise(circle, 40) == 127).sum() == 81
    assert (rasterise(circle * [1, 1, 0], 40) == 127).sum() == 1
    assert (rasterise(circle * [1, 1, 0.1], 40) == 127).sum() == 1


def test_an_image_larger_than_a_block_is_drawn():
    width = int(BLOCK**0.5) + 1
    assert [len(block) for block, _ in draw_images(2, 9, 1, 5, width)] == [1, 1]


def test_images_are_the_same_whatever_the_block_size():
    """Beyond one block, each image still belongs to its count."""
    images = 2 * (BLOCK // 40**2) + 3
    blocks = list(draw_images(images, 9, **SOURCE))
    drawn, counts = (np.concatenate(part) for part in zip(*blocks, strict=True))
    assert len(blocks) == 3
    assert ((drawn == 255).all(axis=(1, 2)) == (counts == 0)).all()
    expected = rasterise(sample_dots(images, 9, **SOURCE)[1], 40)
    assert np.array_equal(drawn, expected)


def test_a_seed_gives_the_same_images_on_every_machine_and_every_year():
    """The digest was taken with numpy 2.4; if numpy changes its generators, published results change with it."""
    images = np.concatenate([block for block, _ in draw_images(1000, 123, **SOURCE)])
    assert (
        hashlib.sha256(images.tobytes()).hexdigest()
        == "34d15d58a78ac1f7369e56d9e21a66c171b7d8b80a59cab0bd69e1c28ee1a450"
    )


# ---- Files -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dots") / "train"
    write_split(folder, images=300, seed=123, quality=75, **SOURCE)
    return folder


def test_others_may_read_the_images_as_far_as_the_user_lets_them(tmp_path):
    before = os.umask(0o002)
    try:
        write_split(tmp_path / "split", images=1, seed=1, quality=75, **SOURCE)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "split/img1.jpg").stat().st_mode) == 0o664


def test_the_same_seed_gives_the_same_files_and_another_seed_others(drawn, tmp_path):
    for name, seed in (("same", 123), ("other", 124)):
        write_split(tmp_path / name, images=300, seed=seed, quality=75, **SOURCE)
    assert content(tmp_path / "same") == content(drawn)
    assert content(tmp_path / "other").keys() == content(drawn).keys()
    assert content(tmp_path / "other") != content(drawn)


def test_labels_file_is_the_one_that_r_writes(drawn):
    with open(drawn / "labels.csv", newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    assert header == ["", "imageId", "numberOfFeatures"]
    assert [row[0] for row in rows] == [row[1] for row in rows] == [str(number) for number in range(1, 301)]
    assert {int(row[2]) for row in rows} == set(range(6))
    assert b"\r" not in (drawn / "labels.csv").read_bytes()


def test_each_label_is_the_count_of_its_own_image(drawn):
    rows = (drawn / "labels.csv").read_text().splitlines()[1:]
    counts, circles = sample_dots(300, 123, **SOURCE)
    for row, count, grey in zip(rows, counts, rasterise(circles, 40), strict=True):
        _, number, label = row.split(",")
        image = cv2.imread(str(drawn / f"img{number}.jpg"), cv2.IMREAD_GRAYSCALE)
        assert int(label) == count
        assert np.abs(image.astype(int) - grey).mean() < 6, f"img{number}.jpg is not the image of its label"


def test_images_are_as_small_as_those_of_the_source(drawn):
    sizes = [path.stat().st_size for path in drawn.glob("img*.jpg")]
    assert len(sizes) == 300
    assert 750 <= np.mean(sizes) <= 1000


def test_images_have_three_equal_channels(drawn):
    for path in sorted(drawn.glob("*.jpg"))[:50]:
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert image.shape == (40, 40, 3)
        assert np.array_equal(image[..., 0], image[..., 1])
        assert np.array_equal(image[..., 0], image[..., 2])


def jpeg_segment(jpeg: bytes, kind: int) -> bytes:
    """Return the content of the first segment of a kind, without its length."""
    at = 2
    while jpeg[at + 1] != kind:
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    return jpeg[at + 4 : at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])]


def test_images_have_chroma_at_half_resolution(drawn):
    frame = jpeg_segment((drawn / "img1.jpg").read_bytes(), 0xC0)
    components = {frame[6 + 3 * i]: frame[7 + 3 * i] for i in range(frame[5])}
    assert list(components.values()) == [0x22, 0x11, 0x11], "4:2:0"


@pytest.mark.parametrize(("quality", "first_step"), [(75, 8), (30, 27), (95, 2), (100, 1)])
def test_jpeg_quality_is_the_one_of_the_config(tmp_path, quality, first_step):
    """The first step of the luminance table is 16 at quality 50, and scaled by libjpeg's rule elsewhere."""
    write_split(tmp_path / "split", images=1, seed=1, quality=quality, **SOURCE)
    table = jpeg_segment((tmp_path / "split" / "img1.jpg").read_bytes(), 0xDB)
    assert table[1] == first_step


def test_a_split_drawn_again_holds_no_image_of_the_old_one(tmp_path):
    write_split(tmp_path / "split", images=5, seed=1, quality=75, **SOURCE)
    write_split(tmp_path / "split", images=3, seed=1, quality=75, **SOURCE)
    assert sorted(path.name for path in (tmp_path / "split").iterdir()) == [
        "img1.jpg",
        "img2.jpg",
        "img3.jpg",
        "labels.csv",
    ]


def test_a_full_disk_leaves_no_half_drawn_split(tmp_path, files_no_longer_than):
    with pytest.raises(CalotypeError, match="split: cannot be written: File too large"), files_no_longer_than(2000):
        write_split(tmp_path / "split", images=400, seed=1, quality=75, **SOURCE)
    assert list(tmp_path.iterdir()) == []
