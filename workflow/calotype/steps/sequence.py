"""Lists of steps: as plain data, their checks, and their measured numbers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from calotype.steps.base import Known, Step


def plain_steps(steps: Iterable[Step]) -> list[Any]:
    """Return steps as plain data: names, or mappings of the keys that differ from their defaults."""
    plain = [step.values() for step in steps]
    return [found["name"] if len(found) == 1 else found for found in plain]


def measured_split(steps: Iterable[Step]) -> str | None:
    """Return the split on which a step measures its numbers; None if no step does."""
    return next((step.measures for step in steps if step.measures), None)


def before_measuring(steps: Sequence[Step]) -> list[Step]:
    """Return the steps before the one that measures."""
    return [*steps[: next(i for i, step in enumerate(steps) if step.measures)]]


def with_measured(steps: Iterable[Step], measured: Mapping[str, Any]) -> list[Step]:
    """Return the steps with the measured numbers instead of the split."""
    return [step.with_measured(measured) for step in steps]


def check_steps(steps: Sequence[Step], known: Known, splits: Iterable[str] = ()) -> None:
    """Raise ValueError for a duplicate step, a wrong split, or a step that cannot follow those before it."""
    names = [step.name for step in steps if step.once]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"prepare: duplicate step `{twice}`")
    measuring = [i for i, step in enumerate(steps) if step.measures]
    for place in measuring[1:]:
        raise ValueError(
            f"prepare.{place}.{steps[place].name}.split: step {measuring[0]} measures a split already; only one can"
        )
    if measuring and (split := measured_split(steps)) not in (splits := [*splits]):
        where = f"prepare.{measuring[0]}.{steps[measuring[0]].name}.split"
        raise ValueError(f"{where}: split `{split}` not found; splits are {', '.join(splits)}")
    for place, step in enumerate(steps):
        try:
            step.check(known)
        except ValueError as problem:
            raise ValueError(f"prepare.{place}.{step.name}: {problem}") from None
        known = step.after(known)
