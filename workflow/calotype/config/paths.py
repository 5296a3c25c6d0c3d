"""Paths of all files: packs, tables, figures and other results that the config asks for."""

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calotype.config.dataset_base import CATALOGUE, SKIPPED
from calotype.config.load import Config, plan_packs
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
FIGURE_SUFFIXES = (".pdf", ".svg", ".png")
EVALUATED = ("runs", "summary", "pooled", "confusion", "differences", "layers", "history")  # .csv files of a study
GRID_TABLES = ("grid", "effects")  # .csv files of a study with a grid
LATEX = tuple(f"{name}{end}" for end in ("", "-tabular") for name in ("summary", "claims", "layers"))  # .tex files
REPORT, PAPER = "report", "paper"


@dataclass(frozen=True, eq=False)
class Layout:
    """The files of a config. Paths are patterns with Snakemake's wildcards if a rule makes many files."""

    config: Config
    root: Path = Path()  # folder that relative paths start from

    @property
    def data(self) -> str:
        """Folder of the raw images."""
        return self.config.settings.data

    @property
    def results(self) -> str:
        """Folder of all results."""
        return self.config.settings.results

    @property
    def pack(self) -> str:
        """Pattern of the folder of a pack."""
        return f"{self.results}/{{study}}/{{variant}}/seeds-{{first}}-{{last}}"

    @property
    def checkpoints(self) -> str:
        """Pattern of the folder of a study's checkpoints, with a folder for each variant and seed."""
        return f"{self.results}/checkpoints/{{study}}"

    def reports(self) -> dict[str, list[str]]:
        """Return the studies of each possible report: the default one, the paper, and each study alone."""
        settings = self.config.settings
        return {REPORT: settings.studies, PAPER: settings.paper} | {name: [name] for name in self.config.studies}

    # ---- Images ------------------------------------------------------------------------------------------------------

    def of_origin(self, origin: str) -> list[str]:
        """Return the datasets of an origin: `drawn`, `fetched` or `user`."""
        return [name for name, dataset in self.config.datasets.items() if dataset.origin == origin]

    def raw(self, dataset: str, split: str) -> str:
        """Return the file or folder that changes with the raw images of a split."""
        evidence = self.config.datasets[dataset].evidence
        return evidence.format(data=self.data, results=self.results, dataset=dataset, split=split)

    def place(self, dataset: str) -> dict[str, Any]:
        """Return the keys that say where a user's own images are; empty for other datasets."""
        found: Any = self.config.datasets[dataset]
        return dict(found.place()) if found.origin == "user" else {}

    def catalogue_table(self, dataset: str) -> list[str]:
        """Return the catalogue of a user's own images; empty for other datasets."""
        own = self.config.datasets[dataset].origin == "user"
        return [f"{self.results}/prepared/{dataset}/{CATALOGUE}.csv"] if own else []

    def skipped(self, studies: Iterable[str]) -> list[str]:
        """Return the list of skipped images of each dataset of some studies that may skip images."""
        names = dict.fromkeys(self.config.studies[study].dataset for study in studies)
        return [f"{self.results}/prepared/{name}/{SKIPPED}.csv" for name in names if self._skips(name)]

    def _skips(self, dataset: str) -> bool:
        found: Any = self.config.datasets[dataset]
        return found.origin == "user" and found.skips()

    def files_of_steps(self, dataset: str) -> list[str]:
        """Return the declared files of custom preparation steps."""
        return [file for step in self.config.datasets[dataset].prepare for file in getattr(step, "files", [])]

    def measured(self, dataset: str) -> list[str]:
        """Return the file with the values that `normalise` measures, if a dataset uses it."""
        split = self.config.measured(dataset)
        return [f"{self.results}/prepared/{dataset}/{split}.measured.json"] if split else []

    def previews(
        self, studies: Iterable[str], suffixes: Sequence[str] = FIGURE_SUFFIXES, origin: str | None = None
    ) -> list[str]:
        """Return the preview files of all splits that some studies use, for all datasets or those of one origin."""
        return [
            f"{self.results}/prepared/{name}/{split}-preview{suffix}"
            for name, dataset in self.config.datasets.items()
            if origin in (None, dataset.origin)
            for split in self.config.splits_used(name, studies)
            for suffix in suffixes
        ]

    def report_previews(self, studies: Iterable[str]) -> list[tuple[str, str, str]]:
        """Return (study, split, file) of each preview in a report: only of a user's own images, to save jobs."""
        return [
            (study, split, self.prepared(study, split, "-preview.svg"))
            for study in studies
            if self.config.studies[study].dataset in self.of_origin("user")
            for split in self.config.splits_of(study)
        ]

    def same_images(self, study: str) -> bool:
        """Return True if a study may test on the same images as its source: they are not drawn here."""
        return self.config.studies[study].dataset not in self.of_origin("drawn")

    def prepared(self, study: str, split: str, suffix: str) -> str:
        """Return the prepared array (.npy) of a split, or its manifest (.json)."""
        return f"{self.results}/prepared/{self.config.studies[study].dataset}/{split}{suffix}"

    def prepared_for(self, study: str, variant: str, suffix: str) -> list[str]:
        """Return the prepared training and validation splits of a variant."""
        splits = self.config.studies[study].variants[variant].splits
        return [self.prepared(study, split, suffix) for split in splits]

    def prepared_tests(self, study: str, suffix: str) -> list[str]:
        """Return the prepared test splits of a study."""
        return [self.prepared(study, split, suffix) for split in self.config.studies[study].tests]

    def all_prepared(self, studies: Iterable[str], suffix: str) -> list[str]:
        """Return all prepared splits of some studies."""
        splits = [(study, split) for study in studies for split in self.config.splits_of(study)]
        return list(dict.fromkeys(self.prepared(study, split, suffix) for study, split in splits))

    # ---- Packs -------------------------------------------------------------------------------------------------------

    def packs(self, study: str, variant: str) -> list[tuple[int, int]]:
        """Return the first and last seed of each pack of a variant; existing packs do not change."""
        found = (self.root / self.results / study / variant).glob("seeds-*/provenance.json")
        names = filter(None, (PACK_NAME.fullmatch(file.parent.name) for file in found))  # users may add other folders
        existing = [
            (int(name["first"]), int(name["last"])) for name in names if int(name["first"]) <= int(name["last"])
        ]
        return plan_packs(self.config.seeds(study, variant), self.config.seeds_per_job(study, variant), existing)

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
        """Return the priority of a pack, below 1 and higher for longer packs, so that no core is idle at the end.

        Epochs x seeds estimate the time, times ten for models with convolutions, also custom models.
        """
        found = self.config.studies[study].variants[variant]
        cost = 1 if found.model in ("dense", *SCIKIT_LEARN) else 10
        return 1 - 1 / (1 + cost * found.epochs * (1 + int(last) - int(first)))

    def smoke_test(self, study: str, variant: str) -> list[str]:
        """Return the file that the smoke test of a custom model writes; empty for other models."""
        own = ":" in self.config.studies[study].variants[variant].model
        return [f"{self.results}/{study}/{variant}/smoke_test.json"] if own else []

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
            if self._skips(study.dataset):  # only then, so that no other report changes
                entry["skipped"] = self.skipped([name])[0]
            found[name] = entry | {
                "metrics": study.shown,
                "results": self.results_of(name),
                "same_images": self.same_images(name),
                "dataset": study.dataset,
                "dataset_keys": self.config.datasets[study.dataset].model_dump(mode="json", exclude_unset=True),
                "splits": {split: self.prepared(name, split, ".json") for split in self.config.splits_of(name)},
            }
        return found
