"""Pictures as TensorFlow.js prepares them: padded to a square, resized without smoothing."""

import numpy as np
from jaxtyping import Float32

from par_core.types import ImageU8

__all__ = ["padded_to_square", "resized"]


def padded_to_square(picture: ImageU8, *, centred: bool) -> ImageU8:
    """Add black pixels until the picture is a square.

    Args:
        picture: Picture (h, w, 3).
        centred: Add them on both sides, of an odd number one more right or below; else right or below.
    """
    height, width = picture.shape[:2]
    missing = abs(height - width)
    before = missing // 2 if centred else 0
    around = (before, missing - before)
    return np.pad(picture, ((0, 0), around, (0, 0)) if height > width else (around, (0, 0), (0, 0)))


def resized(picture: ImageU8, size: int) -> Float32[np.ndarray, "s s 3"]:
    """Resize a picture to a square, as ``tf.image.resizeBilinear(picture, size, false, false)`` does: pixel i
    of the result lies at i * length / size, and mixes two pixels a direction also where it shrinks.
    """
    rows = _mix(picture.astype(np.float32), size)
    return np.ascontiguousarray(_mix(rows.transpose(1, 0, 2), size).transpose(1, 0, 2))


def _mix(pixels: Float32[np.ndarray, "a b 3"], size: int) -> Float32[np.ndarray, "s b 3"]:
    """Resize the first axis."""
    places = np.arange(size) * (len(pixels) / size)
    first = np.floor(places).astype(int)
    second = np.minimum(np.ceil(places).astype(int), len(pixels) - 1)
    share = (places - first).astype(np.float32)[:, None, None]
    return pixels[first] + (pixels[second] - pixels[first]) * share
