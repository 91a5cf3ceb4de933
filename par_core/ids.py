"""Identifiers made from content and configuration, so that a rerun writes the same rows.

Never from position, time or a random number. All are lower-case hexadecimal SHA-256, cut short.
"""

import hashlib
from collections.abc import Iterable

__all__ = ["digest_of", "digest_of_framed", "frame", "framed", "image_id", "person_id"]


def digest_of(*parts: str | bytes) -> str:
    """Return sixteen hexadecimal digits of an unambiguous join of the parts.

    >>> digest_of("ab", "c") == digest_of("a", "bc")
    False
    """
    return digest_of_framed(framed(*parts))


def framed(*parts: str | bytes) -> bytes:
    """Return an unambiguous join of the parts. Joins of joins are those of all their parts:
    ``framed(a) + framed(b) == framed(a, b)``.
    """
    return b"".join(map(frame, parts))


def frame(part: str | bytes) -> bytes:
    """Return ``framed`` of one part."""
    data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
    return len(data).to_bytes(8, "big") + data


def digest_of_framed(join: bytes) -> str:
    """Return ``digest_of`` the parts of a join that ``framed`` made."""
    return hashlib.sha256(join).hexdigest()[:16]


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
    join = framed(image, *(f"{value:.2f}" for value in box), segmenter_fingerprint)
    return hashlib.sha256(join).hexdigest()[:32]
