"""Decoding pictures to upright sRGB of 8 bits. Only the formats that PAR reads are ever tried.

Colour profiles and spaces are applied (``srgb``, ``named_colours``), more than 8 bits are scaled
(``eight_bits``), transparency is laid on white. Only the first frame of several is used.
"""

import io
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from par_core.archive.camera_raw import RAW_FORMAT, may_be_raw, preview_of
from par_core.archive.eight_bits import (
    deep_colours,
    grey_of_eight_bits,
    is_dark,
    is_deep_png,
    sixteen_bits,
)
from par_core.archive.embedded_profiles import embedded_profile
from par_core.archive.exif import EXIF_ERRORS, exif_in, exif_of
from par_core.archive.formats import FORMATS, jxl_size
from par_core.archive.jpeg import MOST_SCANS, count_scans
from par_core.archive.named_colours import colours_in_tags, colours_named
from par_core.archive.shortage import can_allocate
from par_core.archive.srgb import to_srgb
from par_core.archive.tiff_numbers import TiffNumbers, tiff_of_numbers
from par_core.archive.upright import UPRIGHT, Box, scaled_box, stored_box
from par_core.config import ArchiveConfig
from par_core.errors import TransientError, UnreadableImageError
from par_core.status import Status
from par_core.types import ImageU8

__all__ = ["DecodedImage", "decode", "decode_part"]

