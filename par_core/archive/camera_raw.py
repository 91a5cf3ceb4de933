"""Previews of the raw files of cameras, by LibRaw: the package ``rawpy``, of the extra ``formats``.

Cameras put a JPEG, often of full size, into every raw file. LibRaw takes the largest preview by the sizes
that the file states, JPEG or bitmap; the sensor's data are not developed.
"""

import contextlib
import importlib.util
import io
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from PIL import Image

from par_core.archive.exif import EXIF_ERRORS, Exif, exif_in
from par_core.archive.shortage import raise_shortage
from par_core.errors import TransientError, UnreadableImageError
from par_core.status import Status

__all__ = ["RAW_FORMAT", "Preview", "can_read_raw", "may_be_raw", "preview_of"]

#: What stands as the format of a picture that is the preview of a raw file.
RAW_FORMAT: Final = "RAW"
_DNG_VERSION: Final = 50706  # tags of TIFF
_SUBFILE_TYPE: Final = 254
_REDUCED: Final = 1  # of a subfile type: a smaller version of another picture in the file
_MARKS: Final = (b"CR\x02", b"IIII", b"MMMM")  # of Canon and Phase One, behind a TIFF's header
_TIFF: Final = (b"II*\0", b"MM\0*")
#: Of Fujifilm, Panasonic and Olympus, at the front of a file; and of Canon's CR3, from byte 4 on.
_FRONTS: Final = (b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO", b"IIRS", b"MMOR")
_CR3: Final = b"ftypcrx "
_APP1: Final = b"\xff\xd8\xff\xe1"
_WRITTEN_BY_LIBRAW: Final = b"dcraw v"
#: EXIF's orientation by that of LibRaw.
_ORIENTATIONS: Final = (1, 2, 4, 3, 5, 8, 6, 7)
_ON_ITS_SIDE: Final = frozenset([5, 6, 7, 8])
_NO_TIME: Final = 1970  # year


@dataclass(frozen=True, slots=True)
class Preview:
    """The preview of a raw file.

    Attributes:
        picture: The preview, not decoded yet if it is a JPEG.
        content: Bytes of the JPEG; empty for a bitmap.
        exif: What the raw file says; its orientation is that of the preview if that has none of its own.
    """

    picture: Image.Image
    content: bytes
    exif: Exif

    def exif_with(self, own: Exif) -> Exif:
        """Return what is known of the preview.

        Args:
            own: What the preview itself says, which counts more.
        """
        return Exif(
            self.exif.orientation if own.orientation is None else own.orientation,
            own.captured_at or self.exif.captured_at,
            unreadable_time=own.captured_at is self.exif.captured_at is None
            and (own.unreadable_time or self.exif.unreadable_time),
            adobe_rgb=own.adobe_rgb or self.exif.adobe_rgb,
        )


def can_read_raw() -> bool:
    """Whether the package that reads raw files is installed."""
    return importlib.util.find_spec("rawpy") is not None


def may_be_raw(picture: Image.Image, content: bytes) -> bool:
    """Whether a picture may be the small one at the front of a raw file: most raw files are TIFFs."""
    tags = getattr(picture, "tag_v2", {})
    return picture.format == "TIFF" and (
        _is_surely_raw(content, tags) or bool(_number(tags.get(_SUBFILE_TYPE)) & _REDUCED)
    )


def preview_of(content: bytes, picture: Image.Image | None = None) -> Preview | None:
    """Return the preview of a raw file; None if LibRaw does not know the file, or it has no preview.

    Args:
        content: The bytes of the file.
        picture: The small picture at its front, where there is one.

    Raises:
        UnreadableImageError: The preview cannot be taken out, or raw files are not read here.
        TransientError: Memory ran out.
    """
    surely = _is_surely_raw(content, getattr(picture, "tag_v2", {}))
    if not can_read_raw():
        if surely:
            raise UnreadableImageError(
                Status.DAMAGED, "a raw file; its preview needs pip install 'par-search[formats]'"
            )
        return None
    import rawpy

    try:
        with rawpy.imread(io.BytesIO(content)) as raw:
            sizes = raw.sizes
            taken_at = None if content.startswith(_TIFF) else _time(raw.other.timestamp)
            thumb = raw.extract_thumb()
    except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawNoThumbnailError) as error:
        if surely:
            raise _unreadable(error) from error
        return None
    except (MemoryError, rawpy.LibRawUnsufficientMemoryError) as error:
        raise TransientError("out of memory while a raw file was opened") from error
    except (rawpy.LibRawError, rawpy.NotSupportedError, OSError, ValueError, OverflowError) as error:
        raise_shortage(error)
        if not surely:  # LibRaw reads the front of whatever it is given, and fails where a text ends
            return None
        raise _unreadable(error) from error
    exif = _exif_of(content)
    if taken_at is not None:
        exif = replace(exif, captured_at=taken_at)
    jpeg = _as_embedded(thumb.data) if isinstance(thumb.data, bytes) else b""
    shown = _opened(jpeg) if isinstance(thumb.data, bytes) else Image.fromarray(thumb.data)
    orientation = _ORIENTATIONS[sizes.flip] if sizes.flip in range(len(_ORIENTATIONS)) else 1
    if orientation in _ON_ITS_SIDE and _stands(shown.size) != _stands((sizes.width, sizes.height)):
        orientation = 1  # the camera has turned the preview already
    return Preview(shown, jpeg, replace(exif, orientation=orientation))


def _is_surely_raw(content: bytes, tags: Any) -> bool:
    return (
        _DNG_VERSION in tags
        or content[8:12].startswith(_MARKS)
        or content.startswith(_FRONTS)
        or content[4:12] == _CR3
    )


def _unreadable(error: Exception) -> UnreadableImageError:
    reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
    return UnreadableImageError(Status.DAMAGED, f"a raw file whose preview cannot be read: {reason}"[:300])


def _opened(jpeg: bytes) -> Image.Image:
    """Open the JPEG of a preview.

    Raises:
        UnreadableImageError: It is none.
    """
    try:
        return Image.open(io.BytesIO(jpeg), formats=["JPEG"])
    except EXIF_ERRORS as error:
        raise _unreadable(error) from error


def _as_embedded(jpeg: bytes) -> bytes:
    """Return a JPEG as it is in the raw file. LibRaw puts EXIF of its own, with the orientation of the raw
    file, in front of one that does not begin with EXIF, even if EXIF follows later.
    """
    if jpeg.startswith(_APP1):
        end = 4 + int.from_bytes(jpeg[4:6], "big")
        if _WRITTEN_BY_LIBRAW in jpeg[:end]:
            return jpeg[:2] + jpeg[end:]
    return jpeg


def _exif_of(content: bytes) -> Exif:
    """Return what a raw file that is a TIFF says of its picture; nothing of others."""
    tags = Image.Exif()
    if content.startswith(_TIFF):
        with contextlib.suppress(*EXIF_ERRORS):
            tags.load(content)
    return exif_in(tags)


def _time(timestamp: datetime | None) -> datetime | None:
    return timestamp if timestamp is not None and timestamp.year > _NO_TIME else None


def _stands(size: tuple[int, int]) -> bool:
    return size[1] > size[0]


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
