"""Decoding pictures to upright RGB of 8 bits. Only the formats that PAR reads are ever tried.

Transparency is laid on white. Sixteen-bit pictures are scaled, not clipped. Only the first frame of several
is used.
"""

import importlib
import io
import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from par_core.archive.jpeg import MOST_SCANS, count_scans
from par_core.archive.shortage import can_allocate
from par_core.config import ArchiveConfig
from par_core.errors import TransientError, UnreadableImageError
from par_core.status import Status
from par_core.types import ImageU8

__all__ = ["DecodedImage", "decode"]

#: Formats that Pillow may try; others (PostScript among them) are not even opened. MPO is detected by way of
# JPEG.
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF")
#: Errors that Pillow and its decoders raise for damaged pictures.
_DAMAGE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
)
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
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow loads these by itself only in a full init, which is slow
for _plugin in ("Bmp", "Gif", "Jpeg", "Mpo", "Png", "Tiff", "WebP"):
    importlib.import_module(f"PIL.{_plugin}ImagePlugin")
Image.MAX_IMAGE_PIXELS = None  # decode checks the limit of the configuration before it decodes anything


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A picture as the models see it.

    Attributes:
        pixels: Pixels (h, w, 3), RGB, upright.
        format: Format of the bytes, whatever the file name: ``JPEG``, ``PNG``, ...
        captured_at: EXIF time of capture on the camera's own clock; None if there is none.
    """

    pixels: ImageU8
    format: str
    captured_at: datetime | None


def decode(content: bytes, config: ArchiveConfig) -> DecodedImage:
    """Decode the bytes of a picture.

    Raises:
        UnreadableImageError: The picture cannot be decoded; its status is ``truncated``, ``damaged`` or
            ``too_large``.
        TransientError: Memory ran out, which says nothing about the picture.
    """
    try:
        picture = Image.open(io.BytesIO(content), formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise UnreadableImageError(Status.DAMAGED, "no picture in a format that PAR reads") from error
    except (*_DAMAGE, MemoryError) as error:
        raise _trouble(error, 0) from error
    n_pixels = picture.width * picture.height
    if n_pixels > config.max_pixels:
        raise UnreadableImageError(
            Status.TOO_LARGE,
            f"{picture.width}x{picture.height} pixels, {config.max_pixels} are allowed (archive.max_pixels)",
        )
    if picture.format in ("JPEG", "MPO") and count_scans(content) > MOST_SCANS:
        raise UnreadableImageError(
            Status.TOO_LARGE,
            f"a JPEG of more than {MOST_SCANS} scans, each of which goes over the whole picture",
        )
    try:
        picture.load()
        exif = _exif(picture)
        upright = picture.transpose(_UPRIGHT[exif.orientation]) if exif.orientation in _UPRIGHT else picture
        pixels = np.asarray(_to_rgb(upright))
    except (*_DAMAGE, MemoryError) as error:
        raise _trouble(error, n_pixels) from error
    if pixels.size == 0:
        raise UnreadableImageError(Status.DAMAGED, "a picture without pixels")
    return DecodedImage(np.ascontiguousarray(pixels), picture.format or "", exif.captured_at)


@dataclass(frozen=True, slots=True)
class _Exif:
    orientation: int
    captured_at: datetime | None


def _exif(picture: Image.Image) -> _Exif:
    """Orientation and time of capture; unreadable EXIF counts as none."""
    try:
        tags = picture.getexif()
        details = tags.get_ifd(ExifTags.IFD.Exif)
        orientation = tags.get(ExifTags.Base.Orientation, 1)
        stamps = [
            details.get(ExifTags.Base.DateTimeOriginal),
            details.get(ExifTags.Base.DateTimeDigitized),
            tags.get(ExifTags.Base.DateTime),
        ]
    except _DAMAGE:
        return _Exif(1, None)
    times = [time for stamp in stamps if (time := _time(stamp)) is not None]
    return _Exif(orientation if isinstance(orientation, int) else 1, times[0] if times else None)


def _time(stamp: object) -> datetime | None:
    if not isinstance(stamp, str):
        return None
    try:
        return datetime.strptime(stamp.strip("\0 ")[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGB":
        return picture
    if picture.mode.startswith("I") or picture.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(picture))).convert("RGB")
    if picture.has_transparency_data:
        layered = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
    return picture.convert("RGB")


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """Scale 16-bit (or real) grey values to 8 bits."""
    if values.dtype.kind == "f":
        finite = np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=0.0)
        return np.clip(finite * (255 if finite.max(initial=0) <= 1 else 1), 0, 255).round().astype(np.uint8)
    return (np.clip(values, 0, 65535).astype(np.float32) / 257).round().astype(np.uint8)


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
