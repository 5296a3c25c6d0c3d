"""Where everything lies: which packs, figures and tables the config asks for, and under which names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calotype.config import Config, plan_packs

PACK_NAME = re.compile(r"seeds-(?P<first>\d{3,})-(?P<last>\d{3,})")
FIGURES = ("predicted-against-true", "accuracy-by-count", "loss-curves")
SHEET = "contact-sheet-"  # and the variant


@dataclass(frozen=True)
class Layout:
    """The files of a config. Paths are text with Snakemake's wildcards where a stage has many.

    Attributes:
        config: the checked config.
        root: the folder that relative paths start from.
    """

    config: Config
    root: Path = Path()

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

    def packs(self, study: str, variant: str) -> list[tuple[int, int]]:
        """First and last seed of each pack of a variant; packs that are there already stay as they are."""
        found = (self.root / self.results / study / variant).glob("seeds-*/provenance.json")
        # Other folders there are the user's: a copy that was set aside, for instance.
        names = filter(None, (PACK_NAME.fullmatch(file.parent.name) for file in found))
        existing = [
            (int(name["first"]), int(name["last"])) for name in names if int(name["first"]) <= int(name["last"])
        ]
        return plan_packs(self.config.seeds(study, variant), self.config.settings.seeds_per_job, existing)

    def study_packs(self, study: str) -> list[tuple[str, int, int]]:
        """(variant, first, last) of each pack of a study, in the order of its variants."""
        return [
            (variant, *pack) for variant in self.config.studies[study].variants for pack in self.packs(study, variant)
        ]

    def pack_paths(self, study: str, name: str) -> list[str]:
        """A file of each pack of a study, in the order of `study_packs`."""
        return [
            f"{self.pack}/{name}".format(study=study, variant=variant, first=f"{first:03d}", last=f"{last:03d}")
            for variant, first, last in self.study_packs(study)
        ]

    def all_packs(self) -> list[tuple[str, str, int, int]]:
        """(study, variant, first, last) of each pack of every study."""
        return [(study, *pack) for study in self.config.studies for pack in self.study_packs(study)]

    def all_pack_paths(self, name: str) -> list[str]:
        """A file of each pack of every study, in the order of `all_packs`."""
        return [path for study in self.config.studies for path in self.pack_paths(study, name)]

    def prepared(self, study: str, split: str, suffix: str) -> str:
        """The prepared array (.npy) of a split that a study uses, or its manifest (.json)."""
        return f"{self.results}/prepared/{self.config.studies[study].dataset}/{split}{suffix}"

    def per_study(self, name: str) -> list[str]:
        """A file of every study."""
        return [f"{self.results}/{study}/{name}" for study in self.config.studies]

    def figures(self) -> list[tuple[str, str]]:
        """(study, figure) of each figure, in the order of the report."""
        return [
            (study, figure)
            for study, entry in self.config.studies.items()
            for figure in [*(f"{SHEET}{variant}" for variant in entry.variants), *FIGURES]
        ]

    def figure_files(self, suffixes: Sequence[str]) -> list[str]:
        """The files of all figures, in the order of `figures`."""
        return [
            f"{self.results}/{study}/figures/{figure}{suffix}"
            for study, figure in self.figures()
            for suffix in suffixes
        ]

    def captions(self) -> list[tuple[str, str]]:
        """(study, name of the caption) of each figure, in the order of `figures`."""
        return [(study, SHEET.rstrip("-") if figure.startswith(SHEET) else figure) for study, figure in self.figures()]

    def jobs(self) -> list[tuple[str, str]]:
        """(stage, what it works on) of each job but the trainings, which count for themselves, and the report."""
        splits = [f"{name}/{split}" for name in self.config.datasets for split in self.config.splits_used(name)]
        studies = list(self.config.studies)
        stages = [("draw", splits), ("prepare", splits), ("evaluate", studies), ("summary_latex", studies)]
        sheets = [f"{study}/{variant}" for study in studies for variant in self.config.studies[study].variants]
        stages += [("contact_sheet", sheets), *((figure.replace("-", "_"), studies) for figure in FIGURES)]
        return [(stage, what) for stage, names in stages for what in names]

    def described(self) -> dict[str, Any]:
        """What the report says of the studies: titles, labels, recipes and claims."""
        found = {name: study.model_dump(exclude={"defaults", "tests"}) for name, study in self.config.studies.items()}
        for name, study in found.items():
            labels = self.config.studies[name].labels()
            for key, variant in study["variants"].items():
                variant["label"] = labels[key]
        return found
