"""All tasks by name."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from calotype.tasks.base import Task
from calotype.tasks.classify import CLASSIFY
from calotype.tasks.count import COUNT
from calotype.tasks.labels import LabelKind
from calotype.tasks.regress import REGRESS

# A literal, so that the code digest of a study's evaluation holds its own task only.
TASKS: Mapping[str, Task] = {"count": COUNT, "classify": CLASSIFY, "regress": REGRESS}
if TYPE_CHECKING:
    TaskName = str
else:
    TaskName = Literal[*TASKS]


def task_of(labels: LabelKind) -> Task:
    """Return the first task that takes a kind of labels."""
    return next(task for task in TASKS.values() if task.labels == labels)


def tasks_that(meet: Callable[[Task], bool]) -> str:
    """List the tasks that meet a condition, for descriptions of config keys."""
    return " and ".join(f"`{task.name}`" for task in TASKS.values() if meet(task))
