"""The typed config: config.yaml (`Settings`), datasets.yaml (`Dataset` by name) and the study files (`Study`)."""

import os
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, model_validator

from calotype.config.cross_checks import fitted
from calotype.config.dataset_base import NAME, Name
from calotype.config.datasets import DATASETS, Dataset
from calotype.config.figure_style import FigureStyle
from calotype.config.grid import GRID, GRID_DESCRIPTION, expand, settings_of
from calotype.config.study import Study
from calotype.steps.sequence import measured_split
from calotype.tasks.registry import TaskName
from calotype.util.errors import CalotypeError, about, closest, did_you_mean, with_hint
from calotype.util.typed import AUTO, PositiveInt, Seeds, SeedsPerJob, Strict
from calotype.util.yaml_validation import COMMAND_LINE, EXPECTED, read_yaml, validate

NONE = "none"  # on the command line of `new_study`: no table, or no column
RESERVED_STUDIES = ("benchmarks", "checkpoints", "logs", "paper", "prepared", "report")  # other names in results/


def _harmless(text: str) -> str:
    # Values of `--config` are part of each job's command, which two shells read, within both kinds of quotes.
    if re.search(r'[$`"\\]|[^\S ]', text):
        raise ValueError(f'{text!r} is not plain text: it contains one of $ ` " \\ or a line break')
    return text


def _plain_path(path: str) -> str:
    if not path.strip() or re.search(r'[{}*?~$`"\\]|[^\S ]', path):
        raise ValueError(
            f'{path!r} is not a plain path: it is empty, or contains one of {{ }} * ? ~ $ ` " \\ or a line break'
        )
    if len(path) > 1000 or max(map(len, path.encode().split(b"/"))) > 255:
        raise ValueError(f"{path[:40]}...: the path is too long")
    return os.path.normpath(path)


Folder = Annotated[str, AfterValidator(_plain_path)]


def _as_text(value: Any) -> Any:
    return str(value) if type(value) is int else value  # on the command line, 2024 is a number


def _as_flag(value: Any) -> Any:
    # On the command line, true is a text.
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


Typed = Annotated[str, BeforeValidator(_as_text), AfterValidator(_harmless)]


class Settings(Strict):
    """config/config.yaml: studies, seeds and folders."""

    studies: list[Name] = Field(
        [], description="Studies of the report, by file name; `snakemake --cores all` runs them."
    )
    paper: list[Name] = Field([], description="Studies of the paper; `snakemake --cores all paper` runs them.")
    seeds: Seeds = Field(5, description="Number of seeds of variants without their own number.")
    seeds_per_job: SeedsPerJob = Field(
        3,
        description="Largest number of seeds of a variant that share a job (a pack). `auto`: packs of about half an "
        "hour at most, by the times of earlier runs or of `check`; existing packs stay.",
    )
    checkpoint_minutes: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        1.0,
        description="Minutes between two checkpoints of a training job: its largest loss when it is killed without "
        "warning. It never changes a result.",
    )
    stream_above_mib: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        2000.0,
        description="Size of the training images in MiB. Up to this size, training keeps them in the memory of the GPU "
        "or the computer; above it, training streams them in blocks. It never changes a result.",
    )
    data: Folder = Field("data", description="Folder of the raw images.")
    results: Folder = Field("results", description="Folder of all results.")
    local_data: Folder | None = Field(
        None,
        description="A folder with files of datasets that you already have. It is searched before files are fetched, "
        "like the folder in the environment variable CALOTYPE_DATA.",
    )
    datasets: Folder = Field("config/datasets.yaml", description="File of the datasets.")
    figures: FigureStyle = Field(default_factory=FigureStyle, description="Widths, font and font size of all figures.")
    study_files: Folder = Field("config/studies", description="Folder of the study files, `<study>.yaml`.")
    name: Typed | None = Field(
        None, description="Name of the new study, on the command line of `snakemake --cores 1 new_study`."
    )
    images: Typed | None = Field(
        None, description="Folder of images, or a table that names them, on the command line of `new_study`."
    )
    table: Typed | None = Field(
        None,
        description="Table of labels in the folder `images`, on the command line of `new_study`; `none`: the names of "
        "the folders are the labels.",
    )
    label: Typed | None = Field(None, description="Column of the labels, on the command line of `new_study`.")
    split: Typed | None = Field(
        None, description="Column of the splits, on the command line of `new_study`; `none`: splits at random."
    )
    group: Typed | None = Field(
        None, description="Column of the groups, on the command line of `new_study`; `none`: no groups."
    )
    weight: Typed | None = Field(
        None, description="Column of the weights, on the command line of `new_study`; `none`: no weights."
    )
    class_folder: Literal["first", "last"] | None = Field(
        None,
        description="Folder that names the class if folders are nested, on the command line of `new_study`. Default: "
        "the first, unless it is the same for all images.",
    )
    task: TaskName | None = Field(None, description="Task of the new study, on the command line of `new_study`.")
    size: PositiveInt | None = Field(
        None, description="Longer side of the prepared images in pixels, on the command line of `new_study`."
    )
    overwrite: Annotated[bool, BeforeValidator(_as_flag)] = Field(
        False,
        description="On the command line of `new_study`: replace the study and the dataset that `new_study` wrote "
        "under this name. Other entries, and those edited since, are never replaced.",
    )
    manuscript: Folder | None = Field(
        None,
        description="LaTeX file of a paper, on the command line of `snakemake --cores 1 check_paper`.",
    )
    write: Folder | None = Field(
        None,
        description="On the command line of `snakemake --cores 1 cluster`: a new folder for the Slurm profile of your "
        "cluster, such as my-slurm.",
    )

    @model_validator(mode="after")
    def _names_and_folders_differ(self) -> "Settings":
        for key, names in (("studies", self.studies), ("paper", self.paper)):
            if len(set(names)) < len(names):
                raise ValueError(f"{key}: duplicate study")
        if self.data == self.results:
            raise ValueError("data and results must be different folders")
        return self


