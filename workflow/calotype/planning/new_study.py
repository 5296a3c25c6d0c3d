"""Write the config of a new study from what was seen of its images, with a comment beside each choice."""

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
from calotype.tasks.registry import task_of
from calotype.util.errors import CalotypeError
from calotype.util.files import write_text
from calotype.util.yaml_validation import read_yaml, validate

SIDE = 64  # px, of the longer side, where images are made smaller: enough for most textures and shapes, quick on a CPU
SMALL = 96  # px: images of one size up to this stay as they are
STEPS = 1500  # of training, about: what a small net needs to show what it can do
BATCH = 32
FEW = 20  # images of a class: below, a share of them measures little
UNEVEN = 3.0  # times as many images in the largest class as in the smallest
SHOWN = 3  # examples in a line
SCHEMAS = Path(__file__).parents[1] / "schemas"


def check_name(name: str, settings: Settings, root: Path = Path(), taken: Collection[str] = ()) -> None:
    """See that a study and a dataset can be called so.

    Raises:
        CalotypeError: the name is not plain, or is taken.
    """
    if not re.fullmatch(NAME, name) or name in RESERVED_STUDIES:
        raise CalotypeError(
            f"name: `{name}` cannot be the name of a study.", "letters, digits, - and _; and not one that is taken."
        )
    study = root / settings.study_files / f"{name}.yaml"
    if study.exists():
        raise CalotypeError(f"name: there is a study `{name}` already: {study}.", "choose another name, or edit it.")
    if name in _datasets(root / settings.datasets):
        raise CalotypeError(f"name: {settings.datasets} has a dataset `{name}` already.", "choose another name.")
    if name in taken:
        raise CalotypeError(f"name: `{name}` is the name of a target already.", "choose another name.")


def _datasets(file: Path) -> dict[str, Any]:
    """What datasets.yaml has; nothing, where there is none yet."""
    found = read_yaml(file) if file.exists() else None
    if not isinstance(found, dict | None):
        raise CalotypeError(f"{file}: is not a mapping of datasets.", "config/README.md shows an entry.")
    return found or {}


def write_study(name: str, seen: FolderScan, settings: Settings, root: Path = Path()) -> list[Path]:
    """Add a dataset to datasets.yaml, which may not be there yet, and write the file of a study.

    Returns:
        The two files.

    Raises:
        CalotypeError: the name is taken, or the entry cannot be put behind what stands in datasets.yaml.
    """
    check_name(name, settings, root)
    file, study = root / settings.datasets, root / settings.study_files / f"{name}.yaml"
    known, entry, lines = _datasets(file), dataset_entry(name, seen), study_entry(name, seen)
    before = file.read_text(encoding="utf-8") if file.exists() else f"{_schema('datasets', file)}# The datasets.\n"
    # Before a file is touched: one that is wrong would stop all other studies, too.
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
        raise CalotypeError(f"{file}: nothing can be put at its end.", f"put this into it by hand:\n\n{entry}")
    write_text(_schema("study", study) + lines, study)
    write_text(text, file)
    return [file, study]


def _schema(kind: str, file: Path) -> str:
    """The line that tells an editor how a file is built; none where the workflow does not lie in the project."""
    schema = os.path.relpath(SCHEMAS / f"{kind}.schema.json", file.resolve().parent)
    within = (SCHEMAS.resolve()).is_relative_to(Path.cwd())
    return f"# yaml-language-server: $schema={Path(schema).as_posix()}\n" if within else ""


