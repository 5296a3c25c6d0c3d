"""Schemas: editors know and describe every key, and accept the same config as the workflow."""

import json
import re

import jsonschema
import pytest
import yaml
from unit.projects import (
    CLASSIFY,
    CLOTHES,
    DATASETS,
    DIGITS,
    STUDY,
    changed,
)

from calotype.config import load as config
from calotype.util.errors import CalotypeError


def test_schemas_of_the_editors_are_those_of_the_config(root):
    expected = {name: json.dumps(schema, indent=2) + "\n" for name, schema in config.schemas().items()}
    found = {path.name: path.read_text(encoding="utf-8") for path in (root / "workflow/schemas").glob("*.json")}
    assert found == expected, "run python workflow/schemas/generate.py"


@pytest.mark.parametrize("file", ["study", "datasets", "config"])
def test_editors_explain_every_key(file):
    schema = config.schemas()[f"{file}.schema.json"]
    parts = {file: schema, **schema.get("$defs", {})}
    assert sum(len(part.get("properties", {})) for part in parts.values()) >= 9
    for name, part in parts.items():
        for key, entry in part.get("properties", {}).items():
            assert entry.get("description"), f"{name}.{key} has no description"


@pytest.mark.parametrize("schema", sorted(config.schemas()))
def test_schemas_are_valid(schema):
    jsonschema.Draft202012Validator.check_schema(config.schemas()[schema])


def test_editors_do_not_complain_about_the_shipped_config(root):
    files = {"config/config.yaml": "config", "config/datasets.yaml": "datasets"}
    files |= {str(path.relative_to(root)): "study" for path in (root / "config/studies").glob("*.yaml")}
    for file, kind in files.items():
        text = (root / file).read_text(encoding="utf-8")
        jsonschema.validate(yaml.safe_load(text), config.schemas()[f"{kind}.schema.json"])
        reference = re.search(r"\$schema=(\S+)", text)
        assert reference, f"{file} names no schema"
        assert (root / file).parent.joinpath(reference[1]).resolve() == root / f"workflow/schemas/{kind}.schema.json"


@pytest.mark.parametrize("kind", ["idx", "csv", "dots"])
def test_editors_take_every_kind_of_dataset_and_no_mixture_of_them(kind):
    valid = jsonschema.Draft202012Validator(config.schemas()["datasets.schema.json"]).is_valid
    entry = {"idx": CLOTHES, "csv": DIGITS, "dots": DATASETS["dots"]}[kind]
    other = {"idx": "csv", "csv": "dots", "dots": "idx"}[kind]
    assert valid({"some": entry})
    assert not valid({"some": entry | {"source": other}})
    assert not valid({"some": {key: value for key, value in entry.items() if key != "source"}})
    assert not valid({"some": entry | {"sauce": "dots"}})


def test_editors_take_an_augmentation_and_an_optimizer_by_name_or_with_settings():
    valid = jsonschema.Draft202012Validator(config.schemas()["study.schema.json"]).is_valid
    for augment in (["flip"], [{"name": "shift", "pixels": 2}], ["flip", {"name": "erase", "pixels": 2}]):
        assert valid(changed(CLASSIFY, "variants.plain.augment", augment))
        assert valid(changed(CLASSIFY, "defaults.augment", augment))
    assert not valid(changed(CLASSIFY, "variants.plain.augment", ["flop"]))
    assert not valid(changed(CLASSIFY, "variants.plain.optimizer", "sgdd"))


@pytest.mark.parametrize("key", ["label", "description", "seeds", "epochs", "seeds_per_job", "side_by_side"])
def test_editors_and_the_workflow_agree_on_what_defaults_may_hold(project, key):
    study = changed(STUDY, f"defaults.{key}", "text" if key in ("label", "description") else 3)
    for variant in study["variants"].values():
        variant.pop(key, None)
    in_editor = jsonschema.Draft202012Validator(config.schemas()["study.schema.json"]).is_valid(study)
    try:
        project.study(study).load()
        in_workflow = True
    except CalotypeError:
        in_workflow = False
    assert in_editor == in_workflow
