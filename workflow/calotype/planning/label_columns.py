"""Choose the columns of a table of labels for `new_study`, and give the reasons."""

import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pandas as pd

from calotype.config.load import NONE, Settings
from calotype.data.catalogue_common import as_numbers, spelled
from calotype.data.label_table import ImagePaths
from calotype.data.table_file import LabelTable
from calotype.planning.label_kinds import label_kind
from calotype.tasks.labels import LabelKind
from calotype.util.errors import CalotypeError, did_you_mean

# Names of columns by content, only letters and digits; the first that occurs counts.
IMAGE = ("image", "path", "file", "filename", "imagepath", "filepath", "img")
LABEL = ("label", "class", "category", "target", "species", "diagnosis", "type", "count", "value", "y")
CLASS = (*LABEL[:7], LABEL[-1])  # a few whole numbers in columns of these names are classes
SPLIT = ("split", "set", "subset", "part", "partition", "fold")
WEIGHT = ("sampleweight", "imageweight", "lossweight", "weight")
UNCLEAR = ("weight",)  # may be the weight of a patient: named, but not used
GROUP = (
    "group", "patient", "patientid", "subject", "subjectid", "donor", "donorid", "individual", "animal", "animalid",
    "mouse", "mouseid", "plant", "plantid", "plate", "plateid", "slide", "slideid", "case", "caseid", "lesion",
    "lesionid", "site",
)  # fmt: skip
NUMBERING = ("", "id", "index", "imageid", "no", "nr", "number", "unnamed0")  # columns that number the lines
FLAGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
TRAIN, TEST = ("train", "training"), ("test", "testing", "held-out", "holdout")
VALIDATION = ("validation", "valid", "val", "dev")
LOOKED_AT = 200  # lines of a table in which the column of the images is searched
CHOSEN, BY_NAME = "as you chose", "by its name"


class MissingColumnError(CalotypeError):
    """A table lacks a column of the command line."""


@dataclass
class Columns:
    """The columns of a table by content: image, label, and split, weight and group if it has them."""

    names: dict[str, str]
    why: dict[str, str]  # reason of each choice by content, and of the kind of labels as `task`
    instead: dict[str, list[str]]  # by content: other columns that are possible
    holds: LabelKind = "classes"
    splits: dict[str, str] = field(default_factory=dict)  # given splits, and their values
    unclear: dict[str, dict[str, int]] = field(default_factory=dict)  # by split column: values that name no split


@dataclass
class Refused:
    """A table that is not used, with the reason, which continues a sentence about the table."""

    reason: str
    hint: str | None = None
    asks: bool = False  # it names images, and an answer of the user makes it a table of labels


def split_name(word: str) -> str | None:
    """Return the split that a word names; None for other words."""
    for name, words in (("train", TRAIN), ("test", TEST), ("validation", VALIDATION)):
        if word.strip().lower() in words:
            return name
    return None


def in_order(splits: dict[str, str]) -> dict[str, str]:
    """Return splits in the order train, validation, test."""
    return {name: splits[name] for name in ("train", "validation", "test") if name in splits}


def given_splits(values: Collection[str]) -> dict[str, str]:
    """Return the splits that a column gives, with their values; nothing if they are unclear.

    They are unclear if two values may name one split, or if some values name none and there is no `train` with another
    split.
    """
    known = {value: name for value in values if (name := split_name(value))}
    splits = {name: value for value, name in known.items()}
    if len(splits) < len(known) or (len(known) < len(values) and not ("train" in splits and len(splits) > 1)):
        return {}
    return in_order(splits)


def typed(key: str, value: str) -> str:
    """Return a choice as it is typed after `--config`."""
    return f"{key}={value}" if re.fullmatch(r"[\w./-]+", value) else f'"{key}={value}"'


class _Fields:
    """The fields of a table by column, except columns of the same name, and lists of columns by their names."""

    def __init__(self, table: LabelTable) -> None:
        names = [*map(spelled, table.header)]
        self.table, self.numbers = table, [line for line, _ in table.lines]
        self.by_name = {
            name: pd.Series([line[place] for _, line in table.lines], self.numbers, dtype=str, name=name)
            for place, name in enumerate(names)
            if names.count(name) == 1
        }
        self.duplicates = [*dict.fromkeys(name for name in names if names.count(name) > 1)]
        self.keys = {name: "".join(filter(str.isalnum, name.casefold())) for name in self.by_name}

    def called(self, words: Sequence[str]) -> list[str]:
        """Return the columns that have one of these names, in the order of the words."""
        found = [name for name, key in self.keys.items() if key in words]
        return sorted(found, key=lambda name: words.index(self.keys[name]))

    def may_be_labels(self, name: str) -> bool:
        """Return True if a column has several values, and is neither a numbering nor a text of each image alone."""
        column = self.by_name[name]
        different = column.nunique()
        repeated = different <= len(column) / 2 or as_numbers(column).notna().mean() > 0.5
        return self.keys[name] not in NUMBERING and different > 1 and repeated

    def one_hot(self, names: Sequence[str]) -> list[str]:
        """Return the columns that mark one class each: of 0 and 1, with at most a single 1 in each line."""
        flags = {name: self.by_name[name].str.strip().str.casefold().map(FLAGS) for name in names}
        found = [name for name, column in flags.items() if column.notna().all()]
        marks = sum(flags[name] for name in found)
        return found if len(found) > 1 and marks.max() == 1 and marks.mean() > 0.5 else []

    def typed(self, content: str, value: str | None) -> str | None:
        """Return the column that the command line names; None for `none`."""
        if value is None or (value == NONE and content != "label"):
            return None
        if spelled(value) not in self.by_name:
            problem = f"{content}: column `{value}` not found in {self.table.file}."
            raise MissingColumnError(problem, did_you_mean(value, self.by_name))
        return spelled(value)


