"""A perceptual hash of 64 bits: pictures that look alike differ in few of them.

Source: Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), section 3.2.1
(DCT based hash).
"""

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from jaxtyping import Int64, UInt8, UInt64

from par_core.types import ImageU8

__all__ = ["BITS", "hash_distances", "perceptual_hash"]

BITS: Final = 64
_SIDE: Final = 32  # pixels to which a picture is made smaller


def perceptual_hash(image: ImageU8) -> int:
    """Hash a picture.

    The cosine transform of the picture at 32 x 32 grey pixels: a bit for each of the 64 lowest frequencies
    (the mean apart) whose coefficient is above the median of the 64. Unlike Zauner's, these include the
    purely horizontal and vertical ones: a standing person is mostly those.

    Returns:
        From 0 to 2^64 - 1; 0 for a picture of one colour.
    """
    small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    if small.min() == small.max():
        return 0
    coefficients = cv2.dct(small.astype(np.float32)).ravel()[_lowest()]
    return int.from_bytes(np.packbits(coefficients > np.median(coefficients)).tobytes(), "big")


def hash_distances(
    first: UInt64[np.ndarray, "*n"], second: UInt64[np.ndarray, "*m"]
) -> UInt8[np.ndarray, "*k"]:
    """In how many bits hashes differ, 0 to 64; the arrays are broadcast against each other."""
    return np.bitwise_count(first ^ second)


@lru_cache(maxsize=1)
def _lowest() -> Int64[np.ndarray, "64"]:
    """Positions of the lowest frequencies, by the sum of both directions, without the mean."""
    down, across = np.divmod(np.arange(_SIDE * _SIDE), _SIDE)
    return np.lexsort((down, down + across))[1 : BITS + 1]
