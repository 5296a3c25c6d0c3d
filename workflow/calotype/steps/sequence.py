"""Lists of steps: as plain data, checked before they run, and with what is measured on a split."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from calotype.steps.base import Known, Step


def plain_steps(steps: Iterable[Step]) -> list[Any]:
    """Give steps as plain data: names, or mappings of the keys that differ from their defaults."""
    plain = [step.values() for step in steps]
    return [found["name"] if len(found) == 1 else found for found in plain]


def measured_split(steps: Iterable[Step]) -> str | None:
    """The split on which numbers of a step are measured; None where none are."""
    return next((step.measures for step in steps if step.measures), None)


def before_measuring(steps: Sequence[Step]) -> list[Step]:
    """The steps before the one whose numbers are measured."""
    return [*steps[: next(i for i, step in enumerate(steps) if step.measures)]]


def with_measured(steps: Iterable[Step], measured: Mapping[str, Any]) -> list[Step]:
    """The steps with what was measured in place of the split that it was measured on."""
    return [step.with_measured(measured) if step.measures else step for step in steps]


def check_steps(steps: Sequence[Step], known: Known, splits: Iterable[str] = ()) -> None:
    """See that steps can follow each other, as far as that is known before images are read.

    Raises:
        ValueError: one cannot work on what those before it give, or is a duplicate, or measures no split.
    """
    names = [step.name for step in steps if step.once]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"prepare: duplicate step `{twice}`")
    measuring = [i for i, step in enumerate(steps) if step.measures]
    for place in measuring[1:]:
        raise ValueError(
            f"prepare.{place}.{steps[place].name}.split: step {measuring[0]} measures a split already; one can"
        )
    if measuring and (split := measured_split(steps)) not in (splits := [*splits]):
        where = f"prepare.{measuring[0]}.{steps[measuring[0]].name}.split"
        raise ValueError(f"{where}: there is no split `{split}`, only {', '.join(splits)}")
    for place, step in enumerate(steps):
        try:
            step.check(known)
        except ValueError as problem:
            raise ValueError(f"prepare.{place}.{step.name}: {problem}") from None
        known = step.after(known)
