"""A table of labels is read whichever program wrote it; a mistake in it is named with its line or its image."""

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from unit.leaves import HINT, LEAVES, ONE, prepared, refused

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


# ---- Tables with a mistake -------------------------------------------------------------------------------------------

LINES = [
    "image,label,split,weight,plate",
    *(f"{name}/{i}.png,{name},{('train', 'test')[i]},{i + 0.5},p{i}" for name in ("elm", "oak") for i in range(2)),
]
TABLE = {"file": "labels.csv"}
FULL = TABLE | {"split": "split", "weight": "weight", "group": "plate"}
GIVEN = {"train": {"value": "train"}, "test": {"value": "test"}}
TABLED = LEAVES | {"table": FULL, "splits": GIVEN}
COUNTED = {key: value for key, value in LEAVES.items() if key != "classes"} | {"table": TABLE, "labels": "counts"}


def lines(*replaced: tuple[str, str], add: str = "", between: str = "\n") -> bytes:
    text = between.join(LINES) + between
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    return (text + add).encode()


def labelled(*labels: str, column: str = "label") -> bytes:
    """Return a table with these labels of the four images."""
    names = ("elm/0.png", "elm/1.png", "oak/0.png", "oak/1.png")
    return f"image,{column}\n".encode() + b"".join(
        f"{name},{label}\n".encode() for name, label in zip(names, labels, strict=True)
    )


