"""Study files: a dataset, a task, variants and claims."""

from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from calotype.config.choice import StudyFigures, choosing, shown
from calotype.config.comparison import CONSECUTIVE, Compare, check_worth, pairs, same_order
from calotype.config.dataset_base import Name
from calotype.config.recipe import SCIKIT_LEARN, Recipe
from calotype.metrics.registry import METRICS, MetricName
from calotype.tasks.registry import TASKS, TaskName, tasks_that
from calotype.util.typed import Number, PositiveInt, Seeds, SeedsPerJob, Shown, Strict

CLAIM_KINDS = ("value", "at_most", "at_least", "between", "as_low_as", "similar_to")
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Variant(Recipe):
    """One row of a study's table: a recipe, how its models are tested, and keys that change no result."""

    test_images: PositiveInt | None = Field(
        None, description="Number of images to test on: the first of each test split, to limit the cost. Default: all."
    )
    test_time_augmentation: list[Literal["flip", "shift"]] = Field(
        [],
        description="Average each prediction over further views of the test image. `flip`: left and right swapped; "
        "`shift`: moved by one pixel up, down, left and right; both: also each of these swapped.",
    )
    label: Shown = Field("", description="Name in figures and tables. Default: the variant's key.")
    description: str = Field("", description="One sentence for the report.")
    seeds: Seeds | None = Field(None, description="Number of seeds. Default: `seeds` of config.yaml.")
    seeds_per_job: SeedsPerJob | None = Field(
        None,
        description="Largest number of seeds that share a job (a pack), or `auto`. Default: `seeds_per_job` of "
        "config.yaml.",
    )
    side_by_side: Seeds = Field(
        1,
        description="Number of runs of a pack that train at the same time, each in its own process with `threads` "
        "cores. They share the job's GPU. Without `seeds_per_job`, a pack has at least this number of seeds. It never "
        "changes a result.",
    )
    files: list[str] = Field(
        [],
        description="Files and folders that a custom model function reads, such as weights; paths start from the "
        "working directory. A change of their content trains the variant again.",
    )

    def recipe(self) -> dict[str, Any]:
        """Return the keys that decide whether to train again, as plain data."""
        return self.values(include=set(Recipe.model_fields))

    def prediction(self) -> dict[str, Any]:
        """Return the keys that change predictions of given weights, as plain data."""
        keys = ("model", "model_arguments", "precision", "threads", "test_images", "test_time_augmentation")
        return {key: getattr(self, key) for key in (*keys, "classifies", "binary")}

    @model_validator(mode="after")
    def _packs_are_large_enough(self) -> "Variant":
        if isinstance(self.seeds_per_job, int) and self.seeds_per_job < self.side_by_side:
            raise ValueError(
                f"side_by_side: {self.side_by_side} is more than seeds_per_job, {self.seeds_per_job}: a job would have "
                "fewer runs\nHint: increase seeds_per_job, or remove it."
            )
        return self

    @model_validator(mode="after")
    def _views_fit(self) -> "Variant":
        if self.test_time_augmentation and self.model in SCIKIT_LEARN:
            raise ValueError(f"test_time_augmentation: not supported by {self.model}; remove it, or use a Keras model")
        return self


class Claim(Strict):
    """A published number: exactly one of value, at_most, at_least, between, as_low_as, similar_to."""

    variant: str = Field(description="Variant that the claim is about.")
    split: str | None = Field(
        None, description="Test split that the claim is about; none for `training_accuracy` and `parameters`."
    )
    metric: MetricName = Field(description="Metric that the claim is about.")
    value: Finite | None = Field(None, description="Published number.")
    at_most: Finite | None = Field(None, description="Upper bound, instead of `value`.")
    at_least: Finite | None = Field(None, description="Lower bound, instead of `value`.")
    between: Annotated[list[Finite], Field(min_length=2, max_length=2)] | None = Field(
        None, description="Range of most runs, instead of `value`."
    )
    as_low_as: Finite | None = Field(None, description="Value of the lowest runs, instead of `value`.")
    similar_to: str | None = Field(
        None, description="Another variant that one run cannot distinguish from this one, instead of `value`."
    )
    quote: str = Field(description="The source's statement, as a quotation or a paraphrase.")
    note: str = Field("", description="Reason why our measurement differs, if known.")

    def numbers(self) -> list[float]:
        """Return the published numbers."""
        single = [number for number in (self.value, self.at_most, self.at_least, self.as_low_as) if number is not None]
        return single + (self.between or [])

    @model_validator(mode="after")
    def _one_number(self) -> "Claim":
        if sum(getattr(self, kind) is not None for kind in CLAIM_KINDS) != 1:
            raise ValueError(f"give exactly one of {', '.join(CLAIM_KINDS)}")
        for number in self.numbers():
            if METRICS[self.metric].share and not 0 <= number <= 1:
                raise ValueError(f"{number} is not a fraction; write 90 % as 0.90")
        if self.between and self.between[0] > self.between[1]:
            raise ValueError(f"between: {self.between[0]} is above {self.between[1]}")
        if METRICS[self.metric].tested != (self.split is not None):
            raise ValueError(f"{self.metric} {'needs a' if self.split is None else 'takes no'} split")
        if METRICS[self.metric].of_model and self.value is None:
            raise ValueError(f"a claim on {self.metric} has a value")
        return self


