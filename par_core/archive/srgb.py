"""Conversion of decoded pictures to sRGB, by the colour profile that a file embeds or names.

Telephones write Display P3, cameras Adobe RGB, scanners and print shops CMYK; without the profile their
numbers mean other colours. A profile that is damaged, or is of another kind than the pixels, is ignored, as
browsers do.
"""

import functools
import io
import struct
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageCms

__all__ = ["to_srgb"]

_MOST_BYTES: Final = 4 * 2**20  # of a profile; those of printing presses have about 2 MB
_WHITE: Final = (0.9642, 1.0, 0.8249)  # D50, the white of the connection space of ICC profiles
# red, green and blue of Adobe RGB (1998) as XYZ, adapted to D50; its gamma is 563 / 256
_ADOBE_RGB: Final = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
_ADOBE_GAMMA: Final = 563
_LEVELS: Final = range(0, 256, 51)  # of each channel, to see whether a conversion changes anything
_UNSEEN: Final = 2  # of 255: a conversion that changes no colour by more is left out

_ERRORS: Final = (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError, struct.error)


def to_srgb(picture: Image.Image, *, adobe_rgb: bool = False) -> Image.Image:
    """Return a picture in sRGB.

    Args:
        picture: A loaded picture of mode ``L``, ``LA``, ``RGB``, ``RGBA``, ``CMYK`` or ``LAB``, with its
            profile in ``info``.
        adobe_rgb: Whether colours without a profile are those of Adobe RGB.

    Returns:
        The picture of mode ``RGB``, or ``RGBA`` if it has transparency.
    """
    alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA") else None
    coloured = picture if alpha is None else picture.convert(picture.mode[:-1])
    profile = picture.info.get("icc_profile")
    if not profile and adobe_rgb and coloured.mode == "RGB":
        profile = _adobe_rgb()
    converted = None
    if isinstance(profile, bytes) and 0 < len(profile) <= _MOST_BYTES:
        converted = _converted(coloured, profile)
    if converted is None:
        converted = _applied(_of_lab(), coloured) if coloured.mode == "LAB" else coloured.convert("RGB")
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def _converted(picture: Image.Image, profile: bytes) -> Image.Image | None:
    """Return the picture in sRGB by a profile; None if the profile cannot be used for it."""
    convert = _conversion(profile, picture.mode)
    if convert is None and picture.mode == "L":  # grey pictures often have the profile of a colour space
        picture = picture.convert("RGB")
        convert = _conversion(profile, "RGB")
    return None if convert is None else convert(picture)


@functools.lru_cache(maxsize=16)
def _conversion(profile: bytes, mode: str) -> Callable[[Image.Image], Image.Image] | None:
    """Return the function that converts pictures of a mode; None if the profile is damaged, or of another
    kind than the mode.
    """
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if mode == "RGB" and _changes_nothing(transform):  # the profile of sRGB itself, as most cameras write
            return Image.Image.copy
    except _ERRORS:
        return None
    return functools.partial(_applied, transform)


def _applied(transform: ImageCms.ImageCmsTransform, picture: Image.Image) -> Image.Image:
    converted = ImageCms.applyTransform(picture, transform)
    assert converted is not None, "None only if the picture itself is changed"
    return converted


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    colours = np.stack(np.meshgrid(*[np.array(_LEVELS, np.uint8)] * 3), axis=-1).reshape(1, -1, 3)
    after = np.asarray(_applied(transform, Image.fromarray(colours)), np.int16)
    return bool(np.abs(after - colours).max() <= _UNSEEN)


@functools.cache
def _of_lab() -> ImageCms.ImageCmsTransform:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB")


@functools.cache
def _adobe_rgb() -> bytes:
    """The profile of Adobe RGB (1998), by its published primaries and gamma: files that name the space in
    EXIF do not embed it. A matrix profile of version 2 (ICC.1:2001-04, 6.3.1.2).
    """
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 10) + b"Adobe RGB\0" + b"\0" * 78,
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ \0\0\0\0" + _fixed(_WHITE),
    }
    for letter, primary in zip(b"rgb", _ADOBE_RGB, strict=True):
        tags[bytes([letter]) + b"XYZ"] = b"XYZ \0\0\0\0" + _fixed(primary)
        tags[bytes([letter]) + b"TRC"] = b"curv\0\0\0\0" + struct.pack(">IH", 1, _ADOBE_GAMMA)
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        padded = data + b"\0" * (-len(data) % 4)
        table += name + struct.pack(">II", start + len(body), len(data))
        body += padded
    head = struct.pack(">I4xI4s4s4s", start + len(body), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s", 2000, 1, 1, 0, 0, 0, b"acsp")
    head = head.ljust(68, b"\0") + _fixed(_WHITE)
    return head.ljust(128, b"\0") + table + body


def _fixed(values: Sequence[float]) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)
