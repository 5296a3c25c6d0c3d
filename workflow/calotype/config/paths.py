"""Paths of packs, tables, figures and other results that the config asks for."""

import functools
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calotype.config import pack_sizes
from calotype.config.image_paths import FIGURE_SUFFIXES, ImagePaths
from calotype.config.load import plan_packs
from calotype.config.recipe import SCIKIT_LEARN
from calotype.tasks.figures import (
    EXAMPLE,
    FEATURE_MAPS,
    GRID,
    SEVERAL_SETTINGS,
    TWO_CLASSES,
    FigureEntry,
    figures_of,
)

PACK_NAME = re.compile(r"seeds-(?P<first>\d{3,})-(?P<last>\d{3,})")
EVALUATED = ("runs", "summary", "pooled", "confusion", "differences", "layers", "history")  # .csv files of a study
GRID_TABLES = ("grid", "effects")  # .csv files of a study with a grid
LATEX = (  # .tex files of a study
    *(f"{name}{end}" for end in ("", "-tabular") for name in ("summary", "claims", "layers")),
    "numbers",
)
NOTHING = "(?!)"  # a regular expression that nothing matches
REPORT, PAPER = "report", "paper"


@dataclass(frozen=True, eq=False)
class Layout(ImagePaths):
    """The files of a config. Paths are patterns with Snakemake's wildcards if a rule makes many files."""

    @property
    def pack(self) -> str:
        """Pattern of the folder of a pack."""
        return f"{self.results}/{{study}}/{{variant}}/seeds-{{first}}-{{last}}"

    @property
    def checkpoints(self) -> str:
        """Pattern of the folder of a study's checkpoints, with a folder for each variant and seed."""
        return f"{self.results}/checkpoints/{{study}}"

    @property
    def noted_seconds(self) -> str:
        """The file with the times of a start and of a run of each variant, which `check` writes."""
        return f"{self.results}/benchmarks/noted_seconds.json"

    def reports(self) -> dict[str, list[str]]:
        """Return the studies of each possible report: the default one, the paper, and each study alone."""
        settings = self.config.settings
        return {REPORT: settings.studies, PAPER: settings.paper} | {name: [name] for name in self.config.studies}

    # ---- Packs -------------------------------------------------------------------------------------------------------

    def packs(self, study: str, variant: str) -> list[tuple[int, int]]:
        """Return the first and last seed of each pack of a variant; existing packs do not change."""
        found = [file.parent.name for file in self._provenance(study, variant)]
        names = filter(None, map(PACK_NAME.fullmatch, found))  # users may add other folders
        existing = [
            (int(name["first"]), int(name["last"])) for name in names if int(name["first"]) <= int(name["last"])
        ]
        number = self.config.seeds_per_job(study, variant)
        if number is None:
            runs = sum(self.variant_seeds(study).values())
            together = self.config.studies[study].variants[variant].side_by_side
            number = pack_sizes.seeds_of_a_job(self.run_seconds(study, variant), together, runs)
        return plan_packs(self.config.seeds(study, variant), number, existing)

    def _provenance(self, study: str, variant: str) -> list[Path]:
        return [*(self.root / self.results / study / variant).glob("seeds-*/provenance.json")]

    @functools.cache  # noqa: B019 # it reads files, and all packs of a variant ask for it
    def run_seconds(self, study: str, variant: str) -> float:
        """Return the expected time of a run of a variant in s."""
        found, noted = self.config.studies[study].variants[variant], None
        with suppress(OSError, ValueError, LookupError, TypeError):
            text = (self.root / self.noted_seconds).read_text(encoding="utf-8")
            noted = float(json.loads(text)[f"{study}/{variant}"]["run"])
        return pack_sizes.run_seconds(found, self._provenance(study, variant), noted)

    @functools.cache  # noqa: B019 # many rules ask for it, and searching thousands of folders is slow
    def study_packs(self, study: str) -> list[tuple[str, int, int]]:
        """Return (variant, first, last) of each pack of a study, in the order of its variants."""
        variants = self.config.studies[study].variants
        return [(variant, *pack) for variant in variants for pack in self.packs(study, variant)]

    def pack_variants(self, study: str) -> list[str]:
        """Return the variant of each pack of a study, in the order of `study_packs`."""
        return [variant for variant, _, _ in self.study_packs(study)]

    def pack_paths(self, study: str, name: str, variant: str | None = None) -> list[str]:
        """Return a file of each pack of a study or a variant, in the order of `study_packs`."""
        return [
            f"{self.pack}/{name}".format(study=study, variant=other, first=f"{first:03d}", last=f"{last:03d}")
            for other, first, last in self.study_packs(study)
            if variant in (None, other)
        ]

    def variant_seeds(self, study: str) -> dict[str, int]:
        """Return the number of seeds of each variant of a study."""
        return {variant: self.config.seeds(study, variant) for variant in self.config.studies[study].variants}

    def must_not_diverge(self, study: str) -> str | None:
        """Return the study file if `may_diverge` is false there, else None."""
        may = self.config.studies[study].may_diverge
        return None if may else f"{self.config.settings.study_files}/{study}.yaml"

    def longest_first(self, study: str, variant: str, first: str, last: str) -> float:
        """Return the priority of a pack, below 1 and higher for longer packs, so that no core is idle at the end."""
        seconds = pack_sizes.guess(self.config.studies[study].variants[variant])
        return 1 - 1 / (1 + seconds * (1 + int(last) - int(first)))

    def cores(self, study: str, variant: str, first: str, last: str) -> int:
        """Return the number of cores of a pack: the threads of all runs that train side by side."""
        found = self.config.studies[study].variants[variant]
        return found.threads * min(found.side_by_side, 1 + int(last) - int(first))

    def smoke_test(self, study: str, variant: str) -> list[str]:
        """Return the file that the smoke test of a custom model writes; empty for other models."""
        own = ":" in self.config.studies[study].variants[variant].model
        return [f"{self.results}/{study}/{variant}/smoke_test.json"] if own else []

    # ---- Where packs run ---------------------------------------------------------------------------------------------

    def _by_processor(self, study: str, *, cpu_only: bool) -> list[str]:
        variants = self.config.studies[study].variants
        return [name for name, found in variants.items() if (found.model in SCIKIT_LEARN) == cpu_only]

    def training_studies(self, *, cpu_only: bool) -> str:
        """Return a regular expression for `study` in the path of a pack that uses no GPU, or that may use one."""
        found = {study: self._by_processor(study, cpu_only=cpu_only) for study in self.config.studies}
        return "|".join(f"{study}(?=/({'|'.join(names)})/)" for study, names in found.items() if names) or NOTHING

    def predicting_studies(self, *, cpu_only: bool) -> str:
        """Return a regular expression for the studies of which no model uses a GPU, or of which one may."""
        found = [study for study in self.config.studies if cpu_only != bool(self._by_processor(study, cpu_only=False))]
        return "|".join(found) or NOTHING

    def predictions(self, study: str) -> list[str]:
        """Return the files with the predictions of a study, one for each test split."""
        return [f"{self.results}/{study}/predictions/{split}.npz" for split in self.config.studies[study].tests]

    # ---- Figures -----------------------------------------------------------------------------------------------------

    def _conditions(self, study: str) -> list[str]:
        entry = self.config.studies[study]
        found = {
            TWO_CLASSES: len(self.config.classes(study)) == 2,
            EXAMPLE: entry.example is not None,
            FEATURE_MAPS: entry.feature_maps is not None,
            GRID: bool(entry.grids),
            SEVERAL_SETTINGS: any(len(grid["settings"]) > 1 for grid in entry.grids.values()),
        }
        return [condition for condition, holds in found.items() if holds]

    def figures(self, study: str) -> list[FigureEntry]:
        """Return the figures of a study, in the order of the report."""
        return figures_of(self.config.studies[study].task, self._conditions(study))

    def figure_sets(self) -> dict[tuple[FigureEntry, ...], list[str]]:
        """Return all different sets of figures, each with its studies."""
        found: dict[tuple[FigureEntry, ...], list[str]] = {}
        for study in self.config.studies:
            found.setdefault(tuple(self.figures(study)), []).append(study)
        return found

    def figures_rule(self, study: str) -> str:
        """Return the name of the rule that plots the figures of a study, and of other studies with the same figures."""
        return "_".join(["figures", self.config.studies[study].task, *self._conditions(study)])

    def figure_outputs(self, studies: Iterable[str], suffixes: Sequence[str]) -> list[str]:
        """Return the figures of some studies: files, or folders with one figure per variant."""
        return [
            f"{self.results}/{study}/figures/{figure.stem}{suffix}"
            for study in studies
            for figure in self.figures(study)
            for suffix in ([""] if figure.per_variant else suffixes)
        ]

    def shown_figures(self, studies: Iterable[str]) -> list[tuple[str, str, str, str]]:
        """Return (study, name, name of the caption, file) of each figure in the report of some studies."""
        return [
            (study, name, figure.name, f"{self.results}/{study}/figures/{name}.svg")
            for study in studies
            for figure in self.figures(study)
            for name in (
                [f"{figure.stem}/{variant}" for variant in self.config.studies[study].variants]
                if figure.per_variant
                else [figure.stem]
            )
        ]

    def feature_models(self, study: str) -> list[str]:
        """Return the models of the pack with seed 0 of the `feature_maps` variant of a study, if it names one."""
        shown = self.config.studies[study].feature_maps
        return self.pack_paths(study, "models", shown)[:1] if shown else []

    # ---- Report ------------------------------------------------------------------------------------------------------

    def everything(self, report: str) -> list[str]:
        """Return all files that a call for a report makes."""
        studies = self.reports()[report]
        names = [f"{name}.csv" for name in (*EVALUATED, "claims")] + [f"{name}.tex" for name in LATEX]
        tables = [f"{self.results}/{study}/{name}" for study in studies for name in names]
        tables += self.grid_tables(studies)
        predictions = [file for study in studies for file in self.predictions(study)]
        figures = self.figure_outputs(studies, FIGURE_SUFFIXES)
        return [f"{self.results}/{report}.html", *figures, *tables, *predictions]

    def jobs(self, studies: Sequence[str]) -> list[tuple[str, str]]:
        """Return (rule, subject) of each job of a report, without training and figures, which record their own costs.

        Fetching is left out, too: an earlier download costs this report nothing.
        """
        jobs = []
        for name, dataset in self.config.datasets.items():
            splits = [f"{name}/{split}" for split in self.config.splits_used(name, studies)]
            measured = [f"{name}/{self.config.measured(name)}"] if splits and self.config.measured(name) else []
            if dataset.origin == "drawn":
                jobs += [("draw", split) for split in dict.fromkeys([*splits, *measured])]
            if splits and dataset.origin == "user":
                jobs.append(("catalogue", name))
            jobs += [("measure", split) for split in measured]
            jobs += [("prepare", split) for split in splits]
            if dataset.origin == "user":
                jobs += [("preview", split) for split in splits]
        jobs += [("predict", f"{study}/{split}") for study in studies for split in self.config.studies[study].tests]
        jobs += [("grid", study) for study in studies if self.grid_tables([study])]
        return jobs + [(rule, study) for study in studies for rule in ("evaluate", "claims")]

    def benchmarks(self, studies: Sequence[str]) -> list[str]:
        """Return the benchmark file of each of these jobs."""
        return [f"{self.results}/benchmarks/{rule}/{subject}.tsv" for rule, subject in self.jobs(studies)]

    def claims(self, study: str) -> list[dict[str, Any]]:
        """Return the claims of a study, as plain data."""
        return [claim.model_dump() for claim in self.config.studies[study].claims]

    def grid_tables(self, studies: Iterable[str]) -> list[str]:
        """Return the tables of grids of those studies that have one."""
        found = [study for study in studies if self.config.studies[study].grids]
        return [f"{self.results}/{study}/{name}.csv" for study in found for name in GRID_TABLES]

    def results_of(self, study: str) -> dict[str, Any]:
        """Return the arguments of `StudyResults` for tables and the report, as plain data."""
        entry = self.config.studies[study]
        # Only where they are, so that nothing changes for other studies.
        further = {"chosen": entry.chosen, "grids": entry.grids}
        return {
            "study": study,
            "folder": f"{self.results}/{study}",
            "task_name": entry.task,
            "tests": entry.tests,
            "metric": entry.headline,
            "labels": entry.labels(),
            "classes": self.config.classes(study),
            **self.config.label(study),
            **{key: value for key, value in further.items() if value},
        }

    def shown_in_figures(self, study: str) -> dict[str, Any]:
        """Return the arguments of `StudyResults` for figures, as plain data."""
        entry = self.config.studies[study]
        return {
            **self.results_of(study),
            "claims": [claim.model_dump(exclude={"quote", "note"}) for claim in entry.claims],
            "arrays": {split: self.prepared(study, split, ".npy") for split in entry.tests},
            "catalogue": "".join(self.catalogue_table(entry.dataset)),
            "example": entry.example,
            "feature_maps": (entry.feature_maps, *self.feature_models(study)) if entry.feature_maps else None,
        }

    def described(self, studies: Iterable[str]) -> dict[str, Any]:
        """Return the texts, recipes, metrics and results of some studies for the report, by study."""
        found = {}
        for name in studies:
            study = self.config.studies[name]
            entry = study.model_dump(include={"title", "description", "source", "variants"})
            for key, label in study.labels().items():
                entry["variants"][key]["label"] = label
            if self.skips(study.dataset):  # only then, so that no other report changes
                entry["skipped"] = self.skipped([name])[0]
            found[name] = entry | {
                "metrics": study.shown,
                "by": study.by,
                "compare": study.compare,
                "labels": study.labels(),
                # Only if a study asks for comparisons, its report says which are impossible.
                "pairs": study.pairs if {"compare", "worth"} & study.model_fields_set else [],
                "results": self.results_of(name),
                "same_images": self.same_images(name),
                "dataset": study.dataset,
                "dataset_keys": self.config.datasets[study.dataset].model_dump(mode="json", exclude_unset=True),
                "splits": {split: self.prepared(name, split, ".json") for split in self.config.splits_of(name)},
            }
        return found
