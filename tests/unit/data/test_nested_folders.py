"""Classes in nested folders, links to files and folders, and folders of operating systems."""

import logging
import os
import shutil
from pathlib import Path

import pytest
from unit.flowers import catalogue, dataset, image

from calotype.planning.identity import Identity
from calotype.util.errors import CalotypeError
from calotype.util.files import contents

TREE = {"animals": ["birds", "mammals"], "plants": ["trees"]}


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    """Return a folder with images in two levels of folders: four in each of the last level."""
    for number, (first, inner) in enumerate(TREE.items()):
        for place, last in enumerate(inner):
            (tmp_path / "nested" / first / last).mkdir(parents=True)
            for i in range(4):
                image(100 * number + 10 * place + i).save(tmp_path / "nested" / first / last / f"{i}.png")
    return tmp_path / "nested"


def labels(found) -> dict[int, int]:
    return {int(label): int(n) for label, n in found.groupby("label").size().items()}


def test_the_first_or_the_last_folder_names_the_class(nested):
    assert labels(catalogue(nested, classes=[*TREE])) == {0: 8, 1: 4}
    last = catalogue(nested, classes=["birds", "mammals", "trees"], class_folder="last")
    assert labels(last) == {0: 4, 1: 4, 2: 4}
    assert all(
        path.split("/")[1] == ("birds", "mammals", "trees")[label]
        for path, label in zip(last.path, last.label, strict=True)
    )


def test_folders_of_splits_are_above_the_classes(nested, tmp_path):
    for split in ("train", "test"):
        shutil.copytree(nested, tmp_path / "both" / split)
    for path in (tmp_path / "both/test").rglob("*.png"):
        image(1000 + hash(str(path)) % 100_000).save(path)
    splits = {"train": {"folder": "train"}, "test": {"folder": "test"}}
    first = catalogue(tmp_path / "both", splits=splits, classes=[*TREE])
    assert labels(first) == {0: 16, 1: 8}
    last = catalogue(tmp_path / "both", splits=splits, classes=["birds", "mammals", "trees"], class_folder="last")
    assert labels(last) == {0: 8, 1: 8, 2: 8}
    assert {*last.split} == {"train", "test"}


def test_classes_of_the_other_level_are_an_error_that_names_the_key(nested):
    with pytest.raises(CalotypeError, match=r"Hint: set `class_folder: last`"):
        catalogue(nested, classes=["birds", "mammals", "trees"])
    with pytest.raises(CalotypeError, match=r"Hint: set `class_folder: first`"):
        catalogue(nested, classes=[*TREE], class_folder="last")


def test_images_in_a_table_have_no_folder_of_a_class(cells):
    with pytest.raises(CalotypeError, match=r"class_folder: not allowed with a table"):
        catalogue(cells, table={"file": "labels.csv"}, class_folder="last")


def test_folders_that_a_system_writes_for_itself_hold_no_images(flowers):
    before = catalogue(flowers)
    for name in (
        "daisy/@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg",
        "__MACOSX/daisy/a.png",
        "$RECYCLE.BIN/b.png",
        ".old/c.png",
    ):
        (flowers / name).parent.mkdir(parents=True)
        image(900).save(flowers / name)
    (flowers / "rose/Icon\r").write_bytes(b"")
    assert catalogue(flowers).equals(before)


# ---- Links -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def linked(flowers, tmp_path) -> Path:
    """Return a folder in which one class is a link to a folder outside, and one image a link to a file outside."""
    (tmp_path / "store").mkdir()
    (flowers / "rose").rename(tmp_path / "store/rose")
    (flowers / "rose").symlink_to(tmp_path / "store/rose")
    (flowers / "daisy/3.png").rename(tmp_path / "store/3.png")
    (flowers / "daisy/3.png").symlink_to(tmp_path / "store/3.png")
    return flowers


def watched(folder: Path, known: str = "known.json") -> str:
    return contents(folder, [], folder.parent / known, follow=True)


def test_links_are_refused_with_the_key_that_allows_them(linked):
    with pytest.raises(CalotypeError, match=r"flowers/rose: a link to a folder.\nHint: .*`follow_links: true`"):
        catalogue(linked)
    (linked / "rose").unlink()
    with pytest.raises(
        CalotypeError, match=r"daisy/3.png: a link to .*store/3.png, outside .*\nHint: .*`follow_links: true`"
    ):
        catalogue(linked, classes=["daisy", "tulip"])


def test_followed_links_give_the_images_that_they_lead_to(linked, tmp_path):
    through_links = catalogue(linked, follow_links=True)
    shutil.copytree(linked, tmp_path / "copy", symlinks=False)
    assert through_links.equals(catalogue(tmp_path / "copy"))


def test_contents_count_and_neither_the_folder_nor_the_place_that_links_lead_to(linked, tmp_path):
    before = watched(linked)
    linked.rename(tmp_path / "moved")
    assert watched(tmp_path / "moved", "other.json") == before
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    for name in ("rose", "daisy/3.png"):
        (tmp_path / "moved" / name).unlink()
        (tmp_path / "moved" / name).symlink_to(tmp_path / "elsewhere" / Path(name).name)
    assert watched(tmp_path / "moved", "more.json") == before
    image(901).save(tmp_path / "elsewhere/rose/0.png")
    assert watched(tmp_path / "moved") != before


