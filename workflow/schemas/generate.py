"""Write the schemas and the reference of config/README.md from the typed config: python workflow/schemas/generate.py"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

WORKFLOW = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(WORKFLOW))

from calotype.config import dataset_user, datasets, grid, load, recipe, study  # noqa: E402
from calotype.steps.registry import STEPS  # noqa: E402

README = WORKFLOW.parent / "config" / "README.md"
BEGIN, END = "<!-- reference: made by workflow/schemas/generate.py -->\n", "<!-- end of the reference -->\n"
PREPARE = "datasets.yaml: the steps of `prepare`"
TABLES: list[tuple[str, type[BaseModel] | None]] = [
    ("load.yaml", load.Settings),
    ("datasets.yaml: a dataset with `source: dots`", datasets.DotsDataset),
    ("datasets.yaml: `drawing`", datasets.Drawing),
    ("datasets.yaml: a split of `dots`", datasets.DrawnSplit),
    ("datasets.yaml: a dataset with `source: idx`", datasets.IdxDataset),
    ("datasets.yaml: a split of `idx`", datasets.IdxSplit),
    ("datasets.yaml: a dataset with `source: csv`", datasets.CsvDataset),
    ("datasets.yaml: a split of `csv`", datasets.CsvSplit),
    ("datasets.yaml: a dataset with `source: npz`", datasets.NpzDataset),
    ("datasets.yaml: a split of `npz`", datasets.NpzSplit),
    ("datasets.yaml: a dataset with `source: images`", dataset_user.ImagesDataset),
    ("datasets.yaml: a split of `images`", dataset_user.ImageSplit),
    ("datasets.yaml: `table`", dataset_user.ImageTable),
    ("datasets.yaml: a dataset with `source: arrays`", dataset_user.ArraysDataset),
    ("datasets.yaml: a split of `arrays`", dataset_user.ArraySplit),
    ("datasets.yaml: `arrays`", dataset_user.Arrays),
    ("datasets.yaml: `random`; `group_pattern` of `images` alone", dataset_user.RandomImages),
    (PREPARE, None),  # all steps in one
    ("datasets.yaml: `fetch`", datasets.Fetch),
    ("datasets.yaml: one of `fetch.sources`", datasets.FileSource),
    ("studies/<study>.yaml", study.Study),
    ("studies/<study>.yaml: a variant", study.Variant),
    ("studies/<study>.yaml: `optimizer`", recipe.Optimizer),
    ("studies/<study>.yaml: one of `augment`", recipe.Augmentation),
    ("studies/<study>.yaml: `reduce_on_plateau`", recipe.Plateau),
    ("studies/<study>.yaml: a claim", study.Claim),
    ("studies/<study>.yaml: `source`", study.Source),
]


def schema_files() -> dict[Path, str]:
    """The content of every schema file."""
    folder = WORKFLOW / "schemas"
    return {folder / name: json.dumps(schema, indent=2) + "\n" for name, schema in load.schemas().items()}


def _kind(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """A schema's type in words."""
    if "$ref" in schema:
        return _kind(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    if "anyOf" in schema:
        options = [_kind(option, definitions) for option in schema["anyOf"] if option.get("type") != "null"]
        return ("; or " if any("," in option for option in options) else " or ").join(options)
    if "enum" in schema:
        return ", ".join(f"`{str(value).lower() if isinstance(value, bool) else value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'], definitions)}"
    kinds = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}
    limits = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {schema[key]}" for key, sign in limits.items() if key in schema]
    return " ".join([kinds.get(schema.get("type", ""), "mapping"), *([", ".join(bounds)] if bounds else [])])


def _rows(model: type[BaseModel]) -> dict[str, str]:
    """The rows of a table of the keys of a type, by key."""
    schema = model.model_json_schema()
    rows = {}
    for key, entry in schema["properties"].items():
        required = key in schema.get("required", ())
        default = "must be given" if required else f"`{json.dumps(entry.get('default'))}`"
        if model is study.Variant and required:
            default = "must be given, here or in `defaults`"
        if not required and entry.get("default") in (None, "", {}, []):
            default = "none"
        rows[key] = f"| `{key}` | {_kind(entry, schema.get('$defs', {}))} | {default} | {_described(entry)} |"
    return rows


def _described(entry: dict[str, Any]) -> str:
    return entry.get("description", "").replace("|", "\\|")


def _steps() -> list[str]:
    """A table of all steps with their keys."""
    lines = ["| step | key | value | default | what it is |", "|---|---|---|---|---|"]
    for name, model in STEPS.items():
        rows = _rows(model)
        del rows["name"]
        lines.append(f"| `{name}` | | | | {_described(model.model_json_schema()['properties']['name'])} |")
        lines += [f"| {row}" for row in rows.values()]
    return lines


def reference() -> str:
    """The tables of all keys, in Markdown."""
    parts = []
    for heading, model in TABLES:
        rows = [*_rows(model).values()] if model else []
        if model is study.Variant:
            rows.append(f"| `{grid.GRID}` | mapping of lists | none | {grid.GRID_DESCRIPTION} |")
        lines = ["| key | value | default | what it is |", "|---|---|---|---|", *rows] if model else _steps()
        parts.append("\n".join([f"### {heading}", "", *lines]) + "\n")
    return "\n".join(parts)


def readme_with_reference(text: str) -> str:
    """config/README.md with its reference made anew."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + reference() + "\n" + END + rest.split(END)[1]


def main() -> None:
    """Write all files."""
    for path, content in schema_files().items():
        path.write_text(content, encoding="utf-8")
    README.write_text(readme_with_reference(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
