"""Where people stand in a scene."""

from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from par_core.made.garments import Dressed
from par_core.made.paste import Canvas, CutOut, cut_person, would_hide
from par_core.types import ImageU8

__all__ = ["stand", "stand_before"]

_HORIZON: Final = 0.55  # share of the scene's height above which no feet are
_COVERED: Final = (0.10, 0.50)  # share of a person that somebody in front hides
_TRIES: Final = 6


def stand(canvas: Canvas, who: Dressed, height: float, rng: np.random.Generator) -> None:
    """Put a person at a random place on the ground, in front of everybody.

    Args:
        canvas: Changed.
        who: The person.
        height: Pixels.
        rng: Decides place, side and light.
    """
    person = _lit(cut_person(who, height, mirrored=bool(rng.random() < 0.5)), canvas.picture, rng)
    rows, columns = canvas.numbers.shape
    tall, wide = person.alpha.shape
    lowest = max(rows, tall)
    bottom = int(rng.integers(min(lowest, max(tall, round(_HORIZON * rows))), lowest + 1))
    left = int(rng.integers(min(0, columns - wide), max(1, columns - wide + 1)))
    canvas.shade(left, bottom, wide)
    canvas.put(person, left, bottom - tall, person=True)


def stand_before(canvas: Canvas, number: int, who: Dressed, height: float, rng: np.random.Generator) -> bool:
    """Put a person in front of another, so that a tenth to a half of the other is hidden.

    Returns:
        Whether a place was found.
    """
    seen = canvas.numbers == number
    if not seen.any():
        return False
    x, y, w, h = cv2.boundingRect(seen.astype(np.uint8))
    person = _lit(cut_person(who, height, mirrored=bool(rng.random() < 0.5)), canvas.picture, rng)
    tall, wide = person.alpha.shape
    before = canvas.covered_share(number)
    for _ in range(_TRIES):
        left = x + round(w / 2 - wide / 2 + rng.choice([-1, 1]) * rng.uniform(0.3, 0.9) * (w + wide) / 2)
        top = y + h - tall + round(rng.uniform(0, 0.08) * h)
        if _COVERED[0] <= before + would_hide(canvas, number, person, left, top) <= _COVERED[1]:
            canvas.shade(left, top + tall, wide)
            canvas.put(person, left, top, person=True)
            return True
    return False


def _lit(person: CutOut, scene: ImageU8, rng: np.random.Generator) -> CutOut:
    """The light of the person goes a part of the way to that of the scene."""
    solid = person.alpha > 0.5
    own, around = float(person.picture[solid].mean()) + 8, float(scene.mean()) + 8
    gain = np.clip((around / own) ** rng.uniform(0.1, 0.4), 0.6, 1.5)
    return replace(person, picture=np.clip(np.rint(person.picture * gain), 0, 255).astype(np.uint8))
