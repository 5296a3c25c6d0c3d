"""Generate the schemas and the reference in config/README.md: python workflow/schemas/generate.py"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

WORKFLOW = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(WORKFLOW))

from calotype.config import augmentation, choice, figure_style, grid, load, optimizer, study  # noqa: E402
from calotype.config.datasets import DATASETS  # noqa: E402
from calotype.steps.registry import STEPS  # noqa: E402

README = WORKFLOW.parent / "config" / "README.md"
BEGIN, END = "<!-- reference: made by workflow/schemas/generate.py -->\n", "<!-- end of the reference -->\n"
PREPARE = "datasets.yaml: the steps of `prepare`"
# By key, instead of its type.
IN_WORDS = {"prepare": "names of steps, or mappings with `name`; see the steps of `prepare`"}
Table = tuple[str, type[BaseModel] | None]


def _parts(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the config types in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def _parts_of(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield all nested types of a dataset, each with its path."""
    for key, entry in model.model_fields.items():
        if key != "prepare":  # has one table for all datasets
            for part in _parts(entry.annotation):
                yield above + key, part
                yield from _parts_of(part, f"{above}{key}.")


def _dataset_tables() -> Iterator[Table]:
    """Yield a table for each source and each nested type; several sources may share a type."""
    parts = [(path, part, source) for source, model in DATASETS.items() for path, part in _parts_of(model)]
    done = set()
    for source, model in DATASETS.items():
        yield f"datasets.yaml: a dataset with `source: {source}`", model
        for path, part in _parts_of(model):
            if part not in done:
                done.add(part)
                sources = ", ".join(f"`{other}`" for _, same, other in parts if same is part)
                what = "a split" if path == "splits" else f"`{path}`"
                yield f"datasets.yaml: {what} of {sources}", part


TABLES: list[Table] = [
    ("config.yaml", load.Settings),
    ("config.yaml: `figures`", figure_style.FigureStyle),
    *_dataset_tables(),
    (PREPARE, None),  # one table for all steps
    ("studies/<study>.yaml", study.Study),
    ("studies/<study>.yaml: a variant", study.Variant),
    ("studies/<study>.yaml: `optimizer`", optimizer.Optimizer),
    ("studies/<study>.yaml: one of `augment`", augmentation.Augmentation),
    ("studies/<study>.yaml: `reduce_on_plateau`", optimizer.Plateau),
    ("studies/<study>.yaml: a claim", study.Claim),
    ("studies/<study>.yaml: `source`", study.Source),
    ("studies/<study>.yaml: `figures`", choice.StudyFigures),
]


def schema_files() -> dict[Path, str]:
    """Return the content of all schema files."""
    folder = WORKFLOW / "schemas"
    return {folder / name: json.dumps(schema, indent=2) + "\n" for name, schema in load.schemas().items()}


def _kind(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Describe the type of a schema in words."""
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
    """Return the table rows of a type, by key."""
    schema = model.model_json_schema()
    rows = {}
    for key, entry in schema["properties"].items():
        required = key in schema.get("required", ())
        default = "required" if required else f"`{json.dumps(entry.get('default'))}`"
        if model is study.Variant and required:
            default = "required, here or in `defaults`"
        if not required and entry.get("default") in (None, "", {}, []):
            default = "none"
        kind = IN_WORDS.get(key) or _kind(entry, schema.get("$defs", {}))
        rows[key] = f"| `{key}` | {kind} | {default} | {_described(entry)} |"
    return rows


def _described(entry: dict[str, Any]) -> str:
    return entry.get("description", "").replace("|", "\\|")


def _steps() -> list[str]:
    """Return the table of all steps and their keys."""
    lines = ["| step | key | value | default | description |", "|---|---|---|---|---|"]
    for name, model in STEPS.items():
        rows = _rows(model)
        del rows["name"]
        lines.append(f"| `{name}` | | | | {_described(model.model_json_schema()['properties']['name'])} |")
        lines += [f"| {row}" for row in rows.values()]
    return lines


def reference() -> str:
    """Return the tables of all keys, in Markdown."""
    parts = []
    for heading, model in TABLES:
        rows = [*_rows(model).values()] if model else []
        if model is study.Variant:
            rows.append(f"| `{grid.GRID}` | mapping of lists | none | {grid.GRID_DESCRIPTION} |")
        lines = ["| key | value | default | description |", "|---|---|---|---|", *rows] if model else _steps()
        parts.append("\n".join([f"### {heading}", "", *lines]) + "\n")
    return "\n".join(parts)


def readme_with_reference(text: str) -> str:
    """Replace the reference in config/README.md."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + reference() + "\n" + END + rest.split(END)[1]


def main() -> None:
    """Write all files."""
    for path, content in schema_files().items():
        path.write_text(content, encoding="utf-8")
    README.write_text(readme_with_reference(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
