"""Augmentation changes training images by random numbers that are keyed by seed and epoch."""

import math
from typing import get_args

import numpy as np
import pytest
from unit.trainings import turned_in_numpy

from calotype.config.augmentation import Augmentation

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]

CHANGES = {
    "dihedral": Augmentation(name="dihedral"),
    "flip": Augmentation(name="flip"),
    "shift": Augmentation(name="shift", pixels=2),
    "affine": Augmentation(name="affine", degrees=30.0, zoom=0.25),
    "erase": Augmentation(name="erase", pixels=3),
    "rotate": Augmentation(name="rotate", degrees=30.0),
    "brightness": Augmentation(name="brightness", strength=0.25),
    "noise": Augmentation(name="noise", strength=0.5),
}


def pictures(images=6, height=5, width=7, channels=2, key=1):
    return np.random.default_rng(key).random((images, height, width, channels), np.float32) + 0.1  # nowhere zero


def test_every_change_that_the_config_allows_is_one_that_a_run_makes(tensorflow):
    allowed = get_args(Augmentation.model_fields["name"].annotation)
    assert {*allowed} == {*tensorflow.augment.CHANGES} == {*CHANGES}


# ---- The draws -------------------------------------------------------------------------------------------------------


def test_every_image_is_seen_once_an_epoch_in_an_order_of_its_own(tensorflow):
    orders = {}
    for seed in range(4):
        for epoch in range(1, 5):
            order, draws = tensorflow.augment.epoch_draws(seed, epoch, 500, [CHANGES["dihedral"]], 8, 8)
            assert sorted(order.tolist()) == list(range(500))
            assert draws.shape == (500, 1)
            assert set(draws[:, 0].tolist()) == set(range(8))
            orders[seed, epoch] = (order.tobytes(), draws.tobytes())
    assert len({order for order, _ in orders.values()}) == 16
    assert len({draws for _, draws in orders.values()}) == 16
    again = tensorflow.augment.epoch_draws(3, 4, 500, [CHANGES["dihedral"]], 8, 8)
    assert (again[0].tobytes(), again[1].tobytes()) == orders[3, 4], "whoever computes it"


@pytest.mark.parametrize(("seed", "epoch"), [(0, 1), (3, 7)])
def test_published_dots_come_from_the_draws_that_they_always_had(tensorflow, seed, epoch):
    """Another order of the draws would change the weights of published runs."""
    rng = np.random.default_rng([seed, epoch])
    expected = rng.permutation(200), rng.integers(8, size=200, dtype=np.int32)
    order, draws = tensorflow.augment.epoch_draws(seed, epoch, 200, [CHANGES["dihedral"]], 40, 40)
    assert np.array_equal(order, expected[0])
    assert np.array_equal(draws[:, 0], expected[1])


def test_the_order_of_the_images_does_not_depend_on_the_augmentation(tensorflow):
    draws_of = tensorflow.augment.epoch_draws
    orders = {draws_of(1, 2, 300, changes, 8, 8)[0].tobytes() for changes in ([], *([c] for c in CHANGES.values()))}
    assert orders == {np.random.default_rng([1, 2]).permutation(300).astype(np.int32).tobytes()}
    assert draws_of(1, 2, 300, [], 8, 8)[1].shape == (300, 0)


@pytest.mark.parametrize(
    ("name", "values"),
    [("dihedral", [8]), ("flip", [2]), ("shift", [5, 5]), ("erase", [9, 4]), ("affine", [2**16, 2**16])],
)
def test_every_value_is_drawn_and_none_beyond(tensorflow, name, values):
    _, draws = tensorflow.augment.epoch_draws(1, 1, 4000, [CHANGES[name]], 9, 4)
    assert draws.shape == (4000, len(values))
    for column, number in zip(draws.T, values, strict=True):
        if number < 100:
            assert set(column.tolist()) == set(range(number))
        assert 0 <= column.min() < number * 0.01 + 1
        assert number * 0.99 - 1 < column.max() < number
    if len(values) == 2:
        assert abs(np.corrcoef(draws.T)[0, 1]) < 0.1, "the two numbers have nothing to do with each other"


# ---- One change ------------------------------------------------------------------------------------------------------


