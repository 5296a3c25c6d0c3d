"""Paths of raw and prepared images."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calotype.config.dataset_base import CATALOGUE, SKIPPED
from calotype.config.load import Config

FIGURE_SUFFIXES = (".pdf", ".svg", ".png")


@dataclass(frozen=True, eq=False)
class ImagePaths:
    """The images of a config. Paths are patterns with Snakemake's wildcards if a rule makes many files."""

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
        return [f"{self.results}/prepared/{name}/{SKIPPED}.csv" for name in names if self.skips(name)]

    def skips(self, dataset: str) -> bool:
        """Return True if a dataset may skip images."""
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
