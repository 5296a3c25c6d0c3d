"""Write the config of a new study from a scan of its images, with a comment beside each choice."""

import fnmatch
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from calotype.config.dataset_base import NAME
from calotype.config.dataset_images import ImagesDataset
from calotype.config.load import RESERVED_STUDIES, Settings
from calotype.config.study import Study
from calotype.data.catalogue_image_files import listed
from calotype.data.image_file import used_levels
from calotype.planning.folder_findings import file_lines, folder_keys
from calotype.planning.folder_scan import FolderScan
from calotype.planning.label_findings import choices, doubts, shown
from calotype.planning.written_before import entry_range, is_unchanged, marked
from calotype.tasks.registry import task_of
from calotype.util.errors import CalotypeError
from calotype.util.files import write_text
from calotype.util.yaml_text import quoted
from calotype.util.yaml_validation import read_yaml, validate

SIDE = 64  # px of the longer side of resized images: enough for most textures and shapes, and fast on a CPU
SMALL = 96  # px: images of one size up to this are not resized
STEPS = 1500  # training steps, approximately: a small model shows its potential
BATCH = 32
FEW = 20  # images of a class: fewer give no precise test result
UNEVEN = 3.0  # ratio of the largest to the smallest class
SHOWN = 3  # examples in a line
UNITS = ("nm", "um", "µm", "mm", "cm", "m", "km", "px", "mg", "g", "kg", "ml", "l", "ms", "s", "min", "h", "deg")
SCHEMAS = Path(__file__).parents[2] / "schemas"


def check_name(name: str, settings: Settings, root: Path = Path(), taken: Collection[str] = ()) -> None:
    """Raise CalotypeError if a new study and its dataset cannot have a name.

    Args:
        taken: names of all targets.
    """
    if not re.fullmatch(NAME, name) or name in RESERVED_STUDIES:
        hint = f"use letters, digits, - and _; reserved names are {', '.join(RESERVED_STUDIES)}."
        raise CalotypeError(f"name: `{name}` cannot be the name of a study.", hint)
    file, study = root / settings.datasets, root / settings.study_files / f"{name}.yaml"
    entry = _entry(file, name)
    known = {}
    if study.exists():
        known[f"study `{name}` already exists: {study}"] = study.read_text(encoding="utf-8")
    if name in _datasets(file):
        known[f"dataset `{name}` already exists in {settings.datasets}"] = entry
    for what, text in known.items():
        if not is_unchanged(text):
            why = "; new_study did not write it, or somebody edited it since" * settings.overwrite
            raise CalotypeError(f"name: {what}{why}.", "choose another name, or edit or delete it yourself.")
        if not settings.overwrite:
            raise CalotypeError(f"name: {what}.", "choose another name; or replace it: type overwrite=true.")
    if name in taken and not known:
        raise CalotypeError(f"name: target `{name}` already exists.", "choose another name.")


