"""The preparation of a dataset as a list of steps: their types, and what can be said against a list before it runs.

preparation/opencv_steps.py has what they do to images. This imports neither OpenCV nor numpy: each call reads the
config.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from calotype.util.errors import CalotypeError
from calotype.util.typed import Strict

Number = Annotated[float, Field(allow_inf_nan=False)]
Side = Annotated[int, Field(ge=1, le=16384)]  # px
Whole = Annotated[int, Field(ge=0)]
LARGEST = 65535  # the largest grey level of any type that OpenCV reads
MEDIAN = 5  # px; a larger median OpenCV has for 8 bits alone
GREY_LEVELS = "the grey levels that were read"


def _odd(size: Any) -> Any:
    if type(size) is int and size % 2 == 0:
        raise ValueError(f"{size} is even: only an odd number of px has a middle")
    return size


Kernel = Annotated[int, Field(ge=3, le=255), BeforeValidator(_odd)]


def _listed(value: Any) -> Any:
    if isinstance(value, bool | str) or not isinstance(value, int | float | list):
        raise ValueError(f"{value!r} is neither a number nor a list of numbers, one for each channel")
    return value if isinstance(value, list) else [value]


class _OneOrMore:
    """In schemas: a list of numbers may be given as one number."""

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        found: dict[str, Any] = handler(core)
        return {"anyOf": [found["items"], found]}


PerChannel = Annotated[list[Number], Field(min_length=1), BeforeValidator(_listed), _OneOrMore()]
Positives = Annotated[
    list[Annotated[float, Field(gt=0.0, allow_inf_nan=False)]],
    Field(min_length=1), BeforeValidator(_listed), _OneOrMore(),
]  # fmt: skip
Range = Annotated[list[Number], Field(min_length=2, max_length=2)]


# ---- The steps -------------------------------------------------------------------------------------------------------


class Grey(Strict):
    """One channel from several; one stays as it is."""

    name: Literal["grey"] = Field(description="One channel from several; one stays as it is.")
    method: Literal["mean", "luminance"] = Field(
        "mean",
        description="`mean` of the channels, or `luminance`, how bright they look: 0.299 red + 0.587 green + 0.114 "
        "blue (Rec. 601).",
    )


class Colour(Strict):
    """Three equal channels from one; three stay as they are."""

    name: Literal["colour"] = Field(
        description="Three equal channels from one, for nets that want three; three stay as they are."
    )


class Resize(Strict):
    """Another number of pixels."""

    name: Literal["resize"] = Field(description="Another number of pixels.")
    width: Side = Field(description="In px.")
    height: Side = Field(description="In px.")
    keep_aspect: bool = Field(
        False,
        description="As large as fits into `width` and `height` without a change of shape; `pad` fills up what is "
        "left.",
    )
    interpolation: Literal["auto", "nearest", "linear", "cubic", "lanczos", "area"] = Field(
        "auto",
        description="`auto`: `area` along an axis that shrinks, so that no pixel is lost between others, and `linear` "
        "along one that grows. What the others make darker than black or brighter than white is cut off.",
    )


class Crop(Strict):
    """A part of the image."""

    name: Literal["crop"] = Field(description="A part of the image, from its middle unless `left` and `top` are given.")
    width: Side = Field(description="In px; an image that is smaller is an error.")
    height: Side = Field(description="In px; an image that is smaller is an error.")
    left: Whole | None = Field(None, description="Px that are cut off on the left. Given together with `top`.")
    top: Whole | None = Field(None, description="Px that are cut off above. Given together with `left`.")

    @model_validator(mode="after")
    def _both_or_neither(self) -> "Crop":
        if (self.left is None) != (self.top is None):
            raise ValueError(f"left and top: give both or neither; {'left' if self.left is None else 'top'} is missing")
        return self


class Pad(Strict):
    """A border all around."""

    name: Literal["pad"] = Field(
        description="A border around the image, which comes to lie in the middle; an odd px goes right, or below."
    )
    width: Side = Field(description="Of the result, in px; an image that is wider is an error.")
    height: Side = Field(description="Of the result, in px; an image that is higher is an error.")
    border: Literal["value", "edge", "reflect"] = Field(
        "value",
        description="`value`: of one `value`; `edge`: the outermost pixels again; `reflect`: what lies inside, "
        "mirrored at the outermost pixels.",
    )
    value: Number | None = Field(None, description="Of border `value`, in the units of the pixels there. Left out: 0.")

    @model_validator(mode="after")
    def _value_of_border(self) -> "Pad":
        if self.border != "value" and self.value is not None:
            raise ValueError(f"value: border `{self.border}` takes none")
        return self


class Threshold(Strict):
    """Black and white."""

    name: Literal["threshold"] = Field(
        description="Black and white: pixels above the threshold become white (255 in 8 bits, 65535 in 16, 1 after "
        "`scale`), the others 0."
    )
    method: Literal["fixed", "otsu", "adaptive"] = Field(
        description="`fixed`: one `value` for all images; `otsu`: for each image the value that separates its grey "
        "levels best; `adaptive`: for each pixel the mean around it, less `constant`."
    )
    value: Number | None = Field(None, description="Of `fixed`, in the units of the pixels there.")
    block: Kernel | None = Field(None, description="Of `adaptive`: width of the square of the mean in px, odd.")
    constant: Number | None = Field(
        None, description="Of `adaptive`: what is taken off the mean, in the units of the pixels there. Left out: 0."
    )
    window: Literal["flat", "gaussian"] | None = Field(
        None, description="Of `adaptive`: how the mean weighs the pixels of its square. Left out: `flat`."
    )

    @model_validator(mode="after")
    def _keys_of_the_method(self) -> "Threshold":
        needed = {"fixed": {"value"}, "adaptive": {"block"}}.get(self.method, set())
        allowed = needed | ({"constant", "window"} if self.method == "adaptive" else set())
        for key in ("value", "block", "constant", "window"):
            if getattr(self, key) is None and key in needed:
                raise ValueError(f"{key}: method `{self.method}` needs it")
            if getattr(self, key) is not None and key not in allowed:
                raise ValueError(f"{key}: method `{self.method}` takes none")
        return self


class Invert(Strict):
    """Black becomes white, and white black."""

    name: Literal["invert"] = Field(description="Black becomes white, and white black.")


class Blur(Strict):
    """Each pixel from those around it."""

    name: Literal["blur"] = Field(description="Each pixel becomes a mean, or the median, of those around it.")
    method: Literal["gaussian", "median", "box"] = Field(
        "gaussian", description="`gaussian`: near pixels count more; `box`: all alike; `median`: lone pixels vanish."
    )
    size: Kernel = Field(
        description=f"Width of the square around a pixel in px, odd. A median above {MEDIAN} needs grey levels of 8 "
        "bits."
    )
    sigma: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = Field(
        None, description="Of `gaussian`: its standard deviation in px. Left out: 0.3 * ((size - 1) / 2 - 1) + 0.8."
    )

    @model_validator(mode="after")
    def _sigma_of_gaussian(self) -> "Blur":
        if self.method != "gaussian" and self.sigma is not None:
            raise ValueError(f"sigma: method `{self.method}` takes none")
        return self


class Morphology(Strict):
    """Bright regions grow or shrink."""

    name: Literal["morphology"] = Field(description="Bright regions grow or shrink, by the shape of a kernel.")
    operation: Literal["erode", "dilate", "open", "close"] = Field(
        description="`erode`: bright regions shrink; `dilate`: they grow; `open`: first the one, then the other, so "
        "that small bright spots vanish; `close`: the other way round, so that small dark spots do."
    )
    size: Kernel = Field(description="Width of the kernel in px, odd.")
    shape: Literal["rectangle", "ellipse", "cross"] = Field("rectangle", description="Of the kernel.")
    iterations: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="How often it shrinks, or grows.")


class Contrast(Strict):
    """More contrast where there is little (CLAHE)."""

    name: Literal["contrast"] = Field(
        description="More contrast where there is little: each tile's histogram is made even, up to a limit (CLAHE)."
    )
    clip: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = Field(
        2.0, description="The limit: how much more often than the average a grey level may count."
    )
    tiles: Annotated[int, Field(ge=1, le=256)] = Field(8, description="Tiles across, and as many down.")


class Scale(Strict):
    """From grey levels to 0..1."""

    name: Literal["scale"] = Field(description="From 0..255, or in 16 bits from 0..65535, to 0..1.")


class Normalise(Strict):
    """Another zero and another unit."""

    name: Literal["normalise"] = Field(
        description="Another zero and another unit: by `range`, by `mean` and `deviation`, or by those of a `split`."
    )
    range: Range | None = Field(
        None, description="Two numbers, [low, high]: what the darkest and the brightest pixel become, in proportion."
    )
    levels: Range | None = Field(
        None,
        description="Of `range`: the two numbers that become its ends, for all images alike; what lies outside them "
        "comes to lie outside. Left out: each image's own least and largest (where they are one, all become low).",
    )
    mean: PerChannel | None = Field(
        None, description="What becomes zero; one number, or one for each channel. Given together with `deviation`."
    )
    deviation: Positives | None = Field(
        None, description="What becomes one; one number, or one for each channel. Given together with `mean`."
    )
    split: str | None = Field(
        None,
        description="A split on which no model is tested: `mean` and `deviation` (of each channel, over all its "
        "images, after the steps before) are measured on it, and taken for all splits.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> "Normalise":
        ways = [key for key in ("range", "mean", "deviation", "split") if getattr(self, key) is not None]
        if ways not in (["range"], ["mean", "deviation"], ["split"]):
            raise ValueError("give `range`, or `mean` and `deviation`, or `split`")
        if self.levels is not None and self.range is None:
            raise ValueError("levels: needs range")
        for key in ("range", "levels"):
            ends = getattr(self, key)
            if ends is not None and ends[0] >= ends[1]:
                raise ValueError(f"{key}: {ends[0]:g} is not below {ends[1]:g}")
        if self.mean and self.deviation and 1 != len(self.mean) != len(self.deviation) != 1:
            raise ValueError(f"mean has {len(self.mean)} numbers, deviation {len(self.deviation)}")
        return self


class Own(Strict):
    """A function of the user's."""

    name: Literal["own"] = Field(description="A function of your own.")
    function: Annotated[str, Field(pattern=r"^.+\.py:[A-Za-z_]\w*$")] = Field(
        description="`path/to/file.py:function`; the path starts from the working directory. It gets `(image, "
        "**arguments)`, shape (height, width, channels), and returns an image."
    )
    arguments: dict[str, Any] = Field({}, description="Keyword arguments of the function.")


