"""The typed config: defaults, validation, and what each stage's result depends on.

Three kinds of files: config.yaml (`Settings`), datasets.yaml (`Dataset` by name) and one study file each (`Study`).
"""

import difflib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError, model_validator

from calotype.errors import CalotypeError
from calotype.recipe import PositiveInt, Recipe, Strict

NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
Name = Annotated[str, Field(pattern=rf"^{NAME}$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]
RESERVED_STUDIES = ("benchmarks", "logs", "prepared")
RESERVED_VARIANTS = ("figures",)
CountMetric = Literal["exact", "off_by_more_than_one", "sum_of_squared_errors"]
SHARES = ("exact", "off_by_more_than_one")


def _plain_path(path: str) -> str:
    if not path.strip() or re.search(r"[{}*?~$]", path):
        raise ValueError(f"{path!r} is not a plain path: it is empty, or has one of {{ }} * ? ~ $; write it out")
    return os.path.normpath(path)


Folder = Annotated[str, AfterValidator(_plain_path)]


class Settings(Strict):
    """config/config.yaml: what is run, how often, and where files live."""

    studies: Annotated[list[Name], Field(min_length=1)] = Field(description="The studies of the report, by file name.")
    seeds: PositiveInt = Field(5, description="Seeds of every variant that does not set its own number.")
    seeds_per_job: PositiveInt = Field(3, description="How many seeds of a variant at most share a job (a pack).")
    data: Folder = Field("data", description="Folder of the raw images.")
    results: Folder = Field("results", description="Folder of everything that is computed.")
    datasets: str = Field("config/datasets.yaml", description="The file that describes the datasets.")
    study_files: str = Field("config/studies", description="The folder of the study files, `<study>.yaml`.")

    @model_validator(mode="after")
    def _two_folders(self) -> "Settings":
        if self.data == self.results:
            raise ValueError("data and results must be two folders")
        return self


class DrawnSplit(Strict):
    """One split of a drawn dataset."""

    images: PositiveInt = Field(description="How many images to draw.")
    seed: Annotated[int, Field(ge=0)] = Field(description="Key of the random numbers; the same seed, the same images.")


class Drawing(Strict):
    """How images of dots are drawn."""

    minimum: Annotated[int, Field(ge=0, le=25)] = Field(0, description="Fewest dots of an image.")
    maximum: Annotated[int, Field(ge=1, le=25)] = Field(5, description="Most dots of an image; the grid has 25 points.")
    width: Annotated[int, Field(ge=8, le=4096)] = Field(40, description="Width and height of an image, in px.")
    quality: Annotated[int, Field(ge=1, le=100)] = Field(75, description="JPEG quality.")

    @model_validator(mode="after")
    def _range_is_a_range(self) -> "Drawing":
        if self.minimum >= self.maximum:
            raise ValueError(f"minimum ({self.minimum}) must be below maximum ({self.maximum})")
        return self


class Dataset(Strict):
    """Named images and labels: where they come from, and how OpenCV prepares them."""

    source: Literal["dots"] = Field(description="Where the images come from: `dots` draws them.")
    drawing: Drawing = Field(Drawing(), description="How they are drawn.")
    splits: Annotated[dict[Name, DrawnSplit], Field(min_length=1)] = Field(description="The splits, by name.")
    prepare: Annotated[list[Literal["grey", "scale"]], Field(min_length=1)] = Field(
        ["grey", "scale"],
        description="OpenCV steps in order: `grey` takes the mean of the channels, `scale` maps 0..255 to 0..1.",
    )

    @model_validator(mode="after")
    def _no_step_twice(self) -> "Dataset":
        if len(set(self.prepare)) < len(self.prepare):
            raise ValueError("prepare: a step stands there twice")
        return self


class Variant(Recipe):
    """One line of a study's table: a recipe, and what changes no result of it."""

    label: str = Field("", description="Name in figures and tables. Left out: the variant's key.")
    description: str = Field("", description="One sentence for the report.")
    seeds: PositiveInt | None = Field(None, description="Number of seeds. Left out: `seeds` of config.yaml.")

    def recipe(self) -> dict[str, Any]:
        """The recipe alone, as plain data: the part of the config that decides whether to train again."""
        return self.model_dump(include=set(Recipe.model_fields))


class Claim(Strict):
    """A number that a source published."""

    variant: str = Field(description="The variant that it is about.")
    split: str = Field(description="The split that it is about.")
    metric: CountMetric = Field(description="The metric that it is about.")
    value: Finite | None = Field(None, description="The published number. A claim has exactly one of the three.")
    at_most: Finite | None = Field(None, description="Instead of `value`: an upper bound.")
    at_least: Finite | None = Field(None, description="Instead of `value`: a lower bound.")
    says: str = Field(description="What the source says, in our words.")

    @model_validator(mode="after")
    def _one_number(self) -> "Claim":
        if sum(number is not None for number in (self.value, self.at_most, self.at_least)) != 1:
            raise ValueError("give exactly one of value, at_most, at_least")
        number = next(number for number in (self.value, self.at_most, self.at_least) if number is not None)
        if self.metric in SHARES and not 0 <= number <= 1:
            raise ValueError(f"{number} is not a share; write 90 % as 0.90")
        return self


class Source(Strict):
    """The text that a study reproduces."""

    title: str = Field(description="What it is, as a reader would look for it.")
    url: Annotated[str, Field(pattern=r"^(https?://.*)?$")] = Field("", description="Where it is, if that is known.")


class Study(Strict):
    """config/studies/<study>.yaml: a dataset, a task, some variants, and the claims it is held against."""

    title: str = Field(description="Heading in the report.")
    description: str = Field("", description="A paragraph for the report.")
    source: Source | None = Field(None, description="The published text, if the study reproduces one.")
    dataset: Name = Field(description="A dataset of datasets.yaml.")
    task: Literal["count"] = Field(description="`count`: predict a whole number.")
    tests: Annotated[list[Name], Field(min_length=1)] = Field(
        description="The splits that every run is tested on. The first is that of the contact sheet; the last, the "
        "place for the largest, that of the figures over all images."
    )
    defaults: dict[str, Any] = Field({}, description="What a variant leaves out it takes from here.")
    variants: Annotated[dict[Name, Variant], Field(min_length=1)] = Field(description="The variants, by name.")
    claims: list[Claim] = Field([], description="Published numbers, each held against our measurement.")

    def labels(self) -> dict[str, str]:
        """How figures and tables call the variants."""
        return {key: variant.label or key for key, variant in self.variants.items()}

    @model_validator(mode="before")
    @classmethod
    def _fill_in_defaults(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        # A key whose lines are all commented out is None.
        raw = {key: value for key, value in raw.items() if value is not None or key not in ("defaults", "claims")}
        defaults, variants = raw.get("defaults", {}), raw.get("variants")
        if not isinstance(defaults, dict) or not isinstance(variants, dict):
            return raw
        filled = {key: {**defaults, **value} if isinstance(value, dict) else value for key, value in variants.items()}
        return {**raw, "variants": filled}


@dataclass(frozen=True)
class Config:
    """Everything that the workflow knows, checked against itself."""

    settings: Settings
    datasets: dict[str, Dataset]
    studies: dict[str, Study]

    def seeds(self, study: str, variant: str) -> int:
        """The number of seeds of a variant."""
        return self.studies[study].variants[variant].seeds or self.settings.seeds

    def splits_used(self, dataset: str) -> list[str]:
        """The splits of a dataset that some study trains or tests on, in the dataset's order."""
        used: set[str] = set()
        for study in self.studies.values():
            if study.dataset == dataset:
                used.update(study.tests, (variant.train for variant in study.variants.values()))
        return [split for split in self.datasets[dataset].splits if split in used]


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML allows a key to stand twice and keeps the last one; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int | float | bool) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands there twice", key_node.start_mark
                )
            seen.add(key if isinstance(key, str | int | float | bool) else id(key_node))
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        CalotypeError: it is missing, is not YAML, or has a key twice.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _UniqueKeyLoader)
    except FileNotFoundError:
        raise CalotypeError(f"{path}: there is no such file.", _did_you_mean(path.name, _siblings(path))) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CalotypeError(f"{path}: cannot be read: {error}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise CalotypeError(
            f"{path}{where}: not valid YAML: {problem}.", "check indentation, colons and quotes."
        ) from None


