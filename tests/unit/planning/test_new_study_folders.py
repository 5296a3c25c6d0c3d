"""new_study reads nested folders and links, and names each image that it does not use."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from unit.new_studies import fill, image

from calotype.config import load
from calotype.data.catalogue import write_catalogue
from calotype.planning.findings import findings
from calotype.planning.folder_scan import scan_folder
from calotype.planning.new_study import write_study
from calotype.util.errors import CalotypeError

EACH = 3
TREE = ("animals/birds", "animals/mammals", "plants/trees")
SPLIT_TREE = tuple(f"{split}/{folder}" for split in ("train", "test") for folder in TREE)

pytestmark = pytest.mark.usefixtures("config_folder")


def grow(folders: Sequence[str], suffix: str = ".png") -> Path:
    """Return the folder `x` with images in these folders."""
    for number, folder in enumerate(folders):
        (Path("x") / folder).mkdir(parents=True, exist_ok=True)
        for i in range(EACH):
            image(100 * number + i).save(Path("x") / folder / f"{i}{suffix}", "PNG" if suffix == ".png" else "JPEG")
    return Path("x")


def started(folder: Path, **asked: Any) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Return the lines of new_study, the class of each image in the catalogue, and the entry."""
    settings = load.Settings(studies=["dots"], **asked)
    scan = scan_folder(folder, settings)
    said = "\n".join(findings("mine", scan))
    write_study("mine", scan, settings)
    dataset = load.load({"studies": ["mine"]}).datasets["mine"]
    write_catalogue(dataset, Path("catalogue.csv"), Path("catalogue.json"))
    found = pd.read_csv("catalogue.csv")
    entry = yaml.safe_load(Path("config/datasets.yaml").read_text(encoding="utf-8"))["mine"]
    return said, {path: dataset.classes[label] for path, label in zip(found.path, found.label, strict=True)}, entry


# Each: the folders of images, the choice of the user, the place of the class in the path, and words of new_study.
NESTED: dict[str, tuple[Sequence[str], str | None, int, str]] = {
    "the first folder": (
        TREE,
        None,
        0,
        "the first folder in the path of each image, such as `animals` in animals/birds/0.png; "
        "or class_folder=last: birds, mammals, trees",
    ),
    "the last folder, on request": (
        TREE,
        "last",
        1,
        "the last folder in the path of each image, such as `birds` in animals/birds/0.png; "
        "or class_folder=first: animals, plants",
    ),
    "one folder around all": (("all/birds", "all/trees"), None, 1, "the last folder in the path of each image"),
    "below splits": (SPLIT_TREE, None, 1, "`animals` in test/animals/birds/0.png; or class_folder=last: birds,"),
    "below splits, on request": (SPLIT_TREE, "last", 2, "or class_folder=first: animals, plants"),
    "images at different depths": (
        ("birds", "birds/blue", "trees"),
        None,
        0,
        "or class_folder=last: birds, blue, trees",
    ),
    "parts of splits below the classes": (
        ("elm/train", "elm/test", "oak/train", "oak/test"),
        None,
        0,
        "not used: folders named as splits (test, train)",
    ),
    "one level": (("elm", "oak"), None, 0, "labels: the names of the folders; there is no table"),
}


@pytest.mark.parametrize("what", NESTED)
def test_the_class_is_the_first_or_the_last_folder_and_the_alternative_is_said(what):
    folders, asked, place, words = NESTED[what]
    said, labels, entry = started(grow(folders), **({"class_folder": asked} if asked else {}))
    assert len(labels) == EACH * len(folders)
    assert labels == {path: path.split("/")[place] for path in labels}
    first_lines = "\n".join(said.splitlines()[:4])
    assert words in first_lines
    level = None if what == "one level" else "first" if "the first folder" in first_lines else "last"
    assert entry.get("class_folder") == level


