"""The typed config: defaults, validation, and what each stage's result depends on.

Three kinds of files: config.yaml (`Settings`), datasets.yaml (`datasets.Dataset` by name) and one study file each
(`studies.Study`).
"""

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, model_validator

from calotype.config.cross_checks import fitted
from calotype.config.dataset_base import NAME, Name
from calotype.config.datasets import DATASETS, Dataset
from calotype.config.grid import GRID, GRID_DESCRIPTION, expand
from calotype.config.study import Study
from calotype.steps.sequence import measured_split
from calotype.util.errors import CalotypeError, about, did_you_mean, with_hint
from calotype.util.typed import PositiveInt, Strict
from calotype.util.yaml_validation import EXPECTED, read_yaml, validate

RESERVED_STUDIES = (
    "benchmarks",
    "checkpoints",
    "logs",
    "paper",
    "prepared",
    "report",
)  # results/ holds other things under these names


def _harmless(text: str) -> str:
    # What `--config` says stands in the command of each job, which two shells read, between quotes of both kinds.
    if re.search(r'[$`"\\]|[^\S ]', text):
        raise ValueError(f'{text!r} is not plain text: it has one of $ ` " \\ or a line break')
    return text


def _plain_path(path: str) -> str:
    if not path.strip() or re.search(r'[{}*?~$`"\\]|[^\S ]', path):
        raise ValueError(
            f'{path!r} is not a plain path: it is empty, or has one of {{ }} * ? ~ $ ` " \\ or a line break; write it '
            "out"
        )
    return os.path.normpath(path)


Folder = Annotated[str, AfterValidator(_plain_path)]


def _as_written(value: Any) -> Any:
    return str(value) if type(value) is int else value


# On the command line, where 2024 is a number.
Typed = Annotated[str, BeforeValidator(_as_written), AfterValidator(_harmless)]


class Settings(Strict):
    """config/config.yaml: what is run, how often, and where files live."""

    studies: list[Name] = Field(
        [], description="The studies of the report, by file name: what `snakemake --cores all` runs."
    )
    paper: list[Name] = Field([], description="The studies of the paper: what `snakemake --cores all paper` runs.")
    seeds: PositiveInt = Field(5, description="Seeds of every variant that does not set its own number.")
    seeds_per_job: PositiveInt = Field(3, description="How many seeds of a variant at most share a job (a pack).")
    checkpoint_minutes: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        1.0,
        description="Minutes between two checkpoints of a training: the most that is lost when it is killed without "
        "warning. A whole number or a decimal; it never changes a result.",
    )
    stream_above_mib: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        2000.0,
        description="MiB of training images. Up to that, a training keeps them in the memory of its device, the GPU or "
        "the computer; more than that it streams to it, block by block, while it trains. It never changes a result.",
    )
    data: Folder = Field("data", description="Folder of the raw images.")
    results: Folder = Field("results", description="Folder of everything that is computed.")
    local_data: Folder | None = Field(
        None,
        description="A folder with files of datasets that you already have, looked into before anything is fetched; "
        "as is the one that the environment variable CALOTYPE_DATA names.",
    )
    datasets: Folder = Field("config/datasets.yaml", description="The file that describes the datasets.")
    study_files: Folder = Field("config/studies", description="The folder of the study files, `<study>.yaml`.")
    name: Typed | None = Field(
        None, description="On the command line, for `snakemake --cores 1 new_study`: what the new study is called."
    )
    images: Typed | None = Field(
        None, description="On the command line, for `new_study`: a folder of images, or a table that names them."
    )

    @model_validator(mode="after")
    def _names_and_folders_differ(self) -> "Settings":
        for key, names in (("studies", self.studies), ("paper", self.paper)):
            if len(set(names)) < len(names):
                raise ValueError(f"{key}: a study stands there twice")
        if self.data == self.results:
            raise ValueError("data and results must be two folders")
        return self


@dataclass(frozen=True)
class Config:
    """Everything that the workflow knows, checked against itself.

    Attributes:
        settings: config.yaml.
        datasets: by name.
        studies: by name; first those of the report and the paper, then the others that have a file.
        broken: what is wrong with the files of others, by name; it matters when one of them is asked for.
    """

    settings: Settings
    datasets: dict[str, Dataset]
    studies: dict[str, Study]
    broken: dict[str, str] = field(default_factory=dict)

    def seeds(self, study: str, variant: str) -> int:
        """The number of seeds of a variant."""
        return self.studies[study].variants[variant].seeds or self.settings.seeds

    def seeds_per_job(self, study: str, variant: str) -> int:
        """How many seeds of a variant at most share a job."""
        return self.studies[study].variants[variant].seeds_per_job or self.settings.seeds_per_job

    def splits_used(self, dataset: str, studies: Iterable[str]) -> list[str]:
        """The splits of a dataset that some of the studies train, validate or test on, in the dataset's order."""
        used: set[str] = set()
        for study in map(self.studies.__getitem__, studies):
            if study.dataset == dataset:
                used.update(study.tests, *(variant.splits for variant in study.variants.values()))
        return [split for split in self.datasets[dataset].splits if split in used]

    def splits_of(self, study: str) -> list[str]:
        """The splits that a study trains, validates or tests on, in the dataset's order."""
        return self.splits_used(self.studies[study].dataset, [study])

    def measured(self, dataset: str) -> str | None:
        """The split of a dataset on which its preparation measures mean and deviation; None where it does not."""
        return measured_split(self.datasets[dataset].prepare)

    def checksums(self, dataset: str) -> dict[str, str]:
        """The SHA-256 of each file of a dataset that is fetched: neither its sources nor their code change a byte."""
        found: Any = self.datasets[dataset]
        return dict(found.fetch.files)

    def classes(self, study: str) -> list[str]:
        """The names of the classes of a study's dataset; none where it has numbers instead."""
        return self.class_names(self.studies[study].dataset)

    def class_names(self, dataset: str) -> list[str]:
        """The names of the classes of a dataset; none where it has numbers instead."""
        return list(getattr(self.datasets[dataset], "classes", []))


