"""Draw the images of the tutorial into shapes/: circles, squares and triangles on unevenly lit paper."""

from pathlib import Path

import cv2
import numpy as np

EACH = 120  # images of each shape
SIZES = ((60, 80), (90, 120), (72, 96))  # height and width in px, as if from three cameras


def draw(shape: str, rng: np.random.Generator) -> np.ndarray:
    """Draw a shape at a random place, in a random colour and rotation, shape (height, width, 3)."""
    height, width = SIZES[rng.integers(len(SIZES))]
    image = np.empty((height, width, 3), np.uint8)
    image[:] = rng.integers(180, 256, 3)
    radius = height * rng.uniform(0.18, 0.32)
    middle = np.array([rng.uniform(radius, width - radius), rng.uniform(radius, height - radius)])
    ink = tuple(int(level) for level in rng.integers(0, 120, 3))
    if shape == "circle":
        cv2.circle(image, [int(x) for x in middle], int(0.85 * radius), ink, cv2.FILLED, cv2.LINE_AA)
    else:
        corners = {"square": 4, "triangle": 3}[shape]
        angles = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(corners) / corners
        outline = middle + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        cv2.fillPoly(image, [outline.astype(np.int32)], ink, cv2.LINE_AA)
    lit_from_left = np.linspace(*rng.uniform(0.7, 1, 2), width)
    return (image * lit_from_left[:, None]).astype(np.uint8)


def main() -> None:
    """Draw all images; then truncate one file and copy another."""
    rng, folder = np.random.default_rng(1), Path("shapes")
    for shape in ("circle", "square", "triangle"):
        (folder / shape).mkdir(parents=True, exist_ok=True)
        for i in range(EACH):
            cv2.imwrite(str(folder / shape / f"{i:03d}.png"), draw(shape, rng))
    broken, copied = folder / "square/099.png", folder / "circle/007.png"
    broken.write_bytes(broken.read_bytes()[:-200])
    (folder / "circle/copy of 007.png").write_bytes(copied.read_bytes())


if __name__ == "__main__":
    main()