def test_the_identity_of_a_dataset_follows_links_only_if_the_key_is_set(linked, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def identity(**keys) -> str:
        made = dataset(linked, **keys)
        layout = type("Layout", (), {"config": type("Config", (), {"datasets": {"mine": made}})})
        return Identity(layout, Path()).images_there("mine")

    assert "a link to a folder" in identity()
    assert len(before := identity(follow_links=True)) == 64
    image(902).save(tmp_path / "store/rose/0.png")
    assert identity(follow_links=True) != before
    assert dataset(linked, follow_links=False).catalogue() == dataset(linked).catalogue()


@pytest.mark.parametrize("case", ["itself", "above", "two links", "between two folders"])
def test_a_loop_of_links_ends_in_an_error(flowers, tmp_path, case):
    if case == "itself":
        (flowers / "rose/more").symlink_to(flowers / "rose")
    elif case == "above":
        (flowers / "rose/more").symlink_to("..")
    elif case == "two links":
        (tmp_path / "store").mkdir()
        for name in ("rose/a", "rose/b"):
            (flowers / name).symlink_to(tmp_path / "store")
    else:
        for one, other in (("one", "two"), ("two", "one")):
            (tmp_path / one).mkdir()
            (tmp_path / one / "next").symlink_to(tmp_path / other)
        (flowers / "rose/more").symlink_to(tmp_path / "one")
    for walk in (lambda: watched(flowers), lambda: catalogue(flowers, follow_links=True)):
        with pytest.raises(CalotypeError, match=r"by a link the same folder as .*\nHint: delete the link"):
            walk()


def test_a_link_to_itself_or_to_nothing_is_broken(flowers):
    for name, target in (("loop.png", "loop.png"), ("gone.png", "nothing.png"), ("folder", "nowhere")):
        os.symlink(target, flowers / "rose" / name)
        with pytest.raises(CalotypeError, match=f"rose/{name}"):
            catalogue(flowers, follow_links=True)
        (flowers / "rose" / name).unlink()


# ---- Formats that are not read ---------------------------------------------------------------------------------------

HEIC = b"\0\0\0\x18ftypheic" + bytes(200)


def test_unread_formats_are_counted_by_class_with_the_way_to_convert_them(flowers):
    for i in range(3):
        (flowers / f"rose/IMG_{i}.HEIC").write_bytes(HEIC)
    (flowers / "daisy/a.gif").write_bytes(b"GIF89a")
    (flowers / "daisy/scan").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(CalotypeError) as caught:
        catalogue(flowers)
    said = str(caught.value)
    assert "(daisy: 1 DICOM, 1 GIF; rose: 3 HEIC: formats that are not read)" in said
    assert "GIF and HEIC: convert them to PNG" in said
    assert "DICOM: save their pixels" in said
    assert "`ignore: ['*.gif', 'scan', '*.HEIC']`" in said


def test_ignored_images_of_unread_formats_are_logged(flowers, caplog):
    (flowers / "rose/a.heic").write_bytes(HEIC)
    (flowers / "rose/notes.txt").write_text("?")
    with caplog.at_level(logging.WARNING, "calotype"):
        catalogue(flowers, ignore=["*.heic", "*.txt"])
    assert "Ignoring images in formats that are not read: rose: 1 HEIC. To use them, convert them to PNG" in caplog.text


def test_a_folder_without_other_images_says_which_there_are(flowers):
    for path in flowers.rglob("*.png"):
        path.write_bytes(HEIC)
        path.rename(path.with_suffix(".heic"))
    with pytest.raises(CalotypeError, match=r"no images found .*; not read: daisy: 10 HEIC; rose: 10 HEIC"):
        catalogue(flowers, ignore=["*.heic"])


def test_an_image_without_its_suffix_is_recognised(flowers):
    (flowers / "rose/0.png").rename(flowers / "rose/0")
    with pytest.raises(
        CalotypeError, match=r"rose: 1 PNG without its suffix.*\n.*\nHint: add the suffix .png to their"
    ):
        catalogue(flowers)


def test_a_line_of_a_table_that_names_a_format_that_is_not_read_says_so(cells):
    lines = (cells / "labels.csv").read_text().replace("raw/3.png", "raw/3.HEIC")
    (cells / "labels.csv").write_text(lines)
    (cells / "raw/3.png").rename(cells / "raw/3.HEIC")
    with pytest.raises(CalotypeError, match=r"line 5: image 'raw/3.HEIC': HEIC is not read; convert the file"):
        catalogue(cells, table={"file": "labels.csv"}, ignore=["*.HEIC"])


@pytest.mark.parametrize(
    ("key", "default", "other"),
    [
        ("class_folder", "first", "last"),
        ("follow_links", False, True),
        ("unusable", "refuse", "skip"),
        ("duplicates", "refuse", "keep_first"),
        ("duplicates", "refuse", "allow"),
    ],
)
def test_only_a_value_that_is_not_the_default_is_part_of_the_identity_of_the_catalogue(flowers, key, default, other):
    plain = dataset(flowers).catalogue()
    assert dataset(flowers, **{key: default}).catalogue() == plain
    assert dataset(flowers, **{key: other}).catalogue() == plain | {key: other}
