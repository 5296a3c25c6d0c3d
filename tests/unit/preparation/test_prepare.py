"""Images are prepared as in the config, stay with their labels, and are measured if a step needs it."""

import json

import cv2
import numpy as np
import pytest
from unit.preparations import CHANNELS, noise, prepare, raw_of, step, written

from calotype.data.draw_dots import write_split as draw_split
from calotype.data.prepared_split import open_split
from calotype.data.read_dots import read_drawn, read_labels
from calotype.data.readers import Raw
from calotype.preparation.prepare import BLOCK, measure, with_measured, write_measured, write_split
from calotype.steps.registry import read_steps
from calotype.steps.sequence import before_measuring, measured_split, plain_steps
from calotype.util.errors import CalotypeError
from calotype.util.files import sha256

RANGE = {"minimum": 0, "maximum": 5}


@pytest.fixture
def folder(tmp_path):
    """Return a folder of twelve drawn images that a test may break."""
    folder = tmp_path / "data" / "dots" / "train"
    draw_split(folder, images=12, seed=1, width=40, quality=75, **RANGE)
    return folder


def prepared(folder, steps=("grey", "scale"), raw=None):
    """Prepare a folder as the workflow does; return the paths of array and manifest."""
    results = folder.parents[2] / "results"
    array, manifest = results / "train.npy", results / "train.json"
    raw = read_drawn(folder, width=40, **RANGE) if raw is None else raw
    write_split(raw, array, manifest, split="train", steps=read_steps(steps))
    return array, manifest


# ---- The steps -------------------------------------------------------------------------------------------------------


def coloured(height=9, width=8):
    """Return an image with independent channels."""
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_grey_is_the_mean_of_the_channels_and_not_the_luminance():
    image = coloured()
    result = prepare(image, ["grey"])
    assert result.shape == (9, 8, 1)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[..., 0], image.astype(float).mean(axis=2), rtol=1e-5)
    luminance = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    assert np.abs(result[..., 0] - luminance).max() > 10, "this image could not tell one from the other"


@pytest.mark.parametrize("steps", [["grey", "scale"], ["scale", "grey"], ["scale"]])
def test_scaled_images_lie_between_zero_and_one(steps):
    image = coloured()
    image[0, 0], image[0, 1] = 0, 255
    result = prepare(image, steps)
    expected = image / 255 if steps == ["scale"] else image.mean(axis=2, keepdims=True) / 255
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=1e-6)
    assert result.min() == 0
    assert result.max() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("steps", [[], ["grey"], ["scale"], ["grey", "scale"], ["scale", "grey"]])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (4, 1), (1, 4), (3, 5), (9, 8), (40, 40)])
def test_an_image_comes_out_of_a_stack_with_the_bits_that_it_gets_alone(size, channels, steps):
    """Vector units take several pixels at a time, and the last ones of a row one by one."""
    stack = np.random.default_rng(2).integers(0, 256, (7, *size, channels), dtype=np.uint8)
    result = prepare(stack, steps)
    alone = [prepare(image, steps) for image in stack]
    assert result.dtype == np.float32
    assert result.shape == (7, *alone[0].shape) == (7, *size, 1 if "grey" in steps else channels)
    assert result.tobytes() == b"".join(image.tobytes() for image in alone)


def test_an_image_is_not_changed_by_its_preparation():
    image = coloured()
    before = image.copy()
    prepare(image, ["grey", "scale"])
    assert np.array_equal(image, before)


def test_a_step_that_does_not_exist_is_named():
    with pytest.raises(CalotypeError, match=r"^prepare\.0: .*'blurr'"):
        prepare(coloured(), ["blurr"])


# ---- A whole split ---------------------------------------------------------------------------------------------------


def test_images_labels_and_ids_stay_together(folder):
    split = open_split(prepared(folder)[0])
    labels = read_labels(folder, **RANGE)
    assert split.ids.tolist() == labels.imageId.tolist() == list(range(1, 13))
    assert split.labels.tolist() == labels.numberOfFeatures.tolist()
    for image, number in zip(split.images, split.ids, strict=True):
        expected = cv2.imread(str(folder / f"img{number}.jpg")).astype(float).mean(axis=2) / 255
        np.testing.assert_allclose(image[..., 0], expected, atol=1e-6)


def test_images_keep_the_order_of_the_labels_file(folder):
    header, *rows = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join([header, *rows[::-1]]) + "\n")
    split = open_split(prepared(folder)[0])
    assert split.ids.tolist() == list(range(12, 0, -1))
    expected = cv2.imread(str(folder / "img12.jpg"), cv2.IMREAD_GRAYSCALE) / 255
    np.testing.assert_allclose(split.images[0, ..., 0], expected, atol=0.01)


