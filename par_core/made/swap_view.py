"""A person as the network of ``par generate swap`` sees them; its picture put back into the photograph."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from par_core.attributes.clothing_parts import PARTS, part_codes
from par_core.made.garments import Dressed, Regions
from par_core.types import ImageU8

__all__ = ["HEIGHT", "WIDTH", "View", "put_back", "view_of"]

HEIGHT: Final = 96
WIDTH: Final = 48
_MARGIN: Final = 0.05  # of the person's height, on every side
_STRETCH: Final = (0.5, 1.7)  # of the detail that is put back
_DARK: Final = 25.0  # grey levels; keeps the ratio of two dark tones in bounds


@dataclass(frozen=True, slots=True)
class View:
    """A person in 96 x 48 pixels.

    Attributes:
        picture: The pixels of the photograph.
        regions: Codes of a map of attributes.
        window: Left, top, width and height in the photograph; may reach beyond it.
    """

    picture: UInt8[np.ndarray, "96 48 3"]
    regions: UInt8[np.ndarray, "96 48"]
    window: tuple[int, int, int, int]

    @property
    def parts(self) -> UInt8[np.ndarray, "96 48"]:
        """Which of ``PARTS`` each pixel shows."""
        return part_codes()[self.regions]


def view_of(dressed: Dressed) -> View:
    """Cut a person out, with a margin, in the shape of the network's input."""
    x, y, w, h = cv2.boundingRect((dressed.regions > 0).astype(np.uint8))
    height = max(round(h * (1 + 2 * _MARGIN)), round(w * (1 + 2 * _MARGIN) * HEIGHT / WIDTH), 2)
    width = round(height * WIDTH / HEIGHT)
    window = (round(x + w / 2 - width / 2), round(y + h / 2 - height / 2), width, height)
    picture = cv2.resize(
        _window(dressed.picture, window, cv2.BORDER_REPLICATE), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA
    )
    regions = cv2.resize(
        _window(dressed.regions, window, cv2.BORDER_CONSTANT),
        (WIDTH, HEIGHT),
        interpolation=cv2.INTER_NEAREST,
    )
    return View(picture, regions, window)


def put_back(
    dressed: Dressed, view: View, painted: Float32[np.ndarray, "96 48 3"], parts: Iterable[str]
) -> ImageU8:
    """Put some parts of a painted person into the photograph.

    The paint has 96 x 48 pixels. The photograph's own light and dark within each part, finer than that, is
    put back on top, in proportion to how light the paint is: folds, seams and patterns of the cloth stay.

    Args:
        dressed: The person.
        view: The view of them that was painted over.
        painted: RGB in [0, 255].
        parts: Which of ``PARTS``; everything else keeps the photograph's pixels.
    """
    left, top, width, height = view.window
    source = _window(dressed.picture, view.window, cv2.BORDER_REPLICATE).astype(np.float32)
    codes = part_codes()[_window(dressed.regions, view.window, cv2.BORDER_CONSTANT)]
    mixed = source.copy()
    for code in (PARTS.index(part) for part in parts):
        seen = (view.parts == code).astype(np.float32)
        inside = (codes == code).astype(np.float32)
        if seen.sum() < 1 or inside.sum() < 1:
            continue
        paint = _spread(painted, seen, (width, height))
        coarse = _spread(view.picture.astype(np.float32), seen, (width, height)).mean(axis=2)
        ratio = np.sqrt((paint.mean(axis=2) + _DARK) / (coarse + _DARK))
        detail = (source.mean(axis=2) - coarse) * np.clip(ratio, *_STRETCH)
        alpha = cv2.blur(inside, (3, 3))[..., None]
        mixed = mixed * (1 - alpha) + np.clip(paint + detail[..., None], 0, 255) * alpha
    changed = dressed.picture.copy()
    rows, columns = changed.shape[:2]
    inner = np.s_[max(0, top) : min(rows, top + height), max(0, left) : min(columns, left + width)]
    changed[inner] = np.rint(mixed)[
        max(0, -top) : max(0, -top) + inner[0].stop - inner[0].start,
        max(0, -left) : max(0, -left) + inner[1].stop - inner[1].start,
    ].astype(np.uint8)
    return changed


def _spread(
    picture: Float32[np.ndarray, "h w 3"], seen: Float32[np.ndarray, "h w"], size: tuple[int, int]
) -> Float32[np.ndarray, "y x 3"]:
    """Enlarge what some pixels show; beyond them the nearest of them goes on."""
    weights = seen + 1e-4 * cv2.GaussianBlur(seen, (0, 0), 3.0) + 1e-9
    filled = picture * seen[..., None]
    far = cv2.GaussianBlur(filled, (0, 0), 3.0) * 1e-4
    mean = picture[seen > 0].mean(axis=0)
    top = cv2.resize(filled + far + 1e-9 * mean.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return top / cv2.resize(weights, size, interpolation=cv2.INTER_LINEAR)[..., None]


def _window(picture: ImageU8 | Regions, window: tuple[int, int, int, int], border: int) -> np.ndarray:
    """Cut a window out; what lies beyond the picture is made by the border's rule."""
    left, top, width, height = window
    rows, columns = picture.shape[:2]
    padded = cv2.copyMakeBorder(
        picture,
        max(0, -top),
        max(0, top + height - rows),
        max(0, -left),
        max(0, left + width - columns),
        border,
        value=0,
    )
    return padded[max(0, top) : max(0, top) + height, max(0, left) : max(0, left) + width]