def _siblings(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.glob("*.yaml")) if path.parent.is_dir() else []


def _did_you_mean(name: str, known: Iterable[str]) -> str | None:
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known: {', '.join(known)}." if known else None


_EXPECTED = {
    "int_type": "is not a whole number",
    "float_type": "is not a number",
    "string_type": "is not text",
    "finite_number": "is not a finite number",
    "bool_type": "is neither true nor false",
    "list_type": "is not a list",
    "dict_type": "is not a mapping",
    "model_type": "is not a mapping",
    "model_attributes_type": "is not a mapping",
    "too_short": "is empty",
    "string_pattern_mismatch": "is not a plain name (letters, digits, - and _)",
}


def _keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed at a place of a config, found by walking down the types."""
    named = False  # the step before named a field that is a mapping by name or a list: this one is an entry of it
    for step in location:
        if not named and step in model.model_fields:
            annotation = model.model_fields[str(step)].annotation
            inner = _models_in(annotation)
            named = bool(inner) and get_origin(_unwrapped(annotation)) in (dict, list)
            model = inner[0] if inner else model
        else:
            named = False
    return list(model.model_fields)


def _unwrapped(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _explain(error: Any, model: type[BaseModel]) -> tuple[str, str | None]:
    """One of pydantic's errors in our words: what is wrong with the value, and a hint."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "missing":
        return "is missing", None
    if kind == "extra_forbidden":
        return "is not a known key", _did_you_mean(error["loc"][-1], _keys(model, error["loc"][:-1]))
    if kind == "literal_error":
        options = [option.strip("' ") for option in context["expected"].replace(" or ", ", ").split(",")]
        return f"{value!r} is not one of {', '.join(options)}", _did_you_mean(value, options) if value else None
    shown = json.dumps(value, default=str, ensure_ascii=False)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if kind == "float_type" and isinstance(value, str) and re.fullmatch(r"[+-]?\d+e[+-]?\d+", value, re.IGNORECASE):
        mantissa, exponent = re.split("e", value, flags=re.IGNORECASE)
        return f"{shown} is text in YAML, not a number", f"write {mantissa}.0e{exponent}"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        if kind == "greater_than" and context["gt"] == 0:
            # pydantic gives the bound in the type of the field
            return f"{shown} is not a positive {'whole ' if isinstance(context['gt'], int) else ''}number", None
        sign = {"greater_than": ">", "greater_than_equal": ">=", "less_than": "<", "less_than_equal": "<="}[kind]
        return f"{shown} is out of range: it must be {sign} {next(iter(context.values()))}", None
    if kind == "value_error":
        return str(context["error"]), None
    return f"{shown} {_EXPECTED.get(kind, 'is not valid: ' + error['msg'])}", None


