"""Deal images out to splits at random: by a seed, with equal parts of each class, whole groups together."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

LEFT = ""  # the split of an image that is in none


def counts(number: int, shares: Sequence[float]) -> list[int]:
    """How many of a number of things each share gets: its floor, and one more for those with the largest remainders.

    Args:
        number: of things.
        shares: each in 0..1; what they lack of 1 is left over.
    """
    wanted = [number * share for share in (*shares, max(0.0, 1 - sum(shares)))]
    # The sum of shares such as 0.7 and 0.3 is not exactly 1: no thing is left over because of that.
    found = [int(np.floor(each + 1e-9)) for each in wanted]
    remainders = [each - floor for each, floor in zip(wanted, found, strict=True)]
    for place in np.argsort([-round(each, 9) for each in remainders], kind="stable")[: number - sum(found)]:
        found[place] += 1
    return found[:-1]


def deal(
    number: int, shares: Mapping[str, float], seed: int, strata: Sequence[object] | None = None
) -> NDArray[np.object_]:
    """Deal images out to splits.

    Args:
        number: of images.
        shares: of each split, in 0..1, at most 1 in all.
        seed: key of the random numbers; the same seed deals the same images the same way.
        strata: of each image: all splits get equal parts of each, but for what does not come out even.

    Returns:
        The split of each image, shape (images,); `LEFT` for those that no share takes. Each split has its part of all
        images to within one, and of each stratum to within as many as there are splits.
    """
    found = np.full(number, LEFT, object)
    values = np.zeros(number, np.int64) if strata is None else _codes(strata)
    parts = np.array([*shares.values(), max(0.0, 1 - sum(shares.values()))])
    rest = []  # what does not come out even: in small strata that may be all of it
    for stratum in range(values.max(initial=-1) + 1):
        members = np.flatnonzero(values == stratum)
        order = np.random.default_rng([seed, stratum]).permutation(members)
        ends = np.cumsum(np.floor(len(members) * parts + 1e-9).astype(int))
        for split, first, last in zip([*shares, LEFT], [0, *ends], ends, strict=False):
            found[order[first:last]] = split
        rest += order[ends[-1] :].tolist()
    lacking = {
        split: wanted - int(((found == split) & ~np.isin(np.arange(number), rest)).sum())
        for split, wanted in zip(shares, counts(number, [*shares.values()]), strict=True)
    }
    order = np.random.default_rng([seed, 0, 2]).permutation(np.array(rest, int))
    ends = np.cumsum([max(0, lack) for lack in lacking.values()])
    for split, first, last in zip(shares, [0, *ends], ends, strict=False):
        found[order[first:last]] = split
    return found


def deal_groups(
    groups: Sequence[object], shares: Mapping[str, float], seed: int, strata: Sequence[object] | None = None
) -> NDArray[np.object_]:
    """Deal images out to splits so that all images of a group come to the same one.

    Groups are taken from the largest to the smallest, those of one size in random order; each goes to the split that it
    brings nearest to its shares, of each stratum and in all. As groups cannot be cut, the shares are met only nearly.

    Args:
        groups: of each image.
        shares, seed, strata: as in `deal`.

    Returns:
        The split of each image, shape (images,).
    """
    values, kinds = _codes(groups), np.zeros(len(groups), np.int64) if strata is None else _codes(strata)
    held = np.zeros((values.max() + 1, kinds.max() + 1))  # images of each group and stratum
    np.add.at(held, (values, kinds), 1)
    parts = {**shares, LEFT: max(0.0, 1 - sum(shares.values()))}
    if parts[LEFT] < 1e-9:
        del parts[LEFT]
    wanted = np.array([*parts.values()])[:, None] * held.sum(axis=0)
    has = np.zeros_like(wanted)
    order = np.random.default_rng([seed]).permutation(len(held))
    order = order[np.argsort(-held[order].sum(axis=1), kind="stable")]
    chosen = np.zeros(len(held), np.int64)
    for group in order:
        # How much less is missing, summed over strata, if the group goes there; relative, so that small splits fill.
        before = np.abs(wanted - has).sum(axis=1)
        after = np.abs(wanted - has - held[group]).sum(axis=1)
        chosen[group] = np.argmax((before - after) / held[group].sum() + 1e-3 * before / wanted.sum(axis=1))
        has[chosen[group]] += held[group]
    return np.array([*parts], object)[chosen[values]]


def _codes(values: Sequence[object]) -> NDArray[np.int64]:
    """Whole numbers from 0 for equal values, in the order of the values as text."""
    return np.unique([str(value) for value in values], return_inverse=True)[1].astype(np.int64).reshape(-1)