def test_an_image_is_shown_in_the_eight_positions_of_the_square(tensorflow):
    image = pictures(1, 5, 5)[0]
    turned = tensorflow.augment.turn(np.repeat(image[None], 8, axis=0), np.arange(8, dtype=np.int32)).numpy()
    expected = [np.rot90(flipped, quarter) for flipped in (image, image[::-1]) for quarter in range(4)]
    assert {position.tobytes() for position in turned} == {np.ascontiguousarray(e).tobytes() for e in expected}
    for number, position in enumerate(turned):
        assert np.array_equal(position, turned_in_numpy(image, number))


def shifted_in_numpy(image, down, across):
    moved = np.zeros_like(image)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            if 0 <= row - down < image.shape[0] and 0 <= column - across < image.shape[1]:
                moved[row, column] = image[row - down, column - across]
    return moved


def erased_in_numpy(image, row, column, pixels):
    left = image.copy()
    for y in range(row - pixels // 2, row - pixels // 2 + pixels):
        for x in range(column - pixels // 2, column - pixels // 2 + pixels):
            if 0 <= y < image.shape[0] and 0 <= x < image.shape[1]:
                left[y, x] = 0
    return left


def affine_in_numpy(image, angle, size):
    """Rotate by an angle (radians) and scale by a factor about the centre, with bilinear interpolation."""
    height, width, _ = image.shape
    changed = np.zeros(image.shape)
    for row in range(height):
        for column in range(width):
            x, y = column - (width - 1) / 2, row - (height - 1) / 2
            from_x = (math.cos(angle) * x - math.sin(angle) * y) / size + (width - 1) / 2
            from_y = (math.sin(angle) * x + math.cos(angle) * y) / size + (height - 1) / 2
            for place_y in (math.floor(from_y), math.floor(from_y) + 1):
                for place_x in (math.floor(from_x), math.floor(from_x) + 1):
                    if 0 <= place_y < height and 0 <= place_x < width:
                        weight = (1 - abs(from_y - place_y)) * (1 - abs(from_x - place_x))
                        changed[row, column] += weight * image[place_y, place_x]
    return changed


@pytest.mark.parametrize("pixels", [1, 2, 9])
def test_an_image_is_moved_by_the_numbers_that_were_drawn_and_zeros_move_in(tensorflow, pixels):
    """The images have 5 x 7 px: a shift by nine pixels removes them."""
    numbers = [(down, across) for down in range(2 * pixels + 1) for across in range(2 * pixels + 1)]
    images = pictures(len(numbers))
    down, across = np.array(numbers, np.int32).T
    moved = tensorflow.augment.shift(images, down, across, pixels).numpy()
    for image, found, (rows, columns) in zip(images, moved, numbers, strict=True):
        assert np.array_equal(found, shifted_in_numpy(image, rows - pixels, columns - pixels))
    assert np.array_equal(moved[numbers.index((pixels, pixels))], images[numbers.index((pixels, pixels))])
    assert (moved[0] == 0).any()


@pytest.mark.parametrize("pixels", [1, 2, 3, 4, 20])
def test_a_square_is_erased_where_it_was_drawn_and_cut_at_the_edge(tensorflow, pixels):
    numbers = [(row, column) for row in range(5) for column in range(7)]
    images = pictures(len(numbers))
    rows, columns = np.array(numbers, np.int32).T
    erased = tensorflow.augment.erase(images, rows, columns, pixels).numpy()
    for image, found, (row, column) in zip(images, erased, numbers, strict=True):
        assert np.array_equal(found, erased_in_numpy(image, row, column, pixels))
        assert (found[row, column] == 0).all(), "the middle lies within it"
    assert (erased == 0).all() == (pixels == 20)


@pytest.mark.parametrize(("degrees", "zoom"), [(30.0, 0.0), (0.0, 0.5), (180.0, 0.25)])
def test_an_image_is_turned_and_sized_by_the_numbers_that_were_drawn(tensorflow, degrees, zoom):
    top = 2**16 - 1
    numbers = [(0, 0), (top, top), (0, top), (top, 0), (12_345, 54_321), (40_000, 20_000)]
    images = pictures(len(numbers))
    angles, sizes = np.array(numbers, np.int32).T
    changed = tensorflow.augment.affine(images, angles, sizes, degrees, zoom).numpy()
    for image, found, (angle, size) in zip(images, changed, numbers, strict=True):
        radians = math.radians((2 * angle / top - 1) * degrees)
        expected = affine_in_numpy(image, radians, 1 + (2 * size / top - 1) * zoom)
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_quarter_turn_is_exact_and_loses_nothing(tensorflow):
    images = pictures(2, 6, 6)
    turned = tensorflow.augment.affine(images, np.array([0, 2**16 - 1], np.int32), np.zeros(2, np.int32), 90.0, 0.0)
    assert sorted(np.array(turned).round(3).ravel()) == pytest.approx(sorted(images.round(3).ravel()), abs=2e-3)
    np.testing.assert_allclose(turned[0], np.rot90(images[0], -1), atol=1e-3)
    np.testing.assert_allclose(turned[1], np.rot90(images[1], 1), atol=1e-3)


# ---- Several changes -------------------------------------------------------------------------------------------------


def applied_in_numpy(image, draws, changes):
    draws = [int(number) for number in draws]
    for change in changes:
        if change.name == "dihedral":
            image = turned_in_numpy(image, draws.pop(0))
        elif change.name == "flip":
            image = image[:, ::-1] if draws.pop(0) else image
        elif change.name == "shift":
            image = shifted_in_numpy(image, draws.pop(0) - change.pixels, draws.pop(0) - change.pixels)
        else:
            image = erased_in_numpy(image, draws.pop(0), draws.pop(0), change.pixels)
    assert not draws
    return image


@pytest.mark.parametrize(
    "names",
    [["flip"], ["shift"], ["erase"], ["dihedral"], ["shift", "erase", "flip"], ["erase", "dihedral", "shift"], []],
    ids=lambda names: "-".join(names) or "none",
)
def test_changes_are_made_in_the_order_of_the_config_each_with_its_own_numbers(tensorflow, names):
    changes = [CHANGES[name] for name in names]
    images = pictures(40, 6, 6, 1)
    _, draws = tensorflow.augment.epoch_draws(5, 2, 40, changes, 6, 6)
    changed = np.array(tensorflow.augment.apply(images, draws, changes))
    expected = np.stack([applied_in_numpy(*pair, changes) for pair in zip(images, draws, strict=True)])
    assert np.array_equal(changed, expected)
    assert np.array_equal(changed, images) == (not names)


def test_half_of_the_images_are_flipped(tensorflow):
    images = pictures(400, 4, 4, 1)
    _, draws = tensorflow.augment.epoch_draws(1, 1, 400, [CHANGES["flip"]], 4, 4)
    flipped = np.array(tensorflow.augment.apply(images, draws, [CHANGES["flip"]])) != images
    assert 150 < flipped.any(axis=(1, 2, 3)).sum() < 250


def test_numbers_of_affine_do_not_shift_those_of_what_follows(tensorflow):
    """Two columns each; the last change gets the last two."""
    changes = [CHANGES["affine"], CHANGES["erase"]]
    images = pictures(10, 6, 6, 1)
    _, draws = tensorflow.augment.epoch_draws(1, 1, 10, changes, 6, 6)
    changed = np.array(tensorflow.augment.apply(images, draws, changes))
    turned = np.array(tensorflow.augment.affine(images, draws[:, 0], draws[:, 1], 30.0, 0.25))
    expected = [erased_in_numpy(image, *numbers, 3) for image, numbers in zip(turned, draws[:, 2:], strict=True)]
    np.testing.assert_allclose(changed, np.stack(expected), atol=1e-6)


# ---- Views of the test images ----------------------------------------------------------------------------------------


MOVES = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)]


