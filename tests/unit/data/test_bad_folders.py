"""Images of any name are found in their folders; other files are named, and nothing is written."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade import png
from unit.leaves import COLOUR, GREY, HINT, LEAVES, ONE, prepared, refused

from calotype.util.errors import CalotypeError
from calotype.util.files import contents

Spoil = Callable[[Path], Any]


pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


# ---- Names of files --------------------------------------------------------------------------------------------------

NAMES = [
    "with spaces .png",
    'it\'s "quoted".png',
    "$(touch hacked).png",
    "`touch hacked`.png",
    "; touch hacked;.png",
    "a && touch hacked.png",
    "| touch hacked.png",
    "{wildcards.dataset}.png",
    "{0}%s%d.png",
    "*.png",
    "[a-z]?.png",
    "-rf.png",
    "--help.png",
    "#no comment.png",
    "a,b,c.png",
    "=1+1.png",
    "\\back\\slash.png",
    "~.png",
    "NaN.png",
    "null.png",
    "<script>alert(1)</script>.png".replace("/", ""),
    "&amp;.png",
    "$x^2$.png",
    "\\input{secret}.png",
    "Straße.png",
    "叶子.png",
    "лист.png",
    "ورقة.png",
    "برگ\u200cها.png",
    "पत्ता.png",
    "잎.png",
    "🍁.png",
    "Bild\u00a05\u202fPM.png",
    "é.png",
    "e\u0301.png",
    "x" * 200 + ".png",
]


@pytest.mark.parametrize("place", ["name", "folder"])
def test_names_with_spaces_quotes_commands_and_letters_of_all_scripts_are_kept(leaves, place):
    """A name is that of a file, or that of a class and its folder."""
    shutil.copytree(leaves, "leaves")
    found = {}
    names = [name for name in NAMES if place == "name" or not {"\\", "\u0301"} & {*name}]
    for number, name in enumerate(names):
        where = Path("leaves/oak", name) if place == "name" else Path("leaves", name, "0.png")
        where.parent.mkdir(exist_ok=True)
        where.write_bytes(png(np.full((5, 6), number, np.uint8)))
        found[float(number)] = name
    classes = LEAVES["classes"] + (names if place == "folder" else [])
    split = prepared(LEAVES | {"splits": {"all": {"share": 1.0}}, "prepare": [], "classes": classes})["all"]
    flat = split[(split["image"] == split["image"][:, :1, :1]).all(axis=(1, 2, 3))]
    assert len(flat) == len(names)
    if place == "folder":
        assert {record["image"].max(): classes[record["label"]] for record in flat} == found
    assert sorted(path.name for path in Path().iterdir()) == [".snakemake", "config", "leaves", "results"]


@pytest.mark.parametrize("sign", ["\n", "\r", "\t", "\a", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"])
def test_a_name_that_would_break_a_line_or_a_terminal_is_refused(leaves, sign):
    shutil.copytree(leaves, "leaves")
    shutil.copy("leaves/elm/0.png", f"leaves/oak/a{sign}b.png")
    refused(LEAVES, "leaves: the name 'oak/a", "has characters that cannot be printed", "rename it")


# ---- Places of files -------------------------------------------------------------------------------------------------


def untouched(_folder: Path) -> None:
    """Leave the folder as it is, because it is valid."""


def fifo(folder: Path) -> None:
    os.mkfifo(folder / "oak/pipe.png")


def link(name: str, target: str) -> Spoil:
    return lambda folder: (folder / name).symlink_to(target)


def write(name: str, content: bytes = b"?") -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(content)

    return spoil


def emptied(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        path.unlink()


def secret(folder: Path) -> None:
    (folder.parent / "secret").mkdir()
    (folder.parent / "secret/a.png").write_bytes(png(GREY))


def outside(name: str, target: str) -> Spoil:
    def spoil(folder: Path) -> None:
        secret(folder)
        link(name, target)(folder)

    return spoil


# Each: the change of the folder, further keys of the entry, and the expected error.
PLACES: dict[str, tuple[Spoil, dict[str, Any], tuple[str, ...]]] = {
    "no folder": (shutil.rmtree, {}, ("config/datasets.yaml: mine.folder: folder leaves not found", HINT)),
    "a file instead": (
        lambda f: (shutil.rmtree(f), f.write_bytes(b"?")),
        {},
        ("mine.folder: folder leaves not found",),
    ),
    "no images": (emptied, {}, ("leaves: no images found",)),
    "a pipe": (fifo, {}, ("oak/pipe.png: not a file, but a pipe, a socket or a device", HINT)),
    "a device": (link("oak/zero.png", "/dev/zero"), {}, ("leaves/oak/zero.png: a link to /dev/zero, outside leaves",)),
    "a link to itself": (
        link("oak/loop.png", "loop.png"),
        {},
        ("leaves/oak/loop.png: a broken link",),
    ),
    "a link to nothing": (link("oak/gone.png", "nothing.png"), {}, ("leaves/oak/gone.png: a broken link",)),
    "a link out, relative": (
        outside("oak/a.png", "../../secret/a.png"),
        {},
        ("leaves/oak/a.png: a link to", "outside leaves"),
    ),
    "a link out, absolute": (link("oak/a.png", "/etc/hostname"), {}, ("leaves/oak/a.png: a link to /etc/hostname",)),
    "a link to a folder": (outside("oak/more", "../../secret"), {}, ("leaves/oak/more: a link to a folder", HINT)),
    "a class that is a link": (outside("ash", "../secret"), {}, ("leaves/ash: a link to a folder",)),
    "a file of notes": (write("oak/notes.txt"), {}, ("not images", "\n  oak/notes.txt", "`ignore`")),
    "an image of another kind": (
        write("oak/a.heic"),
        {},
        ("not images", "(oak: 1 HEIC: formats that are not read)", "\n  oak/a.heic", "convert them", "*.heic"),
    ),
    "no suffix": (write("oak/image"), {}, ("not images", "\n  oak/image")),
    "two suffixes": (write("oak/a.png.bak"), {}, ("not images", "\n  oak/a.png.bak")),
    "a suffix with a space": (write("oak/a.png "), {}, ("not images", "oak/a.png ")),
    "an archive": (write("oak/all.zip"), {}, ("not images", "oak/all.zip")),
    "a class that is not in the config": (write("ash/0.png", png(GREY)), {}, ("ash: 1 image(s)", "such as ash/0.png")),
    "a class in other letters": (
        lambda f: (f / "oak").rename(f / "Oak"),
        {},
        ("Oak: 2 image(s)", "did you mean `oak`?"),
    ),
    "a class with a space behind": (lambda f: (f / "oak").rename(f / "oak "), {}, ("did you mean `oak`?",)),
    "an image of no class": (write("0.png", png(GREY)), {}, ("(outside all folders): 1 image(s), such as 0.png",)),
    "a class without images": (lambda f: shutil.rmtree(f / "oak"), {}, ("leaves: no image of: oak",)),
    "a class without files": (lambda f: [p.unlink() for p in (f / "oak").iterdir()], {}, ("no image of: oak",)),
    "one class": (untouched, {"classes": ["elm"]}, ("mine: classes: name two or more",)),
    "an empty split": (
        untouched,
        {"splits": {"train": {"share": 0.99}, "test": {"share": 0.01}}},
        ("leaves: the split `test` has no images",),
    ),
    "a split whose folder is not there": (
        untouched,
        {"splits": {"train": {"folder": "training"}, "test": {"folder": "testing"}}},
        ("not in a folder of a class in a folder of a split (training, testing)",),
    ),
    "a split above": (
        secret,
        {"splits": {"train": {"folder": "../secret"}, "test": {"folder": "."}}},
        ("mine.splits.train.folder: ", "is not the name of one folder"),
    ),
    "everything ignored": (untouched, {"ignore": ["*"]}, ("leaves: no images found",)),
    "groups that are in no name": (
        untouched,
        {"random": {"group_pattern": "(patient-[0-9]+)"}},
        ("random.group_pattern: finds no group in",),
    ),
    "groups without a name": (
        untouched,
        {"random": {"group_pattern": "[0-9](x?)"}},
        ("random.group_pattern: finds no group in",),
    ),
    "the same image on both sides": (
        lambda f: [shutil.copy(f / "elm/0.png", f / path) for path in ("elm/1.png", "oak/0.png", "oak/1.png")],
        {},
        ("have the same pixels as one of another split", "duplicates: allow"),
    ),
    "images of two sizes": (
        write("oak/new.png", png(GREY)),
        {"splits": ONE},
        ("prepare: image", "17 x 11 px", "6 x 5 px", "`resize`"),
    ),
    "images of two kinds": (
        write("oak/new.png", png(COLOUR[:5, :6])),
        {"splits": ONE, "prepare": ["scale"]},
        ("(3 channels)", "(1 channel)"),
    ),
    "images smaller than their part": (
        untouched,
        {"prepare": [{"name": "crop", "width": 9, "height": 9}]},
        ("prepare.0.crop", "6 x 5 px"),
    ),
    "images without a deviation": (
        untouched,
        {"prepare": [{"name": "normalise", "split": "nowhere"}]},
        ("prepare.0.normalise", "nowhere"),
    ),
}


@pytest.mark.parametrize("what", PLACES)
def test_a_folder_that_is_not_as_the_config_says_is_named_with_what_is_wrong(leaves, what):
    spoil, keys, parts = PLACES[what]
    shutil.copytree(leaves, "leaves")
    spoil(Path("leaves"))
    refused(LEAVES | keys, *parts)


def test_a_call_is_not_held_up_for_ever_by_a_pipe_or_a_device_among_the_images(leaves):
    """Before any job, the content of the folder is looked at."""
    for name, spoil in {"pipes": fifo, "devices": link("oak/zero.png", "/dev/zero")}.items():
        shutil.copytree(leaves, name)
        spoil(Path(name))
        with pytest.raises(CalotypeError, match=rf"{name}/oak/.*\.png: neither a file nor a folder"):
            contents(Path(name), [], Path("known.json"))
