"""Which picture formats PAR reads, which names they have, and which kinds of pictures it knows by name alone.

JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF and JPEG 2000 are read by Pillow. The extra ``formats`` installs plugins
of it for HEIC/HEIF and JPEG XL, and LibRaw for the previews of raw files. Others (PostScript among them) are
not even opened.
"""

import importlib
import importlib.util
import os
from typing import Final

from PIL import Image

from par_core.archive.camera_raw import can_read_raw

__all__ = ["FORMATS", "IMAGE_SUFFIXES", "jxl_size", "why_passed_over"]

_PILLOW: Final = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),  # MPO is detected by way of JPEG
    "PNG": (".png",),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "DIB": (".dib",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "AVIF": (".avif", ".avifs"),
    "JPEG2000": (".jp2", ".j2k", ".jpf", ".jpx", ".j2c"),
}
_PLUGINS: Final = {
    "HEIF": ("pillow_heif", (".heic", ".heif", ".hif")),
    "JXL": ("pillow_jxl", (".jxl",)),
}
#: Raw files of cameras; ``.raw`` is not among them, as programs write anything under this name.
_RAW: Final = frozenset(
    [
        *(
            ".3fr",
            ".arw",
            ".cr2",
            ".cr3",
            ".crw",
            ".dcr",
            ".dng",
            ".erf",
            ".fff",
            ".iiq",
            ".k25",
            ".kdc",
            ".mef",
        ),
        *(
            ".mos",
            ".mrw",
            ".nef",
            ".nrw",
            ".orf",
            ".pef",
            ".raf",
            ".rw2",
            ".rwl",
            ".sr2",
            ".srf",
            ".srw",
            ".x3f",
        ),
    ]
)
_UNREAD: Final = _RAW | frozenset(
    [
        *(
            ".raw",
            ".psd",
            ".psb",
            ".xcf",
            ".eps",
            ".svg",
            ".exr",
            ".hdr",
            ".ppm",
            ".pgm",
            ".pbm",
            ".pnm",
            ".tga",
        ),
        *(".ico", ".pcx", ".dcm", ".jng", ".cin", ".dpx", ".fits", ".ai", ".heic", ".heif", ".hif", ".jxl"),
    ]
)


def _installed() -> dict[str, tuple[str, ...]]:
    """Load the plugins that are there; Pillow's own load by themselves only in a full init, which is slow."""
    for name in ("Avif", "Bmp", "Gif", "Jpeg", "Jpeg2K", "Mpo", "Png", "Tiff", "WebP"):
        importlib.import_module(f"PIL.{name}ImagePlugin")
    formats = dict(_PILLOW)
    for form, (module, suffixes) in _PLUGINS.items():
        if importlib.util.find_spec(module) is not None:
            plugin = importlib.import_module(module)
            if form not in Image.OPEN:
                plugin.register_heif_opener()
            formats[form] = suffixes
    return formats


_READ: Final = _installed()
#: Formats that Pillow may try.
FORMATS: Final = tuple(_READ)
#: Suffixes of the names of files that are read.
IMAGE_SUFFIXES: Final = frozenset(suffix for suffixes in _READ.values() for suffix in suffixes) | (
    _RAW if can_read_raw() else frozenset()
)


def why_passed_over(name: str) -> str | None:
    """Return why a file is passed over by its name: ``not_an_image``, or its suffix, in lower case, if it is
    that of a picture which PAR does not read. None for a picture that it reads.
    """
    suffix = os.path.splitext(name)[1].lower()
    if suffix in IMAGE_SUFFIXES:
        return None
    return suffix if suffix in _UNREAD else "not_an_image"


def jxl_size(content: bytes) -> tuple[int, int] | None:
    """Return width and height by the header of a JPEG XL file (ISO/IEC 18181-1, SizeHeader), as its plugin
    decodes a file when it opens it. None if it has no such header.
    """
    start = 0 if content[:2] == b"\xff\x0a" else _codestream_in_box(content)
    if start is None or content[start : start + 2] != b"\xff\x0a":
        return None
    bits = int.from_bytes(content[start + 2 : start + 14], "little")

    def take(count: int) -> int:
        nonlocal bits
        value, bits = bits & ((1 << count) - 1), bits >> count
        return value

    def length() -> int:
        return 1 + take((9, 13, 18, 30)[take(2)])

    small = take(1)
    height = 8 * (1 + take(5)) if small else length()
    ratio = take(3)
    if ratio == 0:
        return (8 * (1 + take(5)) if small else length()), height
    above, below = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
    return height * above // below, height


def _codestream_in_box(content: bytes) -> int | None:
    """Return where the codestream begins in a file of boxes: in a box ``jxlc``, or behind the four bytes of
    the index of the first ``jxlp``.
    """
    place = 0
    while place + 8 <= len(content):
        size, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        header = 8
        if size == 1:
            size, header = int.from_bytes(content[place + 8 : place + 16], "big"), 16
        if kind in (b"jxlc", b"jxlp"):
            return place + header + (4 if kind == b"jxlp" else 0)
        if size < header:  # 0: up to the end of the file
            return None
        place += size
    return None
