"""Tell classes, counts and numbers apart in the labels of a table, for `new_study`; ask if it is not clear."""

import re

import pandas as pd

from calotype.data.catalogue_common import as_numbers, several
from calotype.data.table_file import LabelTable
from calotype.tasks.labels import LARGEST_COUNT, LabelKind
from calotype.tasks.registry import TASKS
from calotype.util.errors import CalotypeError
from calotype.util.typed import check_shown

MOST_CLASSES, CLEAR_CLASSES = 50, 10  # more different whole numbers are numbers: in columns named as classes, in others
MISSING = ("", "na", "n/a", "#n/a", "n.a.", "nan", "none", "null", "missing", "unknown", "-", "--", "?", ".", "#value!")
# Numbers as people write them: 0,5 and 1,000 and 30 % and <5 and 3 mm and 3 ± 1.
WRITTEN = re.compile(
    r"[<>≤≥≈~±+−$€£-]*\s*\d+([.,'’\s]\d+)*([.,]|e[+-]?\d+)?(\s*(±|\+/?-)\s*[\d.,]+)?\s*(?P<unit>[%‰°$€£]?[a-zµμ/]{0,12}[²³23]?)",
    re.IGNORECASE,
)


def label_kind(
    labels: "pd.Series[str]", table: LabelTable, named_as_class: bool, task: str | None
) -> tuple[LabelKind, str]:
    """Return the kind of the labels of a table, and the reason.

    Args:
        labels: fields of the column, by line number in the file; the name of the series is that of the column.
        named_as_class: the name of the column says that whole numbers are classes.
        task: choice of the user.

    Raises:
        CalotypeError: The labels are of several kinds.
    """
    where = f"{table.file}: column `{labels.name}`"
    words = labels.str.strip()
    if (empty := words == "").any():
        lines = [f"line {line}" for line in labels.index[empty]]
        raise CalotypeError(f"{where}: empty label:{several(lines)}", "fill it in, or delete these lines.")
    for line, label in labels.items():
        try:
            check_shown(label)
        except ValueError as error:
            problem, _, hint = str(error).partition("\nHint: ")
            raise CalotypeError(f"{where}: line {line}: {problem}.", hint) from None
    numbers, different = as_numbers(labels), words.nunique()
    whole = bool((numbers % 1 == 0).all())
    if task is not None:
        holds = TASKS[task].labels
        if holds != "classes":
            _check_numbers(labels, numbers, where, holds)
        return holds, f"as you chose (task={task})"
    if numbers.isna().any():
        if _meant_as_numbers(words, numbers):
            _check_numbers(labels, numbers, where, "numbers")
        return "classes", "the labels are text"
    if "count" in str(labels.name).casefold():
        if not whole or numbers.min() < 0:
            odd = labels[(numbers % 1 != 0) | (numbers < 0)].iloc[0].strip()
            return "numbers", f"the column is named as a count, but {odd} is not one"
        _check_numbers(labels, numbers, where, "counts")
        return "counts", "the labels are whole numbers, and the column is named as a count"
    limit = MOST_CLASSES if named_as_class else CLEAR_CLASSES
    if whole and different <= min(limit, len(labels) / 2):
        return "classes", f"the labels are only {different} different whole numbers"
    return "numbers", "the labels are numbers" + f", {different} different ones" * whole


def _meant_as_numbers(words: "pd.Series[str]", numbers: "pd.Series[float]") -> bool:
    """Return True if at least half of the labels look like numbers, apart from words for missing labels."""
    known = words[~words.str.casefold().isin(MISSING)]
    written = known.map(WRITTEN.fullmatch)
    units = {match["unit"].casefold() for match in written.dropna()} - {""}
    if len(units) > 1:  # 1st, 2nd and 3rd are names
        written = written.where(numbers[known.index].notna())
    return len(known) > 0 and bool(written.notna().sum() >= len(known) / 2)


def _check_numbers(labels: "pd.Series[str]", numbers: "pd.Series[float]", where: str, holds: LabelKind) -> None:
    """Raise CalotypeError if some labels are not numbers, or not counts."""
    if (wrong := numbers.isna()).any():
        raise CalotypeError(
            f"{where}: {int(wrong.sum())} of {len(labels)} labels are not numbers:{_lines(labels[wrong])}",
            "write numbers as 0.5 or 1000, without commas and units; delete lines without a number; or type "
            "task=classify to use all labels as classes.",
        )
    if holds == "counts" and (wrong := (numbers % 1 != 0) | (numbers < 0) | (numbers > LARGEST_COUNT)).any():
        raise CalotypeError(
            f"{where}: {int(wrong.sum())} of {len(labels)} labels are not whole numbers from 0 to {LARGEST_COUNT}:"
            + _lines(labels[wrong]),
            "type task=regress to use them as numbers.",
        )


def _lines(labels: "pd.Series[str]") -> str:
    return several([f"line {line}: {label!r}" for line, label in labels.items()])