@pytest.mark.parametrize(
    ("kinds", "moves", "flips"),
    [
        ([], MOVES[:1], [False]),
        (["flip"], MOVES[:1], [False, True]),
        (["shift"], MOVES, [False]),
        (["flip", "shift"], MOVES, [False, True]),
        (["shift", "flip"], MOVES, [False, True]),
    ],
    ids=lambda value: "-".join(map(str, value)) or "none",
)
def test_views_of_a_test_image_are_those_that_were_asked_for_and_the_image_itself(tensorflow, kinds, moves, flips):
    images = pictures(3)
    before = images.copy()
    views = tensorflow.augment.test_time_augmentation(images, kinds)
    expected = [np.stack([shifted_in_numpy(image, *move) for image in images]) for move in moves]
    expected = [view[:, :, ::-1] if flip else view for flip in flips for view in expected]
    assert np.array_equal(views[0], images)
    assert len(views) == len(expected)
    assert {np.ascontiguousarray(view).tobytes() for view in views} == {
        np.ascontiguousarray(view).tobytes() for view in expected
    }
    assert np.array_equal(images, before)


# ---- Further changes -------------------------------------------------------------------------------------------------


def applied(tensorflow, images, draws, **change):
    draws = np.asarray(draws, np.int32).reshape(len(images), -1)
    return tensorflow.augment.apply(tensorflow.tf.constant(images), draws, [Augmentation(**change)]).numpy()