_Step = (
    Grey | Colour | Resize | Crop | Pad | Threshold | Invert | Blur | Morphology | Contrast | Scale | Normalise | Own
)
STEPS: Mapping[str, type[Strict]] = {
    get_args(model.model_fields["name"].annotation)[0]: model for model in get_args(_Step)
}
# Those that need no further key.
ALONE = tuple(
    name
    for name, model in STEPS.items()
    if name != "normalise"
    and not any(field.is_required() for key, field in model.model_fields.items() if key != "name")
)


def _by_name(entry: Any) -> Any:
    if isinstance(entry, str):
        return {"name": entry}
    if not isinstance(entry, dict | Strict):
        raise ValueError(f"{entry!r} is neither the name of a step nor a mapping with `name`")
    if isinstance(entry, dict) and len(entry) == 1 and (name := next(iter(entry))) in STEPS:
        raise ValueError(f"a step is a name, or a mapping with `name`: write {{name: {name}, ...}}")
    return entry


class _NameAlone:
    """In schemas: a step may be given by its name alone."""

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "enum": [*ALONE]}, handler(core)]}


Step = Annotated[_Step, Field(discriminator="name"), BeforeValidator(_by_name), _NameAlone()]
Steps = list[Step]
BY_DEFAULT: Any = ["grey", "scale"]  # as YAML would give it: schemas show it so
_STEPS: TypeAdapter[list[_Step]] = TypeAdapter(Steps)


