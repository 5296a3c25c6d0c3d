"""The lines that `new_study` prints: its choices, and problems to fix before training."""

from calotype.planning.folder_findings import file_lines
from calotype.planning.folder_scan import FolderScan
from calotype.planning.label_findings import choices, doubts, shown
from calotype.planning.new_entries import sizes_text
from calotype.util.powers import with_powers

FEW = 20  # images of a class: fewer give no precise test result
UNEVEN = 3.0  # ratio of the largest to the smallest class
SHOWN = 3  # examples in a line


def findings(name: str, seen: FolderScan) -> list[str]:
    """Return the results of the scan as lines, with problems to fix before training."""
    lines = [f"{name}: {seen.images:,} images in {seen.folder}"]
    lines += choices(seen)
    lines += file_lines(seen)
    lines += [f"  table not used: {reason}" for reason in [*seen.not_used.values()][:SHOWN]]
    if (more := len(seen.not_used) - SHOWN) > 0:
        lines.append(f"  tables not used: {more} more")
    counts = seen.balance
    if seen.holds == "classes":
        lines.append("  classes: " + ", ".join(f"{shown(label)} {count:,}" for label, count in counts.items()))
    else:
        numbers = [*map(float, seen.labels.values())]
        lines.append(f"  {seen.holds}: from {with_powers(f'{min(numbers):g}')} to {with_powers(f'{max(numbers):g}')}")
    bits = " and ".join(f"{bits} bit" for bits in sorted(seen.bits))
    colours = " and ".join({1: "grey", 3: "colour"}[channels] for channels in sorted(seen.channels))
    lines.append(f"  images: {sizes_text(seen)}, {colours}, {bits}")
    lines += _levels(seen)
    lines += doubts(seen)
    if counts and min(counts.values()) < FEW:
        smallest = min(counts, key=lambda key: counts[key])
        imprecise = "" if seen.splits else "; a test on a fifth of them is imprecise"
        number = f"{counts[smallest]} image{'s' * (counts[smallest] != 1)}"
        lines.append(f"  small class: `{shown(smallest)}` has {number}{imprecise}")
    if counts and max(counts.values()) > UNEVEN * min(counts.values()):
        lines.append("  unbalanced classes: also report the balanced accuracy")
    if others := [name for name in seen.others if name not in seen.not_used and name not in seen.files.formats]:
        lines.append(f"  ignored: {_some(others)}, which are not images")
    if seen.unlabelled:
        lines.append(f"  ignored: {_some(seen.unlabelled)}: not in the table")
    if seen.duplicates:
        lines += _contradictions(seen)
        pairs = "; ".join(" = ".join(paths[:2]) for paths in seen.duplicates[:SHOWN])
        lines.append(f"  duplicates: {len(seen.duplicates)} image(s) have copies with the same pixels, such as")
        lines.append(f"    {pairs}. The same image in two splits is an error: delete the copies, or set")
        lines.append("    `duplicates: keep_first` in the entry.")
    if seen.unreadable:
        ways = "fix or delete them, or set `unusable: skip` in the entry"
        lines.append(f"  unreadable: {len(seen.unreadable)} image(s); {ways}:")
        lines += [f"    {path}: {reason}" for path, reason in [*seen.unreadable.items()][:SHOWN]]
    return lines


def _levels(seen: FolderScan) -> list[str]:
    """Return lines about images of 16 bits that do not use all of them."""
    if not seen.levels:
        return []
    line = f"  levels: the largest value is {seen.largest:,}, so {seen.levels.bit_length()} of 16 bits are used; "
    if not seen.levels_differ:
        return [f"{line}`normalise` maps 0 to {seen.levels:,} to 0..1"]
    return [
        f"{line}but {seen.bits[8]:,} image(s) have 8 bits,",
        "    so `normalise` stretches each image from its darkest to its brightest pixel. This loses their brightness;",
        "    if it matters, save all images with the same levels.",
    ]


def _contradictions(seen: FolderScan) -> list[str]:
    """Return the lines about images with the same pixels and different labels."""
    found = []
    for paths in seen.duplicates:
        labelled = {seen.labels[path]: path for path in reversed(paths) if path in seen.labels}
        if len(labelled) > 1:
            found.append(" = ".join(f"{path} ({shown(label)})" for label, path in [*labelled.items()][::-1]))
    if not found:
        return []
    return [
        f"  different labels: {len(found)} image(s) occur with more than one label, such as",
        f"    {'; '.join(found[:SHOWN])}. Decide which label is right, and delete the",
        "    copies with the other one, or correct that label.",
    ]


def _some(paths: list[str]) -> str:
    return f"{len(paths)} file(s), such as {paths[0]}"
