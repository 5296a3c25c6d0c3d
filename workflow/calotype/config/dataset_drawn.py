"""Datasets of drawn images."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from calotype.config.dataset_base import BaseDataset, Splits
from calotype.steps.base import Known
from calotype.util.typed import PositiveInt, Strict, Whole


class DrawnSplit(Strict):
    """One split of a drawn dataset."""

    images: PositiveInt = Field(description="Number of images.")
    seed: Whole = Field(description="Random seed; the same seed gives the same images.")


class Drawing(Strict):
    """Range and size of drawn dots images."""

    minimum: Annotated[int, Field(ge=0, le=25)] = Field(0, description="Fewest dots in an image.")
    maximum: Annotated[int, Field(ge=1, le=25)] = Field(5, description="Most dots in an image; the grid has 25 points.")
    width: Annotated[int, Field(ge=8, le=4096)] = Field(40, description="Width and height of an image, in px.")
    quality: Annotated[int, Field(ge=1, le=100)] = Field(75, description="JPEG quality.")

    @model_validator(mode="after")
    def _range_is_a_range(self) -> "Drawing":
        if self.minimum >= self.maximum:
            raise ValueError(f"minimum ({self.minimum}) must be below maximum ({self.maximum})")
        return self


class DrawnDataset(BaseDataset):
    """Images that `writer` draws, a `module:function` that gets a folder and the keywords of `drawn`."""

    origin = "drawn"
    evidence = "{data}/{dataset}/{split}"
    writer: ClassVar[str]

    drawing: Any
    splits: Splits[DrawnSplit]

    def drawn(self, split: str) -> dict[str, Any]:
        """Return the keywords of `writer`."""
        return self.drawing.model_dump() | self.splits[split].model_dump()

    def drawn_values(self, split: str) -> dict[str, Any]:
        """Return the values that stand for the keywords in an identity."""
        return self.drawing.values() | self.splits[split].values()


class DotsDataset(DrawnDataset):
    """Drawn images of dots."""

    writer = "calotype.data.draw_dots:write_split"
    reader = "calotype.data.read_dots:read_drawn"
    labels = "counts"

    source: Literal["dots"]
    drawing: Drawing = Field(Drawing(), description="Range and size of the drawn images.")

    def raw_images(self) -> Known:
        return Known(white=255, channels=3, size=(self.drawing.width, self.drawing.width))

    def reading(self, split: str) -> dict[str, Any]:
        return self.drawing.model_dump(include={"width", "minimum", "maximum"})
