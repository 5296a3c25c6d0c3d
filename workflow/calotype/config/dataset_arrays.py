"""Datasets of a user's own arrays."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from calotype.config.dataset_base import Splits
from calotype.config.dataset_user import UserDataset, below, check_random, check_shares
from calotype.util.typed import PositiveInt, Strict, Whole


def _array(name: str) -> str:
    file, colon, array = below(name).partition(":")
    if file.lower().endswith(".npz"):
        if not array:
            raise ValueError(f"name an array of the file: {file}:<array>")
    elif colon:
        raise ValueError(f"{file} is not an .npz file; give only its path")
    return name


Array = Annotated[str, Field(min_length=1), AfterValidator(_array)]  # `faces.npz:images`, or the path of a file
_IMAGES = "Array of images: (images, height, width) or (..., channels), 8 or 16 bits, RGB."
_LABELS = "Array of labels: classes as whole numbers from 0 or as names, counts, or numbers."
_GROUPS = "Array of groups, such as patients, by number or name; all images of a group are in the same split."
_WEIGHTS = "Array of weights in the training loss."


class Arrays(Strict):
    """Arrays of images and labels: `faces.npz:images`, `images.npy`, or the name of an IDX file."""

    images: Array = Field(description=_IMAGES)
    labels: Array = Field(description=_LABELS)
    groups: Array | None = Field(None, description=_GROUPS)
    weights: Array | None = Field(None, description=_WEIGHTS)


class ArraySplit(Strict):
    """One split of your own arrays: all images, a `share`, or a `number` of images from `first` on."""

    images: Array | None = Field(None, description=f"{_IMAGES} Default: the arrays under `arrays`.")
    labels: Array | None = Field(None, description=_LABELS)
    groups: Array | None = Field(None, description=_GROUPS)
    weights: Array | None = Field(None, description=_WEIGHTS)
    share: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Fraction of the images, split at random; see `random`."
    )
    first: Whole | None = Field(None, description="First image of the split, counted from 0. Default: 0.")
    number: PositiveInt | None = Field(None, description="Number of images. Default: all from `first` on.")

    @model_validator(mode="after")
    def _one_way(self) -> "ArraySplit":
        given = self.model_dump(exclude_none=True)
        if ("images" in given) != ("labels" in given):
            raise ValueError("images and labels: give both or neither")
        if "images" not in given and (others := given.keys() & {"groups", "weights"}):
            raise ValueError(f"{others.pop()}: needs images and labels; or move it to `arrays`")
        if "share" in given and (others := given.keys() & {"first", "number"}):
            raise ValueError(f"{others.pop()}: not allowed with `share`, which splits at random")
        return self

    def own(self) -> Arrays | None:
        """Return the arrays of the split, if it names some."""
        names = self.model_dump(include={*Arrays.model_fields}, exclude_none=True)
        return Arrays(**names) if names else None


class ArraysDataset(UserDataset):
    """Your own images in arrays: .npz and .npy files of NumPy, and IDX files like those of MNIST."""

    reader = "calotype.data.read_catalogued:read_arrays"
    lister = "calotype.data.catalogue_arrays:list_arrays"

    source: Literal["arrays"]
    arrays: Arrays | None = Field(None, description="Arrays of all splits that name none.")
    splits: Splits[ArraySplit]

    def by_arrays(self) -> list[tuple[Arrays, dict[str, ArraySplit]]]:
        """Return all arrays, each with the splits that use them."""
        found: dict[Arrays, dict[str, ArraySplit]] = {}
        for name, split in self.splits.items():
            arrays = split.own() or self.arrays
            if arrays is None:
                raise ValueError(f"splits.{name}: images and labels are missing, here and under `arrays`")
            found.setdefault(arrays, {})[name] = split
        return list(found.items())

    def named(self) -> dict[str, str]:
        places = {"arrays": self.arrays} | {f"splits.{name}": split.own() for name, split in self.splits.items()}
        return {
            f"{place}.{key}": name.partition(":")[0]
            for place, arrays in places.items()
            if arrays is not None
            for key, name in arrays.model_dump(exclude_none=True).items()
        }

    @model_validator(mode="after")
    def _arrays_fit(self) -> "ArraysDataset":
        found = self.by_arrays()
        if self.arrays is not None and all(arrays != self.arrays for arrays, _ in found):
            raise ValueError("arrays: not used: every split names its own")
        images = [arrays.images for arrays, _ in found]
        if shared := next((name for name in images if images.count(name) > 1), None):
            raise ValueError(f"splits: {shared} must have the same labels, groups and weights in all splits")
        if len({arrays.groups is None for arrays, _ in found}) > 1:
            raise ValueError("splits: groups are missing in some splits; give them in all or none")
        for _, splits in found:
            shares = [split.share is not None for split in splits.values()]
            if any(shares) and not all(shares):
                raise ValueError(f"splits: {', '.join(splits)} use the same arrays: give all a `share`, or none")
            check_shares(splits)
        check_random(self.random, self.labels, any(split.share for split in self.splits.values()))
        return self
