"""Write the config of a new study from a scan of its images, with a comment beside each choice."""

import json
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
from calotype.data.folder_scan import FolderScan, split_name
from calotype.data.image_file import used_levels
from calotype.tasks.registry import task_of
from calotype.util.errors import CalotypeError
from calotype.util.files import write_text
from calotype.util.yaml_validation import read_yaml, validate

SIDE = 64  # px of the longer side of resized images: enough for most textures and shapes, and fast on a CPU
SMALL = 96  # px: images of one size up to this are not resized
STEPS = 1500  # training steps, approximately: a small model shows its potential
BATCH = 32
FEW = 20  # images of a class: fewer give no precise test result
UNEVEN = 3.0  # ratio of the largest to the smallest class
SHOWN = 3  # examples in a line
SCHEMAS = Path(__file__).parents[2] / "schemas"


def check_name(name: str, settings: Settings, root: Path = Path(), taken: Collection[str] = ()) -> None:
    """Raise CalotypeError if a new study and its dataset cannot have a name.

    Args:
        taken: names of all targets.
    """
    if not re.fullmatch(NAME, name) or name in RESERVED_STUDIES:
        hint = f"use letters, digits, - and _; reserved names are {', '.join(RESERVED_STUDIES)}."
        raise CalotypeError(f"name: `{name}` cannot be the name of a study.", hint)
    study = root / settings.study_files / f"{name}.yaml"
    if study.exists():
        raise CalotypeError(f"name: study `{name}` already exists: {study}.", "choose another name, or edit it.")
    if name in _datasets(root / settings.datasets):
        raise CalotypeError(f"name: dataset `{name}` already exists in {settings.datasets}.", "choose another name.")
    if name in taken:
        raise CalotypeError(f"name: target `{name}` already exists.", "choose another name.")


def _datasets(file: Path) -> dict[str, Any]:
    found = read_yaml(file) if file.exists() else None
    if not isinstance(found, dict | None):
        raise CalotypeError(f"{file}: is not a mapping of datasets.", "see config/README.md for an example.")
    return found or {}


def write_study(name: str, seen: FolderScan, settings: Settings, root: Path = Path()) -> list[Path]:
    """Append a dataset to datasets.yaml, or make that file, and write a study file; return both paths.

    Raises:
        CalotypeError: The name is taken, or datasets.yaml cannot be appended to.
    """
    check_name(name, settings, root)
    file, study = root / settings.datasets, root / settings.study_files / f"{name}.yaml"
    known, entry, lines = _datasets(file), dataset_entry(name, seen), study_entry(name, seen)
    before = file.read_text(encoding="utf-8") if file.exists() else f"{_schema('datasets', file)}# The datasets.\n"
    # Validate first: an invalid entry in datasets.yaml would stop all other studies.
    validate(ImagesDataset, yaml.safe_load(entry)[name], f"{settings.datasets}: {name}")
    validate(Study, yaml.safe_load(lines), str(study))
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