class Source(Strict):
    """The text that a study reproduces."""

    title: Shown = Field(description="Title of the text.")
    url: Annotated[str, Field(pattern=r"^(https?://.*)?$")] = Field("", description="Web address of the text.")


class Study(Strict):
    """config/studies/<study>.yaml: a dataset, a task, variants and claims."""

    title: Shown = Field(description="Heading in the report.")
    description: str = Field("", description="A paragraph for the report.")
    source: Source | None = Field(None, description="Published text that the study reproduces.")
    dataset: Name = Field(description="A dataset of datasets.yaml.")
    task: TaskName = Field(description="; ".join(f"`{task.name}`: {task.purpose}" for task in TASKS.values()) + ".")
    metric: MetricName | None = Field(
        None,
        description="Headline metric: shown in figures over seeds, in comparisons and in the first column of tables. "
        "Default: the first of `metrics`; without them, "
        + ", ".join(f"`{task.names[0]}` for `{task.name}`" for task in TASKS.values())
        + ".",
    )
    metrics: Annotated[list[MetricName], Field(min_length=1)] | None = Field(
        None,
        description="Metrics of tables and the report, the headline first. Default: the headline and the usual "
        "metrics of the task ("
        + "; ".join(f"`{task.name}`: {', '.join(f'`{name}`' for name in task.usual)}" for task in TASKS.values())
        + "). runs.csv and summary.csv hold every metric of the task.",
    )
    tests: Annotated[list[Name], Field(min_length=1)] = Field(
        description="Test splits of every run. The contact sheet shows the first; figures over all images show the "
        "last, so put the largest there."
    )
    example: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description=f"{tasks_that(lambda task: task.gives_probabilities)}: number of an image of the first test split, "
        "shown with its probabilities. The column `number` of results/prepared/<dataset>/catalogue.csv gives the "
        "numbers of your own images.",
    )
    feature_maps: str | None = Field(
        None, description="A variant; the report shows its first convolution and max-pooling of the `example`."
    )
    may_diverge: bool = Field(
        True,
        description="Allow runs to diverge, that is, to end with an infinite or NaN loss. Diverged seeds are marked in "
        "tables and figures, and excluded from means, intervals and comparisons. If false, the evaluation of the study "
        "fails with an error that names them, and the smoke test of a custom model that diverges fails, too.",
    )
    compare: Compare = Field(
        CONSECUTIVE,
        description="Variants to compare: `consecutive`, each with the one above it; `all`, every pair; or "
        "`{to: source}`, each with the variant `source`.",
    )
    worth: Number | None = Field(
        None,
        description="Smallest difference of the headline metric that matters, in its unit; of shares in points: `0.5`. "
        "The report then says which variants are equivalent, and how many seeds would tell others apart.",
    )
    defaults: dict[str, Any] = Field({}, description="Defaults of all variants.")
    variants: Annotated[dict[Name, Variant], Field(min_length=1)] = Field(description="Variants, by name.")
    claims: list[Claim] = Field([], description="Published numbers to compare with our measurements.")
    figures: StudyFigures = Field(StudyFigures(), description="Variants in figures: `figures: {variants: best 6}`.")
    _grids: dict[str, dict[str, Any]] = PrivateAttr({})

    def with_grids(self, grids: dict[str, dict[str, Any]]) -> "Study":
        """Return a copy that knows the grids of the study file, as `settings_of` returns them."""
        copy = self.model_copy()
        copy._grids = grids
        return copy

    @property
    def grids(self) -> dict[str, dict[str, Any]]:
        """The grids of the study by name, as `settings_of` returns them, and how to choose in each (``by``)."""
        return {
            name: grid | {"by": choosing({key: self.variants[key] for key in grid["variants"]}, self.headline)}
            for name, grid in self._grids.items()
        }

    @property
    def by(self) -> dict[str, Any]:
        """The comparison of the variants that hold out images, as `choosing` returns it."""
        held_out = {name: variant for name, variant in self.variants.items() if variant.holds_out}
        return choosing(held_out or self.variants, self.headline)

    @property
    def chosen(self) -> dict[str, Any] | None:
        """The variants that figures show, as `shown` returns them."""
        named = [self.feature_maps, *(name for claim in self.claims for name in (claim.variant, claim.similar_to))]
        return shown(self.figures, self.variants, self.by, [*filter(None, named)])

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The compared variants: (variant, the one that is subtracted)."""
        return pairs(self.compare, [*self.variants])

    @property
    def comparisons(self) -> dict[str, Any]:
        """The compared variants, as plain data.

        ``pairs``: (variant, than, whether equal seeds see the images in the same order); ``worth``, if given, of shares
        as a fraction.
        """
        named = [(*pair, same_order(*(self.variants[name] for name in pair))) for pair in self.pairs]
        return {"pairs": named} | ({} if self.margin is None else {"worth": self.margin})

    @property
    def margin(self) -> float | None:
        """The smallest difference that matters, of shares as a fraction; None if unknown."""
        return self.worth / 100 if self.worth is not None and METRICS[self.headline].share else self.worth

    @property
    def headline(self) -> str:
        """The headline metric."""
        return self.metric or (self.metrics or TASKS[self.task].names)[0]

    @property
    def shown(self) -> list[str]:
        """The metrics of tables and the report, the headline first."""
        return [*self.metrics] if self.metrics else TASKS[self.task].shown(self.headline)

    def metric_keys(self) -> dict[str, str]:
        """Return all metrics that the study names, by key."""
        found: dict[str, str] = {f"metrics.{i}": name for i, name in enumerate(self.metrics or [])}
        found |= {f"claims.{i}.metric": claim.metric for i, claim in enumerate(self.claims)}
        return ({"metric": self.metric} if self.metric else {}) | found

    @property
    def training_splits(self) -> dict[str, str]:
        """The training split of each variant."""
        return {key: variant.train for key, variant in self.variants.items()}

    @property
    def most_threads(self) -> int:
        """The largest number of threads of a variant."""
        return max(variant.threads for variant in self.variants.values())

    def labels(self) -> dict[str, str]:
        """Return the names of the variants in figures and tables, by key."""
        return {key: variant.label or key for key, variant in self.variants.items()}

    @model_validator(mode="before")
    @classmethod
    def _fill_in_defaults(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        # A key is None if all its lines are commented out.
        raw = {key: value for key, value in raw.items() if value is not None or key not in ("defaults", "claims")}
        defaults, variants = raw.get("defaults", {}), raw.get("variants")
        if not isinstance(defaults, dict) or not isinstance(variants, dict):
            return raw
        filled = {key: {**defaults, **value} if isinstance(value, dict) else value for key, value in variants.items()}
        return {**raw, "variants": filled}

    @model_validator(mode="after")
    def _task_fits(self) -> "Study":
        if len(set(self.tests)) < len(self.tests):
            raise ValueError("tests: duplicate split")
        task = TASKS[self.task]
        for key, variant in self.variants.items():
            if variant.loss not in task.losses:
                hint = f"its losses are {', '.join(task.losses)}."
                raise ValueError(f"variants.{key}.loss: {variant.loss} does not fit task {self.task}\nHint: {hint}")
            if variant.scale_targets and not task.scales_targets:
                raise ValueError(f"variants.{key}.scale_targets: task {self.task} has no targets to scale")
        self._metrics_fit()
        if self.example is not None and not task.gives_probabilities:
            raise ValueError(f"example: task {self.task} has no probabilities to show")
        if self.feature_maps is not None and self.example is None:
            raise ValueError("feature_maps: needs an example")
        if self.worth is not None:
            check_worth(self.worth, METRICS[self.headline])
        return self

    def _metrics_fit(self) -> None:
        task = TASKS[self.task]
        of_training = [metric.name for metric in task.of_training]
        for key, metric in self.metric_keys().items():
            known = [*task.names, *(of_training if key.startswith("claims.") else [])]
            if metric not in known:
                raise ValueError(f"{key}: task {self.task} has {', '.join(known)}, not {metric}")
        chosen = self.metrics or []
        if len(set(chosen)) < len(chosen):
            raise ValueError("metrics: duplicate metric")
        if chosen and self.metric not in (None, chosen[0]):
            raise ValueError(
                f"metrics: begins with {chosen[0]}, but metric is {self.metric}: put it first or remove it"
            )
