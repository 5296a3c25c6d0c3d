"""Images that a dataset leaves out at the user's request are listed with a reason, and their number is logged."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from unit.faces import catalogue as faces_catalogue
from unit.flowers import EACH, GIVEN, TABLE, catalogue, image

from calotype.util.errors import CalotypeError


def skipped(folder: Path) -> dict[str, str]:
    """Return the reason of each skipped image, as the list on disk has it."""
    return dict(pd.read_csv(folder.parent / "skipped.csv", dtype=str).to_numpy().tolist())


def test_nothing_is_skipped_by_default(flowers):
    catalogue(flowers)
    assert (flowers.parent / "skipped.csv").read_text() == "path,reason\n"
    (flowers / "rose/3.png").write_bytes(b"")
    with pytest.raises(CalotypeError, match=r"1 image\(s\) cannot be used"):
        catalogue(flowers)


def test_unusable_images_are_skipped_listed_and_counted(flowers, caplog):
    (flowers / "rose/3.png").write_bytes(b"")
    (flowers / "tulip/5.png").write_bytes((flowers / "tulip/6.png").read_bytes()[:60])
    with caplog.at_level(logging.WARNING, "calotype"):
        found = catalogue(flowers, unusable="skip")
    assert skipped(flowers).keys() == {"rose/3.png", "tulip/5.png"}
    assert skipped(flowers)["rose/3.png"] == "the file is empty."
    assert "Leaving out 2 image(s): 2 unusable, 0 duplicate(s), such as rose/3.png: the file is empty. /" in caplog.text
    assert len(found) == 3 * EACH - 2
    assert found.groupby("split").size().to_dict() == {"train": 14, "test": 14}
    assert found[["height", "width", "bits"]].to_numpy().tolist() == [[5, 6, 8]] * 28


def test_the_skipped_images_change_no_other_split_than_their_removal_would(flowers):
    (flowers / "rose/3.png").write_bytes(b"")
    with_it = catalogue(flowers, unusable="skip")
    (flowers / "rose/3.png").unlink()
    assert with_it.equals(catalogue(flowers))


@pytest.mark.parametrize("key", [{"unusable": "skip"}, {"duplicates": "keep_first"}])
def test_the_keys_change_nothing_if_there_is_nothing_to_skip(flowers, key):
    assert catalogue(flowers, **key).equals(catalogue(flowers))


def test_an_image_that_the_system_does_not_give_is_an_error_also_if_unusable_images_are_skipped(flowers, monkeypatch):
    """Another day, it may be readable; a network that fails must not change a dataset."""
    read = Path.read_bytes

    def fail(path: Path) -> bytes:
        if path.name == "3.png":
            raise OSError(5, "Input/output error")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(CalotypeError, match=r"3 image\(s\) cannot be used:\n  daisy/3.png: cannot be read: Input"):
        catalogue(flowers, unusable="skip")


def test_a_class_without_a_usable_image_is_an_error(flowers):
    for path in (flowers / "rose").iterdir():
        path.write_bytes(b"")
    with pytest.raises(CalotypeError, match="all images were skipped of: rose"):
        catalogue(flowers, unusable="skip")


def test_the_first_of_the_images_with_the_same_pixels_is_kept(flowers, caplog):
    shutil.copy(flowers / "daisy/0.png", flowers / "daisy/copy.png")
    shutil.copy(flowers / "daisy/0.png", flowers / "daisy/1.png")
    shutil.copy(flowers / "daisy/2.png", flowers / "rose/copy.png")
    with caplog.at_level(logging.WARNING, "calotype"):
        found = catalogue(flowers, duplicates="keep_first")
    assert skipped(flowers) == {
        "daisy/1.png": "duplicate of daisy/0.png",
        "daisy/copy.png": "duplicate of daisy/0.png",
        "rose/copy.png": "duplicate of daisy/2.png, which has another label",
    }
    assert "Leaving out 3 image(s): 0 unusable, 3 duplicate(s) (1 with another label)" in caplog.text
    assert len(found) == 3 * EACH - 1
    assert not found.pixels.duplicated().any()
    for name in ("daisy/1.png", "daisy/copy.png", "rose/copy.png"):
        (flowers / name).unlink()
    assert found.equals(catalogue(flowers))


def test_an_image_in_no_split_replaces_no_image_of_a_split(cells):
    lines = (cells / "labels.csv").read_text().splitlines()
    lines[1] = lines[1].replace(",train,", ",unused,")  # raw/0.png
    (cells / "labels.csv").write_text("\n".join(lines))
    shutil.copy(cells / "raw/0.png", cells / "raw/9.png")
    found = catalogue(cells, table=TABLE | {"split": "split"}, splits=GIVEN, duplicates="keep_first")
    assert skipped(cells) == {"raw/0.png": "duplicate of raw/9.png"}
    assert {"raw/9.png"} < {*found.path}


def test_copies_in_arrays_are_skipped_by_their_number(faces):
    with np.load(faces / "faces.npz") as arrays:
        changed = dict(arrays)
    changed["images"][9] = changed["images"][4]
    np.savez(faces / "faces.npz", **changed)
    found = faces_catalogue(faces, duplicates="keep_first")
    assert [*skipped(faces)] == ["faces.npz:images, image 9"]
    assert 9 not in {*found.number}
    assert 4 in {*found.number}


def test_a_second_suffix_of_jpeg_is_read(flowers):
    for number, suffix in enumerate((".jpe", ".jfif", ".JFIF")):
        image(500 + number).save(flowers / f"rose/photo{number}{suffix}", "JPEG")
    assert {"rose/photo0.jpe", "rose/photo1.jfif", "rose/photo2.JFIF"} < {*catalogue(flowers).path}