def _quoted(text: str) -> str:
    """Format text for YAML, with quotes if needed."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", text) and text.lower() not in (
        "true", "false", "yes", "no", "on", "off", "null", "y", "n",
    )  # fmt: skip
    return text if plain else json.dumps(text, ensure_ascii=False)


def _inline(pairs: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {_quoted(value)}" for key, value in pairs.items()) + "}"


def dataset_entry(name: str, seen: FolderScan) -> str:
    """Return the entry of datasets.yaml."""
    lines = [f"{_quoted(name)}:", "  source: images", f"  folder: {_quoted(seen.folder.as_posix())}"]
    if seen.table:
        lines.append(f"  table: {_inline(seen.table)}")
        if seen.unlabelled:
            lines.append(f"  unlabelled: ignore   # {len(seen.unlabelled)} image(s) that the table does not name")
    if seen.holds == "classes":
        lines.append(f"  classes: [{', '.join(map(_quoted, seen.classes))}]")
        if len(seen.classes) == 2:
            lines[-1] += "   # ROC and precision-recall curves: the second class is positive"
    else:
        lines.append(f"  labels: {seen.holds}")
    if seen.others:
        paths = map(PurePosixPath, seen.others)
        patterns = dict.fromkeys(f"*{path.suffix}" if path.suffix else path.name for path in paths)
        lines.append(f"  ignore: [{', '.join(map(json.dumps, patterns))}]   # other files")
    if seen.transparent:
        lines.append(f"  alpha: white         # {seen.transparent} image(s) have transparent pixels")
    lines.append("  splits:")
    if seen.splits:
        key = "folder" if seen.kind == "split folders" else "value"
        lines += [f"    {split}: {{{key}: {_quoted(value)}}}" for split, value in seen.splits.items()]
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
    lines += ["  prepare:", *(f"    - {step}" for step in preparation(seen))]
    return "\n".join(lines) + "\n"


def preparation(seen: FolderScan) -> list[str]:
    """Return the steps of `prepare`, each with its reason."""
    steps = []
    if len(seen.sizes) > 1 or max(max(size) for size in seen.sizes) > SMALL:
        ratios = {round(width / height, 2) for height, width in seen.sizes}
        height, width = max(seen.sizes, key=lambda size: seen.sizes[size])
        if len(ratios) > 1:
            side = min(SIDE, max(map(max, seen.sizes)))
            size = f"width: {side}, height: {side}"
            steps.append(f"{{name: resize, {size}, keep_aspect: true}}   # images: {_sizes(seen)}; smaller is faster")
            steps.append(f"{{name: pad, {size}}}")
        else:
            factor = min(1.0, SIDE / max(height, width))
            width, height = (max(1, round(side * factor)) for side in (width, height))
            size = f"width: {width}, height: {height}"
            steps.append(f"{{name: resize, {size}}}   # images: {_sizes(seen)}; smaller is faster")
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
        f"title: {_quoted(name.replace('-', ' ').replace('_', ' ').capitalize())}",
        f"dataset: {_quoted(name)}",
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
    counts = seen.balance
    if seen.holds == "classes":
        lines.append("  classes: " + ", ".join(f"{label} {count:,}" for label, count in counts.items()))
    else:
        numbers = [*map(float, seen.labels.values())]
        words = f"{seen.holds} from {min(numbers):g} to {max(numbers):g}"
        lines.append(f"  labels: {words}, in the column `{seen.table['label']}`")
    bits = " and ".join(f"{bits} bit" for bits in sorted(seen.bits))
    colours = " and ".join({1: "grey", 3: "colour"}[channels] for channels in sorted(seen.channels))
    lines.append(f"  images: {_sizes(seen)}, {colours}, {bits}")
    if levels := used_levels(max(seen.bits), seen.largest):
        lines.append(
            f"  levels: the largest value is {seen.largest:,}, so {levels.bit_length()} of 16 bits are used; "
            f"`normalise` maps 0 to {levels:,} to 0..1"
        )
    if seen.splits:
        lines.append("  given splits: " + ", ".join(seen.splits))
    elif "group" in seen.table:
        lines.append(f"  groups: images with the same `{seen.table['group']}` stay in one split")
    else:
        lines.append(
            "  groups: unknown; if images belong together, such as those of a patient, see `random` in the entry"
        )
    for column, strange in seen.unclear.items():
        lines += _unclear(column, strange, seen)
    if seen.alike:
        names = "; ".join(" and ".join(map(repr, names)) for names in seen.alike[:SHOWN])
        lines.append(f"  similar classes: {names} differ only in spaces or capitals; if they are one, fix the labels")
    if counts and min(counts.values()) < FEW:
        smallest = min(counts, key=lambda key: counts[key])
        imprecise = "" if seen.splits else "; a test on a fifth of them is imprecise"
        lines.append(f"  small class: `{smallest}` has {counts[smallest]} images{imprecise}")
    if counts and max(counts.values()) > UNEVEN * min(counts.values()):
        lines.append("  unbalanced classes: also report the balanced accuracy")
    if seen.others:
        lines.append(f"  ignored: {len(seen.others)} other file(s), such as {seen.others[0]}")
    if seen.unlabelled:
        lines.append(f"  ignored: {_some(seen.unlabelled)}: not in the table")
    if seen.absent:
        lines.append(f"  missing: {_some(seen.absent)}; restore them, or delete their lines in {seen.table['file']}")
    lines += [f"  not used: {name} {reason}" for name, reason in [*seen.not_used.items()][:SHOWN]]
    if "weight" in seen.table:
        lines.append(f"  weights: the column `{seen.table['weight']}`; if it is wrong, delete `weight` in the entry")
    if seen.duplicates:
        pairs = "; ".join(" = ".join(paths[:2]) for paths in seen.duplicates[:SHOWN])
        lines.append(f"  duplicates: {len(seen.duplicates)} image(s) have copies with the same pixels, such as")
        lines.append(f"    {pairs}. Delete the copies: the same image in two splits is an error.")
    if seen.unreadable:
        lines.append(f"  unreadable: {len(seen.unreadable)} image(s); fix or delete them first:")
        lines += [f"    {path}: {reason}" for path, reason in [*seen.unreadable.items()][:SHOWN]]
    return lines


def _some(paths: list[str]) -> str:
    return f"{len(paths)} image(s), such as {paths[0].strip() or '(empty)'}"


def _unclear(column: str, strange: Mapping[str, int], seen: FolderScan) -> list[str]:
    """Return lines about a column that seems to give the splits, but has unknown values."""
    values = ", ".join(map(repr, [*strange][:SHOWN])) + ", ..." * (len(strange) > SHOWN)
    if seen.splits:
        line = f"  in no split: {sum(strange.values())} image(s) with {values} in the column `{column}`; if this"
        return [f"{line} is a split, add it to `splits`"]
    train = min(strange, key=lambda value: (split_name(value) != "train", split_name(value) is not None))
    test = min(strange, key=lambda value: (value == train, split_name(value) != "test"))
    return [
        f"  splits: at random, because of unknown values in the column `{column}`: {values}. If they are splits,",
        f"    write `split: {_quoted(column)}` under `table`, and for example "
        f"`splits: {{train: {{value: {_quoted(train)}}}, test: {{value: {_quoted(test)}}}}}`.",
    ]
