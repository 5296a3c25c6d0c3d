"""Steps that compute each pixel from its neighbourhood."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from calotype.steps.base import Array, Image, ImageStep, Kernel, Known, default_sigma, need_channels, need_levels, whole
from calotype.util.typed import Positive

MEDIAN = 5  # px; OpenCV computes a larger median only for 8 bits
SHAPES = {"rectangle": "MORPH_RECT", "ellipse": "MORPH_ELLIPSE", "cross": "MORPH_CROSS"}  # names of OpenCV


class Blur(ImageStep):
    """Mean or median of the square around each pixel."""

    name: Literal["blur"]
    method: Literal["gaussian", "median", "box"] = Field(
        "gaussian",
        description="`gaussian`: mean in which near pixels weigh more; `box`: plain mean; `median`: removes single "
        "outliers.",
    )
    size: Kernel = Field(
        description=f"Width of the square in px, odd. A median above {MEDIAN} needs grey levels of 8 bits."
    )
    sigma: Positive | None = Field(
        None, description="`gaussian`: standard deviation in px. Default: 0.3 * ((size - 1) / 2 - 1) + 0.8."
    )

    @model_validator(mode="after")
    def _sigma_of_gaussian(self) -> "Blur":
        if self.method != "gaussian" and self.sigma is not None:
            raise ValueError(f"sigma: method `{self.method}` takes none")
        return self

    def check(self, known: Known) -> None:
        if self.method == "median" and self.size > MEDIAN:
            median = f"size: a median above {MEDIAN} px"
            need_levels(known, median)
            if known.white not in (None, 255):
                raise ValueError(f"{median} needs grey levels of 8 bits, and these have 16")
            need_channels(known, median, 1, 3, 4)

    def after(self, known: Known) -> Known:
        return known

    def apply(self, image: Image, known: Known) -> Array:
        import cv2

        if self.method == "median":
            return cv2.medianBlur(image if self.size <= MEDIAN else whole(image, known), self.size)
        size = self.size, self.size
        if self.method == "box":
            image = cv2.blur(image, size)
        else:
            image = cv2.GaussianBlur(image, size, self.sigma or default_sigma(self.size))
        return image if known.white is None else image.clip(0, known.white)  # rounded weights sum to about one


class Morphology(ImageStep):
    """Growth or shrinkage of bright regions, by the shape of a kernel."""

    name: Literal["morphology"]
    operation: Literal["erode", "dilate", "open", "close"] = Field(
        description="`erode`: shrink bright regions; `dilate`: grow them; `open`: erode, then dilate, which removes "
        "small bright spots; `close`: dilate, then erode, which removes small dark spots."
    )
    size: Kernel = Field(description="Width of the kernel in px, odd.")
    shape: Literal["rectangle", "ellipse", "cross"] = Field("rectangle", description="Shape of the kernel.")
    iterations: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="Number of repetitions.")

    def after(self, known: Known) -> Known:
        return known

    def apply(self, image: Image, known: Known) -> Image:
        import cv2

        kernel = cv2.getStructuringElement(getattr(cv2, SHAPES[self.shape]), (self.size, self.size))
        operation = getattr(cv2, f"MORPH_{self.operation.upper()}")
        return cv2.morphologyEx(image, operation, kernel, iterations=self.iterations)