def test_a_rotation_is_an_affine_change_without_zoom(tensorflow):
    images, angles = pictures(), np.arange(6) * 12_000
    middle = np.full(6, 2**15)
    turned = applied(tensorflow, images, angles, name="rotate", degrees=40.0)
    both = applied(tensorflow, images, np.stack([angles, middle], 1), name="affine", degrees=40.0, zoom=0.0)
    np.testing.assert_allclose(turned, both, atol=1e-5)


def test_the_outermost_pixels_move_in_where_that_is_asked_for(tensorflow):
    images = pictures()
    ways = [[4, 0], [0, 4], [1, 3], [2, 2], [4, 4], [0, 0]]
    moved = applied(tensorflow, images, ways, name="shift", pixels=2, fill="edge")
    padded = np.pad(images, [(0, 0), (2, 2), (2, 2), (0, 0)], mode="edge")
    for image, found, (down, across) in zip(padded, moved, ways, strict=True):
        np.testing.assert_array_equal(found, image[4 - down : 9 - down, 4 - across : 11 - across])
    assert (applied(tensorflow, images, [[4, 0]] * 6, name="shift", pixels=2) == 0).any()
    assert (applied(tensorflow, images, [65_535] * 6, name="rotate", degrees=45.0, fill="edge") > 0.05).all()


def test_brightness_is_added_to_all_pixels_alike(tensorflow):
    images = pictures()
    levels = np.array([0, 2**16 - 1, 2**15, 1, 2, 3])
    expected = images + ((levels / (2**16 - 1) * 2 - 1) * 0.25)[:, None, None, None]
    np.testing.assert_allclose(
        applied(tensorflow, images, levels, name="brightness", strength=0.25), expected, atol=1e-6
    )


def test_noise_is_normal_with_the_standard_deviation_and_the_same_for_the_same_numbers(tensorflow):
    images = np.zeros((50, 20, 20, 1), np.float32)
    draws = np.random.default_rng(0).integers(2**16, size=(50, 2))
    one, same = (applied(tensorflow, images, draws, name="noise", strength=0.5) for _ in range(2))
    other = applied(tensorflow, images, draws + 1, name="noise", strength=0.5)
    np.testing.assert_array_equal(one, same)
    assert abs(one.std() - 0.5) < 0.01
    assert abs(one.mean()) < 0.01
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(one[0].ravel(), one[1].ravel())[0, 1]) < 0.2


def test_the_numbers_of_the_first_image_are_the_key_of_the_noise_of_its_batch(tensorflow):
    images = np.zeros((3, 4, 4, 1), np.float32)
    draws = np.array([[5, 6], [7, 8], [9, 10]], np.int32)
    plain = applied(tensorflow, images, draws, name="noise", strength=0.5)
    for row, column, same in ((0, 0, False), (0, 1, False), (1, 0, True), (1, 1, True), (2, 1, True)):
        changed = draws.copy()
        changed[row, column] += 1
        assert np.array_equal(applied(tensorflow, images, changed, name="noise", strength=0.5), plain) is same


@pytest.mark.parametrize(
    "change",
    [
        {"name": "rotate"}, {"name": "rotate", "degrees": 200.0}, {"name": "noise"}, {"name": "noise", "strength": 0.0},
        {"name": "flip", "strength": 1.0}, {"name": "erase", "pixels": 2, "fill": "edge"},
        {"name": "shift", "pixels": 2, "fill": "mirror"}, {"name": "brightness", "degrees": 3.0, "strength": 1.0},
    ],
)  # fmt: skip
def test_keys_that_a_change_does_not_take_are_refused(change):
    with pytest.raises(ValueError, match=r"needs|takes no|less than|greater than|Input should be"):
        Augmentation(**change)
