"""Datasets of a user's own images in arrays."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from calotype.config.dataset_base import Splits
from calotype.config.dataset_user import OwnDataset, below, check_dealing, check_shares
from calotype.util.typed import PositiveInt, Strict, Whole


def _array(name: str) -> str:
    file, colon, array = below(name).partition(":")
    if file.lower().endswith(".npz"):
        if not array:
            raise ValueError(f"name an array of the file: {file}:array")
    elif colon:
        raise ValueError(f"{file} is no .npz file; of others give the path alone")
    return name


Array = Annotated[str, Field(min_length=1), AfterValidator(_array)]  # `faces.npz:images`, or the path of a file
_IMAGES = "Of the images: (images, height, width) or (..., channels), 8 or 16 bits, colours red first."
_LABELS = "Of their labels: classes as whole numbers from 0 or as names, or counts, or numbers."
_GROUPS = "Of what must not be parted, such as a patient, where there is one: a number or a name for each image."
_WEIGHTS = "Of weights in the training loss, where there is one."


class Arrays(Strict):
    """Arrays of images and of what is known of them: `faces.npz:images`, `images.npy`, or the name of an IDX file."""

    images: Array = Field(description=_IMAGES)
    labels: Array = Field(description=_LABELS)
    groups: Array | None = Field(None, description=_GROUPS)
    weights: Array | None = Field(None, description=_WEIGHTS)


class ArraySplit(Strict):
    """One split of arrays of your own: all of them, a `share`, or a `number` from the `first` on."""

    images: Array | None = Field(None, description=f"{_IMAGES} Left out: all arrays are those under `arrays`.")
    labels: Array | None = Field(None, description=_LABELS)
    groups: Array | None = Field(None, description=_GROUPS)
    weights: Array | None = Field(None, description=_WEIGHTS)
    share: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="A part of the images, dealt out at random; see `random`."
    )
    first: Whole | None = Field(
        None, description="The first image of the split, counted from 0. Left out: the first there is."
    )
    number: PositiveInt | None = Field(None, description="How many images. Left out: all from `first` on.")

    @model_validator(mode="after")
    def _one_way(self) -> "ArraySplit":
        given = self.model_dump(exclude_none=True)
        if ("images" in given) != ("labels" in given):
            raise ValueError("images and labels: give both, or neither")
        if "images" not in given and (others := given.keys() & {"groups", "weights"}):
            raise ValueError(f"{others.pop()}: give images and labels, too, or name it under `arrays`")
        if "share" in given and (others := given.keys() & {"first", "number"}):
            raise ValueError(f"{others.pop()}: images of a `share` are dealt out at random; leave one out")
        return self

    def own(self) -> Arrays | None:
        """Its arrays, where it names some."""
        names = self.model_dump(include={*Arrays.model_fields}, exclude_none=True)
        return Arrays(**names) if names else None


class ArraysDataset(OwnDataset):
    """Images of your own in arrays: .npz and .npy files, as numpy saves them, and IDX files, as MNIST has them."""

    reader = "calotype.data.read_catalogued:read_arrays"
    lister = "calotype.data.catalogue_arrays:list_arrays"

    source: Literal["arrays"]
    arrays: Arrays | None = Field(None, description="The arrays of all splits that name none of their own.")
    splits: Splits[ArraySplit]

    def by_arrays(self) -> list[tuple[Arrays, dict[str, ArraySplit]]]:
        """The arrays that are read, each with the splits that take their images from them."""
        found: list[tuple[Arrays, dict[str, ArraySplit]]] = []
        for name, split in self.splits.items():
            arrays = split.own() or self.arrays
            if arrays is None:
                raise ValueError(f"splits.{name}: names no images and labels, and `arrays` does neither")
            same = next((splits for other, splits in found if other == arrays), None)
            if same is None:
                found.append((arrays, same := {}))
            same[name] = split
        return found

    def named(self) -> dict[str, str]:
        places = {"arrays": self.arrays} | {f"splits.{name}": split.own() for name, split in self.splits.items()}
        return {
            f"{place}.{key}": name.partition(":")[0]
            for place, arrays in places.items()
            if arrays is not None
            for key, name in arrays.model_dump(exclude_none=True).items()
        }

    def files(self) -> list[str]:
        return sorted({*self.named().values()})

    @model_validator(mode="after")
    def _arrays_fit(self) -> "ArraysDataset":
        found = self.by_arrays()
        if self.arrays is not None and all(arrays != self.arrays for arrays, _ in found):
            raise ValueError("arrays: every split names its own")
        images = [arrays.images for arrays, _ in found]
        if twice := next((name for name in images if images.count(name) > 1), None):
            raise ValueError(f"splits: the images of {twice} have one array each of labels, groups and weights")
        if len({arrays.groups is None for arrays, _ in found}) > 1:
            raise ValueError("splits: some have groups, others have none: name them for all")
        for _, splits in found:
            shares = [split.share is not None for split in splits.values()]
            if any(shares) and not all(shares):
                raise ValueError(f"splits: of {', '.join(splits)}, which share images, all have a `share`, or none")
            check_shares(splits)
        check_dealing(self.random, self.labels, any(split.share for split in self.splits.values()))
        return self
