"""Files that hold a gain map, or other pictures, beside the plain one: the plain one is read, in its own
colours.
"""

import io
import struct

import numpy as np
import pytest
from PIL import Image
from skimage import data

from par_core.archive import decode
from par_core.archive.avif_boxes import primary_nclx
from par_core.config import ArchiveConfig

LIMITS = ArchiveConfig()
PHOTO = Image.fromarray(np.ascontiguousarray(data.astronaut()[:128, :128]))
MAP = Image.new("L", (64, 64), 200)


def distance(content: bytes) -> float:
    return float(np.abs(decode(content, LIMITS).pixels.astype(float) - np.asarray(PHOTO)).mean())


def test_of_an_ultra_hdr_jpeg_the_plain_picture_is_read() -> None:
    """Beside its gain map, with an index of both (MPF) as telephones write it, and without."""
    indexed, plain, gain = io.BytesIO(), io.BytesIO(), io.BytesIO()
    PHOTO.save(indexed, "MPO", save_all=True, append_images=[MAP], quality=95)
    PHOTO.save(plain, "JPEG", quality=95)
    MAP.save(gain, "JPEG")
    assert distance(indexed.getvalue()) < 5
    assert distance(plain.getvalue() + gain.getvalue()) < 5


def test_of_several_pictures_in_a_heif_the_primary_one_is_read() -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs the extra: formats")
    file = pillow_heif.HeifFile()
    file.add_from_pillow(MAP.convert("RGB"))
    file.add_from_pillow(PHOTO)
    buffer = io.BytesIO()
    file.save(buffer, quality=95, primary_index=1)
    assert distance(buffer.getvalue()) < 5


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(data), kind) + data


def colr(primaries: int, transfer: int) -> bytes:
    return box(b"colr", b"nclx" + struct.pack(">HHHB", primaries, transfer, 1, 128))


def avif(properties: list[bytes], of_items: dict[int, list[int]], primary: int) -> bytes:
    """The boxes of an AVIF that say which picture has which properties."""
    associations = struct.pack(">II", 0, len(of_items)) + b"".join(
        struct.pack(">HB", item, len(numbers)) + bytes(0x80 | number for number in numbers)
        for item, numbers in of_items.items()
    )
    iprp = box(b"iprp", box(b"ipco", b"".join(properties)) + box(b"ipma", associations))
    pitm = box(b"pitm", bytes(4) + struct.pack(">H", primary))
    return box(b"ftyp", b"avif" + bytes(4)) + box(b"meta", bytes(4) + pitm + iprp)


def test_of_several_colours_in_an_avif_those_of_the_primary_picture_count() -> None:
    size = box(b"ispe", bytes(12))
    properties = [colr(9, 16), size, colr(12, 13)]  # of what the gain map makes, and of the plain picture
    of_items = {3: [1, 2], 1: [2, 3], 2: [2]}
    assert primary_nclx(avif(properties, of_items, primary=1)) == (12, 13)
    assert primary_nclx(avif(properties, of_items, primary=3)) == (9, 16)
    assert primary_nclx(avif(properties, of_items, primary=2)) is None


def test_a_profile_counts_more_and_damage_names_nothing() -> None:
    profile = box(b"colr", b"prof" + bytes(20))
    whole = avif([colr(12, 13), profile], {1: [1, 2]}, primary=1)
    assert primary_nclx(whole) is None
    named = avif([colr(12, 13)], {1: [1]}, primary=1)
    assert primary_nclx(named) == (12, 13)
    for end in range(len(named)):
        assert primary_nclx(named[:end]) is None
    assert primary_nclx(avif([colr(12, 13)], {1: [7]}, primary=1)) is None
