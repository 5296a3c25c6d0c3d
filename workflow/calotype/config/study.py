"""The typed study files: a dataset, a task, some variants, and the claims they are held against."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from calotype.config.dataset_base import Name
from calotype.config.recipe import SCIKIT_LEARN, Recipe
from calotype.metrics.registry import METRICS, MetricName
from calotype.tasks.registry import TASKS, TaskName, tasks_that
from calotype.util.typed import PositiveInt, Strict

CLAIM_KINDS = ("value", "at_most", "at_least", "between", "as_low_as", "similar_to")
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Variant(Recipe):
    """One line of a study's table: a recipe, how its models are tested, and what changes no result."""

    test_images: PositiveInt | None = Field(
        None,
        description="Test on the first so many images of each test split: a bound on the cost of large ones. Left out: "
        "on all.",
    )
    test_time_augmentation: list[Literal["flip", "shift"]] = Field(
        [],
        description="Average each test image's prediction over further views of it: `flip`, left and right swapped; "
        "`shift`, moved by one pixel up, down, left and right; with both, also each of these swapped.",
    )
    label: str = Field("", description="Name in figures and tables. Left out: the variant's key.")
    description: str = Field("", description="One sentence for the report.")
    seeds: PositiveInt | None = Field(None, description="Number of seeds. Left out: `seeds` of config.yaml.")
    seeds_per_job: PositiveInt | None = Field(
        None, description="Seeds that at most share a job. Left out: `seeds_per_job` of config.yaml."
    )

    files: list[str] = Field(
        [],
        description="Files and folders that a model function of your own reads, such as weights; paths start from the "
        "working directory. A change of their content trains the variant again.",
    )

    def recipe(self) -> dict[str, Any]:
        """The recipe alone, as plain data: the part of the config that decides whether to train again."""
        return self.values(include=set(Recipe.model_fields))

    def prediction(self) -> dict[str, Any]:
        """What a model's predictions depend on besides its weights, as plain data."""
        keys = ("model", "model_arguments", "precision", "threads", "test_images", "test_time_augmentation")
        return {key: getattr(self, key) for key in (*keys, "classifies", "binary")}

    @model_validator(mode="after")
    def _views_fit(self) -> "Variant":
        if self.test_time_augmentation and self.model in SCIKIT_LEARN:
            raise ValueError(f"test_time_augmentation: {self.model} cannot do this; leave it out, or use a Keras model")
        return self


class Claim(Strict):
    """A number that a source published: exactly one of value, at_most, at_least, between, as_low_as, similar_to."""

    variant: str = Field(description="The variant that it is about.")
    split: str | None = Field(
        None, description="The test split that it is about. Left out for `training_accuracy` and `parameters`."
    )
    metric: MetricName = Field(description="The metric that it is about.")
    value: Finite | None = Field(None, description="The published number.")
    at_most: Finite | None = Field(None, description="Instead of `value`: an upper bound.")
    at_least: Finite | None = Field(None, description="Instead of `value`: a lower bound.")
    between: Annotated[list[Finite], Field(min_length=2, max_length=2)] | None = Field(
        None, description="Instead of `value`: the range in which most runs lie."
    )
    as_low_as: Finite | None = Field(None, description="Instead of `value`: what the lowest runs come down to.")
    similar_to: str | None = Field(
        None, description="Instead of `value`: another variant, from which a single run cannot be told."
    )
    quote: str = Field(description="What the source says, in our words.")
    note: str = Field("", description="Why our measurement differs, where that is known.")

    def numbers(self) -> list[float]:
        """The published numbers."""
        single = [number for number in (self.value, self.at_most, self.at_least, self.as_low_as) if number is not None]
        return single + (self.between or [])

    @model_validator(mode="after")
    def _one_number(self) -> "Claim":
        if sum(getattr(self, kind) is not None for kind in CLAIM_KINDS) != 1:
            raise ValueError(f"give exactly one of {', '.join(CLAIM_KINDS)}")
        for number in self.numbers():
            if METRICS[self.metric].share and not 0 <= number <= 1:
                raise ValueError(f"{number} is not a share; write 90 % as 0.90")
        if self.between and self.between[0] > self.between[1]:
            raise ValueError(f"between: {self.between[0]} is above {self.between[1]}")
        if METRICS[self.metric].tested != (self.split is not None):
            raise ValueError(f"{self.metric} {'needs a' if self.split is None else 'takes no'} split")
        if METRICS[self.metric].of_model and self.value is None:
            raise ValueError(f"a claim on {self.metric} has a value")
        return self


class Source(Strict):
    """The text that a study reproduces."""

    title: str = Field(description="What it is, as a reader would look for it.")
    url: Annotated[str, Field(pattern=r"^(https?://.*)?$")] = Field("", description="Where it is, if that is known.")