def test_a_large_split_is_not_read_into_memory(folder):
    split = open_split(prepared(folder)[0])
    for part in (split.images, split.labels, split.ids):
        assert isinstance(part, np.memmap)
    assert split.images.shape == (12, 40, 40, 1)
    assert (split.images.dtype, split.labels.dtype, split.ids.dtype) == (np.float32, np.int64, np.int64)
    with pytest.raises(ValueError, match="read-only"):
        split.images[0] = 0


def test_prepared_without_grey_keeps_three_channels(folder):
    assert open_split(prepared(folder, ["scale"])[0]).images.shape == (12, 40, 40, 3)


def test_manifest_tells_whether_the_array_changed(folder):
    array, manifest = prepared(folder)
    assert json.loads(manifest.read_text()) == {
        "split": "train",
        "sha256": sha256(array),
        "images": 12,
        "shape": [40, 40, 1],
        **RANGE,
        "classes": None,
    }


def pictures(size=5, height=3, width=4):
    """Raw images with class numbers that do not begin with 0."""
    rng = np.random.default_rng(1)
    records = [(100 + i, i % 3, rng.integers(0, 256, (height, width, 1), dtype=np.uint8)) for i in range(size)]
    return Raw(size, iter(records), classes=3), records


def test_an_array_of_several_blocks_is_the_one_that_numpy_writes(folder, tmp_path):
    size = 2 * (BLOCK // (90 * 100)) + 5
    raw, records = pictures(size, 90, 100)
    array, manifest = prepared(folder, ["scale"], raw)
    expected = np.empty(size, [("id", "<i8"), ("label", "<i8"), ("image", "<f4", (90, 100, 1))])
    for i, (number, label, pixels) in enumerate(records):
        expected[i] = number, label, prepare(pixels, ["scale"])
    np.save(tmp_path / "expected.npy", expected)
    assert array.read_bytes() == (tmp_path / "expected.npy").read_bytes()
    assert json.loads(manifest.read_text())["sha256"] == sha256(array)


def test_images_of_classes_keep_their_numbers_and_labels(folder):
    raw, records = pictures()
    array, manifest = prepared(folder, ["scale"], raw)
    split = open_split(array)
    assert split.ids.tolist() == [100, 101, 102, 103, 104]
    assert split.labels.tolist() == [0, 1, 2, 0, 1]
    for image, (_, _, pixels) in zip(split.images, records, strict=True):
        np.testing.assert_allclose(image, pixels / 255, atol=1e-6)
    written = json.loads(manifest.read_text())
    assert written["shape"] == [3, 4, 1]
    assert {key: written[key] for key in ("minimum", "maximum", "classes")} == {
        "minimum": None,
        "maximum": None,
        "classes": 3,
    }


def test_images_without_a_step_keep_their_grey_levels(folder):
    raw, records = pictures()
    split = open_split(prepared(folder, [], raw)[0])
    assert split.images.dtype == np.float32
    assert np.array_equal(split.images, np.stack([pixels for *_, pixels in records]).astype(np.float32))


def test_grey_leaves_an_image_of_one_channel_as_it_is():
    image = coloured()[..., :1]
    assert np.array_equal(prepare(image, ["grey"]), image.astype(np.float32))


def test_a_broken_image_in_the_middle_leaves_nothing_half_written(folder):
    image = folder / "img7.jpg"
    image.write_bytes(image.read_bytes()[:-200])
    with pytest.raises(CalotypeError, match=r"img7\.jpg: truncated"):
        prepared(folder)
    assert list((folder.parents[2] / "results").glob("*")) == list((folder.parents[2] / "results").glob(".*")) == []


def test_a_second_preparation_gives_the_same_bytes(folder):
    first = [path.read_bytes() for path in prepared(folder)]
    assert [path.read_bytes() for path in prepared(folder)] == first


def test_a_full_disk_leaves_no_half_prepared_array(folder, files_no_longer_than):
    with (
        pytest.raises(CalotypeError, match=r"train\.npy: cannot be written: File too large"),
        files_no_longer_than(20_000),
    ):
        prepared(folder)
    assert list((folder.parents[2] / "results").iterdir()) == []


# ---- Images of several sizes and types -------------------------------------------------------------------------------


def test_images_of_many_sizes_come_out_in_one(tmp_path):
    steps = ["grey", step("resize", width=12, height=12, keep_aspect=True), step("pad", width=12, height=12), "scale"]
    images = [noise(5 + i, 30 - i, 1 + 2 * (i % 2), seed=i) for i in range(9)]
    found = written(tmp_path, images, steps)
    assert found.shape == (9, 12, 12, 1)
    assert found.tobytes() == b"".join(prepare(image, steps).tobytes() for image in images)


def test_a_split_of_8_and_16_bits_is_scaled_image_by_image(tmp_path):
    images = [noise(), noise(kind=np.uint16), noise(seed=2)]
    found = written(tmp_path, images, ["scale"])
    for image, expected in zip(found, (images[0] / 255, images[1] / 65535, images[2] / 255), strict=True):
        np.testing.assert_allclose(image, expected, atol=1e-6)


@pytest.mark.parametrize(("odd", "shown"), [((9, 7, 1), "7 x 9 px (1 channel)"), ((9, 8, 3), "8 x 9 px (3 channels)")])
@pytest.mark.parametrize("place", [3, BLOCK // 72 + 5])
def test_an_image_that_comes_out_in_another_size_is_named_with_both_sizes(tmp_path, odd, shown, place):
    images = [noise()] * place + [noise(*odd)]
    with pytest.raises(CalotypeError) as problem:
        written(tmp_path, images, ["scale"])
    message, hint = str(problem.value).splitlines()
    assert message == (
        f"prepare: image {100 + place} has {shown} after the last step, and image 100 has 8 x 9 px (1 channel): "
        "all images of a split must have the same shape."
    )
    assert "`resize`" in hint
    assert list(tmp_path.iterdir()) == []


# ---- Measured on a split ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [[], ["scale"], ["grey", "scale"], [step("resize", width=5, height=5)]], ids=str)
@CHANNELS
def test_mean_and_standard_deviation_are_measured_over_all_pixels_of_all_images(steps, channels):
    images = [noise(90, 100, channels, seed=seed) // (1 + seed % 5) for seed in range(80)]
    assert sum(image.size for image in images) > 2 * BLOCK
    found = measure(raw_of(images), read_steps(steps))
    pixels = np.stack([prepare(image, steps) for image in images]).astype(float)
    np.testing.assert_allclose(found["mean"], pixels.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(found["std"], pixels.std(axis=(0, 1, 2)), rtol=1e-12)
    assert found == measure(raw_of(images), read_steps(steps))


def test_a_small_standard_deviation_beside_a_large_mean_is_not_lost():
    images = [np.full((100, 100, 1), 65000 + i % 2, np.uint16) for i in range(64)]
    found = measure(raw_of(images), [])
    assert found["mean"] == [pytest.approx(65000.5, rel=1e-13)]
    assert found["std"] == [pytest.approx(0.5, rel=1e-9)]


def test_measuring_needs_no_more_memory_for_more_images():
    drawn = []

    def records():
        for i in range(400):
            image = noise(60, 60, seed=i)
            drawn.append(image.ctypes.data)
            yield i, 0, image

    assert measure(Raw(400, records(), classes=3), read_steps(["scale"]))["mean"] == [pytest.approx(0.5, abs=0.01)]
    assert len(set(drawn)) < 300, "places in memory are used again"


def test_normalised_by_what_is_measured_the_split_itself_has_mean_zero_and_deviation_one(tmp_path):
    plain = ["scale", step("normalise", split="train"), step("pad", width=9, height=9, border="edge")]
    train = [noise(channels=3, seed=i) // (1 + i % 3) for i in range(50)]
    steps = read_steps(plain)
    assert measured_split(steps) == "train"
    assert plain_steps(before_measuring(steps)) == ["scale"]
    file = tmp_path / "train.measured.json"
    write_measured(raw_of(train), file, split="train", steps=before_measuring(steps))
    found = json.loads(file.read_text())
    assert found == {"split": "train", **measure(raw_of(train), read_steps(["scale"]))}
    whole = with_measured(steps, [str(file)])
    assert [entry.name for entry in whole] == ["scale", "normalise", "pad"]
    result = np.stack([prepare(image, whole) for image in train])[:, :, :8]
    np.testing.assert_allclose(result.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(result.std(axis=(0, 1, 2)), 1, atol=1e-5)
    other = noise(channels=3, seed=99)
    expected = (other / 255 - np.array(found["mean"])) / np.array(found["std"])
    np.testing.assert_allclose(prepare(other, whole)[:, :8], expected, rtol=1e-4, atol=1e-5)


def test_equal_images_have_no_standard_deviation_to_divide_by():
    with pytest.raises(CalotypeError, match=r"all pixels of channel 0 are 7: the standard deviation is 0"):
        measure(raw_of([np.full((3, 3, 1), 7, np.uint8)] * 5), [])


# ---- Broken arrays ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [0, 5, 60, -1000], ids=["empty", "magic", "header", "half"])
def test_truncated_array_is_named_and_refused(folder, kept):
    array, _ = prepared(folder)
    array.write_bytes(array.read_bytes()[:kept])
    with pytest.raises(CalotypeError, match=r"train\.npy: not a prepared array") as problem:
        open_split(array)
    assert "\nHint: delete it" in str(problem.value)


def test_array_of_another_program_is_named_and_refused(tmp_path):
    np.save(tmp_path / "train.npy", np.zeros((3, 40, 40)))
    with pytest.raises(CalotypeError, match=r"train\.npy: not a prepared array"):
        open_split(tmp_path / "train.npy")


def test_missing_array_is_named(tmp_path):
    with pytest.raises(CalotypeError, match=r"train\.npy: not a prepared array: .*No such file"):
        open_split(tmp_path / "train.npy")
