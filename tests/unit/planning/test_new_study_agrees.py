"""new_study and the catalogue agree: what one accepts, the other accepts, and both take the same labels.

Each case makes a folder of images with a table, and says what comes of it: the label of each image, or the words of the
error. For a refused table, the catalogue gets the entry that a person would write for it.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from unit.new_studies import image

from calotype.config import load
from calotype.config.dataset_images import ImagesDataset
from calotype.data.catalogue import write_catalogue
from calotype.planning.folder_scan import scan_folder
from calotype.planning.new_study import write_study
from calotype.util.errors import CalotypeError
from calotype.util.yaml_validation import validate

NUMBER = 20
NAMES = [f"plant-{i:02}.png" for i in range(NUMBER)]
TREES = [("ash", "elm")[i % 2] for i in range(NUMBER)]
NFD, NFC = (lambda text: unicodedata.normalize("NFD", text)), (lambda text: unicodedata.normalize("NFC", text))


@dataclass
class Case:
    """Files of a folder, and the outcome.

    Attributes:
        table: its content.
        names: paths of the images.
        labels: expected, by image in order; empty: both refuse the table.
        new_study, catalogue: words of their errors.
        entry: keys of the entry that a person would write, beside source, folder, table and splits.
        columns: of the table in that entry.
    """

    table: bytes
    labels: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=lambda: NAMES)
    new_study: str = ""
    catalogue: str = ""
    entry: Mapping[str, Any] = field(default_factory=lambda: {"classes": ["ash", "elm"]})
    columns: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)


def rows(
    line: Callable[[int], str] = lambda i: f"{NAMES[i]},{TREES[i]}", header: str = "image,label", end: str = "\n"
) -> bytes:
    return end.join([header, *map(line, range(NUMBER)), ""]).encode()


def at(place: int, other: str, line: Callable[[int], str] = lambda i: f"{NAMES[i]},{TREES[i]}") -> Callable[[int], str]:
    """Return the lines of a table with another one in one place."""
    return lambda i: other if i == place else line(i)


COUNTS, NUMBERS = {"labels": "counts"}, {"labels": "numbers"}
counted = rows(lambda i: f"{NAMES[i]},{i % 5}", "image,count")
ACCEPTED = {
    "as it is": Case(rows(), TREES),
    "Windows, with a mark of UTF-8": Case(b"\xef\xbb\xbf" + rows(end="\r\n"), TREES),
    "old Mac": Case(rows(end="\r"), TREES),
    "semicolons": Case(rows(end="\r\n").replace(b",", b";"), TREES),
    "tabs in a .csv": Case(rows().replace(b",", b"\t"), TREES),
    "vertical lines": Case(rows().replace(b",", b"|"), TREES),
    "Unicode text of Excel": Case(rows(end="\r\n").replace(b",", b"\t").decode().encode("utf-16"), TREES),
    "UTF-16, the other order of bytes": Case(b"\xfe\xff" + rows().decode().encode("utf-16-be"), TREES),
    "the separator in the first line": Case(b"sep=;\r\n" + rows(end="\r\n").replace(b",", b";"), TREES),
    "decimal commas": Case(
        rows(lambda i: f"{NAMES[i]};{i},25", "image;age"), [f"{i}.25" for i in range(NUMBER)]
    ),
    "lines without text at the end": Case(rows() + b",\n\n , \n", TREES),
    "spaces after commas": Case(rows().replace(b",", b", "), TREES),
    "a dot before the path": Case(rows(lambda i: f"./{NAMES[i]},{TREES[i]}"), TREES),
    "spaces around the path": Case(rows(lambda i: f" {NAMES[i]} ,{TREES[i]}"), TREES),
    "a quoted comma": Case(rows(lambda i: f'{NAMES[i]},{TREES[i]},"a, b"', "image,label,note"), TREES),
    "an index in the first column": Case(rows(lambda i: f"{i},{NAMES[i]},{TREES[i]}", ",image,label"), TREES),
    "names of files in two signs, of the table in one": Case(
        rows(lambda i: NFC(f"é{i:02}.png,{TREES[i]}")), TREES, [NFD(f"é{i:02}.png") for i in range(NUMBER)]
    ),
    "names of files in one sign, of the table in two": Case(
        rows(lambda i: NFD(f"é{i:02}.png,{TREES[i]}")), TREES, [NFC(f"é{i:02}.png") for i in range(NUMBER)]
    ),
    "one class in two spellings": Case(
        rows(lambda i: f"{NAMES[i]}," + [NFC("chêne"), NFD("chêne"), "ash", "ash"][i % 4]),
        [NFC(["chêne", "chêne", "ash", "ash"][i % 4]) for i in range(NUMBER)],
    ),
    "a column in two signs": Case(
        rows(lambda i: f"{NAMES[i]},{TREES[i]}", NFD("Image,Catégorie")), TREES,
    ),
    "a split in two spellings": Case(
        rows(lambda i: f"{NAMES[i]},{TREES[i]},{'train' if i < 12 else 'test'}", "image,label,split"), TREES
    ),
    "classes that look like other things": Case(
        rows(lambda i: f"{NAMES[i]},{['NA', 'null', 'True', 'none'][i % 4]}"),
        [["NA", "null", "True", "none"][i % 4] for i in range(NUMBER)],
    ),
    "numbers as classes": Case(
        rows(lambda i: f"{NAMES[i]},{['01', '1', '1.0', '10'][i % 4]}"),
        [["01", "1", "1.0", "10"][i % 4] for i in range(NUMBER)],
    ),
    "counts": Case(counted, [str(i % 5) for i in range(NUMBER)]),
    "counts with a point": Case(
        rows(lambda i: f"{NAMES[i]},{i % 5}.0", "image,count"), [str(i % 5) for i in range(NUMBER)]
    ),
    "negative numbers": Case(
        rows(lambda i: f"{NAMES[i]},{i - 9}", "image,count"), [f"{i - 9}.0" for i in range(NUMBER)]
    ),
    "numbers": Case(rows(lambda i: f"{NAMES[i]},{i / 4}", "image,age"), [f"{i / 4}" for i in range(NUMBER)]),
    "numbers with an exponent": Case(
        rows(lambda i: f"{NAMES[i]},{i}.5e-1", "image,age"), [str(float(f"{i}.5e-1")) for i in range(NUMBER)]
    ),
    "as many numbers as images, as classes on request": Case(
        rows(lambda i: f"{NAMES[i]},{('1', 'n/a')[i % 2]}"), [("1", "n/a")[i % 2] for i in range(NUMBER)],
        asked={"task": "classify"},
    ),
    "the column on request": Case(
        rows(lambda i: f"{NAMES[i]},{TREES[i]},{i % 3}", "image,tree,visit"), TREES, asked={"label": "tree"}
    ),
    "groups that stay whole": Case(
        rows(lambda i: f"{NAMES[i]},{TREES[i]},p{i // 2}", "image,label,patient"), TREES
    ),
    "no groups on request": Case(
        rows(lambda i: f"{NAMES[i]},{TREES[i]},{'' if i == 3 else i // 2}", "image,label,patient"), TREES,
        asked={"group": "none"},
    ),
    "a column of weights in kg that nobody asked for": Case(
        rows(lambda i: f"{NAMES[i]},{TREES[i]},{60 + i} kg", "image,label,weight"), TREES
    ),
    "images that the table does not name": Case(
        rows(), TREES, [*NAMES, "more.png"]
    ),
}  # fmt: skip
PLATE = {"group": "patient"}
REFUSED = {
    "a class of two lines": Case(
        rows(lambda i: f'{NAMES[i]},"{TREES[i]}\nred"'), entry={"classes": ["ash\nred", "elm\nred"]},
        new_study="column `label`: line 2: 'ash\\nred' contains '\\n'", catalogue="'ash\\nred' contains '\\n'",
    ),
    "semicolons or tabs": Case(
        rows(lambda i: f"{NAMES[i]};{TREES[i]}\tx", "image;label\told"), new_study="by tabs or semicolons",
        catalogue="by tabs or semicolons",
    ),
    "semicolons, and a short line": Case(
        rows(at(4, f"{NAMES[4]}", lambda i: f"{NAMES[i]};{TREES[i]}"), "image;label"),
        new_study="line 6: not a table: 1 field instead of 2, separated by semicolons", catalogue="by semicolons",
    ),
    "one or a thousand": Case(
        rows(lambda i: f"{NAMES[i]};{i + 1},000", "image;age"), entry=NUMBERS, columns={"label": "age"},
        new_study="20 of 20 labels are not numbers", catalogue="'1,000' is not a number",
    ),
    "decimal commas and points": Case(
        rows(at(4, f"{NAMES[4]};1.5", lambda i: f"{NAMES[i]};{i},5"), "image;age"), entry=NUMBERS,
        columns={"label": "age"}, new_study="'0,5'", catalogue="'0,5' is not a number",
    ),
    "no number among decimal commas": Case(
        rows(at(4, f"{NAMES[4]};n/a", lambda i: f"{NAMES[i]};{i},5"), "image;age"), entry=NUMBERS,
        columns={"label": "age"}, new_study="1 of 20 labels are not numbers:\n  line 6: 'n/a'",
        catalogue="label:\n  plant-04.png: 'n/a' is not a number",
    ),
    "another encoding": Case(
        rows(lambda i: f"{NAMES[i]},é").decode().encode("cp1252"), new_study="not UTF-8", catalogue="not UTF-8"
    ),
    "UTF-16 without its mark": Case(
        rows().decode().encode("utf-16-le"), new_study="contains zero bytes", catalogue="contains zero bytes"
    ),
    "nothing": Case(b"", new_study="it is empty", catalogue="it is empty"),
    "a header alone": Case(b"image,label\n", new_study="no line after", catalogue="no line after"),
    "a comment before the header": Case(
        b"# mine\n" + rows(), new_study="the first line must name the columns", catalogue="must name the columns"
    ),
    "no header": Case(
        rows(header=f"{NAMES[0]},elm"), new_study="its first line names the image", catalogue="column `image`"
    ),
    "a comma at the end of lines": Case(
        rows(lambda i: f"{NAMES[i]},{TREES[i]},"), new_study="remove the commas", catalogue="remove the commas"
    ),
    "a short last line": Case(
        rows(at(19, NAMES[19], lambda i: f"{NAMES[i]},{TREES[i]},x"), "image,label,note"),
        new_study="line 21: not a table: 1 field instead of 3", catalogue="line 21: not a table: 1 field",
    ),
    "a comma without quotes": Case(
        rows(at(4, f"{NAMES[4]},elm, red")), new_study="line 6: not a table", catalogue="line 6: not a table"
    ),
    "an open quote": Case(
        rows(at(4, f'{NAMES[4]},"elm')), new_study="line 6: not a table", catalogue="check the quotes of this line"
    ),
    "an image that is not there": Case(
        rows(at(4, "plant-99.png,elm")), new_study="line 6: image plant-99.png not", catalogue="image plant-99.png not"
    ),
    "an image in capitals": Case(
        rows(at(4, f"{NAMES[4].upper()},elm")), new_study="did you mean `plant-04.png`", catalogue="`plant-04.png`"
    ),
    "no suffix": Case(
        rows(lambda i: f"{NAMES[i][:-4]},{TREES[i]}"), new_study="write plant-00.png", catalogue="mean `plant-00.png`"
    ),
    "a path of Windows": Case(
        rows(lambda i: f"a\\{NAMES[i]},{TREES[i]}"), names=[f"a/{name}" for name in NAMES],
        new_study="write a/plant-00.png", catalogue="did you mean `a/plant-00.png`",
    ),
    "an absolute path": Case(
        rows(lambda i: f"/data/{NAMES[i]},{TREES[i]}"), new_study="write plant-00.png", catalogue="is not in x"
    ),
    "a folder that is missing in the paths": Case(
        rows(), names=[f"a/{name}" for name in NAMES],
        new_study="it has 'plant-00.png' for a/plant-00.png", catalogue="did you mean `a/plant-00.png`",
    ),
    "an image twice": Case(
        rows(at(4, f"./{NAMES[3]},elm")), new_study="line 6: duplicate of line 5", catalogue="duplicate of line 5"
    ),
    "an image twice, in two spellings": Case(
        rows(at(4, NFD("é03.png,elm"), lambda i: NFC(f"é{i:02}.png,{TREES[i]}"))),
        names=[NFC(f"é{i:02}.png") for i in range(NUMBER)],
        new_study="line 6: duplicate of line 5", catalogue="line 6: duplicate of line 5",
    ),
    "a column twice": Case(
        rows(lambda i: f"{NAMES[i]},{TREES[i]},oak", "image,label,label"),
        new_study="has duplicate columns: label", catalogue="duplicate column `label`",
    ),
    "an empty label": Case(rows(at(4, f"{NAMES[4]},")), new_study="empty label:\n  line 6", catalogue="it is empty"),
    "an empty group": Case(
        rows(lambda i: f"{NAMES[i]},{TREES[i]},{'' if i == 3 else i // 2}", "image,label,patient"),
        columns=PLATE, new_study="type group=none", catalogue="empty for:\n  plant-03.png",
    ),
    "a group in two given splits": Case(
        rows(lambda i: f"{NAMES[i]},{TREES[i]},p,{'train' if i < 9 else 'test'}", "image,label,patient,split"),
        columns=PLATE | {"split": "split"}, new_study="p: in test, train", catalogue="p: in test, train",
    ),
    "too few groups for two splits": Case(
        rows(lambda i: f"{NAMES[i]},{TREES[i]},p{i % 2}", "image,label,patient"),
        columns=PLATE, new_study="each of the 2 groups stays", catalogue="each of the 2 groups stays",
    ),
    "weights in words": Case(
        rows(lambda i: f"{NAMES[i]},{TREES[i]},{i} kg", "image,label,weight"), asked={"weight": "weight"},
        columns={"weight": "weight"}, new_study="'0 kg' is not a number", catalogue="'0 kg' is not a number",
    ),
    "weights of nothing": Case(
        rows(lambda i: f"{NAMES[i]},{TREES[i]},0", "image,label,sample_weight"),
        columns={"weight": "sample_weight"}, new_study="all weights are 0", catalogue="all weights are 0",
    ),
    "one count only": Case(
        rows(lambda i: f"{NAMES[i]},3", "image,count"), entry=COUNTS, columns={"label": "count"},
        new_study="every count is 3", catalogue="every count is 3",
    ),
    "a count above the limit": Case(
        rows(lambda i: f"{NAMES[i]},{i * 60}", "image,count"), entry=COUNTS, columns={"label": "count"},
        new_study="line 19: '1020'", catalogue="plant-17.png: '1020'",
    ),
    **{
        f"a number that is none: {text}": Case(
            rows(at(4, f'{NAMES[4]},"{text}"', lambda i: f"{NAMES[i]},{i / 4}"), "image,age"),
            entry=NUMBERS, columns={"label": "age"},
            new_study=f"1 of 20 labels are not numbers:\n  line 6: '{text}'", catalogue=f"'{text}' is not a number",
        )
        for text in (*("n/a", "NaN", "?", "five", "inf", "1e400"),
                     *("0,5", "1,000", "1.000,5", "5 %", "5%", "3 mm", "3mm", "<5", "~5"))
    },
    **{
        f"numbers that are none: {text}": Case(
            rows(lambda i, text=text: f'{NAMES[i]},"{text.format(i + 1)}"', "image,age"),
            entry=NUMBERS, columns={"label": "age"},
            new_study="20 of 20 labels are not numbers", catalogue="is not a number",
        )
        for text in (*("{},5", "-{},5", "{},000", "1 {:03}", "{} %", "{}%"),
                     *("{} mm", "{}kg", "<{}", "{}°", "{} µm²", "{} cells", "€{}", "{}±1", "{} +/- 0.5 mm"))
    },
}  # fmt: skip


@pytest.fixture
def in_a_folder(config_folder: Path) -> Path:
    return config_folder


def make(case: Case) -> Path:
    for i, name in enumerate(case.names):
        Path("x", name).parent.mkdir(parents=True, exist_ok=True)
        image(i).save(Path("x", name))
    Path("x/labels.csv").write_bytes(case.table)
    return Path("x")


def new_study(place: Path, asked: Mapping[str, Any]) -> ImagesDataset:
    settings = load.Settings(**asked)
    write_study("mine", scan_folder(place, settings), settings)
    return load.load({"studies": ["mine"]}).datasets["mine"]


def catalogue(dataset: ImagesDataset) -> pd.DataFrame:
    write_catalogue(dataset, Path("catalogue.csv"), Path("catalogue.json"))
    return pd.read_csv("catalogue.csv", dtype=str, keep_default_na=False).sort_values("path")


@pytest.mark.usefixtures("in_a_folder")
@pytest.mark.parametrize("what", ACCEPTED)
def test_the_catalogue_takes_the_labels_that_new_study_takes(what):
    case = ACCEPTED[what]
    dataset = new_study(make(case), case.asked)
    found = catalogue(dataset)
    labels = [dataset.classes[int(label)] for label in found.label] if dataset.classes else [*found.label]
    expected = dict(zip(case.names, case.labels, strict=False))
    assert dict(zip(found.path, labels, strict=True)) == expected


@pytest.mark.usefixtures("in_a_folder")
@pytest.mark.parametrize("what", REFUSED)
def test_the_catalogue_refuses_the_tables_that_new_study_refuses(what):
    case = REFUSED[what]
    place = make(case)
    with pytest.raises(CalotypeError) as caught:
        new_study(place, case.asked)
    assert case.new_study in str(caught.value)
    assert "\nHint: " in str(caught.value)
    assert not Path("config/studies/mine.yaml").exists()
    table = {"file": "labels.csv"} | case.columns
    given = {"train": {"value": "train"}, "test": {"value": "test"}}
    shares = {"train": {"share": 0.8}, "test": {"share": 0.2}}
    entry = {"source": "images", "folder": "x", "table": table, "splits": given if "split" in table else shares}
    with pytest.raises(CalotypeError) as caught:
        catalogue(validate(ImagesDataset, entry | case.entry, "datasets.yaml"))
    assert case.catalogue in str(caught.value)