def read_steps(plain: Iterable[Any]) -> list[_Step]:
    """Steps from plain data, as YAML or `plain_steps` gives it; those that are steps already stay.

    Raises:
        CalotypeError: one is not a step.
    """
    try:
        return _STEPS.validate_python([*plain])
    except ValidationError as problem:
        lines = [f"prepare.{'.'.join(map(str, error['loc']))}: {error['msg']}." for error in problem.errors()]
        raise CalotypeError("\n".join(lines)) from None


def plain_step(step: _Step) -> Any:
    """A step as plain data: its name, or a mapping of what differs from the defaults."""
    found = step.model_dump(exclude_defaults=True)
    return step.name if len(found) == 1 else found


def plain_steps(steps: Iterable[_Step]) -> list[Any]:
    """Steps as plain data, as short as YAML takes them: what Snakemake compares and hands to scripts."""
    return [plain_step(step) for step in steps]


def titled(step: _Step) -> tuple[str, str]:
    """What a figure calls a step: its name, and what it was given, in words."""
    given = step.model_dump(exclude={"name"}, exclude_none=True, exclude_defaults=True)
    size = [f"{given.pop('width')} × {given.pop('height')} px"] if "width" in given else []
    for key in given.keys() & {"range", "levels"}:
        given[key] = " to ".join(map(_worded, given[key]))
    words = [key if value is True else f"{key} {_worded(value)}" for key, value in given.items()]
    return step.name, ", ".join([*size, *words]).replace("_", " ")