def _is_default(raw: Any, variant: int | str, key: int | str) -> bool:
    return key in (raw.get("defaults") or {}) and key not in raw["variants"][variant]


_Model = TypeVar("_Model", bound=BaseModel)


def _validate(model: type[_Model], raw: Any, file: str, where: tuple[str, ...] = ()) -> _Model:
    if raw is None:
        raw = {}
    try:
        return model.model_validate(raw)
    except ValidationError as problem:
        lines: list[str] = []
        for error in problem.errors():
            location = tuple(step for step in error["loc"] if step != "[key]")
            what, hint = _explain(error, model)
            # A value that came from the study's defaults is reported there, and once.
            if location[:1] == ("variants",) and len(location) > 2 and _is_default(raw, *location[1:3]):
                location = ("defaults", *location[2:])
            key = ".".join(map(str, (*where, *location)))
            line = f"{file}: {key + ': ' if key else ''}{what}." + (f" Hint: {hint}" if hint else "")
            if line not in lines:
                lines.append(line)
        raise CalotypeError("\n".join(lines)) from None


def load(settings: Mapping[str, Any], settings_file: str = "config/config.yaml", root: Path = Path()) -> Config:
    """Validate the settings and read the datasets and studies that they name.

    Args:
        settings: the content of config.yaml, with what the command line changed.
        settings_file: how errors name it.
        root: the folder that the paths in the settings start from.

    Raises:
        CalotypeError: with one line per mistake: file, key, what is wrong, and a hint.
    """
    checked = _validate(Settings, dict(settings), settings_file)
    file = checked.datasets
    raw = read_yaml(root / file)
    if not isinstance(raw, dict) or not raw:
        raise CalotypeError(f"{file}: names no dataset.", "config/README.md shows an entry.")
    for name in raw:
        if not (isinstance(name, str) and re.fullmatch(NAME, name)):
            raise CalotypeError(f"{file}: {name!r} {_EXPECTED['string_pattern_mismatch']}.")
    datasets = {name: _validate(Dataset, entry, file, (name,)) for name, entry in raw.items()}
    studies = {name: _load_study(name, checked, settings_file, datasets, root) for name in checked.studies}
    return Config(checked, datasets, studies)


