"""Where everything lies: which packs, figures and tables the config asks for, and under which names."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calotype.config.dataset_base import CATALOGUE
from calotype.config.load import Config, plan_packs
from calotype.tasks.figures import EXAMPLE, FEATURE_MAPS, TWO_CLASSES, FigureEntry, figures_of

PACK_NAME = re.compile(r"seeds-(?P<first>\d{3,})-(?P<last>\d{3,})")
FIGURE_SUFFIXES = (".pdf", ".svg", ".png")
# Of a study, as README names them.
EVALUATED = ("runs", "summary", "pooled", "confusion", "differences", "layers", "history")
LATEX = ("summary", "claims", "layers")
REPORT, PAPER = "report", "paper"


@dataclass(frozen=True)
class Layout:
    """The files of a config. Paths are text with Snakemake's wildcards where a stage has many.

    Attributes:
        config: the checked config.
        root: the folder that relative paths start from.
    """

    config: Config
    root: Path = Path()
    # Asked for by every rule that works on a study; to look up which packs are there takes long where there are many.
    _study_packs: dict[str, list[tuple[str, int, int]]] = field(default_factory=dict, init=False, repr=False)

    @property
    def data(self) -> str:
        """Folder of the raw images."""
        return self.config.settings.data

    @property
    def results(self) -> str:
        """Folder of everything that is computed."""
        return self.config.settings.results

    @property
    def pack(self) -> str:
        """Pattern of the folder of a pack."""
        return f"{self.results}/{{study}}/{{variant}}/seeds-{{first}}-{{last}}"

    @property
    def checkpoints(self) -> str:
        """Pattern of the folder of a study's checkpoints; it holds one for each variant, and that one for each seed."""
        return f"{self.results}/checkpoints/{{study}}"

    def reports(self) -> dict[str, list[str]]:
        """The studies of each report that can be asked for: the default one, the paper, and each study alone."""
        settings = self.config.settings
        return {REPORT: settings.studies, PAPER: settings.paper} | {name: [name] for name in self.config.studies}

    def drawn(self) -> list[str]:
        """The datasets that are drawn."""
        return self._of_origin("drawn")

    def fetched(self) -> list[str]:
        """The datasets whose files are fetched."""
        return self._of_origin("fetched")

    def own(self) -> list[str]:
        """The datasets whose images are the user's own."""
        return self._of_origin("user")

    def _of_origin(self, origin: str) -> list[str]:
        return [name for name, dataset in self.config.datasets.items() if dataset.origin == origin]

    def catalogue(self, dataset: str, suffix: str) -> str:
        """The catalogue of a user's own images (.csv), or its manifest (.json)."""
        return f"{self.results}/prepared/{dataset}/{CATALOGUE}{suffix}"

    def raw(self, dataset: str, split: str) -> str:
        """What says which raw images a split has.

        The folder that was drawn, the checksums of the files that were fetched, or the manifest of the catalogue.
        """
        evidence = self.config.datasets[dataset].evidence
        return evidence.format(data=self.data, results=self.results, dataset=dataset, split=split)

    def measured(self, dataset: str) -> list[str]:
        """What was measured on a split for the preparation of all splits of a dataset: a file, or none."""
        split = self.config.measured(dataset)
        return [f"{self.results}/prepared/{dataset}/{split}.measured.json"] if split else []

    def step_sheets(self, studies: Iterable[str]) -> list[str]:
        """The figures of the preparation of each split that some studies use."""
        return [
            f"{self.results}/prepared/{name}/{split}-steps{suffix}"
            for name in self.config.datasets
            for split in self.config.splits_used(name, studies)
            for suffix in FIGURE_SUFFIXES
        ]

    def report_sheets(self, studies: Iterable[str]) -> list[tuple[str, str, str]]:
        """(study, split, file) of each figure of a preparation that the report of some studies shows.

        Those of a user's own images: nobody has seen yet what becomes of them. Of images that are drawn or fetched
        `snakemake preparation` prints the figures; in the report they would be a job more for each split.
        """
        return [
            (study, split, f"{self.results}/prepared/{self.config.studies[study].dataset}/{split}-steps.svg")
            for study in studies
            if self.config.studies[study].dataset in self.own()
            for split in self.config.splits_of(study)
        ]

    def same_images(self, study: str) -> bool:
        """Whether a study's source tested on the images that we test on; it cannot have where we draw our own."""
        return self.config.studies[study].dataset not in self.drawn()

    def packs(self, study: str, variant: str) -> list[tuple[int, int]]:
        """First and last seed of each pack of a variant; packs that are there already stay as they are."""
        found = (self.root / self.results / study / variant).glob("seeds-*/provenance.json")
        # Other folders there are the user's: a copy that was set aside, for instance.
        names = filter(None, (PACK_NAME.fullmatch(file.parent.name) for file in found))
        existing = [
            (int(name["first"]), int(name["last"])) for name in names if int(name["first"]) <= int(name["last"])
        ]
        return plan_packs(self.config.seeds(study, variant), self.config.seeds_per_job(study, variant), existing)

    def study_packs(self, study: str) -> list[tuple[str, int, int]]:
        """(variant, first, last) of each pack of a study, in the order of its variants."""
        if study not in self._study_packs:
            self._study_packs[study] = [
                (variant, *pack)
                for variant in self.config.studies[study].variants
                for pack in self.packs(study, variant)
            ]
        return self._study_packs[study]

    def pack_paths(self, study: str, name: str, variant: str | None = None) -> list[str]:
        """A file of each pack of a study, in the order of `study_packs`; or of one variant of it."""
        return [
            f"{self.pack}/{name}".format(study=study, variant=other, first=f"{first:03d}", last=f"{last:03d}")
            for other, first, last in self.study_packs(study)
            if variant in (None, other)
        ]

    def prepared(self, study: str, split: str, suffix: str) -> str:
        """The prepared array (.npy) of a split that a study uses, or its manifest (.json)."""
        return f"{self.results}/prepared/{self.config.studies[study].dataset}/{split}{suffix}"

    def predictions(self, study: str) -> list[str]:
        """The predictions of all runs of a study, a file for each of its test splits."""
        return [f"{self.results}/{study}/predictions/{split}.npz" for split in self.config.studies[study].tests]

    def tables(self, studies: Iterable[str], names: Sequence[str]) -> list[str]:
        """Some tables of each of some studies."""
        return [f"{self.results}/{study}/{name}" for study in studies for name in names]

    def conditions(self, study: str) -> list[str]:
        """What a study has beside its task, on which some figures depend."""
        entry = self.config.studies[study]
        found = {
            TWO_CLASSES: len(self.config.classes(study)) == 2,
            EXAMPLE: entry.example is not None,
            FEATURE_MAPS: entry.feature_maps is not None,
        }
        return [condition for condition, holds in found.items() if holds]

    def figures(self, study: str) -> list[FigureEntry]:
        """The figures of a study, in the order of the report."""
        return figures_of(self.config.studies[study].task, self.conditions(study))

    def figure_sets(self) -> dict[tuple[FigureEntry, ...], list[str]]:
        """Which sets of figures studies have, and the studies that have each."""
        found: dict[tuple[FigureEntry, ...], list[str]] = {}
        for study in self.config.studies:
            found.setdefault(tuple(self.figures(study)), []).append(study)
        return found

    def figure_outputs(self, studies: Iterable[str], suffixes: Sequence[str]) -> list[str]:
        """The figures of some studies: files, or folders with one figure a variant."""
        return [
            f"{self.results}/{study}/figures/{figure.stem}{suffix}"
            for study in studies
            for figure in self.figures(study)
            for suffix in ([""] if figure.per_variant else suffixes)
        ]

    def shown_figures(self, studies: Iterable[str]) -> list[tuple[str, str, str, str]]:
        """(study, name, name of the caption, file) of each figure that the report of some studies shows."""
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

    def everything(self, report: str) -> list[str]:
        """All files that a call for a report brings."""
        studies = self.reports()[report]
        figures = self.figure_outputs(studies, FIGURE_SUFFIXES)
        names = [f"{name}.csv" for name in (*EVALUATED, "claims")] + [f"{name}.tex" for name in LATEX]
        predictions = [file for study in studies for file in self.predictions(study)]
        return [f"{self.results}/{report}.html", *figures, *self.tables(studies, names), *predictions]

    def jobs(self, studies: Sequence[str]) -> list[tuple[str, str]]:
        """(stage, what it works on) of each job but the report, trainings and figures; these count for themselves."""
        jobs = []
        for name in self.config.datasets:
            splits = [f"{name}/{split}" for split in self.config.splits_used(name, studies)]
            measured = [f"{name}/{self.config.measured(name)}"] if splits and self.config.measured(name) else []
            if name in self.drawn():  # what was fetched once costs nothing again
                jobs += [("draw", split) for split in dict.fromkeys([*splits, *measured])]
            if splits and name in self.own():
                jobs.append(("catalogue", name))
            jobs += [("measure", split) for split in measured]
            jobs += [("prepare", split) for split in splits]
            if name in self.own():
                jobs += [("preparation_sheet", split) for split in splits]
        jobs += [("predict", f"{study}/{split}") for study in studies for split in self.config.studies[study].tests]
        return jobs + [(stage, study) for study in studies for stage in ("evaluate", "claims")]

    def results_of(self, study: str) -> dict[str, Any]:
        """What `StudyResults` has to know of a study for tables and the report, as plain data."""
        entry = self.config.studies[study]
        return {
            "study": study,
            "folder": f"{self.results}/{study}",
            "task_name": entry.task,
            "tests": entry.tests,
            "metric": entry.headline,
            "labels": entry.labels(),
            "classes": self.config.classes(study),
        }

    def shown_in_figures(self, study: str) -> dict[str, Any]:
        """What `StudyResults` has to know of a study for its figures beside `results_of`, as plain data."""
        entry = self.config.studies[study]
        shown = entry.feature_maps
        return {
            "claims": [claim.model_dump(exclude={"says", "note"}) for claim in entry.claims],
            "arrays": {split: self.prepared(study, split, ".npy") for split in entry.tests},
            "example": entry.example,
            "feature_maps": (shown, self.pack_paths(study, "models", shown)[0]) if shown else None,
        }

    def described(self, studies: Iterable[str]) -> dict[str, Any]:
        """What the report says of some studies: titles, recipes, labels, metrics, results."""
        found = {}
        for name in studies:
            study = self.config.studies[name]
            entry = study.model_dump(include={"title", "description", "source", "variants"})
            for key, label in study.labels().items():
                entry["variants"][key]["label"] = label
            entry["metrics"] = study.shown
            entry["results"] = self.results_of(name)
            entry["same_images"] = self.same_images(name)
            found[name] = entry
        return found
