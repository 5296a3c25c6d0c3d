"""The random changes of training images that a recipe asks for."""

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
    """What happens to each training image anew in each epoch, drawn by (seed, epoch)."""

    name: Literal["dihedral", "flip", "shift", "rotate", "affine", "brightness", "noise", "erase"] = Field(
        description="`dihedral`: one of the eight positions of the square; `flip`: left and right swapped, or not; "
        "`shift`: moved by up to `pixels` along either axis; `rotate`: turned by up to `degrees` about the middle; "
        "`affine`: that, and made larger or smaller by up to the part `zoom`; `brightness`: up to `strength` is added "
        "to all pixels, or taken away; `noise`: a normal random number of the deviation `strength` is added to each; "
        "`erase`: a square of `pixels` x `pixels` somewhere, cut at the edge, is set to zero."
    )
    pixels: PositiveInt | None = Field(None, description="Of `shift` and `erase`.")
    degrees: Annotated[float, Field(ge=0, le=180)] | None = Field(None, description="Of `rotate` and `affine`.")
    zoom: Annotated[float, Field(ge=0, lt=1)] | None = Field(None, description="Of `affine`.")
    strength: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None, description="Of `brightness` and `noise`, in the units of the prepared pixels."
    )
    fill: Literal["zero", "edge"] = Field(
        "zero", description="Of `shift`, `rotate` and `affine`: what moves in; with `edge` the outermost pixels again."
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