def _load_study(name: str, settings: Settings, settings_file: str, datasets: dict[str, Dataset], root: Path) -> Study:
    folder = root / settings.study_files
    path, file = folder / f"{name}.yaml", f"{settings.study_files}/{name}.yaml"
    if not path.is_file():
        known = sorted(entry.stem for entry in folder.glob("*.yaml"))
        raise CalotypeError(
            f"{settings_file}: studies: there is no study `{name}` ({file}).", _did_you_mean(name, known)
        )
    if name in RESERVED_STUDIES:
        raise CalotypeError(f"{file}: a study cannot be called `{name}`: results/{name} holds other things.")
    study = _validate(Study, read_yaml(path), file)
    if study.dataset not in datasets:
        raise CalotypeError(
            f"{file}: dataset: `{study.dataset}` is not in {settings.datasets}.", _did_you_mean(study.dataset, datasets)
        )
    splits = datasets[study.dataset].splits
    uses = [("tests", split) for split in study.tests]
    uses += [(f"variants.{key}.train", variant.train) for key, variant in study.variants.items()]
    uses += [(f"claims.{i}.split", claim.split) for i, claim in enumerate(study.claims)]
    for key, split in uses:
        if split not in splits:
            raise CalotypeError(
                f"{file}: {key}: the dataset `{study.dataset}` has no split `{split}`.", _did_you_mean(split, splits)
            )
    for i, claim in enumerate(study.claims):
        if claim.variant not in study.variants:
            raise CalotypeError(
                f"{file}: claims.{i}.variant: there is no variant `{claim.variant}`.",
                _did_you_mean(claim.variant, study.variants),
            )
        if claim.split not in study.tests:
            raise CalotypeError(f"{file}: claims.{i}.split: `{claim.split}` is not among the study's tests.")
    labels = study.labels()
    if "label" in study.defaults:
        raise CalotypeError(f"{file}: defaults.label: a label names one variant; give each its own.")
    for key, variant in study.variants.items():
        same = next(other for other, label in labels.items() if label == labels[key])
        if same != key:
            raise CalotypeError(f"{file}: variants.{key}.label: `{labels[key]}` is also what `{same}` is called.")
        if key in RESERVED_VARIANTS:
            raise CalotypeError(f"{file}: variants: a variant cannot be called `{key}`.")
        if variant.train in study.tests:
            raise CalotypeError(
                f"{file}: variants.{key}.train: `{variant.train}` is also a test split.",
                "a model is never tested on images that it was trained on.",
            )
    return study


def plan_packs(seeds: int, seeds_per_job: int, existing: Iterable[tuple[int, int]] = ()) -> list[tuple[int, int]]:
    """Cut the seeds 0 to seeds - 1 of a variant into packs, around those that are already there.

    A pack that exists is kept whatever `seeds_per_job` now says, so that more seeds train only the new ones and another
    pack size trains none. While the planned packs finish, in any order, the plan stays the same: every process of a
    cluster run makes it anew.

    Args:
        seeds: how many seeds are asked for.
        seeds_per_job: the longest pack.
        existing: first and last seed of the packs that are there.

    Returns:
        First and last seed (both included) of each pack, in order; the last may reach beyond `seeds` if it exists.
    """
    longest = {}
    for first, last in sorted(existing):
        longest[first] = last  # sorted: the longest of those that begin with the same seed comes last
    packs = []
    seed = 0
    while seed < seeds:
        if seed in longest:
            last = longest[seed]
        else:
            following = min((first for first in longest if first > seed), default=seeds)
            last = min(seed + seeds_per_job, following, seeds) - 1
        packs.append((seed, last))
        seed = last + 1
    return packs


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON schemas of the three kinds of files, by file name, for editors and for the reference in config/."""
    study = Study.model_json_schema()
    variant = study["$defs"]["Variant"]
    variant.pop("required")  # what a variant leaves out comes from `defaults`
    # An optimizer may be given by its name alone.
    optimizer = variant["properties"]["optimizer"]
    names = {"type": "string", "enum": study["$defs"]["Optimizer"]["properties"]["name"]["enum"]}
    variant["properties"]["optimizer"] = {
        "anyOf": [names, {"$ref": optimizer["$ref"]}],
        "description": optimizer["description"],
    }
    study["properties"]["defaults"] |= {
        "additionalProperties": False,
        "properties": {key: value for key, value in variant["properties"].items() if key != "label"},
    }
    datasets = TypeAdapter(dict[Name, Dataset]).json_schema()
    found = {"config": Settings.model_json_schema(), "datasets": datasets, "study": study}
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {f"{name}.schema.json": draft | schema for name, schema in found.items()}