# The table: its bytes, the entry, and what the error must say.
TABLES: dict[str, tuple[bytes, dict[str, Any], tuple[str, ...]]] = {
    "empty": (b"", TABLED, ("leaves/labels.csv: not a table: it is empty",)),
    "blank": (b"\n\n\n", TABLED, ("labels.csv: not a table: it is empty",)),
    "a header alone": (lines()[:31], TABLED, ("labels.csv: not a table: it has no line after",)),
    "no header": (b"\n".join(lines().splitlines()[1:]), TABLED, ("column `image` (table.image) not found",)),
    "zeros": (bytes(100), TABLED, ("labels.csv: ",)),
    "a spreadsheet": (b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)), TABLED, ("the file of a spreadsheet", HINT)),
    "text of Windows": (
        lines(("oak/0.png,oak,", "oak/0.png,Fl\u00e4che,")).decode().encode("cp1252"),
        TABLED,
        (
            "labels.csv, line 4: not UTF-8 text",
            "if this line is 'oak/0.png,Fl\u00e4che,train,0.5,p0'",
            "iconv -f CP1252",
        ),
    ),
    "text of a Mac": (
        lines(("oak/0.png,oak,", "oak/0.png,ch\u00eane,")).decode().encode("mac-roman"),
        TABLED,
        ("line 4: not UTF-8 text", HINT),
    ),
    "UTF-16 that is cut": (lines().decode().encode("utf-16")[:-1], TABLED, ("not UTF-16 text, though it", HINT)),
    "UTF-32": (lines().decode().encode("utf-32"), TABLED, ("labels.csv: not a table: it contains zero bytes", HINT)),
    "a field less between semicolons": (
        lines(("oak,test,1.5", "oak,1.5"), (",", ";")),
        TABLED,
        ("line 5: not a table: 4 fields", "by semicolons"),
    ),
    "an open quote": (lines(("elm/1.png,elm", 'elm/1.png,"elm')), TABLED, ("labels.csv, line", "not a table")),
    "a quote inside": (lines(("elm/1.png,elm", 'elm/1.png,"el"m')), TABLED, ("labels.csv, line 3: not a table",)),
    "a field that is endless": (
        lines(("elm/1.png,elm", "elm/1.png," + "e" * 200_000)),
        TABLED,
        ("line 3: not a table",),
    ),
    "a field more": (lines(("1.png,oak", "1.png,oak,x")), TABLED, ("line 5: not a table: 6 fields instead of 5", HINT)),
    "a field less": (lines(("oak,test,1.5", "oak,1.5")), TABLED, ("line 5: not a table: 4 fields instead of 5",)),
    "commas at the end of lines": (lines(("p0", "p0,"), ("p1", "p1,")), TABLED, ("line 2: not a table: 6 fields",)),
    "a column twice": (
        lines(("weight,plate", "label,weight")),
        TABLED | {"table": TABLE, "splits": ONE},
        ("duplicate column `label`",),
    ),
    "a column missing": (lines(("image,label", "image,class")), TABLED, ("column `label` (table.label) not found",)),
    "a column misspelt": (
        lines(("plate", "plates")),
        TABLED,
        ("column `plate` (table.group) not found", "did you mean `plates`"),
    ),
    "an image twice": (lines(add=LINES[1]), TABLED, ("line 6: duplicate of line 2: elm/0.png", HINT)),
    "an image twice, in other words": (
        lines(add=LINES[1].replace("elm/0", "oak/../elm/0")),
        TABLED,
        ("line 6: duplicate of line 2: elm/0.png",),
    ),
    "an image that is not there": (lines(("elm/1.png", "elm/7.png")), TABLED, ("line 3: image elm/7.png",)),
    "an image in other letters": (lines(("elm/1.png", "elm/1.PNG")), TABLED, ("line 3: image elm/1.PNG",)),
    "blank lines before it": (lines(("elm/1.png", "\n\nelm/7.png")), TABLED, ("line 5: image elm/7.png",)),
    "an image above": (
        lines(("elm/1.png", "../secret.png")),
        TABLED,
        ("line 3: '../secret.png' is not in leaves",),
    ),
    "an image around": (
        lines(("elm/1.png", "elm/../../a.png")),
        TABLED,
        ("line 3: 'elm/../../a.png' is not in",),
    ),
    "an absolute path": (
        lines(("elm/1.png", "/etc/passwd")),
        TABLED,
        ("line 3: '/etc/passwd' is not in leaves",),
    ),
    "a path of Windows": (lines(("elm/1.png", "elm\\1.png")), TABLED, ("line 3: image elm\\1.png",)),
    "a drive": (lines(("elm/1.png", "C:\\images\\1.png")), TABLED, ("line 3: image C:",)),
    "an address": (lines(("elm/1.png", "https://example.org/1.png")), TABLED, ("line 3: image https:",)),
    "no image": (lines(("elm/1.png", "")), TABLED, ("line 3: '' is not in leaves",)),
    "a zero in a path": (lines(("elm/1.png", "elm/1.png\0")), TABLED, ("line 3: image",)),
    "a folder": (lines(("elm/1.png", "elm")), TABLED, ("line 3: image elm",)),
    "an image that no line names": (
        b"\n".join(lines().splitlines()[:-1]),
        TABLED,
        ("1 image(s) in leaves are not in the table", "oak/1.png"),
    ),
    "an unknown label": (
        lines((",oak,", ",aok,")),
        TABLED,
        ("oak/0.png: the label 'aok' is not a class", "did you mean `oak`?"),
    ),
    "a label in capitals": (
        lines((",oak,", ",Oak,")),
        TABLED,
        ("the label 'Oak' is not a class", "did you mean `oak`?"),
    ),
    "a label with a space": (
        lines((",oak,", ",oak ,")),
        TABLED,
        ("the label 'oak ' is not a class", "did you mean `oak`?"),
    ),
    "an empty label": (
        lines(("0.png,oak,", "0.png,,")),
        TABLED,
        ("oak/0.png: the label '' is not a class (it is empty)",),
    ),
    "numbers for classes": (lines((",oak,", ",1,")), TABLED, ("the label '1' is not a class",)),
    "a formula": (lines((",oak,", ",=1+1,")), TABLED, ("the label '=1+1' is not a class",)),
    "a command": (lines((",oak,", ",$(touch hacked),")), TABLED, ("the label '$(touch hacked)' is not a class",)),
    "a line break in a label": (lines((",oak,", ',"o\nak",')), TABLED, ("the label 'o\\nak' is not a class",)),
    "one class only": (lines((",oak,", ",elm,")), TABLED, ("labels.csv: no image of: oak",)),
    "a weight in words": (
        lines(("test,1.5", "test,heavy")),
        TABLED,
        ("weight:\n  elm/1.png: 'heavy' is not a number",),
    ),
    "no weight": (lines(("test,1.5", "test,")), TABLED, ("weight:\n  elm/1.png: '' is not a number",)),
    "a weight with a comma": (
        lines(("test,1.5", 'test,"1,5"')),
        TABLED,
        ("weight:\n  elm/1.png: '1,5' is not a number",),
    ),
    "NaN as weight": (lines(("test,1.5", "test,nan")), TABLED, ("weight:\n  elm/1.png: 'nan' is not a number",)),
    "an infinite weight": (lines(("test,1.5", "test,-inf")), TABLED, ("weight:\n  elm/1.png: '-inf' is not a number",)),
    "a weight beyond a float": (
        lines(("test,1.5", "test,1e300")),
        TABLED,
        ("weight:\n  elm/1.png: '1e300' is not a number",),
    ),
    "a negative weight": (lines(("test,1.5", "test,-1.5")), TABLED, ("elm/1.png: the weight is negative",)),
    "weights of nothing": (lines(("0.5", "0"), ("1.5", "0")), TABLED, ("labels.csv: all weights are 0",)),
    "no group": (lines(("p1", "")), TABLED, ("table.group: empty for:\n  elm/1.png",)),
    "a group on both sides": (lines(("p1", "p0")), TABLED, ("groups in more than one split:\n  p0: in test, train",)),
    "a split without images": (lines((",test,", ",train,")), TABLED, ("the split `test` has no images",)),
    "splits in other letters": (lines((",test,", ",Test,")), TABLED, ("the split `test` has no images",)),
    "a split that no line has": (
        lines(),
        TABLED | {"splits": GIVEN | {"more": {"value": "more"}}},
        ("the split `more` has no images",),
    ),
    "a table above": (
        lines(),
        TABLED | {"table": FULL | {"file": "../labels.csv"}},
        ("mine.table.file: must be inside `folder`",),
    ),
    "an absolute table": (
        lines(),
        TABLED | {"table": FULL | {"file": "/etc/passwd"}},
        ("mine.table.file: must be inside `folder`",),
    ),
    "a table that is not there": (
        lines(),
        TABLED | {"table": FULL | {"file": "label.csv"}},
        ("mine.table.file: file label.csv not found",),
    ),
    "a folder for a table": (
        lines(),
        TABLED | {"table": FULL | {"file": "elm"}},
        ("mine.table.file: file elm",),
    ),
    "an image for a table": (
        lines(),
        TABLED | {"table": FULL | {"file": "elm/0.png"}},
        ("elm/0.png, line 1: not UTF-8 text",),
    ),
    **{
        f"{label!r} as a count": (
            labelled("1", label, "2", "3"),
            COUNTED,
            ("labels.csv: ", f"\n  elm/1.png: {label.strip()!r}"),
        )
        for label in ("", "one", "1.5", "-1", "nan", "inf", "-inf", "1e400", "0x10", "1_0", "1e30", "true", "1 2", "½")
    },
    **{
        f"{label!r} as a number": (
            labelled("1", label, "2", "3"),
            COUNTED | {"labels": "numbers"},
            ("labels.csv: label:", "\n  elm/1.png: "),
        )
        for label in ("", "one", "nan", "inf", "1e39", '"1,5"', "1.2.3", "--1", "5 mm")
    },
}


