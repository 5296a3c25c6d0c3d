"""Write the config of a new study, or replace what an earlier call wrote."""

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from calotype.config.dataset_base import NAME
from calotype.config.dataset_images import ImagesDataset
from calotype.config.load import RESERVED_STUDIES, Settings
from calotype.config.study import Study
from calotype.data.catalogue_image_files import listed
from calotype.planning.folder_scan import FolderScan
from calotype.planning.new_entries import dataset_entry, study_entry
from calotype.planning.written_before import entry_range, is_unchanged, marked
from calotype.util.errors import CalotypeError
from calotype.util.files import write_text
from calotype.util.yaml_validation import read_yaml, validate

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
