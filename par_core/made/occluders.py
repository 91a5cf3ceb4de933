"""Things that stand in front of people: poles and bags.

People in front of others are placed as people, so that no body is shown that the mask does not name.
"""

from typing import Final

import cv2
import numpy as np

from par_core.datasets.merged_labels import NAMES
from par_core.made.garments import Dressed
from par_core.made.paste import Canvas, CutOut, would_hide

__all__ = ["occlude"]

_COVERED: Final = (0.10, 0.50)  # share of a person that an occluder hides
_TRIES: Final = 6
_BAG: Final = 1 + NAMES.index("bag")
_LEAST_BAG: Final = 400  # pixels of a bag that is worth showing


def occlude(canvas: Canvas, number: int, other: Dressed | None, rng: np.random.Generator) -> bool:
    """Put a pole, or somebody else's bag, in front of a person, so that a tenth to a half of them is hidden.

    Args:
        canvas: Changed if a place is found.
        number: Number of the person.
        other: Somebody with a map, for a bag.
        rng: Decides everything.

    Returns:
        Whether pixels of ``other`` are in the picture now.
    """
    seen = canvas.numbers == number
    if not seen.any():
        return False
    x, y, w, h = cv2.boundingRect(seen.astype(np.uint8))
    before = canvas.covered_share(number)
    for _ in range(_TRIES):
        bag = _bag(other, rng, h) if other is not None and rng.random() < 0.7 else None
        thing = bag if bag is not None else _pole(canvas, rng, w, h)
        tall, wide = thing.alpha.shape
        left = x + int(rng.uniform(-0.4 * wide, w - 0.6 * wide))
        top = y + int(rng.uniform(0.1, 0.7) * h) if bag is not None else y + h - tall + int(0.05 * h)
        if _COVERED[0] <= before + would_hide(canvas, number, thing, left, top) <= _COVERED[1]:
            canvas.put(thing, left, top, person=False)
            return bag is not None
    return False


def _pole(canvas: Canvas, rng: np.random.Generator, width: int, height: int) -> CutOut:
    """An upright pole with light from one side, in a colour of the scene."""
    thick, tall = max(3, round(width * rng.uniform(0.15, 0.4))), round(height * 1.2)
    rows, columns = canvas.numbers.shape
    colour = canvas.picture[int(rng.integers(rows)), int(rng.integers(columns))].astype(np.float32)
    across = np.linspace(-1, 1, thick)
    light = 0.55 + 0.45 * np.sqrt(np.clip(1 - (across - 0.3) ** 2 / 1.7, 0, 1))
    grain = rng.normal(0, 4, (tall, thick, 1))
    picture = np.clip(colour * light[None, :, None] + grain, 0, 255).astype(np.uint8)
    return CutOut(picture, np.ones((tall, thick), np.float32), np.zeros((tall, thick), np.uint8))


def _bag(other: Dressed, rng: np.random.Generator, height: int) -> CutOut | None:
    """Somebody's bag, larger than life, as what is near the camera is; None where they have none."""
    inside = other.regions == _BAG
    if int(inside.sum()) < _LEAST_BAG:
        return None
    x, y, w, h = cv2.boundingRect(inside.astype(np.uint8))
    scale = height * rng.uniform(0.25, 0.5) / h
    size = max(2, round(w * scale)), max(2, round(h * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture = cv2.resize(np.ascontiguousarray(other.picture[y : y + h, x : x + w]), size, interpolation=how)
    alpha = cv2.resize(inside[y : y + h, x : x + w].astype(np.float32), size, interpolation=how)
    return CutOut(np.asarray(picture, np.uint8), alpha, np.zeros(alpha.shape, np.uint8))