def _quoted(text: str) -> str:
    """Text as YAML takes it: as it is where it is plain, else in quotes."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", text) and text.lower() not in (
        "true", "false", "yes", "no", "on", "off", "null", "y", "n",
    )  # fmt: skip
    return text if plain else json.dumps(text, ensure_ascii=False)


def _inline(pairs: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {_quoted(value)}" for key, value in pairs.items()) + "}"


# ---- The dataset -----------------------------------------------------------------------------------------------------


def dataset_entry(name: str, seen: FolderScan) -> str:
    """The entry of datasets.yaml."""
    lines = [f"{_quoted(name)}:", "  source: images", f"  folder: {_quoted(seen.folder.as_posix())}"]
    if seen.table:
        lines.append(f"  table: {_inline(seen.table)}")
        if seen.unlabelled:
            lines.append(f"  unlabelled: ignore   # {len(seen.unlabelled)} image(s) that the table does not name")
    if seen.holds == "classes":
        lines.append(f"  classes: [{', '.join(map(_quoted, seen.classes))}]")
        if len(seen.classes) == 2:
            lines[-1] += "   # the second one is the positive one of ROC and precision-recall curves"
    else:
        lines.append(f"  labels: {seen.holds}")
    if seen.others:
        lines.append(f"  ignore: [{', '.join(map(json.dumps, _patterns(seen.others)))}]   # no images")
    if seen.transparent:
        lines.append(f"  alpha: white         # {seen.transparent} image(s) have transparent pixels: laid on white")
    lines.append("  splits:")
    if seen.splits:
        key = "folder" if seen.kind == "split folders" else "value"
        lines += [f"    {split}: {{{key}: {_quoted(value)}}}" for split, value in seen.splits.items()]
    else:
        lines += ["    train: {share: 0.8}", "    test: {share: 0.2}"]
        words = [
            "the same images on the same side each time",
            "the same part of each class" if seen.holds == "classes" else "",
            f"no `{seen.table['group']}` on both sides" if "group" in seen.table else "",
        ]
        lines.append(f"  random: {{seed: 1}}    # {'; '.join(filter(None, words))}")
        if "group" not in seen.table:
            lines += [
                "  # Images that belong together (of one patient, plate, ...) must not come to both sides: name their",
                "  # column as table.group, or find them in the paths by random.group_pattern, as in",
                '  # random: {seed: 1, group_pattern: "(patient-[0-9]+)"}',
            ]
    lines += ["  prepare:", *(f"    - {step}" for step in preparation(seen))]
    return "\n".join(lines) + "\n"


def _patterns(names: list[str]) -> list[str]:
    """What `ignore` says to leave out some files: by their suffix, or by name where they have none."""
    paths = map(PurePosixPath, names)
    return list(dict.fromkeys(f"*{path.suffix}" if path.suffix else path.name for path in paths))


def preparation(seen: FolderScan) -> list[str]:
    """The steps of `prepare`, each with its reason."""
    steps = []
    if len(seen.sizes) > 1 or max(max(size) for size in seen.sizes) > SMALL:
        ratios = {round(width / height, 2) for height, width in seen.sizes}
        height, width = max(seen.sizes, key=lambda size: seen.sizes[size])
        if len(ratios) > 1:
            side = min(SIDE, max(map(max, seen.sizes)))
            size = f"width: {side}, height: {side}"
            steps.append(f"{{name: resize, {size}, keep_aspect: true}}   # {_sizes(seen)}; smaller is faster")
            steps.append(f"{{name: pad, {size}}}")
        else:
            factor = min(1.0, SIDE / max(height, width))
            width, height = (max(1, round(side * factor)) for side in (width, height))
            steps.append(f"{{name: resize, width: {width}, height: {height}}}   # {_sizes(seen)}; smaller is faster")
    if set(seen.channels) == {1}:
        steps.append("grey                 # none of them has colour")
    elif len(seen.channels) > 1:
        steps.append("colour               # some are grey: three channels for all")
    steps.append("scale                # to 0..1")
    return steps


def _sizes(seen: FolderScan) -> str:
    """The sizes in a few words."""
    heights, widths = zip(*seen.sizes, strict=True)
    if len(seen.sizes) == 1:
        return f"they have {widths[0]} x {heights[0]} px"
    return f"they have {min(widths)} x {min(heights)} to {max(widths)} x {max(heights)} px"


# ---- The study -------------------------------------------------------------------------------------------------------


def study_entry(name: str, seen: FolderScan) -> str:
    """The study file."""
    task = task_of(seen.holds)
    images = len(seen.labels) - len(seen.unreadable)
    epochs = min(60, max(5, round(STEPS * BATCH / max(1, 0.7 * images))))
    test = "test" if "test" in seen.splits or not seen.splits else [*seen.splits][-1]
    chosen_by = "  validation_split: 0.1      # of the training images; they choose the epoch"
    if test == "test" and "validation" in seen.splits:
        chosen_by = "  validation: validation     # the split that chooses the epoch"
    lines = [
        "# Not run yet. When it was: what came out, in how much time, on what machine, with how many seeds.",
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


# ---- In words --------------------------------------------------------------------------------------------------------


def findings(name: str, seen: FolderScan) -> list[str]:
    """What was seen, and what to mend before anything is trained, for the terminal."""
    usable = len(seen.labels) - len(seen.unreadable)
    lines = [f"{name}: {usable:,} images in {seen.folder}"]
    if seen.holds == "classes":
        lines.append("  classes: " + ", ".join(f"{label} {count:,}" for label, count in seen.balance.items()))
    else:
        numbers = [*map(float, seen.labels.values())]
        words = f"{seen.holds} from {min(numbers):g} to {max(numbers):g}"
        lines.append(f"  labels: {words}, in the column `{seen.table['label']}`")
    bits = " and ".join(f"{bits} bit" for bits in sorted(seen.bits))
    colours = " and ".join({1: "grey", 3: "colour"}[channels] for channels in sorted(seen.channels))
    lines.append(f"  {_sizes(seen)}, {colours}, {bits}")
    if seen.splits:
        lines.append("  splits that are given: " + ", ".join(seen.splits))
    elif "group" in seen.table:
        lines.append(f"  the column `{seen.table['group']}` says what belongs together, on one side of a split")
    else:
        lines.append("  what belongs together, such as images of a patient, is not known: see `random` in the entry")
    for column, strange in seen.unclear.items():
        lines += _unclear(column, strange, seen)
    if seen.alike:
        names = "; ".join(" and ".join(map(repr, names)) for names in seen.alike[:SHOWN])
        lines.append(f"  classes that differ only in spaces or capitals: {names}; if they are one, mend the labels")
    counts = seen.balance.values()
    if counts and min(counts) < FEW:
        lines.append(f"  few: {min(counts)} images of `{min(seen.balance, key=lambda key: seen.balance[key])}`")
        lines[-1] += "" if seen.splits else "; a test on a fifth of them says little"
    if counts and max(counts) > UNEVEN * min(counts):
        lines.append("  uneven: quote the balanced accuracy beside the accuracy")
    if seen.others:
        lines.append(f"  no images: {len(seen.others)} file(s), such as {seen.others[0]}; they go to `ignore`")
    if seen.unlabelled:
        lines.append(f"  not in the table: {len(seen.unlabelled)} image(s), such as {seen.unlabelled[0]}; left out")
    if seen.absent:
        lines.append(f"  not there: {len(seen.absent)} image(s) that {seen.table['file']} names, such as")
        lines[-1] += f" {seen.absent[0].strip() or '(nothing)'}; bring them back, or delete these lines"
    lines += [f"  not used: {name} {reason}" for name, reason in [*seen.not_used.items()][:SHOWN]]
    if "weight" in seen.table:
        lines.append(f"  the column `{seen.table['weight']}` is taken for weights in the training loss; delete")
        lines[-1] += " `weight` from the table's entry if it is none"
    if seen.duplicates:
        pairs = "; ".join(" = ".join(paths[:2]) for paths in seen.duplicates[:SHOWN])
        lines.append(f"  the same pixels: {len(seen.duplicates)} image(s) are there more than once, such as {pairs}.")
        lines.append("    Delete all but one, or they may sit on both sides of a split, which is refused.")
    if seen.unreadable:
        lines.append(f"  cannot be used: {len(seen.unreadable)} image(s); mend or delete them first:")
        lines += [f"    {path}: {reason}" for path, reason in [*seen.unreadable.items()][:SHOWN]]
    return lines


def _unclear(column: str, strange: Mapping[str, int], seen: FolderScan) -> list[str]:
    """What to say, and to write, where a column seems to give the splits, and has values that are not understood."""
    values = ", ".join(map(repr, [*strange][:SHOWN])) + ", ..." * (len(strange) > SHOWN)
    if seen.splits:
        line = f"  in no split: {sum(strange.values())} image(s) of which the column `{column}` says {values}; if that"
        return [f"{line} is a split, name it under `splits`"]
    train = min(strange, key=lambda value: (split_name(value) != "train", split_name(value) is not None))
    test = min(strange, key=lambda value: (value == train, split_name(value) != "test"))
    return [
        f"  the column `{column}` says {values}: not all understood, so images are dealt out at random. If it gives",
        f"    splits, write `split: {_quoted(column)}` under `table`, and such as "
        f"`splits: {{train: {{value: {_quoted(train)}}}, test: {{value: {_quoted(test)}}}}}`.",
    ]
