"""Put people into a scene: which pixels show whom, and what of their garments is still seen."""

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from jaxtyping import UInt8

from par_core.datasets.merged_labels import NAMES, OTHER_PART
from par_core.made.garments import Dressed, Regions
from par_core.types import ImageU8, Mask

__all__ = ["HIDDEN", "Canvas", "CutOut", "Placed", "cut_person", "hidden_attributes", "would_hide"]

#: Share of a garment's pixels below which it is not known whether it is worn.
HIDDEN: Final = 0.3
_SHADOW: Final = 0.45  # of the light that a shadow takes at its middle


@dataclass(frozen=True, slots=True)
class CutOut:
    """A person, or a thing, of the size at which it is placed.

    Attributes:
        picture: (h, w, 3).
        alpha: (h, w) in [0, 1].
        regions: (h, w), as a map of a made person.
    """

    picture: ImageU8
    alpha: np.ndarray
    regions: Regions


@dataclass(slots=True)
class Placed:
    """A person in a canvas.

    Attributes:
        number: Their number in the canvas.
        whole: How many pixels each code of their map had before anything covered them.
    """

    number: int
    whole: np.ndarray


def cut_person(dressed: Dressed, height: float, *, mirrored: bool) -> CutOut:
    """Cut a person out by their map, without the outermost pixel, and scale them.

    Args:
        dressed: The person.
        height: Pixels from head to foot.
        mirrored: Left and right exchanged.
    """
    mask = cv2.erode((dressed.regions > 0).astype(np.uint8), np.ones((3, 3), np.uint8))
    x, y, w, h = cv2.boundingRect(mask)
    part = np.s_[y : y + h, x : x + w]
    picture, regions = dressed.picture[part], dressed.regions[part] * mask[part]
    if mirrored:
        picture, regions = picture[:, ::-1], regions[:, ::-1]
    scale = height / h
    size = max(2, round(w * scale)), max(2, round(h * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    alpha = cv2.resize((regions > 0).astype(np.float32), size, interpolation=how)
    # what lies behind the person must not bleed into the edge as it is scaled
    inside = (regions > 0).astype(np.float32)[..., None]
    blended = cv2.resize(np.ascontiguousarray(picture * inside), size, interpolation=how)
    solid = blended / np.maximum(alpha, 1e-3)[..., None]
    codes = cv2.resize(np.ascontiguousarray(regions), size, interpolation=cv2.INTER_NEAREST)
    codes = np.where((alpha >= 0.5) & (codes == 0), OTHER_PART, codes).astype(np.uint8)
    return CutOut(np.clip(np.rint(solid), 0, 255).astype(np.uint8), alpha, codes)


@dataclass(slots=True)
class Canvas:
    """A scene that people are put into, from the back to the front.

    Attributes:
        picture: (h, w, 3).
        numbers: (h, w), which person each pixel shows, 0 for none.
        regions: (h, w), what of them.
        placed: Everybody, by number.
    """

    picture: ImageU8
    numbers: UInt8[np.ndarray, "h w"]
    regions: Regions
    placed: list[Placed] = field(default_factory=list)

    @classmethod
    def of(cls, scene: ImageU8) -> "Canvas":
        """An empty scene."""
        empty = np.zeros(scene.shape[:2], np.uint8)
        return cls(scene.copy(), empty, empty.copy())

    def shade(self, left: int, bottom: int, width: int) -> None:
        """Darken the ground under somebody's feet."""
        height, across = self.picture.shape[:2]
        y, x = np.ogrid[:height, :across]
        far = ((x - left - width / 2) / (0.6 * width)) ** 2 + ((y - bottom) / (0.12 * width + 1)) ** 2
        light = 1 - _SHADOW * np.exp(-2 * far)
        light[self.numbers > 0] = 1  # the shadow falls on the ground
        self.picture = np.rint(self.picture * light[..., None]).astype(np.uint8)

    def put(self, thing: CutOut, left: int, top: int, *, person: bool) -> bool:
        """Put somebody in front of everything; what lies outside of the canvas is cut off.

        Returns:
            Whether any of it is inside.
        """
        height, width = self.numbers.shape
        rows = slice(max(0, top), min(height, top + thing.alpha.shape[0]))
        columns = slice(max(0, left), min(width, left + thing.alpha.shape[1]))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return False
        part = np.s_[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        alpha = thing.alpha[part][..., None]
        there = self.picture[rows, columns]
        self.picture[rows, columns] = np.rint(there * (1 - alpha) + thing.picture[part] * alpha)
        covered: Mask = thing.alpha[part] >= 0.5
        self.regions[rows, columns][covered] = thing.regions[part][covered] if person else 0
        number = len(self.placed) + 1 if person else 0
        self.numbers[rows, columns][covered] = number
        if person:
            self.placed.append(Placed(number, np.bincount(thing.regions.ravel(), minlength=256)))
        return True

    def covered_share(self, number: int) -> float:
        """Share of a person that something else hides, or that lies outside."""
        whole = self.placed[number - 1].whole[1:].sum()
        return 1 - float((self.numbers == number).sum()) / float(whole)


def would_hide(canvas: Canvas, number: int, thing: CutOut, left: int, top: int) -> float:
    """Share of a person that a thing would hide at a place, more than is hidden already."""
    height, width = canvas.numbers.shape
    rows, columns = (
        slice(max(0, top), min(height, top + thing.alpha.shape[0])),
        slice(max(0, left), min(width, left + thing.alpha.shape[1])),
    )
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return 0.0
    part = thing.alpha[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    covered = (canvas.numbers[rows, columns] == number) & (part >= 0.5)
    return float(covered.sum()) / float(canvas.placed[number - 1].whole[1:].sum())


def hidden_attributes(canvas: Canvas, number: int) -> frozenset[str]:
    """Attributes of which too few pixels are still seen for anybody to tell."""
    seen = np.bincount(canvas.regions[canvas.numbers == number], minlength=256)
    whole = canvas.placed[number - 1].whole
    return frozenset(
        name for code, name in enumerate(NAMES, start=1) if whole[code] and seen[code] < HIDDEN * whole[code]
    )
