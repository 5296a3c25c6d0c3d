"""The first lines of `new_study`: the choice of labels, task, splits, groups and weights, and what else is possible."""

import re
from collections.abc import Mapping

from calotype.config.load import NONE
from calotype.planning.folder_findings import nested_labels
from calotype.planning.folder_scan import FolderScan, alike
from calotype.planning.label_columns import CHOSEN, split_name, typed
from calotype.planning.label_kinds import MISSING
from calotype.tasks.registry import TASKS, task_of
from calotype.util.yaml_text import quoted

SHOWN = 3  # examples in a line
MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
DATE = re.compile(rf"\d{{1,2}}-({MONTHS})|({MONTHS})-\d{{1,2}}|\d{{4}}-\d\d-\d\d", re.IGNORECASE)


def choices(seen: FolderScan) -> list[str]:
    """Return a line for each choice."""
    return [*_labels(seen), *_splits(seen), *_groups(seen), *_weights(seen)]


def _or(key: str, seen: FolderScan, *more: str) -> str:
    """Return the other possible columns as they are typed after --config."""
    ways = [*more, *(typed(key, name) for name in seen.instead.get(key, []))]
    return f"; or {', '.join(ways[:SHOWN])}" + ", ..." * (len(ways) > SHOWN) if ways else ""


def _labels(seen: FolderScan) -> list[str]:
    if not seen.table:
        within = " in the folders of the splits" if seen.kind == "split folders" else ""
        none = "" if seen.not_used else "; there is no table of labels"
        if seen.folders and seen.folders.nested:
            return nested_labels(seen.folders)
        return [f"  labels: the names of the folders{within}{none}"]
    task, why = task_of(seen.holds).name, seen.why["task"]
    others = [typed("task", name) for name in TASKS if name != task]
    other = f"; or {', '.join(others)}" if why[:6] != CHOSEN[:6] and why != "the labels are text" else ""
    column = f"the column `{seen.table['label']}` of {seen.table['file']}, {seen.why['label']}"
    return [
        f"  labels: {column}{_or('label', seen)}",
        *(f"  table: {'; '.join(each)}" for each in [seen.unusual] if each),
        f"  task: {task}, {why}" if not other else f"  task: {task}, as {why}{other}",
    ]


def _splits(seen: FolderScan) -> list[str]:
    lines = [_unclear(column, strange, seen) for column, strange in seen.unclear.items()]
    if not seen.splits:
        return [line for each in lines for line in each] or ["  splits: at random, 80 % train and 20 % test"]
    given = ", ".join(name if name == value else f"{name} ({value})" for name, value in seen.splits.items())
    if seen.kind == "split folders":
        return [f"  given splits: the folders {given}"]
    other = _or("split", seen, typed("split", NONE))
    line = f"  given splits: the column `{seen.table['split']}`, {seen.why['split']}: {given}{other}"
    return [line, *(line for each in lines for line in each)]


def _unclear(column: str, strange: Mapping[str, int], seen: FolderScan) -> list[str]:
    """Return lines about a column that seems to give the splits, but has unknown values."""
    values = ", ".join(map(repr, [*strange][:SHOWN])) + ", ..." * (len(strange) > SHOWN)
    if seen.splits:
        line = f"  in no split: {sum(strange.values())} image(s) with {values} in the column `{column}`; if this"
        return [f"{line} is a split, add it to `splits`"]
    train = min(strange, key=lambda value: (split_name(value) != "train", split_name(value) is not None))
    test = min(strange, key=lambda value: (value == train, split_name(value) != "test"))
    return [
        f"  splits: at random, because of unclear values in the column `{column}`: {values}; if they are splits,",
        f"    write `split: {quoted(column)}` under `table`, and for example "
        f"`splits: {{train: {{value: {quoted(train)}}}, test: {{value: {quoted(test)}}}}}`",
    ]


def _groups(seen: FolderScan) -> list[str]:
    if "group" in seen.table:
        other = _or("group", seen, typed("group", NONE))
        where = f"the column `{seen.table['group']}`, {seen.why['group']}"
        return [f"  groups: images with the same `{seen.table['group']}` stay in one split: {where}{other}"]
    if seen.splits:
        return [f"  groups: none{_or('group', seen)}"] if seen.table else []
    words = "unknown; if images belong together, such as those of a patient, see `random` in the entry"
    return [f"  groups: {words}{_or('group', seen)}"]


def _weights(seen: FolderScan) -> list[str]:
    if "weight" in seen.table:
        other = _or("weight", seen, typed("weight", NONE))
        return [f"  weights: the column `{seen.table['weight']}`, {seen.why['weight']}{other}"]
    return [f"  weights: none{_or('weight', seen)}"] if seen.table else []


def shown(name: str) -> str:
    """Return the name of a class, in quotes if it would not be visible as it is."""
    return name if name.isprintable() and name == name.strip() else repr(name)


def doubts(seen: FolderScan) -> list[str]:
    """Return lines about classes and groups that may be typing errors."""
    lines = []
    for what, where, names in (("classes", "labels", seen.classes), ("groups", "table", seen.groups)):
        if similar := alike(names):
            some = "; ".join(" and ".join(map(repr, names)) for names in similar[:SHOWN])
            differ = "differ only in spaces, capitals or the form of a number"
            lines.append(f"  similar {what}: {some} {differ}; if they are one, fix the {where}")
    missing = [name for name in seen.classes if name.strip().casefold() in MISSING]
    dates = [name for name in seen.classes if DATE.fullmatch(name.strip())]
    parts = {name: {part.strip() for part in re.split(r"[,;|/+&]", name)} for name in seen.classes}
    known = {*seen.classes}
    several = [name for name, each in parts.items() if len(each) > 1 and each <= known]
    for found, doubt in (
        (missing, "may stand for a missing label; if so, delete these lines"),
        (dates, "may be a name that a spreadsheet changed into a date"),
        (several, "may name several classes, but an image has one class"),
    ):
        if found:
            lines.append(f"  unclear class: {', '.join(map(repr, found[:SHOWN]))} {doubt}")
    return lines
