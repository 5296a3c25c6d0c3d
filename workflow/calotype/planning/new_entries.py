"""The entry of datasets.yaml and the study file that `new_study` writes, with a comment beside each choice."""

import fnmatch
from collections.abc import Mapping
from pathlib import PurePosixPath

from calotype.planning.folder_findings import folder_keys
from calotype.planning.folder_scan import FolderScan
from calotype.tasks.registry import task_of
from calotype.util.errors import CalotypeError
from calotype.util.yaml_text import quoted

SIDE = 64  # px of the longer side of resized images: enough for most textures and shapes, and fast on a CPU
SMALL = 96  # px: images of one size up to this are not resized
STEPS = 1500  # training steps, approximately: a small model shows its potential
BATCH = 32
UNITS = ("nm", "um", "µm", "mm", "cm", "m", "km", "px", "mg", "g", "kg", "ml", "l", "ms", "s", "min", "h", "deg")


def _inline(pairs: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {quoted(value)}" for key, value in pairs.items()) + "}"


def _ignored(seen: FolderScan) -> list[str]:
    """Return patterns for the files that are not images; none matches an image or, if possible, the table."""
    table = PurePosixPath(seen.table.file).name if seen.table else ""
    images = {PurePosixPath(path).name for path in (*seen.labels, *seen.unlabelled)}
    patterns: dict[str, None] = {}
    for path in map(PurePosixPath, seen.others):
        ways = [f"*{_literal(path.suffix)}", _literal(path.name)] if path.suffix else [_literal(path.name)]
        fitting = [way for way in ways if not fnmatch.filter(images, way.replace("[", "[[]"))]
        if not fitting:
            raise CalotypeError(f"images: {seen.folder / path}: no pattern ignores it without images.", "rename it.")
        apart = [way for way in fitting if not fnmatch.fnmatch(table, way.replace("[", "[[]"))]
        patterns[[*apart, *reversed(fitting)][0]] = None
    return [*patterns]


def _literal(name: str) -> str:
    return name.replace("*", "?")  # patterns have no escape


def dataset_entry(name: str, seen: FolderScan, side: int | None = None) -> str:
    """Return the entry of datasets.yaml; `side` as for `preparation`."""
    lines = [f"{quoted(name)}:", "  source: images", f"  folder: {quoted(seen.folder.as_posix())}"]
    entry = seen.table.entry if seen.table else {}
    if entry:
        lines.append(f"  table: {_inline(entry)}")
        if seen.unlabelled:
            lines.append(f"  unlabelled: ignore   # {len(seen.unlabelled)} image(s) that the table does not name")
    if seen.holds == "classes":
        lines.append(f"  classes: [{', '.join(map(quoted, seen.classes))}]")
        if len(seen.classes) == 2:
            lines[-1] += "   # ROC and precision-recall curves: the second class is positive"
    else:
        lines += [f"  labels: {seen.holds}", f"  label: {_label_text(entry['label'])}"]
    lines += folder_keys(seen)
    if seen.others:
        lines.append(f"  ignore: [{', '.join(map(quoted, _ignored(seen)))}]   # other files")
    if seen.transparent:
        lines.append(f"  alpha: white         # {seen.transparent} image(s) have transparent pixels")
    lines.append("  splits:")
    if seen.splits:
        key = "folder" if seen.folders else "value"
        lines += [f"    {split}: {{{key}: {quoted(value)}}}" for split, value in seen.splits.items()]
    else:
        same_classes = "; the same fraction of each class" * (seen.holds == "classes")
        group = f"; each `{entry['group']}` in one split" if "group" in entry else ""
        lines += [
            "    train: {share: 0.8}",
            "    test: {share: 0.2}",
            f"  random: {{seed: 1}}    # always the same splits{same_classes}{group}",
        ]
        if not group:
            lines += [
                "  # Keep images that belong together (of one patient, plate, ...) in one split: name their column as",
                "  # table.group, or find the group in their paths, for example",
                '  # random: {seed: 1, group_pattern: "(patient-[0-9]+)"}',
            ]
    lines += ["  prepare:", *(f"    - {step}" for step in preparation(seen, side))]
    return "\n".join(lines) + "\n"