@dataclass(frozen=True)
class Config:
    """The checked config."""

    settings: Settings
    datasets: dict[str, Dataset]
    studies: dict[str, Study]  # first those of the report and the paper, then all others with a file
    broken: dict[str, str] = field(default_factory=dict)  # errors of other study files, raised on request of the study

    def seeds(self, study: str, variant: str) -> int:
        """Return the number of seeds of a variant."""
        return self.studies[study].variants[variant].seeds or self.settings.seeds

    def seeds_per_job(self, study: str, variant: str) -> int | None:
        """Return the largest number of seeds of a variant that share a job, enough for all side by side; None: auto."""
        found = self.studies[study].variants[variant]
        number = found.seeds_per_job or self.settings.seeds_per_job
        return None if number == AUTO else max(number, found.side_by_side)

    def splits_used(self, dataset: str, studies: Iterable[str]) -> list[str]:
        """Return the splits of a dataset that some of the studies use, in the dataset's order."""
        used: set[str] = set()
        for study in map(self.studies.__getitem__, studies):
            if study.dataset == dataset:
                used.update(study.tests, *(variant.splits for variant in study.variants.values()))
        return [split for split in self.datasets[dataset].splits if split in used]

    def splits_of(self, study: str) -> list[str]:
        """Return the splits that a study uses, in the dataset's order."""
        return self.splits_used(self.studies[study].dataset, [study])

    def measured(self, dataset: str) -> str | None:
        """Return the split on which `normalise` measures mean and standard deviation, if a dataset uses it."""
        return measured_split(self.datasets[dataset].prepare)

    def checksums(self, dataset: str) -> dict[str, str]:
        """Return the SHA-256 of each file of a fetched dataset."""
        found: Any = self.datasets[dataset]
        return dict(found.fetch.files)

    def classes(self, study: str) -> list[str]:
        """Return the class names of a study's dataset; empty for counts and numbers."""
        return self.class_names(self.studies[study].dataset)

    def label(self, study: str) -> dict[str, str]:
        """Return `quantity` and `unit` of the labels of a study's dataset; empty for those without."""
        text = getattr(self.datasets[self.studies[study].dataset], "label", None)
        return {"quantity": text.name, "unit": text.unit} if text else {}

    def figure_texts(self, study: str) -> list[str]:
        """Return the texts of users that figures of a study show: labels of variants, and names of classes."""
        return [*self.studies[study].labels().values(), *self.classes(study)]

    def class_names(self, dataset: str) -> list[str]:
        """Return the class names of a dataset; empty for counts and numbers."""
        return list(getattr(self.datasets[dataset], "classes", []))