def load(settings: Mapping[str, Any], settings_file: str = "config/config.yaml", root: Path = Path()) -> Config:
    """Validate the settings and read the datasets and studies that they name.

    Args:
        settings: the content of config.yaml, with what the command line changed.
        settings_file: how errors name it.
        root: the folder that the paths in the settings start from.

    Raises:
        CalotypeError: with one line per mistake: file, key, what is wrong, and a hint.
    """
    checked = validate(Settings, dict(settings), settings_file)
    file, asked = checked.datasets, dict.fromkeys([*checked.studies, *checked.paper])
    # A project begins with nothing: `new_study` writes the first dataset and the first study.
    raw = read_yaml(root / file) if asked or (root / file).exists() else {}
    raw = {} if raw is None and not asked else raw
    if not isinstance(raw, dict) or (asked and not raw):
        raise CalotypeError(f"{file}: names no dataset.", "config/README.md shows an entry.")
    for name in raw:
        if not (isinstance(name, str) and re.fullmatch(NAME, name)):
            raise CalotypeError(f"{file}: {name!r} {EXPECTED['string_pattern_mismatch']}.")
    datasets = {name: _load_dataset(name, entry, file) for name, entry in raw.items()}
    studies = {name: _load_study(name, checked, settings_file, datasets, root) for name in asked}
    broken = {}
    # The others may be asked for by name. One that is being written, or an editor's leavings, must not be in the way.
    for path in sorted((root / checked.study_files).glob("*.yaml")):
        if path.stem not in studies and re.fullmatch(NAME, path.stem):
            try:
                studies[path.stem] = _load_study(path.stem, checked, settings_file, datasets, root)
            except CalotypeError as error:
                broken[path.stem] = str(error)
    return Config(checked, datasets, studies, broken)


def _load_dataset(name: str, entry: Any, file: str) -> Dataset:
    source = entry.get("source") if isinstance(entry, dict) else None
    # Which keys there may be depends on the source; without one, the errors are those of the first.
    if source is not None and not (isinstance(source, str) and source in DATASETS):
        raise CalotypeError(
            f"{file}: {name}.source: {source!r} is not one of {', '.join(DATASETS)}.", did_you_mean(source, DATASETS)
        )
    kind = DATASETS[source or next(iter(DATASETS))]
    with with_hint(kind.hint) if kind.hint and "fetch" not in entry else nullcontext():
        return validate(kind, entry, file, (name,))


def _load_study(name: str, settings: Settings, settings_file: str, datasets: dict[str, Dataset], root: Path) -> Study:
    folder = root / settings.study_files
    path, file = folder / f"{name}.yaml", f"{settings.study_files}/{name}.yaml"
    if not path.is_file():
        known = sorted(entry.stem for entry in folder.glob("*.yaml"))
        raise CalotypeError(
            f"{settings_file}: {'studies' if name in settings.studies else 'paper'}: there is no study `{name}` "
            f"({file}).",
            did_you_mean(name, known),
        )
    if name in RESERVED_STUDIES:
        raise CalotypeError(f"{file}: a study cannot be called `{name}`: that name is taken.", "rename the file.")
    if not re.fullmatch(NAME, name):
        raise CalotypeError(f"{file}: `{name}` {EXPECTED['string_pattern_mismatch']}.", "rename the file.")
    raw = read_yaml(path)
    if isinstance(raw, dict) and isinstance(raw.get("variants"), dict):
        with about(file):
            defaults = raw.get("defaults")
            raw = raw | {"variants": expand(raw["variants"], defaults if isinstance(defaults, dict) else None)}
    study = validate(Study, raw, file)
    if study.dataset not in datasets:
        raise CalotypeError(
            f"{file}: dataset: `{study.dataset}` is not in {settings.datasets}.", did_you_mean(study.dataset, datasets)
        )
    return fitted(study, datasets[study.dataset], file, settings.datasets)


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
    # An optimizer, and an augmentation, may be given by its name alone.
    for name, owner, key in (("Optimizer", variant["properties"], "optimizer"),
                             ("Augmentation", variant["properties"]["augment"], "items")):  # fmt: skip
        names = {"type": "string", "enum": study["$defs"][name]["properties"]["name"]["enum"]}
        described = {"description": owner[key]["description"]} if "description" in owner[key] else {}
        owner[key] = {"anyOf": [names, {"$ref": f"#/$defs/{name}"}], **described}
    study["properties"]["defaults"] |= {
        "additionalProperties": False,
        "properties": {key: value for key, value in variant["properties"].items() if key != "label"},
    }
    values = {"type": "array", "minItems": 1, "uniqueItems": True}
    variant["properties"][GRID] = {
        "type": "object", "additionalProperties": values, "minProperties": 1, "description": GRID_DESCRIPTION,
    }  # fmt: skip
    datasets = TypeAdapter(dict[Name, Annotated[Dataset, Field(discriminator="source")]]).json_schema()
    found = {"config": Settings.model_json_schema(), "datasets": datasets, "study": study}
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {f"{name}.schema.json": draft | schema for name, schema in found.items()}