def _worded(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_worded, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_worded(entry)}" for key, entry in value.items())
    return str(value)


# ---- A split that is measured ----------------------------------------------------------------------------------------


def measured_split(steps: Iterable[_Step]) -> str | None:
    """The split whose mean and deviation a step takes; None where no step does."""
    return next((step.split for step in steps if isinstance(step, Normalise) and step.split), None)


def before_measuring(steps: Sequence[_Step]) -> list[_Step]:
    """The steps before the one that takes the mean and the deviation of a split."""
    place = next(i for i, step in enumerate(steps) if isinstance(step, Normalise) and step.split)
    return [*steps[:place]]


def with_measured(steps: Iterable[_Step], measured: Mapping[str, Any]) -> list[_Step]:
    """The steps with what was measured in place of the split that it was measured on.

    Args:
        steps: of a dataset.
        measured: ``mean`` and ``deviation``, lists with a number for each channel.
    """
    found = Normalise(name="normalise", mean=measured["mean"], deviation=measured["deviation"])
    return [found if isinstance(step, Normalise) and step.split else step for step in steps]


# ---- What is known of images between two steps -----------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """What is known of images before a step; None where it is not known until they are read.

    Attributes:
        values: what the pixels are: grey levels from 0 on, 0 to 1, or any numbers.
        white: the largest value that a pixel can have; of `any` there is none.
        channels: how many there are.
        size: width and height in px.
        since: what made the pixels other than the grey levels that were read.
    """

    values: Literal["levels", "unit", "any"] | None = "levels"
    white: float | None = None
    channels: int | None = None
    size: tuple[int, int] | None = None
    since: str = ""


def pixels(width: int, height: int) -> str:
    """A size in words."""
    return f"{width} x {height} px"


def fitted(step: Resize, width: int, height: int) -> tuple[int, int]:
    """Width and height in px of an image after `resize`."""
    if not step.keep_aspect:
        return step.width, step.height
    if step.width * height <= step.height * width:
        return step.width, max(1, (2 * height * step.width + width) // (2 * width))
    return max(1, (2 * width * step.height + height) // (2 * height)), step.height


def corner(step: Crop, width: int, height: int) -> tuple[int, int]:
    """Px to the left of and above what `crop` keeps.

    Raises:
        ValueError: the image is too small.
    """
    left = (width - step.width) // 2 if step.left is None else step.left
    top = (height - step.height) // 2 if step.top is None else step.top
    if not (0 <= left <= width - step.width and 0 <= top <= height - step.height):
        place = "" if step.left is None else f" at left {left}, top {top}"
        raise ValueError(
            f"{pixels(step.width, step.height)}{place} do not lie within the image, which has {pixels(width, height)}"
        )
    return left, top


def _needs_levels(known: Known, what: str) -> None:
    if known.values in ("unit", "any"):
        hint = f": put it before `{known.since}`" if known.since in STEPS else ""
        cause = f"there are none after `{known.since}`" if known.since in STEPS else known.since
        raise ValueError(f"{what} needs {GREY_LEVELS}, and {cause}{hint}")


def _needs_grey(known: Known, what: str) -> None:
    if known.channels not in (None, 1):
        raise ValueError(f"{what} needs one channel, and the image has {known.channels}: put `grey` before it")


def _needs_one_or_three(known: Known, what: str) -> None:
    if known.channels not in (None, 1, 3):
        raise ValueError(f"{what} needs one or three channels, and the image has {known.channels}")


def _in_range(known: Known, key: str, value: float | None) -> None:
    white = known.white if known.white is not None else LARGEST if known.values == "levels" else None
    if value is not None and white is not None and not 0 <= value <= white:
        raise ValueError(f"{key}: {value:g} is not in 0..{white:g}, the values that pixels have there")


def _after_pad(step: Pad, known: Known) -> Known:
    if known.size and not (known.size[0] <= step.width and known.size[1] <= step.height):
        raise ValueError(f"the image has {pixels(*known.size)}, more than {pixels(step.width, step.height)}")
    _in_range(known, "value", step.value)
    return replace(known, size=(step.width, step.height))


def _after_threshold(step: Threshold, known: Known) -> Known:
    if step.method == "otsu":
        _needs_levels(known, "method `otsu`")
        _needs_grey(known, "method `otsu`")
    _in_range(known, "value", step.value)
    return replace(known, values="unit", white=1.0) if known.values == "any" else known


def _after_blur(step: Blur, known: Known) -> Known:
    if step.method == "median" and step.size > MEDIAN:
        what = f"size: a median above {MEDIAN} px"
        _needs_levels(known, what)
        if known.white not in (None, 255):
            raise ValueError(f"{what} needs grey levels of 8 bits, and these have 16")
        if known.channels not in (None, 1, 3, 4):
            raise ValueError(f"{what} needs one, three or four channels, and the image has {known.channels}")
    return known


def _after_contrast(step: Contrast, known: Known) -> Known:
    _needs_levels(known, "it")
    _needs_grey(known, "it")
    if known.size and min(known.size) < step.tiles:
        raise ValueError(f"tiles: {step.tiles} across and down are more than the image, {pixels(*known.size)}, has px")
    return known


def _after_normalise(step: Normalise, known: Known) -> Known:
    for key, numbers in (("mean", step.mean), ("deviation", step.deviation)):
        if numbers and len(numbers) > 1 and known.channels not in (None, len(numbers)):
            raise ValueError(f"{key}: has {len(numbers)} numbers, and the image {known.channels} channels")
    if step.range == [0, 1] and step.levels is None:
        return replace(known, values="unit", white=1.0, since=step.name)
    return replace(known, values="any", white=None, since=step.name)


def after(step: _Step, known: Known) -> Known:
    """What is known of images after a step, given what was known before.

    Before anything runs that is little, and what is not known raises nothing; in a job it is everything.

    Raises:
        ValueError: the step cannot work on such images.
    """
    match step:
        case Grey():
            if step.method == "luminance":
                _needs_one_or_three(known, "method `luminance`")
            return replace(known, channels=1)
        case Colour():
            _needs_one_or_three(known, "it")
            return replace(known, channels=3)
        case Resize():
            size = fitted(step, *(known.size or (step.width, step.height)))
            return replace(known, size=size if known.size or not step.keep_aspect else None)
        case Crop():
            if known.size:
                corner(step, *known.size)
            return replace(known, size=(step.width, step.height))
        case Pad():
            return _after_pad(step, known)
        case Threshold():
            return _after_threshold(step, known)
        case Invert():
            if known.values == "any":
                raise ValueError(f"there is no white after `{known.since}`: put it before")
            return known
        case Blur():
            return _after_blur(step, known)
        case Contrast():
            return _after_contrast(step, known)
        case Scale():
            _needs_levels(known, "it")
            return replace(known, values="unit", white=1.0, since=step.name)
        case Normalise():
            return _after_normalise(step, known)
        case Own():
            return Known(values=None)
    return known


def check_steps(steps: Sequence[_Step], known: Known, splits: Iterable[str] = ()) -> None:
    """See that steps can follow each other, as far as that is known before images are read.

    Args:
        steps: of a dataset.
        known: of its raw images.
        splits: the names of its splits.

    Raises:
        ValueError: one cannot work on what those before it give, or stands there twice, or measures no split.
    """
    names = [step.name for step in steps]
    if any(names.count(name) > 1 for name in ("grey", "colour", "scale")):
        raise ValueError("prepare: a step stands there twice")
    measuring = [i for i, step in enumerate(steps) if isinstance(step, Normalise) and step.split]
    for place in measuring[1:]:
        raise ValueError(f"prepare.{place}.normalise.split: step {measuring[0]} measures a split already; one can")
    if measuring and (split := measured_split(steps)) not in (splits := [*splits]):
        raise ValueError(
            f"prepare.{measuring[0]}.normalise.split: there is no split `{split}`, only {', '.join(splits)}"
        )
    for place, step in enumerate(steps):
        try:
            known = after(step, known)
        except ValueError as problem:
            raise ValueError(f"prepare.{place}.{step.name}: {problem}") from None