@pytest.mark.parametrize("what", TABLES)
def test_a_mistake_in_a_table_is_named_with_its_line_or_image(leaves, what):
    content, entry, parts = TABLES[what]
    shutil.copytree(leaves, "leaves")
    Path("leaves/labels.csv").write_bytes(content)
    refused(entry, *parts)


# ---- Tables that are right -------------------------------------------------------------------------------------------

# A table that is right, though it does not look like one.
RIGHT = {
    "as it is": lines(),
    "ends of lines of Windows": lines(between="\r\n"),
    "ends of lines of old": lines(between="\r"),
    "a mark before it": b"\xef\xbb\xbf" + lines(),
    "no end of its last line": lines()[:-1],
    "blank lines": lines(("oak/0", "\n\noak/0"), add="\n\n"),
    "lines of commas, as spreadsheets leave them": lines(add=",,,,\n,,,,\n"),
    "UTF-16": lines().decode().encode("utf-16"),
    "semicolons and decimal commas": lines((",", ";"), (".5", ",5"), between="\r\n"),
    "tabs": lines((",", "\t")),
    "quotes": lines((",oak,", ',"oak",')),
    "spaces before fields": lines((",", ", ")),
    "paths with a dot": lines(("oak/0.png", "./oak//0.png")),
    "columns in another order": b"\n".join(b",".join(line.split(b",")[::-1]) for line in lines().splitlines()),
    "columns more": b"\n".join(line + b",more" for line in lines().splitlines()),
}


@pytest.mark.parametrize("what", RIGHT)
def test_tables_of_all_programs_are_read_alike(leaves, what):
    shutil.copytree(leaves, "leaves")
    Path("leaves/labels.csv").write_bytes(RIGHT[what])
    splits = prepared(TABLED | {"prepare": []})
    for number, split in enumerate(("train", "test")):
        record = splits[split][np.argsort(splits[split]["label"])]
        assert record["weight"].tolist() == [number + 0.5] * 2
        for label, name in enumerate(("elm", "oak")):
            assert np.array_equal(record["image"][label, ..., 0], np.asarray(Image.open(f"leaves/{name}/{number}.png")))


def test_the_catalogue_logs_how_it_read_an_unusual_table(leaves, caplog):
    shutil.copytree(leaves, "leaves")
    Path("leaves/labels.csv").write_bytes(RIGHT["semicolons and decimal commas"])
    with caplog.at_level(logging.INFO, "calotype"):
        prepared(TABLED | {"prepare": []})
    said = "leaves/labels.csv: columns separated by semicolons; decimal commas in `weight`, read as decimal points"
    assert said in caplog.messages


def test_letters_with_accents_are_the_same_however_they_are_written(leaves):
    """Some systems write one sign, some two; a table may come from another than the folder."""
    shutil.copytree(leaves, "leaves")
    for old, new in (("oak", "\u00e9rable"), ("elm", "che\u0302ne")):
        Path("leaves", old).rename(Path("leaves", new))
    text = lines(("oak", "e\u0301rable"), ("elm", "ch\u00eane"))
    Path("leaves/labels.csv").write_bytes(text)
    splits = prepared(TABLED | {"classes": ["ch\u00eane", "\u00e9rable"]})
    assert sorted(splits["train"]["label"].tolist()) == [0, 1]
