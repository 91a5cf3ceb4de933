"""Identifiers made from content and configuration, so that a rerun writes the same rows.

Never from position, time or a random number. All are lower-case hexadecimal SHA-256, cut short.
"""

import hashlib
from collections.abc import Iterable

__all__ = ["digest_of", "image_id", "person_id"]


def digest_of(*parts: str | bytes) -> str:
    """Return sixteen hexadecimal digits of an unambiguous join of the parts.

    >>> digest_of("ab", "c") == digest_of("a", "bc")
    False
    """
    return _sha256(parts)[:16]


def image_id(content: bytes) -> str:
    """Return the id of an image: 32 hexadecimal digits of the SHA-256 of its file's bytes."""
    return hashlib.sha256(content).hexdigest()[:32]


def person_id(image: str, box: Iterable[float], segmenter_fingerprint: str) -> str:
    """Return the id of a person whom one segmenter found in one image: 32 hexadecimal digits.

    Args:
        image: Id of the image.
        box: x1 y1 x2 y2 in pixels; rounded to a hundredth of a pixel.
        segmenter_fingerprint: Fingerprint of the model that found the person.
    """
    return _sha256([image, *(f"{value:.2f}" for value in box), segmenter_fingerprint])[:32]


def _sha256(parts: Iterable[str | bytes]) -> str:
    framed = bytearray()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        framed += len(data).to_bytes(8, "big")
        framed += data
    return hashlib.sha256(framed).hexdigest()
