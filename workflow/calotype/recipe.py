"""The recipe of a training: everything in the config that can change its bytes, and nothing else.

Its own module, so that the training code depends on this and not on the rest of the config: a new key for a figure
or a claim then retrains nothing.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

PositiveInt = Annotated[int, Field(gt=0)]


class Strict(BaseModel):
    """No unknown keys, no silent conversions ("10" is not 10), no changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Optimizer(Strict):
    """A Keras optimizer. What is left out has Keras's default."""

    name: Literal["adadelta", "adagrad", "adam", "adamax", "adamw", "ftrl", "lion", "nadam", "rmsprop", "sgd"] = Field(
        description="Keras's name of the optimizer, in lower case."
    )
    learning_rate: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = Field(
        None, description="The rate; with a schedule, its highest value. Left out: the optimizer's own default."
    )
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="`cosine` falls to zero at the last step of the last epoch."
    )
    warmup: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="With `cosine`: the part of all steps over which the rate first rises."
    )
    arguments: dict[str, Any] = Field({}, description="Further keyword arguments of the Keras class.")

    @model_validator(mode="after")
    def _schedule_is_complete(self) -> "Optimizer":
        if "learning_rate" in self.arguments:
            raise ValueError("arguments: learning_rate has a key of its own, beside name")
        if self.schedule == "cosine" and self.learning_rate is None:
            raise ValueError("schedule cosine needs a learning_rate")
        if self.schedule == "constant" and self.warmup:
            raise ValueError("warmup needs schedule: cosine")
        return self


def _optimizer_by_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Recipe(Strict):
    """What a training computes, given its data and its seed."""

    model: str = Field(
        description="A function of workflow/calotype/models.py, or `path/to/file.py:function`; it gets the image shape "
        "and the number of outputs and returns a Keras model."
    )
    model_arguments: dict[str, Any] = Field({}, description="Keyword arguments for the model function.")
    loss: Literal["mean_squared_error", "mean_absolute_error", "huber", "log_cosh"] = Field(
        description="Keras's name of the loss."
    )
    optimizer: Annotated[Optimizer, BeforeValidator(_optimizer_by_name)] = Field(
        description="A name, or a mapping with `name`."
    )
    epochs: PositiveInt = Field(description="Passes over the training images.")
    batch_size: PositiveInt = Field(description="Images per training step; the last step of an epoch takes the rest.")
    train: str = Field("train", description="The split to train on.")
    scale_targets: bool = Field(
        False, description="`count`: train on (count - minimum) / (maximum - minimum) instead of the count itself."
    )
    augment: list[Literal["symmetries"]] = Field(
        [],
        description="`symmetries`: in each epoch each image is shown in one of the eight positions of the square, "
        "drawn by (seed, epoch).",
    )
    test_images: PositiveInt | None = Field(
        None,
        description="Test on the first so many images of each test split: a bound on the cost of large ones. Left out: "
        "on all.",
    )
    threads: PositiveInt = Field(
        1,
        description="Threads of one training. Their number changes the last bits of the results, so it is the same on "
        "a laptop and on a cluster.",
    )