#: Errors that Pillow and its decoders raise for damaged pictures.
_DAMAGE: Final = (*EXIF_ERRORS, RuntimeError, zlib.error)
_BYTES_A_PIXEL: Final = 4  # least memory that Pillow needs
_TRUNCATION: Final = (
    "truncated",
    "unexpected end",
    "not enough",
    "buffer is not large enough",
    "broken data stream",
    "end of file",
    "premature",
)
Image.MAX_IMAGE_PIXELS = None  # decode checks the limit of the configuration before it decodes anything


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A picture as the models see it.

    Attributes:
        pixels: Pixels (h, w, 3), RGB, upright.
        format: Format of the bytes, whatever the file name: ``JPEG``, ``PNG``, ...; ``RAW`` if it is the
            preview of a raw file.
        captured_at: EXIF time of capture on the camera's own clock; None if there is none.
        unreadable_time: Whether EXIF has a time of capture that cannot be read.
    """

    pixels: ImageU8
    format: str
    captured_at: datetime | None
    unreadable_time: bool = False


def decode(content: bytes, config: ArchiveConfig) -> DecodedImage:
    """Decode the bytes of a picture; of a camera's raw file its preview.

    Args:
        content: The bytes.
        config: Limits.

    Raises:
        UnreadableImageError: The picture cannot be decoded; its status is ``truncated``, ``damaged`` or
            ``too_large``.
        TransientError: Memory ran out, which says nothing about the picture.
    """
    return _decoded(content, config, 1, None)[0]


def decode_part(
    content: bytes, config: ArchiveConfig, part: tuple[int, int, int, int], shrink: int = 1
) -> ImageU8:
    """Decode a part of a picture, for showing only. Of a JPEG, only this part is converted to sRGB and turned
    upright.

    Args:
        content: The bytes.
        config: Limits.
        part: Left, top, right and bottom (exclusive) in pixels of the whole upright picture.
        shrink: 2, 4 or 8 let a JPEG be decoded to so many times fewer pixels a side, which is quicker; other
            formats are decoded in full.

    Raises:
        UnreadableImageError: As of :func:`decode`; also where the picture has nothing of this part.
        TransientError: Memory ran out.
    """
    decoded, is_part = _decoded(content, config, shrink, part)
    left, top, right, bottom = part
    shown = decoded.pixels if is_part else decoded.pixels[top:bottom, left:right]
    if shown.size == 0:
        raise UnreadableImageError(Status.DAMAGED, "a picture without pixels in this part")
    return np.ascontiguousarray(shown)


def _decoded(
    content: bytes, config: ArchiveConfig, shrink: int, part: Box | None
) -> tuple[DecodedImage, bool]:
    """Return a picture, or of a JPEG only a part of it, and whether it is that part."""
    size = jxl_size(content)  # that plugin decodes a file as it opens it
    _require_size(size, config)
    try:
        formats = [form for form in FORMATS if form != "JXL" or size is not None]
        picture: Image.Image = Image.open(io.BytesIO(content), formats=formats)
        preview = preview_of(content, picture) if may_be_raw(picture, content) else None
    except UnidentifiedImageError as error:
        preview = preview_of(content)
        if preview is None and (numbers := tiff_of_numbers(content)) is not None:
            return _of_numbers(numbers, config), False
        if preview is None:
            raise UnreadableImageError(Status.DAMAGED, "no picture in a format that PAR reads") from error
    except (*_DAMAGE, MemoryError) as error:
        raise _trouble(error, 0) from error
    if preview is not None:
        picture, content = preview.picture, preview.content
    numbers = tiff_of_numbers(content) if preview is None and picture.format == "TIFF" else None
    if numbers is not None and numbers.is_misread():
        return _of_numbers(numbers, config), False
    n_pixels = picture.width * picture.height
    _require_size(picture.size, config)
    if picture.format in ("JPEG", "MPO") and count_scans(content) > MOST_SCANS:
        raise UnreadableImageError(
            Status.TOO_LARGE,
            f"a JPEG of more than {MOST_SCANS} scans, each of which goes over the whole picture",
        )
    whole, is_part = picture.size, part is not None and picture.format == "JPEG"
    try:
        if shrink > 1 and picture.format == "JPEG":
            picture.draft(None, (-(-picture.width // shrink), -(-picture.height // shrink)))
        picture.load()
        if numbers is not None and is_dark(picture) and numbers.is_deep():
            return _of_numbers(numbers, config), False
        if "icc_profile" not in picture.info and (profile := embedded_profile(picture.format, content)):
            picture.info["icc_profile"] = profile
        exif = exif_of(picture) if preview is None else preview.exif_with(exif_of(picture))
        turn = None if _is_turned(picture) else UPRIGHT.get(exif.orientation or 1)
        shown = picture
        if part is not None and is_part:
            shown = picture.crop(stored_box(scaled_box(part, whole, picture.size, turn), picture.size, turn))
        rgb = _rgb(shown, content, adobe_rgb=exif.adobe_rgb)
        pixels = np.asarray(rgb if turn is None else rgb.transpose(turn))
    except (*_DAMAGE, MemoryError) as error:
        raise _trouble(error, n_pixels) from error
    if pixels.size == 0:
        raise UnreadableImageError(Status.DAMAGED, "a picture without pixels")
    decoded = DecodedImage(
        np.ascontiguousarray(pixels),
        RAW_FORMAT if preview else picture.format or "",
        exif.captured_at,
        exif.unreadable_time,
    )
    return decoded, is_part


def _of_numbers(numbers: TiffNumbers, config: ArchiveConfig) -> DecodedImage:
    """Decode a TIFF that Pillow has no mode for, or misreads."""
    _require_size(numbers.size, config)
    n_pixels = numbers.size[0] * numbers.size[1]
    if why := numbers.why_unread():
        raise UnreadableImageError(Status.DAMAGED, f"{why}, which PAR does not read")
    try:
        picture = numbers.picture()
        exif = exif_in(numbers.tags)
        named = None if "icc_profile" in picture.info else colours_in_tags(numbers.tags)
        if named is not None and picture.mode != "CMYK":
            rgb = named.converted(picture, None)
        else:
            rgb = to_srgb(picture, adobe_rgb=exif.adobe_rgb)
        turn = UPRIGHT.get(exif.orientation or 1)
        upright = rgb if turn is None else rgb.transpose(turn)
        pixels = np.asarray(_on_white(upright))
    except (*_DAMAGE, MemoryError) as error:
        raise _trouble(error, n_pixels) from error
    return DecodedImage(np.ascontiguousarray(pixels), "TIFF", exif.captured_at, exif.unreadable_time)


def _require_size(size: tuple[int, int] | None, config: ArchiveConfig) -> None:
    if size is not None and size[0] * size[1] > config.max_pixels:
        raise UnreadableImageError(
            Status.TOO_LARGE,
            f"{size[0]}x{size[1]} pixels, {config.max_pixels} are allowed (archive.max_pixels)",
        )


def _is_turned(picture: Image.Image) -> bool:
    """Whether its decoder has turned a loaded picture, and EXIF must not: JPEG XL has an orientation of its
    own, and EXIF's counts in a JPEG that is restored from it only (ISO/IEC 18181-1 and -2).
    """
    return picture.format == "JXL" and not getattr(picture, "jpeg", False)


def _rgb(picture: Image.Image, content: bytes, *, adobe_rgb: bool) -> Image.Image:
    """Return a loaded picture in sRGB, on white, as it is stored: not turned upright."""
    named = colours_named(picture, content)
    if picture.mode.startswith("I") or picture.mode == "F":
        if named is not None:
            return Image.fromarray(grey_of_eight_bits(picture, named.grey)).convert("RGB")
        flat = Image.fromarray(grey_of_eight_bits(picture))
    elif named is None and (colours := deep_colours(picture, content)) is not None:
        flat = Image.fromarray(colours)
    elif picture.mode in ("P", "PA", "1", "RGBX", "YCbCr", "HSV", "La", "RGBa"):
        flat = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    elif picture.has_transparency_data and picture.mode in ("L", "RGB"):  # one colour is transparent
        flat = picture.convert("RGBA")
    else:
        flat = picture
    if named is not None:
        rgb = named.converted(flat, sixteen_bits(content) if is_deep_png(content) else None)
    else:
        flat.info.setdefault("icc_profile", picture.info.get("icc_profile"))
        rgb = to_srgb(flat, adobe_rgb=adobe_rgb)
    return _on_white(rgb)


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGBA":
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture


def _trouble(error: Exception, n_pixels: int) -> UnreadableImageError | TransientError:
    """Translate the error of a decoder.

    libjpeg reports a lack of memory as damage, so damage is believed only if there is memory for the pixels.
    """
    if isinstance(error, MemoryError) or not can_allocate(_BYTES_A_PIXEL * n_pixels):
        return TransientError("out of memory while a picture was decoded")
    text = str(error) or type(error).__name__
    cut = any(word in text.lower() for word in _TRUNCATION) or isinstance(error, EOFError)
    return UnreadableImageError(
        Status.TRUNCATED if cut else Status.DAMAGED, f"cannot be decoded: {text}"[:300]
    )
