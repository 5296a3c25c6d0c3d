"""Split images at random: by a seed, with equal shares of each class, and without cutting groups."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

LEFT = ""  # the split of an image that is in no split


def counts(number: int, shares: Sequence[float]) -> list[int]:
    """Return how many of `number` things each share gets: its floor, plus one for the largest remainders.

    Shares are in 0..1; if they sum to less than 1, the rest is left over.
    """
    wanted = [number * share for share in (*shares, max(0.0, 1 - sum(shares)))]
    # The sum of shares such as 0.7 and 0.3 is not exactly 1; this must not leave a thing over.
    found = [int(np.floor(each + 1e-9)) for each in wanted]
    remainders = [each - floor for each, floor in zip(wanted, found, strict=True)]
    for place in np.argsort([-round(each, 9) for each in remainders], kind="stable")[: number - sum(found)]:
        found[place] += 1
    return found[:-1]


def split_images(
    number: int, shares: Mapping[str, float], seed: int, strata: Sequence[object] | None = None
) -> NDArray[np.object_]:
    """Split images at random.

    Args:
        number: number of images.
        shares: share of each split, in 0..1; they sum to at most 1.
        seed: seed of the random numbers.
        strata: stratum of each image, such as its class; each split gets its share of each stratum.

    Returns:
        The split of each image, shape (images,); `LEFT` for images beyond all shares. The size of a split is exact to
        one image, its share of a stratum to as many images as there are splits.
    """
    found = np.full(number, LEFT, object)
    values = np.zeros(number, np.int64) if strata is None else _codes(strata)
    parts = np.array([*shares.values(), max(0.0, 1 - sum(shares.values()))])
    rest = []  # remainders of the strata: of a small stratum, maybe all images
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


def split_groups(
    groups: Sequence[object], shares: Mapping[str, float], seed: int, strata: Sequence[object] | None = None
) -> NDArray[np.object_]:
    """Split images at random and keep each group whole; the shares are met only approximately.

    Groups are assigned from the largest to the smallest, ties in random order. Each goes to the split that it brings
    closest to its shares, over all strata.

    Args:
        groups: group of each image.
        shares, seed, strata: as in `split_images`.

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
        # The decrease of what is missing, summed over strata; plus a relative term, so that small splits fill, too.
        before = np.abs(wanted - has).sum(axis=1)
        after = np.abs(wanted - has - held[group]).sum(axis=1)
        chosen[group] = np.argmax((before - after) / held[group].sum() + 1e-3 * before / wanted.sum(axis=1))
        has[chosen[group]] += held[group]
    return np.array([*parts], object)[chosen[values]]


def _codes(values: Sequence[object]) -> NDArray[np.int64]:
    """Map the distinct values to numbers from 0, in the order of the values as text."""
    return np.unique([str(value) for value in values], return_inverse=True)[1].astype(np.int64).reshape(-1)
