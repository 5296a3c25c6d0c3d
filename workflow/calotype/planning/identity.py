"""Identities of stages: config values and code digests, which decide with the input files what runs again."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from calotype.config.paths import Layout
from calotype.config.recipe import SCIKIT_LEARN
from calotype.config.study import Variant
from calotype.steps.base import Step
from calotype.steps.custom import Custom
from calotype.steps.sequence import before_measuring, plain_steps
from calotype.tasks.figures import FigureEntry
from calotype.util.code_digest import NO_PICKS, NO_RESULT, KeptDigests, Picks, custom_code, with_values
from calotype.util.errors import CalotypeError
from calotype.util.files import contents, declared_contents

KNOWN = Path(".snakemake/contents")  # cached checksums of files and digests of code
NO_ROW = ("calotype.config", "calotype.steps")  # dataset types use them, but no row of a catalogue depends on them


@dataclass(frozen=True, eq=False)
class Identity:
    """The identity of each stage, for the params of its rule; methods take wildcards by name."""

    layout: Layout
    scripts: Path  # folder of the entry points

    @cached_property
    def _digests(self) -> KeptDigests:
        return KeptDigests(KNOWN / "code.json")

    def code(self, entry: str | Path, without: Sequence[str] = (), picks: Picks = NO_PICKS) -> str:
        """Return the digest of the code that a script, function or class reaches."""
        return self._digests.digest(entry, (*NO_RESULT, *without), picks)

    def script(self, name: str, without: Sequence[str] = (), picks: Picks = NO_PICKS) -> str:
        """Return the digest of the code that an entry point reaches."""
        return self.code(self.scripts / name, without, picks)

    @cached_property
    def _declared(self) -> dict[str, str]:
        config = self.layout.config
        files = [path for dataset in config.datasets for path in self.layout.files_of_steps(dataset)]
        variants = (variant for study in config.studies.values() for variant in study.variants.values())
        paths = {*files, *(path for variant in variants for path in variant.files)}
        return declared_contents(sorted(paths), KNOWN / "files.json")

    def _custom_code(self, function: str, files: Iterable[str]) -> str | None:
        return custom_code(function, [self._declared[file] for file in files])

    def _dataset(self, name: str) -> Any:  # a rule calls methods of its own sources only
        return self.layout.config.datasets[name]

    def drawing_code(self, dataset: str) -> list[str]:
        """Return the digests of the code that draws a dataset."""
        return [self.script("draw.py"), self.code(self._dataset(dataset).writer)]

    def catalogue_code(self, dataset: str) -> list[str]:
        """Return the digests of the code that lists a user's own images."""
        lister = self._dataset(dataset).lister
        return [self.script("catalogue.py", NO_ROW), self.code(lister, NO_ROW)]

    def images_there(self, dataset: str) -> str:
        """Return the checksum of the watched files of a user's own images, or the error, which the job also raises."""
        entry = self._dataset(dataset)
        where = entry.place()
        try:
            return contents(
                Path(where["folder"]),
                where.get("ignore"),
                KNOWN / f"{dataset}.json",
                entry.named().values(),
                follow=entry.catalogue().get("follow_links", False),
            )
        except CalotypeError as error:
            return str(error)

    def measuring(self, dataset: str, split: str) -> dict[str, Any]:
        """Return the values that decide the measurement on a split: its images, and the steps before `normalise`."""
        entry = self._dataset(dataset)
        return entry.preparation(split) | {"steps": plain_steps(before_measuring(entry.prepare))}

    def used_code(self, dataset: str, *, measures: bool = False) -> list[str | None]:
        """Return the digests of the reader and the steps of a dataset, or only of the steps before `normalise`."""
        entry = self._dataset(dataset)
        steps: Sequence[Step] = before_measuring(entry.prepare) if measures else entry.prepare
        used = {entry.reader, *(f"{type(step).__module__}:{type(step).__name__}" for step in steps)}
        own = [self._custom_code(step.function, step.files) for step in steps if isinstance(step, Custom)]
        return [*map(self.code, sorted(used)), *own]

    def _variant(self, study: str, variant: str) -> Variant:
        return self.layout.config.studies[study].variants[variant]

    def custom_model(self, study: str, variant: str) -> str | None:
        """Return the digest of a custom model and its declared files; None for other models."""
        found = self._variant(study, variant)
        return self._custom_code(found.model, found.files)

    @functools.cache  # noqa: B019 # one object per call; all packs of a variant use it
    def training_code(self, study: str, variant: str) -> str:
        """Return the digest of training code; of all models and augmentations, only those of the variant count."""
        found = self._variant(study, variant)
        other = ("backend", "keras_trainer") if found.model in SCIKIT_LEARN else ("sklearn_model",)
        without = ["calotype.config", *(f"calotype.training.{module}" for module in ("predicting", *other))]
        used: list[str] = sorted({change.name for change in found.augment})
        picks = {"calotype.training.augmentation:CHANGES": used}
        return with_values(self.script("train.py", without, picks | _model(found)), found.resolved())

    @functools.cache  # noqa: B019
    def prediction(self, study: str, variant: str) -> dict[str, Any]:
        """Return all values that predictions depend on, besides weights and images."""
        found = self._variant(study, variant)
        other = ("backend", "keras_model") if found.model in SCIKIT_LEARN else ("sklearn_model",)
        without = ["calotype.config", *(f"calotype.training.{module}" for module in other)]
        code = self.code("calotype.training.predicting:predict_variant", without, _model(found))
        return found.prediction() | {"code": code, "custom_model": self.custom_model(study, variant)}

    def predictions(self, study: str) -> dict[str, dict[str, Any]]:
        """Return `prediction` of all variants of a study."""
        return {variant: self.prediction(study, variant) for variant in self.layout.config.studies[study].variants}

    def left_by_training(self, study: str, variant: str) -> dict[str, Any]:
        """Return the arguments of the predictions at the end of training, for test splits that are prepared by then."""
        tests = self.layout.config.studies[study].tests
        arrays = [self.layout.prepared(study, split, ".npy") for split in tests]
        return {"asked": self.prediction(study, variant), "arrays": arrays}

    def trainings(self, studies: Iterable[str]) -> dict[str, tuple[str, str | None]]:
        """Return the digests of training code and custom model, by `study/variant`."""
        return {
            f"{study}/{variant}": (self.training_code(study, variant), self.custom_model(study, variant))
            for study in studies
            for variant in self.layout.config.studies[study].variants
        }

    def evaluation_code(self, study: str) -> str:
        """Return the digest of the code that evaluates a study; of all tasks, only its own counts."""
        without = [f"calotype.tasks.{module}" for module in ("labels", "starter")]  # of the config, and of `new_study`
        picks = {"calotype.tasks.registry:TASKS": [self.layout.config.studies[study].task]}
        return self.script("evaluate.py", without, picks)

    def figure_code(self, figures: Iterable[FigureEntry]) -> list[str]:
        """Return the digests of the entry point that plots figures, and of their functions."""
        return [self.script("figures.py"), *(self.code(f"calotype.figures.{figure.function}") for figure in figures)]


def _model(variant: Variant) -> dict[str, list[str]]:
    """Return the built-in model of a variant, as the only counted entry of the table of models."""
    built_in = variant.model not in SCIKIT_LEARN and ":" not in variant.model
    return {"calotype.training.models:MODELS": [variant.model] * built_in}