def _entry(file: Path, name: str) -> str:
    """Return the text of an entry of datasets.yaml; empty without one."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    place = entry_range(text, name)
    return text[place] if place else ""


def _datasets(file: Path) -> dict[str, Any]:
    found = read_yaml(file) if file.exists() else None
    if not isinstance(found, dict | None):
        raise CalotypeError(f"{file}: is not a mapping of datasets.", "see config/README.md for an example.")
    return found or {}


def write_study(name: str, seen: FolderScan, settings: Settings, root: Path = Path()) -> list[Path]:
    """Append a dataset to datasets.yaml, or make that file, and write a study file; return both paths.

    With `overwrite`, they replace what an earlier call wrote under this name.

    Raises:
        CalotypeError: The name is taken, the catalogue would refuse the images, or datasets.yaml cannot be appended to.
    """
    check_name(name, settings, root)
    file, study = root / settings.datasets, root / settings.study_files / f"{name}.yaml"
    known, entry = _datasets(file), marked(dataset_entry(name, seen, settings.size), 1, "  ")
    lines = marked(study_entry(name, seen), 0)
    before = file.read_text(encoding="utf-8") if file.exists() else f"{_schema('datasets', file)}# The datasets.\n"
    # Validate first: an invalid entry in datasets.yaml would stop all other studies.
    dataset = validate(ImagesDataset, yaml.safe_load(entry)[name], f"{settings.datasets}: {name}")
    validate(Study, yaml.safe_load(lines), str(study))
    listed(dataset)  # raises the errors that the catalogue would raise
    if place := entry_range(before, name):
        text = before[: place.start] + entry + before[place.stop :]
    else:
        text = f"{before.rstrip()}\n\n{entry}".lstrip()
    aside = file.with_name(f".{file.name}.new")
    write_text(text, aside)
    try:
        fits = read_yaml(aside) == known | yaml.safe_load(entry)
    except CalotypeError:
        fits = False
    finally:
        aside.unlink()
    if not fits:
        raise CalotypeError(f"{file}: cannot be appended to.", f"add this entry yourself:\n\n{entry}")
    write_text(_schema("study", study) + lines, study)
    write_text(text, file)
    return [file, study]


def _schema(kind: str, file: Path) -> str:
    """Return the line that names the schema for editors; empty if the workflow is outside the project."""
    schema = os.path.relpath(SCHEMAS / f"{kind}.schema.json", file.resolve().parent)
    within = (SCHEMAS.resolve()).is_relative_to(Path.cwd())
    return f"# yaml-language-server: $schema={Path(schema).as_posix()}\n" if within else ""


def _inline(pairs: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {quoted(value)}" for key, value in pairs.items()) + "}"


def _ignored(seen: FolderScan) -> list[str]:
    """Return patterns for the files that are not images; none matches an image or, if possible, the table."""
    table = seen.table.get("file", "").rpartition("/")[2]
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
    if seen.table:
        lines.append(f"  table: {_inline(seen.table)}")
        if seen.unlabelled:
            lines.append(f"  unlabelled: ignore   # {len(seen.unlabelled)} image(s) that the table does not name")
    if seen.holds == "classes":
        lines.append(f"  classes: [{', '.join(map(quoted, seen.classes))}]")
        if len(seen.classes) == 2:
            lines[-1] += "   # ROC and precision-recall curves: the second class is positive"
    else:
        lines += [f"  labels: {seen.holds}", f"  label: {_label_text(seen.table.get('label', ''))}"]
    lines += folder_keys(seen)
    if seen.others:
        lines.append(f"  ignore: [{', '.join(map(quoted, _ignored(seen)))}]   # other files")
    if seen.transparent:
        lines.append(f"  alpha: white         # {seen.transparent} image(s) have transparent pixels")
    lines.append("  splits:")
    if seen.splits:
        key = "folder" if seen.kind == "split folders" else "value"
        lines += [f"    {split}: {{{key}: {quoted(value)}}}" for split, value in seen.splits.items()]
    else:
        same_classes = "; the same fraction of each class" * (seen.holds == "classes")
        group = f"; each `{seen.table['group']}` in one split" if "group" in seen.table else ""
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
            steps.append(f"{{name: resize, {size}, keep_aspect: true}}   # images: {_sizes(seen)}; {smaller}")
            steps.append(f"{{name: pad, {size}}}")
        else:
            factor = side / max(height, width) if side else min(1.0, SIDE / max(height, width))
            width, height = (max(1, round(side * factor)) for side in (width, height))
            size = f"width: {width}, height: {height}"
            steps.append(f"{{name: resize, {size}}}   # images: {_sizes(seen)}; {smaller}")
    if set(seen.channels) == {1}:
        steps.append("grey                 # no image has colour")
    elif len(seen.channels) > 1:
        steps.append("colour               # some images are grey: give all three channels")
    if levels := used_levels(max(seen.bits), seen.largest):
        steps.append(
            f"{{name: normalise, range: [0, 1], levels: [0, {levels}]}}   # to 0..1; largest value: {seen.largest}"
        )
    else:
        steps.append("scale                # to 0..1")
    return steps


def _sizes(seen: FolderScan) -> str:
    heights, widths = zip(*seen.sizes, strict=True)
    if len(seen.sizes) == 1:
        return f"{widths[0]} x {heights[0]} px"
    return f"{min(widths)} x {min(heights)} to {max(widths)} x {max(heights)} px"


def study_entry(name: str, seen: FolderScan) -> str:
    """Return the study file."""
    task = task_of(seen.holds)
    images = len(seen.labels) - len(seen.unreadable)
    epochs = min(60, max(5, round(STEPS * BATCH / max(1, 0.7 * images))))
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


def findings(name: str, seen: FolderScan) -> list[str]:
    """Return the results of the scan as lines, with problems to fix before training."""
    lines = [f"{name}: {len(seen.labels) - len(seen.unreadable):,} images in {seen.folder}"]
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
        lines.append(f"  {seen.holds}: from {min(numbers):g} to {max(numbers):g}")
    bits = " and ".join(f"{bits} bit" for bits in sorted(seen.bits))
    colours = " and ".join({1: "grey", 3: "colour"}[channels] for channels in sorted(seen.channels))
    lines.append(f"  images: {_sizes(seen)}, {colours}, {bits}")
    if levels := used_levels(max(seen.bits), seen.largest):
        lines.append(
            f"  levels: the largest value is {seen.largest:,}, so {levels.bit_length()} of 16 bits are used; "
            f"`normalise` maps 0 to {levels:,} to 0..1"
        )
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