class Study(Strict):
    """config/studies/<study>.yaml: a dataset, a task, some variants, and the claims it is held against."""

    title: str = Field(description="Heading in the report.")
    description: str = Field("", description="A paragraph for the report.")
    source: Source | None = Field(None, description="The published text, if the study reproduces one.")
    dataset: Name = Field(description="A dataset of datasets.yaml.")
    task: TaskName = Field(description="; ".join(f"`{task.name}`: {task.purpose}" for task in TASKS.values()) + ".")
    metric: MetricName | None = Field(
        None,
        description="The headline: the metric of the figures over seeds, of comparisons and of the first column of "
        "tables. Left out: the first of `metrics`; without them, "
        + ", ".join(f"`{task.names[0]}` for `{task.name}`" for task in TASKS.values())
        + ".",
    )
    metrics: Annotated[list[MetricName], Field(min_length=1)] | None = Field(
        None,
        description="The metrics that tables and the report show, the headline first. Left out: the headline and the "
        "usual ones of the task ("
        + "; ".join(f"`{task.name}`: {', '.join(f'`{name}`' for name in task.usual)}" for task in TASKS.values())
        + "). runs.csv and summary.csv hold every metric of the task.",
    )
    tests: Annotated[list[Name], Field(min_length=1)] = Field(
        description="The splits that every run is tested on. The first is that of the contact sheet; the last, the "
        "place for the largest, that of the figures over all images."
    )
    example: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description=f"{tasks_that(lambda task: task.gives_probabilities)}: number of an image of the first test split, "
        "shown with its probabilities. Images of "
        "your own have theirs in the column `number` of results/prepared/<dataset>/catalogue.csv.",
    )
    feature_maps: str | None = Field(
        None, description="A variant whose first convolution and max-pooling are shown on the `example`."
    )
    may_diverge: bool = Field(
        True,
        description="Whether a training may diverge: end with a loss that is infinite or no number. If true, such "
        "seeds are marked in tables and figures and left out of means, intervals and comparisons; if false, the "
        "evaluation of the study ends with an error that names them.",
    )
    defaults: dict[str, Any] = Field({}, description="What a variant leaves out it takes from here.")
    variants: Annotated[dict[Name, Variant], Field(min_length=1)] = Field(description="The variants, by name.")
    claims: list[Claim] = Field([], description="Published numbers, each held against our measurement.")

    @property
    def headline(self) -> str:
        """The metric of the figures over seeds."""
        return self.metric or (self.metrics or TASKS[self.task].names)[0]

    @property
    def shown(self) -> list[str]:
        """The metrics of tables and the report, the headline first."""
        return [*self.metrics] if self.metrics else TASKS[self.task].shown(self.headline)

    def metric_keys(self) -> dict[str, str]:
        """Every metric that the study names, by the key where it stands."""
        found: dict[str, str] = {f"metrics.{i}": name for i, name in enumerate(self.metrics or [])}
        found |= {f"claims.{i}.metric": claim.metric for i, claim in enumerate(self.claims)}
        return ({"metric": self.metric} if self.metric else {}) | found

    @property
    def training_splits(self) -> dict[str, str]:
        """The split that each variant is trained on."""
        return {key: variant.train for key, variant in self.variants.items()}

    @property
    def most_threads(self) -> int:
        """The threads of the variant that has most."""
        return max(variant.threads for variant in self.variants.values())

    def labels(self) -> dict[str, str]:
        """How figures and tables call the variants."""
        return {key: variant.label or key for key, variant in self.variants.items()}

    @model_validator(mode="before")
    @classmethod
    def _fill_in_defaults(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        # A key whose lines are all commented out is None.
        raw = {key: value for key, value in raw.items() if value is not None or key not in ("defaults", "claims")}
        defaults, variants = raw.get("defaults", {}), raw.get("variants")
        if not isinstance(defaults, dict) or not isinstance(variants, dict):
            return raw
        filled = {key: {**defaults, **value} if isinstance(value, dict) else value for key, value in variants.items()}
        return {**raw, "variants": filled}

    @model_validator(mode="after")
    def _task_fits(self) -> "Study":
        if len(set(self.tests)) < len(self.tests):
            raise ValueError("tests: a split stands there twice")
        task = TASKS[self.task]
        for key, variant in self.variants.items():
            if variant.loss not in task.losses:
                raise ValueError(f"variants.{key}.loss: {variant.loss} does not fit task {self.task}")
            if variant.scale_targets and not task.scales_targets:
                raise ValueError(f"variants.{key}.scale_targets: task {self.task} has no targets to scale")
        self._metrics_fit()
        if self.example is not None and not task.gives_probabilities:
            raise ValueError(f"example: task {self.task} has no probabilities to show")
        if self.feature_maps is not None and self.example is None:
            raise ValueError("feature_maps: needs an example to show them on")
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
            raise ValueError("metrics: a metric stands there twice")
        if chosen and self.metric not in (None, chosen[0]):
            raise ValueError(
                f"metrics: the first is the headline, but metric says {self.metric}, and this begins with {chosen[0]}; "
                "leave metric out, or put it first"
            )