def _label_text(column: str) -> str:
    """Return the name of the labels for figures and tables, from their column, and their unit as a comment."""
    words = column.replace("_", " ").split()
    name, unit = (words[:-1], words[-1]) if len(words) > 1 and words[-1] in UNITS else (words, "mm")
    example = _inline({"name": " ".join(name), "unit": unit})
    return f"{_inline({'name': ' '.join(name)})}   # with their unit, if they have one: {example}"


def preparation(seen: FolderScan, side: int | None = None) -> list[str]:
    """Return the steps of `prepare`, each with its reason.

    Args:
        side: longer side of the images in px, as the user chose it; None: large images are resized to `SIDE`.
    """
    steps = []
    largest = max(max(size) for size in seen.sizes)
    if len(seen.sizes) > 1 or (side != largest if side else largest > SMALL):
        smaller = "as you chose" if side else "smaller is faster; size=128 keeps more"
        ratios = {round(width / height, 2) for height, width in seen.sizes}
        height, width = max(seen.sizes, key=lambda size: seen.sizes[size])
        if len(ratios) > 1:
            length = side or min(SIDE, largest)
            size = f"width: {length}, height: {length}"
            steps.append(f"{{name: resize, {size}, keep_aspect: true}}   # images: {sizes_text(seen)}; {smaller}")
            steps.append(f"{{name: pad, {size}}}")
        else:
            factor = side / max(height, width) if side else min(1.0, SIDE / max(height, width))
            width, height = (max(1, round(side * factor)) for side in (width, height))
            size = f"width: {width}, height: {height}"
            steps.append(f"{{name: resize, {size}}}   # images: {sizes_text(seen)}; {smaller}")
    if set(seen.channels) == {1}:
        steps.append("grey                 # no image has colour")
    elif len(seen.channels) > 1:
        steps.append("colour               # some images are grey: give all three channels")
    if seen.levels_differ:
        steps.append("{name: normalise, range: [0, 1]}   # each image from its darkest to its brightest pixel")
    elif seen.levels:
        levels = f"levels: [0, {max(seen.levels, 255) if 8 in seen.bits else seen.levels}]"
        steps.append(f"{{name: normalise, range: [0, 1], {levels}}}   # to 0..1; largest value: {seen.largest}")
    else:
        steps.append("scale                # to 0..1")
    return steps


def sizes_text(seen: FolderScan) -> str:
    """Return the smallest and the largest size of the images."""
    heights, widths = zip(*seen.sizes, strict=True)
    if len(seen.sizes) == 1:
        return f"{widths[0]} x {heights[0]} px"
    return f"{min(widths)} x {min(heights)} to {max(widths)} x {max(heights)} px"


def study_entry(name: str, seen: FolderScan) -> str:
    """Return the study file."""
    task = task_of(seen.holds)
    epochs = min(60, max(5, round(STEPS * BATCH / max(1, 0.7 * seen.images))))
    test = "test" if "test" in seen.splits or not seen.splits else [*seen.splits][-1]
    chosen_by = "  validation_split: 0.1      # fraction of the training images that chooses the epoch"
    if test == "test" and "validation" in seen.splits:
        chosen_by = "  validation: validation     # the split that chooses the epoch"
    lines = [
        "# Not run yet. After a run, note results, time, machine and number of seeds here.",
        "",
        f"title: {quoted(name.replace('-', ' ').replace('_', ' ').capitalize())}",
        f"dataset: {quoted(name)}",
        f"task: {task.name}",
        f"tests: [{test}]              # never used to choose anything",
        "defaults:",
        task.starter.defaults.rstrip(),
        "  optimizer: {name: adam, learning_rate: 0.001}",
        f"  epochs: {epochs}",
        f"  batch_size: {BATCH}",
        chosen_by,
        "  restore_best_weights: true",
        "variants:",
        task.starter.variants.rstrip(),
    ]
    return "\n".join(lines) + "\n"
