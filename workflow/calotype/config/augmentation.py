"""Random changes of training images."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from calotype.util.typed import PositiveInt, Strict

AUGMENTATION_KEYS = {
    "shift": {"pixels"},
    "rotate": {"degrees"},
    "affine": {"degrees", "zoom"},
    "brightness": {"strength"},
    "noise": {"strength"},
    "erase": {"pixels"},
}


class Augmentation(Strict):
    """A random change of each training image, drawn again in each epoch, by (seed, epoch)."""

    name: Literal["dihedral", "flip", "shift", "rotate", "affine", "brightness", "noise", "erase"] = Field(
        description="`dihedral`: one of the eight rotations and reflections of the square; `flip`: swap left and "
        "right, or not; `shift`: move by up to `pixels` along each axis; `rotate`: rotate by up to `degrees` about the "
        "centre; `affine`: rotate, and enlarge or shrink by up to the fraction `zoom`; `brightness`: add one number "
        "between -`strength` and `strength` to all pixels; `noise`: add normal noise with standard deviation "
        "`strength` to each pixel; `erase`: set a square of `pixels` x `pixels` to zero, cut at the image's edge."
    )
    pixels: PositiveInt | None = Field(None, description="Distance (`shift`) or side of the square (`erase`), in px.")
    degrees: Annotated[float, Field(ge=0, le=180)] | None = Field(
        None, description="Largest angle of `rotate` and `affine`, in degrees."
    )
    zoom: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None, description="Largest change of size by `affine`, as a fraction."
    )
    strength: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None, description="Strength of `brightness` and `noise`, in the units of the prepared pixels."
    )
    fill: Literal["zero", "edge"] = Field(
        "zero",
        description="Fill of the edges after `shift`, `rotate` and `affine`: zeros, or copies of the outermost pixels "
        "(`edge`).",
    )

    @model_validator(mode="after")
    def _keys_of_the_name(self) -> "Augmentation":
        needed = AUGMENTATION_KEYS.get(self.name, set())
        for key in ("pixels", "degrees", "zoom", "strength"):
            if (key in needed) != (getattr(self, key) is not None):
                raise ValueError(f"{self.name} {'needs' if key in needed else 'takes no'} {key}")
        if self.fill != "zero" and self.name not in ("shift", "rotate", "affine"):
            raise ValueError(f"{self.name} takes no fill")
        return self
