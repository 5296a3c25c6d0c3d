"""Where everything lies: which packs, figures and tables the config asks for, and under which names."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calotype.config.dataset_base import CATALOGUE
from calotype.config.load import Config, plan_packs
from calotype.config.recipe import SCIKIT_LEARN
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

    def of_origin(self, origin: str) -> list[str]:
        """The datasets whose images are `drawn`, `fetched` or the `user`'s own."""
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

    def place(self, dataset: str) -> dict[str, Any]:
        """Where a user's own images lie; nothing of others."""
        found: Any = self.config.datasets[dataset]
        return dict(found.place()) if dataset in self.of_origin("user") else {}

    def catalogue_table(self, dataset: str) -> list[str]:
        """The catalogue of a user's own images; of others none."""
        return [self.catalogue(dataset, ".csv")] if dataset in self.of_origin("user") else []

    def files_of_steps(self, dataset: str) -> list[str]:
        """The files that the user's own preparation steps of a dataset read."""
        return [file for step in self.config.datasets[dataset].prepare for file in getattr(step, "files", [])]

    def measured(self, dataset: str) -> list[str]:
        """What was measured on a split for the preparation of all splits of a dataset: a file, or none."""
        split = self.config.measured(dataset)
        return [f"{self.results}/prepared/{dataset}/{split}.measured.json"] if split else []

    def step_sheets(self, studies: Iterable[str]) -> list[str]:
        """The figures of the preparation of each split that some studies use."""
        return [
            f"{self.results}/prepared/{name}/{split}-preview{suffix}"
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
            (study, split, f"{self.results}/prepared/{self.config.studies[study].dataset}/{split}-preview.svg")
            for study in studies
            if self.config.studies[study].dataset in self.of_origin("user")
            for split in self.config.splits_of(study)
        ]

    def report_sheet_files(self, studies: Iterable[str]) -> list[str]:
        """The files of these figures."""
        return list(dict.fromkeys(file for _, _, file in self.report_sheets(studies)))

    def same_images(self, study: str) -> bool:
        """Whether a study's source tested on the images that we test on; it cannot have where we draw our own."""
        return self.config.studies[study].dataset not in self.of_origin("drawn")

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

    def pack_variants(self, study: str) -> list[str]:
        """The variant of each pack of a study, in the order of `study_packs`."""
        return [variant for variant, _, _ in self.study_packs(study)]

    def variant_seeds(self, study: str) -> dict[str, int]:
        """The number of seeds of each variant of a study."""
        return {variant: self.config.seeds(study, variant) for variant in self.config.studies[study].variants}

    def must_not_diverge(self, study: str) -> str | None:
        """The file of a study that says that none of its runs may diverge; None where they may."""
        may = self.config.studies[study].may_diverge
        return None if may else f"{self.config.settings.study_files}/{study}.yaml"

    def longest_first(self, study: str, variant: str, first: str, last: str) -> float:
        """Return the priority of a pack, less than 1: one that begins last and takes long leaves other cores idle.

        How often its images pass stands for its time. The cost of a pass is not known before it ran; one with
        convolutions, which a user's own model may have, costs some ten times one without.
        """
        found = self.config.studies[study].variants[variant]
        cost = 1 if found.model in ("dense", *SCIKIT_LEARN) else 10
        return 1 - 1 / (1 + cost * found.epochs * (1 + int(last) - int(first)))

    def claims(self, study: str) -> list[dict[str, Any]]:
        """The claims of a study, as plain data."""
        return [claim.model_dump() for claim in self.config.studies[study].claims]

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

    def prepared_for(self, study: str, variant: str, suffix: str) -> list[str]:
        """The prepared splits that a variant trains and validates on."""
        splits = self.config.studies[study].variants[variant].splits
        return [self.prepared(study, split, suffix) for split in splits]

    def prepared_tests(self, study: str, suffix: str) -> list[str]:
        """The prepared test splits of a study."""
        return [self.prepared(study, split, suffix) for split in self.config.studies[study].tests]

    def all_prepared(self, studies: Iterable[str], suffix: str) -> list[str]:
        """The prepared splits of some studies."""
        splits = [(study, split) for study in studies for split in self.config.splits_of(study)]
        return list(dict.fromkeys(self.prepared(study, split, suffix) for study, split in splits))

    def smoke_test(self, study: str, variant: str) -> list[str]:
        """What says that a model of the user's own was tried; nothing for one that comes along."""
        own = ":" in self.config.studies[study].variants[variant].model
        return [f"{self.results}/{study}/{variant}/smoke_test.json"] if own else []

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

    def figures_rule(self, study: str) -> str:
        """The name of the rule that plots the figures of a study, and of others with the same figures."""
        return "_".join(["figures", self.config.studies[study].task, *self.conditions(study)])

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
            if name in self.of_origin("drawn"):  # what was fetched once costs nothing again
                jobs += [("draw", split) for split in dict.fromkeys([*splits, *measured])]
            if splits and name in self.of_origin("user"):
                jobs.append(("catalogue", name))
            jobs += [("measure", split) for split in measured]
            jobs += [("prepare", split) for split in splits]
            if name in self.of_origin("user"):
                jobs += [("preview", split) for split in splits]
        jobs += [("predict", f"{study}/{split}") for study in studies for split in self.config.studies[study].tests]
        return jobs + [(stage, study) for study in studies for stage in ("evaluate", "claims")]

    def benchmarks(self, studies: Sequence[str]) -> list[str]:
        """What each of these jobs cost."""
        return [f"{self.results}/benchmarks/{stage}/{what}.tsv" for stage, what in self.jobs(studies)]

    def figure_costs(self, studies: Sequence[str]) -> list[str]:
        """What the figures of each study cost."""
        return [f"{self.results}/benchmarks/figures/{study}.csv" for study in studies]

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

    def feature_models(self, study: str) -> list[str]:
        """The models of the pack with seed 0 of the variant whose feature maps a study shows, if it shows any."""
        shown = self.config.studies[study].feature_maps
        return self.pack_paths(study, "models", shown)[:1] if shown else []

    def shown_in_figures(self, study: str) -> dict[str, Any]:
        """What `StudyResults` has to know of a study for its figures, as plain data."""
        entry = self.config.studies[study]
        return {
            **self.results_of(study),
            "claims": [claim.model_dump(exclude={"quote", "note"}) for claim in entry.claims],
            "arrays": {split: self.prepared(study, split, ".npy") for split in entry.tests},
            "example": entry.example,
            "feature_maps": (entry.feature_maps, *self.feature_models(study)) if entry.feature_maps else None,
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