def choose_columns(table: LabelTable, paths: ImagePaths, asked: Settings) -> Columns | Refused:
    """Choose the columns of a table: those of the command line, then by their names.

    Raises:
        CalotypeError: A column of the command line is missing; or the labels are neither clear classes nor numbers.
    """
    fields = _Fields(table)
    if named := next(filter(paths.find, table.header), None):
        reason = f"has no names of columns: its first line names the image {named}"
        return Refused(reason, "add a first line, such as image,label.", asks=True)
    images = _images(fields, paths)
    if isinstance(images, Refused):
        return images
    rest = [name for name in fields.by_name if name not in images]
    splits = sorted(fields.called(SPLIT), key=lambda name: not given_splits({*fields.by_name[name]}))
    ways = {"split": splits, "weight": fields.called(WEIGHT), "group": fields.called(GROUP)}
    ways = {way: [name for name in names if name in rest] for way, names in ways.items()}
    label = _label(fields, rest, ways, fields.typed("label", asked.label))
    if isinstance(label, Refused):
        return label
    (name, *instead), reason = label
    found = Columns({"image": images[0], "label": name}, {"label": reason}, {"image": images[1:], "label": instead})
    for way, names in ways.items():
        answer: str | None = getattr(asked, way)
        sure = [each for each in names if each != name and fields.keys[each] not in UNCLEAR]
        chosen = fields.typed(way, answer) if answer is not None else next(iter(sure), None)
        if chosen is not None:
            found.names[way], found.why[way] = chosen, CHOSEN if answer is not None else BY_NAME
        found.instead[way] = [each for each in names if each not in (name, chosen)]
    used = {*found.names.values(), *itertools.chain(*ways.values())}
    found.instead["group"] += [
        each for each in rest if each not in used and 1 < fields.by_name[each].nunique() <= len(table.lines) / 2
    ]
    words = re.split(r"[\W_]+", name.strip().casefold())
    as_class = fields.keys[name] in CLASS or words[-1] in CLASS
    found.holds, found.why["task"] = label_kind(fields.by_name[name], table, as_class, asked.task)
    if "split" in found.names:
        _take_splits(found, fields.by_name[found.names["split"]], table)
    return found


def _images(fields: _Fields, paths: ImagePaths) -> list[str] | Refused:
    """Return the columns that name the images, the best first."""
    first = {name: column.head(LOOKED_AT) for name, column in fields.by_name.items()}
    hits = {name: sum(paths.find(entry) is not None for entry in column) for name, column in first.items()}
    lines = min(len(fields.numbers), LOOKED_AT)
    if images := [name for name in dict.fromkeys([*fields.called(IMAGE), *first]) if hits[name] > lines / 2]:
        return images
    if most := max(hits.values(), default=0):
        reason = f"names existing images in only {most} of its first {lines} lines"
        return Refused(reason, "correct its paths, or restore the images.", asks=True)
    for column in first.values():
        if meant := paths.meant(entry := column.iloc[0]):
            reason = f"names none of the images: it has {entry.strip()!r} for {meant}"
            return Refused(reason, f"write {meant}: paths start from the folder, and have / and the suffix.", asks=True)
    parted = "; it has only one column" if len(first) == 1 else ""
    return Refused(f"names none of the images, such as {paths.there[0]}{parted}")


def _label(
    fields: _Fields, rest: Sequence[str], ways: dict[str, list[str]], asked: str | None
) -> tuple[list[str], str] | Refused:
    """Return the column of the labels, then others that are possible, and the reason."""
    others = [name for name in rest if not any(name in names for names in ways.values())]
    possible = [name for name in others if fields.may_be_labels(name)]
    if asked is not None:
        return [asked, *(name for name in possible if name != asked)], CHOSEN
    if named := [name for name in fields.called(LABEL) if name in others]:
        return [*dict.fromkeys([*named, *possible])], BY_NAME
    if marks := fields.one_hot(others):
        some = ", ".join(f"`{name}`" for name in marks)
        reason = f"has a column of 0 and 1 for each class ({some}), and no column of labels"
        return Refused(reason, "add a column `label` with the name of the class of each image.", asks=True)
    if len(others) == 1 or len(possible) == 1:
        return possible or others, "the only column that can hold labels"
    if possible:
        some = ", ".join(f"`{name}`" for name in possible)
        reason = f"has several columns that can hold the labels: {some}"
        return Refused(reason, f"name one after --config, such as {typed('label', possible[0])}.", asks=True)
    if not others and len(alone := [name for name in rest if name not in ways["split"]]) == 1:
        return alone, "the only column that can hold labels"
    if fields.duplicates:
        return Refused(f"has duplicate columns: {', '.join(fields.duplicates)}", "rename one of them.", asks=True)
    why = [f"`{name}` gives {way}s" for way, names in ways.items() for name in names]
    said = f" ({', '.join(why)})" if why else ""
    return Refused(f"names images, but no column for a label is left{said}; name that column `label`")


def _take_splits(found: Columns, column: "pd.Series[str]", table: LabelTable) -> None:
    """Take the splits of a column, or none if its values do not name them."""
    values = column.value_counts()
    found.splits = given_splits(values.index)
    strange = {value: int(number) for value, number in values.items() if value not in found.splits.values()}
    if not found.splits:
        if found.why["split"] == CHOSEN:
            some = ", ".join(map(repr, [*strange][:3]))
            raise CalotypeError(
                f"split: {table.file}: column `{column.name}` gives no splits: {some}.",
                "name its values train, validation and test, each by one word.",
            )
        del found.names["split"], found.why["split"]
    if strange and len(values) > 1:
        found.unclear = {str(column.name): strange}
