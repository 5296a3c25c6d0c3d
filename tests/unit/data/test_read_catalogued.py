"""A user's images are read as their catalogue lists them; one that changed since is refused."""

import numpy as np
import pytest
from PIL import Image
from unit import faces as arrays
from unit.flowers import FULL, GIVEN, TABLE, catalogue, image, raw_of
from unit.preparations import prepare

from calotype.data.prepared_split import open_split
from calotype.preparation.prepare import read_split, write_split
from calotype.util.errors import CalotypeError

# ---- Files -----------------------------------------------------------------------------------------------------------


def test_a_split_holds_its_images_labels_and_weights(cells):
    catalogue(cells, table=FULL, splits=GIVEN)
    raw = raw_of(cells, "test", table=FULL, splits=GIVEN)
    assert raw.size == 4
    records = list(raw.records)
    by_number = sorted(zip(records, raw.weights.tolist(), strict=True), key=lambda record: record[0][0])
    assert [(number, label, weight) for (number, label, _), weight in by_number] == [
        (1, 1, 5.0), (2, 2, 5.5), (3, 2, 4.0), (4, 0, 4.5),
    ]  # fmt: skip
    assert np.array_equal(by_number[0][0][2], np.asarray(image(10))), "by path, 10.png is the first"


def test_no_label_of_another_split_reaches_the_training_by_the_range_of_counts(cells):
    lines = ["image,label,split", *(f"raw/{i}.png,{i},{'train' if i < 8 else 'test'}" for i in range(12))]
    (cells / "labels.csv").write_text("\n".join(lines))
    keys = {"table": TABLE | {"split": "split"}, "splits": GIVEN, "labels": "counts", "classes": None}
    catalogue(cells, **keys)
    for split, expected in {"train": (0, 7), "test": (8, 11)}.items():
        raw = raw_of(cells, split, **keys)
        assert (raw.minimum, raw.maximum, raw.classes) == (*expected, None)


def test_an_image_that_changed_since_is_noticed(cells):
    catalogue(cells, table=FULL, splits=GIVEN)
    image(77).save(cells / "raw/8.png")
    with pytest.raises(CalotypeError, match=r"raw/8.png: changed after it was catalogued"):
        list(raw_of(cells, "test", table=FULL, splits=GIVEN).records)


def test_red_is_the_first_channel_of_what_is_prepared_and_as_bright_as_red_looks(flowers):
    Image.new("RGB", (6, 5), (255, 0, 0)).save(flowers / "rose/0.png")
    found = catalogue(flowers)
    split, number = found.loc[found.path == "rose/0.png", ["split", "number"]].iloc[0]
    pixels = next(pixels for place, _, pixels in raw_of(flowers, split).records if place == number)
    assert pixels[0, 0].tolist() == [255, 0, 0]
    bright = prepare(pixels, [{"name": "grey", "method": "luminance"}])
    assert np.allclose(bright, 0.299 * 255)


# ---- Arrays ----------------------------------------------------------------------------------------------------------


def test_a_prepared_split_holds_the_images_of_the_catalogue_with_their_numbers(faces):
    keys = {"arrays": arrays.FACES | {"groups": "faces.npz:people"}, "prepare": []}
    arrays.catalogue(faces, **keys)
    made = arrays.dataset(faces, **keys)
    raw = read_split(made.preparation("test"), faces.parent / "catalogue.json", made.place())
    write_split(raw, faces.parent / "test.npy", faces.parent / "test.json", split="test", steps=[])
    split = open_split(faces.parent / "test.npy")
    assert np.array_equal(split.images, arrays.IMAGES[split.ids].astype(np.float32))
    assert split.labels.tolist() == arrays.LABELS[split.ids].tolist()
    assert len({(arrays.PEOPLE[number], group) for number, group in zip(split.ids, split.groups, strict=True)}) == 5


@pytest.mark.parametrize("images", [arrays.IMAGES[:20], arrays.IMAGES[::-1]])
def test_arrays_that_changed_since_are_noticed(faces, images):
    arrays.catalogue(faces)
    made = arrays.dataset(faces)
    arrays.save(faces, images=images)
    raw = read_split(made.preparation("test"), faces.parent / "catalogue.json", made.place())
    with pytest.raises(CalotypeError, match=r"faces.npz:images, image \d+: changed after it was catalogued"):
        list(raw.records)


def test_an_array_is_read_once_and_never_copied_as_floats(faces):
    arrays.catalogue(faces)
    made = arrays.dataset(faces)
    records = read_split(made.preparation("train"), faces.parent / "catalogue.json", made.place()).records
    images = [image for _, _, image in records]
    assert all(image.dtype == np.uint8 and np.shares_memory(image, images[0].base) for image in images)


def test_the_same_arrays_in_another_file_give_the_same_catalogue_but_for_the_name(faces):
    one, two = arrays.catalogue(faces), arrays.catalogue(faces, arrays={"images": "images.npy", "labels": "labels.npy"})
    assert one.drop(columns="path").equals(two.drop(columns="path"))