def load(
    settings: Mapping[str, Any],
    settings_file: str = "config/config.yaml",
    root: Path = Path(),
    typed: Collection[str] = (),
) -> Config:
    """Validate the settings; read the datasets and the studies.

    Args:
        settings: content of config.yaml, with changes from the command line.
        settings_file: its name in errors.
        root: folder that paths in the settings start from.
        typed: keys whose values come from the command line.
    """
    checked = validate(Settings, dict(settings), settings_file, typed=typed)
    file, asked = checked.datasets, dict.fromkeys([*checked.studies, *checked.paper])
    # A new project has no datasets.yaml: `new_study` writes it.
    raw = read_yaml(root / file) if asked or (root / file).exists() else {}
    raw = {} if raw is None and not asked else raw
    if not isinstance(raw, dict) or (asked and not raw):
        raise CalotypeError(f"{file}: no dataset found.", "add one: see config/README.md.")
    for name in raw:
        if not (isinstance(name, str) and re.fullmatch(NAME, name)):
            raise CalotypeError(f"{file}: {name!r:.60} {EXPECTED['string_pattern_mismatch']}.")
    datasets = {name: _load_dataset(name, entry, file) for name, entry in raw.items()}
    studies = {}
    for name in asked:
        key = "studies" if name in checked.studies else "paper"
        source = f"{COMMAND_LINE if key in typed else settings_file}: {key}"
        studies[name] = _load_study(name, checked, source, datasets, root)
    broken = {}
    # Errors in other study files must not stop this call.
    for path in sorted((root / checked.study_files).glob("*.yaml")):
        if path.stem not in studies and re.fullmatch(NAME, path.stem):
            try:
                studies[path.stem] = _load_study(path.stem, checked, settings_file, datasets, root)
            except CalotypeError as error:
                broken[path.stem] = str(error)
    return Config(checked, datasets, studies, broken)


def _load_dataset(name: str, entry: Any, file: str) -> Dataset:
    source = entry.get("source") if isinstance(entry, dict) else None
    # The source decides the allowed keys; without one, the first source gives the errors.
    if source is not None and not (isinstance(source, str) and source in DATASETS):
        problem = f"{source!r:.60} is not one of {', '.join(DATASETS)}."
        raise CalotypeError(f"{file}: {name}.source: {problem}", closest(source, DATASETS))
    kind = DATASETS[source or next(iter(DATASETS))]
    with with_hint(kind.hint) if kind.hint and "fetch" not in entry else nullcontext():
        return validate(kind, entry, file, (name,))


def _load_study(name: str, settings: Settings, source: str, datasets: dict[str, Dataset], root: Path) -> Study:
    folder = root / settings.study_files
    path, file = folder / f"{name}.yaml", f"{settings.study_files}/{name}.yaml"
    if not os.path.isfile(path):  # unlike `Path.is_file`, also for a name that is too long
        known = sorted(entry.stem for entry in folder.glob("*.yaml"))
        raise CalotypeError(f"{source}: study `{name}` not found ({file}).", did_you_mean(name, known))
    if name in RESERVED_STUDIES:
        raise CalotypeError(f"{file}: `{name}` is a reserved name.", "rename the file.")
    if not re.fullmatch(NAME, name):
        raise CalotypeError(f"{file}: `{name}` {EXPECTED['string_pattern_mismatch']}.", "rename the file.")
    raw, grids = read_yaml(path), {}
    if isinstance(raw, dict) and isinstance(raw.get("variants"), dict):
        with about(file):
            defaults = raw.get("defaults")
            expanded = expand(raw["variants"], defaults if isinstance(defaults, dict) else None)
        grids, raw = settings_of(raw["variants"]), raw | {"variants": expanded}
    study = validate(Study, raw, file).with_grids(grids)
    if study.dataset not in datasets:
        problem = f"{file}: dataset: `{study.dataset}` not found in {settings.datasets}."
        raise CalotypeError(problem, did_you_mean(study.dataset, datasets))
    return fitted(study, datasets[study.dataset], file, settings.datasets)


def plan_packs(seeds: int, seeds_per_job: int, existing: Iterable[tuple[int, int]] = ()) -> list[tuple[int, int]]:
    """Divide the seeds 0 to seeds - 1 of a variant into packs, and keep existing packs.

    More seeds train only the new seeds, and another pack size trains none. The plan stays the same while its packs
    finish in any order: every process of a cluster run makes it again.

    Args:
        existing: first and last seed of the existing packs.

    Returns:
        First and last seed (inclusive) of each pack, in order. An existing last pack may end after `seeds`.
    """
    longest = dict(sorted(existing))  # of packs with the same first seed, the longest comes last
    packs, seed = [], 0
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
    """Return the JSON schemas of the three kinds of config files, by file name."""
    study = Study.model_json_schema()
    variant = study["$defs"]["Variant"]
    variant.pop("required")  # `defaults` may give the missing keys
    # An optimizer or an augmentation may be a name alone.
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
