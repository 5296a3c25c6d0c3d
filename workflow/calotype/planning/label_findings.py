"""The first lines of `new_study`: the choice of labels, task, splits, groups and weights, and what else is possible."""

import collections
import re
from collections.abc import Iterable, Mapping

from calotype.config.load import NONE
from calotype.planning.folder_findings import nested_labels
from calotype.planning.folder_scan import FolderScan
from calotype.planning.label_columns import CHOSEN, split_name, typed
from calotype.planning.label_kinds import MISSING
from calotype.planning.label_source import TableLabels
from calotype.tasks.registry import TASKS, task_of
from calotype.util.yaml_text import quoted

SHOWN = 3  # examples in a line
AT_RANDOM = "  splits: at random, 80 % train and 20 % test"
UNKNOWN_GROUPS = "  groups: unknown; if images belong together, such as those of a patient, see `random` in the entry"
MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
DATE = re.compile(rf"\d{{1,2}}-({MONTHS})|({MONTHS})-\d{{1,2}}|\d{{4}}-\d\d-\d\d", re.IGNORECASE)


def choices(seen: FolderScan) -> list[str]:
    """Return a line for each choice."""
    if table := seen.table:
        return [*_labels(table), *_splits(table), *_groups(table), *_weights(table)]
    assert seen.folders
    within = " in the folders of the splits" if seen.splits else ""
    none = "" if seen.not_used else "; there is no table of labels"
    lines = [f"  labels: the names of the folders{within}{none}"]
    if seen.folders.nested:
        lines = nested_labels(seen.folders)
    if seen.splits:
        return [*lines, f"  given splits: the folders {_given(seen.splits)}"]
    return [*lines, AT_RANDOM, UNKNOWN_GROUPS]


def _or(key: str, table: TableLabels, *more: str) -> str:
    """Return the other possible columns as they are typed after --config."""
    ways = [*more, *(typed(key, name) for name in table.columns.instead.get(key, []))]
    return f"; or {', '.join(ways[:SHOWN])}" + ", ..." * (len(ways) > SHOWN) if ways else ""


def _labels(table: TableLabels) -> list[str]:
    columns = table.columns
    task, why = task_of(columns.holds).name, columns.why["task"]
    others = [typed("task", name) for name in TASKS if name != task]
    other = f"; or {', '.join(others)}" if why[:6] != CHOSEN[:6] and why != "the labels are text" else ""
    column = f"the column `{columns.names['label']}` of {table.file}, {columns.why['label']}"
    return [
        f"  labels: {column}{_or('label', table)}",
        *(f"  table: {'; '.join(each)}" for each in [table.unusual] if each),
        f"  task: {task}, {why}" if not other else f"  task: {task}, as {why}{other}",
    ]


def _given(splits: Mapping[str, str]) -> str:
    return ", ".join(name if name == value else f"{name} ({value})" for name, value in splits.items())


def _splits(table: TableLabels) -> list[str]:
    columns = table.columns
    unclear = [line for name, strange in columns.unclear.items() for line in _unclear(name, strange, columns.splits)]
    if not columns.splits:
        return unclear or [AT_RANDOM]
    column = f"the column `{columns.names['split']}`, {columns.why['split']}"
    other = _or("split", table, typed("split", NONE))
    return [f"  given splits: {column}: {_given(columns.splits)}{other}", *unclear]


def _unclear(column: str, strange: Mapping[str, int], splits: Mapping[str, str]) -> list[str]:
    """Return lines about a column that seems to give the splits, but has unknown values."""
    values = ", ".join(map(repr, [*strange][:SHOWN])) + ", ..." * (len(strange) > SHOWN)
    if splits:
        line = f"  in no split: {sum(strange.values())} image(s) with {values} in the column `{column}`; if this"
        return [f"{line} is a split, add it to `splits`"]
    train = min(strange, key=lambda value: (split_name(value) != "train", split_name(value) is not None))
    test = min(strange, key=lambda value: (value == train, split_name(value) != "test"))
    return [
        f"  splits: at random, because of unclear values in the column `{column}`: {values}; if they are splits,",
        f"    write `split: {quoted(column)}` under `table`, and for example "
        f"`splits: {{train: {{value: {quoted(train)}}}, test: {{value: {quoted(test)}}}}}`",
    ]


def _groups(table: TableLabels) -> list[str]:
    if group := table.columns.names.get("group"):
        other = _or("group", table, typed("group", NONE))
        where = f"the column `{group}`, {table.columns.why['group']}"
        return [f"  groups: images with the same `{group}` stay in one split: {where}{other}"]
    return [f"{'  groups: none' if table.columns.splits else UNKNOWN_GROUPS}{_or('group', table)}"]


def _weights(table: TableLabels) -> list[str]:
    if weight := table.columns.names.get("weight"):
        other = _or("weight", table, typed("weight", NONE))
        return [f"  weights: the column `{weight}`, {table.columns.why['weight']}{other}"]
    return [f"  weights: none{_or('weight', table)}"]


def shown(name: str) -> str:
    """Return the name of a class, in quotes if it would not be visible as it is."""
    return name if name.isprintable() and name == name.strip() else repr(name)


def alike(names: Iterable[str]) -> list[list[str]]:
    """Return names that differ only in spaces, capitals, or the form of a number: 1, 01 and 1.0."""
    found = collections.defaultdict(list)
    for name in names:
        plain = "".join(name.split()).casefold()
        found[str(float(plain)) if re.fullmatch(r"[+-]?\d+(\.\d*)?(e[+-]?\d{1,2})?", plain) else plain].append(name)
    return [names for names in found.values() if len(names) > 1]


def doubts(seen: FolderScan) -> list[str]:
    """Return lines about classes and groups that may be typing errors."""
    lines = []
    for what, where, names in (
        ("classes", "labels", seen.classes),
        ("groups", "table", seen.table.groups if seen.table else []),
    ):
        if similar := alike(names):
            some = "; ".join(" and ".join(map(repr, names)) for names in similar[:SHOWN])
            differ = "differ only in spaces, capitals or the form of a number"
            lines.append(f"  similar {what}: {some} {differ}; if they are one, fix the {where}")
    alone = [name for name, number in seen.balance.items() if number == 1]
    if len(alone) > len(seen.classes) / 2:
        which = f"{len(alone):,} of {len(seen.classes):,} classes have one image, such as `{shown(alone[0])}`"
        lines.append(f"  single images: {which}; if these are no classes, choose another column, or write numbers")
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