WRONG: dict[str, tuple[Sequence[str], str]] = {
    "splits in another folder": (
        ("all/train/a", "all/train/b", "all/test/a", "all/test/b"),
        r"the folders of the splits are in x/all.\nHint: type images=x/all",
    ),
    "a folder beside the splits": (
        ("train/a", "train/b", "test/a", "test/b", "more/a"),
        "named as splits .*, and others are not: more",
    ),
    "splits without classes": (("train", "test"), "have no folders of classes; see test/0.png"),
    "two names of one split": (("train/a", "training/a", "test/a"), "several folders are named as one split"),
    "images at different depths of one folder": (
        ("a", "a/b"),
        r"only one class found, `a`.*\nHint: .* or type class_folder=last: a, b",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_folders_that_give_no_classes_are_an_error_with_the_way_out(what):
    folders, message = WRONG[what]
    with pytest.raises(CalotypeError, match=message):
        started(grow(folders))


def test_a_table_and_a_folder_of_classes_cannot_both_give_the_labels():
    folder = grow(TREE)
    lines = [
        f"{path.relative_to(folder).as_posix()},{('a', 'b')[i % 2]}" for i, path in enumerate(folder.rglob("*.png"))
    ]
    (folder / "labels.csv").write_text("\n".join(["image,label", *lines]) + "\n")
    with pytest.raises(CalotypeError, match=r"class_folder: the table labels.csv gives the labels"):
        started(folder, class_folder="last")


def test_links_are_followed_and_it_is_said_and_written():
    folder = grow(("elm", "store/oak"))
    (folder / "store").rename("store")
    (folder / "oak").symlink_to(Path("store/oak").resolve())
    image(901).save("store/other.png")
    (folder / "elm/linked.png").symlink_to(Path("store/other.png").resolve())
    said, labels, entry = started(folder)
    assert entry["follow_links"] is True
    assert "links: 4 file(s) are reached by links, such as elm/linked.png" in said
    assert labels["oak/1.png"] == "oak"


def test_links_within_the_folder_need_no_key():
    folder = grow(("elm", "oak"))
    image(902).save(folder / "elm/kept.png")
    (folder / "elm/kept.png").rename(folder / "kept.txt")
    (folder / "elm/link.png").symlink_to("../kept.txt")
    said, _, entry = started(folder)
    assert "links:" not in said
    assert "follow_links" not in entry


def test_a_loop_of_links_is_an_error():
    folder = grow(("elm", "oak"))
    (folder / "oak/up").symlink_to("..")
    with pytest.raises(CalotypeError, match="oak/up: by a link the same folder as x"):
        started(folder)


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JFIF", ".Jpeg"])
def test_all_suffixes_of_jpeg_are_read(suffix):
    _, labels, _ = started(grow(("elm", "oak"), suffix))
    assert len(labels) == 2 * EACH


HEIC = b"\0\0\0\x18ftypheic" + bytes(50)
BYTES = {
    ".HEIC": (HEIC, "HEIC"), ".avif": (b"?", "AVIF"), ".gif": (b"GIF89a", "GIF"), ".jxl": (b"?", "JPEG XL"),
    ".dcm": (b"?", "DICOM"), "": (bytes(128) + b"DICM", "DICOM"), ".NEF": (b"?", "raw"), ".heif": (b"?", "HEIC"),
    ".tmp": (b"GIF87a", "GIF"),
}  # fmt: skip


@pytest.mark.parametrize("suffix", BYTES)
def test_formats_that_are_not_read_are_counted_by_class_and_named_with_the_way_to_convert_them(suffix):
    content, name = BYTES[suffix]
    folder = grow(("elm", "oak"))
    (folder / "yew").mkdir()
    for place, number in (("oak", 2), ("yew", 4)):
        for i in range(number):
            (folder / place / f"scan{i}{suffix}").write_bytes(content)
    said, labels, _ = started(folder)
    assert f"not read: oak: 2 {name}; yew: 4 {name}; " in said
    assert {"HEIC": "magick", "DICOM": "16 bits", "raw": "develop"}.get(name, "magick") in said
    assert len(labels) == 2 * EACH
    for path in folder.rglob("*.png"):
        path.unlink()
    with pytest.raises(CalotypeError, match=f"no images found .*; not read: oak: 2 {name}; yew: 4 {name}.\nHint: "):
        scan_folder(folder)


def test_images_without_a_suffix_are_named():
    folder = grow(("elm", "oak"))
    for path in folder.rglob("*.png"):
        path.rename(path.with_suffix(""))
    with pytest.raises(CalotypeError, match=r"not read: elm: 3 PNG without its suffix.*\nHint: add the suffix .png"):
        scan_folder(folder)


def test_folders_without_images_and_hidden_folders_are_named():
    folder = grow(("elm", "oak", ".cat", "elm/@eaDir/0.png", "__MACOSX/elm"))
    (folder / "emu").mkdir()
    (folder / "docs/old").mkdir(parents=True)
    (folder / "docs/notes.txt").write_text("?")
    said, labels, entry = started(folder)
    assert len(labels) == 2 * EACH
    assert entry["classes"] == ["elm", "oak"]
    assert "ignored: images in hidden or system folders: .cat (3), @eaDir (3), __MACOSX (3)" in said
    assert "empty: folders without images: docs, emu" in said


def test_two_unicode_forms_of_a_folder_are_one_class():
    names = [unicodedata.normalize(form, "café") for form in ("NFC", "NFD")]
    said, labels, _ = started(grow((f"train/{names[0]}", f"test/{names[1]}", "train/oak", "test/oak")))
    assert {*labels.values()} == {names[0], "oak"}
    assert "one class: folders with two Unicode forms of one name: caf" in said


def test_unreadable_images_and_copies_name_the_keys_that_skip_them():
    folder = grow(("elm", "oak"))
    (folder / "elm/0.png").write_bytes(b"")
    (folder / "oak/copy.png").write_bytes((folder / "oak/0.png").read_bytes())
    said = "\n".join(findings("mine", scan_folder(folder)))
    assert "`unusable: skip`" in said
    assert "`duplicates: keep_first`" in said


@pytest.mark.parametrize("name", ["{}_mask", "{}-Mask", "{}_mask_1", "{}_segmentation", "{} copy", "{}_thumb"])
def test_masks_and_copies_beside_the_images_are_named(name):
    for place, stem in (("ash", "a (1)"), ("elm", "b")):
        fill(f"x/{place}", image(len(stem)), 3)
        for i, each in enumerate((stem, name.format(stem))):
            image(i).save(f"x/{place}/{each}.png")
    first = f"ash/{name.format('a (1)')}.png"
    said = [line.strip() for line in findings("mine", scan_folder(Path("x")))]
    assert [line for line in said if line.startswith(f"named like others: 2 image(s), such as {first}")]


def test_a_number_behind_a_name_is_no_copy():
    for place in ("ash", "elm"):
        fill(f"x/{place}", image(len(place)), 3)
        for i, stem in enumerate(("plant", "plant_1", "plantmask", "mask", "copy_2")):
            image(i).save(f"x/{place}/{place}{stem}.png")
    assert "named like" not in "\n".join(findings("mine", scan_folder(Path("x"))))
