"""Pictures in other colour spaces have the colours of the same picture in sRGB."""

import io
import struct

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from par_core.archive import decode
from par_core.archive.embedded_profiles import embedded_profile
from par_core.archive.srgb import _adobe_rgb
from par_core.config import ArchiveConfig

LIMITS = ArchiveConfig()
SRGB = ImageCms.createProfile("sRGB")
# red, green, blue as XYZ under D50, and gamma
SPACES = {
    "p3": (((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)), 2.2),
    "wide": (((0.79767, 0.28804, 0.0), (0.13519, 0.71187, 0.0), (0.03135, 0.00009, 0.82491)), 1.8),
}


def colours() -> Image.Image:
    """Colours of garments, that all these spaces can name."""
    random = np.random.default_rng(7)
    return Image.fromarray(random.integers(30, 220, (16, 16, 3), np.uint8)).resize((64, 64), 0)


def profile(space: str) -> bytes:
    columns, gamma = SPACES[space]
    tags = {b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1, 0.8249)}
    tags[b"cprt"] = b"text\0\0\0\0none\0\0\0\0"
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + b"\0" * 78
    for letter, column in zip(b"rgb", columns, strict=True):
        tags[bytes([letter]) + b"XYZ"] = b"XYZ \0\0\0\0" + fixed(*column)
        tags[bytes([letter]) + b"TRC"] = b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(gamma * 256), 0)
    place, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", place + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    head = struct.pack(
        ">I4xI4s4s4s6H4s", place + len(body), 0x02400000, b"mntr", b"RGB ", b"XYZ ", *[1] * 6, b"acsp"
    )
    return (head.ljust(68, b"\0") + fixed(0.9642, 1, 0.8249)).ljust(128, b"\0") + table + body


def fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def written(picture: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def in_space(picture: Image.Image, icc: bytes, mode: str = "RGB") -> Image.Image:
    other = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    converted = ImageCms.profileToProfile(picture, SRGB, other, renderingIntent=1, outputMode=mode)
    assert converted is not None
    del converted.info["icc_profile"]  # which Pillow would write by itself
    return converted


def difference(content: bytes, wanted: Image.Image | None = None) -> float:
    pixels = decode(content, LIMITS).pixels.astype(int)
    return float(np.abs(pixels - np.asarray(wanted or colours())).mean())


@pytest.mark.parametrize("form", ["PNG", "TIFF", "JPEG", "WEBP"])
@pytest.mark.parametrize("space", SPACES)
def test_colours_of_another_space_are_converted(space: str, form: str) -> None:
    icc = profile(space)
    other = in_space(colours(), icc)
    whole = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(form, {})
    assert difference(written(other, form, **whole)) > 4
    assert difference(written(other, form, icc_profile=icc, **whole)) < (3 if form == "JPEG" else 1)


def test_transparent_and_palette_pictures_are_converted_too() -> None:
    icc = profile("p3")
    other = in_space(colours(), icc)
    half = other.copy()
    half.putalpha(128)
    on_white = Image.blend(Image.new("RGB", (64, 64), "white"), colours(), 128 / 255)
    assert difference(written(half, "PNG", icc_profile=icc), on_white) < 1.5
    few = other.quantize(256)
    assert difference(written(few, "PNG", icc_profile=icc)) < 6
    assert difference(written(few, "PNG")) > difference(written(few, "PNG", icc_profile=icc))


def test_adobe_rgb_may_be_named_by_exif_alone() -> None:
    """Cameras write files of this kind, with names that begin with an underscore."""
    other = in_space(colours(), _adobe_rgb())
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {ExifTags.Interop.InteropIndex: "R03"}
    named = written(other, "JPEG", quality=100, subsampling=0, exif=exif)
    assert difference(named) < 2 < difference(written(other, "JPEG", quality=100, subsampling=0))
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {ExifTags.Interop.InteropIndex: "R98"}
    assert difference(written(colours(), "JPEG", quality=100, subsampling=0, exif=exif)) < 2


def test_grey_profiles_are_applied_and_grey_pictures_may_have_the_profile_of_colours() -> None:
    grey = colours().convert("L")
    linear = Image.fromarray((255 * (np.asarray(grey) / 255.0) ** 2.2).round().astype(np.uint8))
    gamma_one = grey_profile(1.0)
    assert difference(written(linear, "PNG", icc_profile=gamma_one), grey.convert("RGB")) < 4
    assert difference(written(linear, "PNG"), grey.convert("RGB")) > 20
    assert difference(written(grey, "PNG", icc_profile=profile("p3")), grey.convert("RGB")) < 2


def grey_profile(gamma: float) -> bytes:
    tags = {b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1, 0.8249), b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + b"\0" * 78
    tags[b"kTRC"] = b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(gamma * 256), 0)
    place, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", place + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    head = struct.pack(
        ">I4xI4s4s4s6H4s", place + len(body), 0x02400000, b"mntr", b"GRAY", b"XYZ ", *[1] * 6, b"acsp"
    )
    return (head.ljust(68, b"\0") + fixed(0.9642, 1, 0.8249)).ljust(128, b"\0") + table + body


@pytest.mark.parametrize("transform", [None, 0, 2])
def test_inks_of_a_jpeg_are_inverted_with_and_without_adobes_marker(transform: int | None) -> None:
    colour = Image.new("RGB", (16, 16), (200, 30, 30))
    inks = colour.convert("CMYK")
    content = written(inks, "JPEG", quality=100)
    start = content.index(b"\xff\xee\0\x0eAdobe")
    if transform is None:  # browsers take such inks for inverted, too
        content = content[:start] + content[start + 16 :]
    elif transform == 2:  # inks as Adobe writes them, YCCK
        cyan, magenta, yellow, black = inks.split()
        inner = Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr").split()
        ycck = Image.merge("CMYK", [*(band.point(lambda value: 255 - value) for band in inner), black])
        content = written(ycck, "JPEG", quality=100)
        content = content[: start + 15] + b"\2" + content[start + 16 :]
    assert difference(content, colour) < 3


def test_lab_is_converted() -> None:
    lab = ImageCms.profileToProfile(colours(), SRGB, ImageCms.createProfile("LAB"), outputMode="LAB")
    assert lab is not None
    assert difference(written(lab, "TIFF")) < 3


@pytest.mark.parametrize("damaged", [b"junk", profile("p3")[:200], profile("p3")[:128] + b"\xff" * 400])
def test_a_damaged_profile_or_one_of_another_kind_is_ignored(damaged: bytes) -> None:
    assert difference(written(colours(), "PNG", icc_profile=damaged)) == 0
    assert difference(written(colours(), "PNG", icc_profile=grey_profile(1.0))) == 0
    cmyk = colours().convert("CMYK")
    assert difference(written(cmyk, "TIFF", icc_profile=profile("p3")), cmyk.convert("RGB")) == 0


def test_the_profile_of_srgb_changes_no_pixel() -> None:
    icc = ImageCms.ImageCmsProfile(SRGB).tobytes()
    assert difference(written(colours(), "PNG", icc_profile=icc)) == 0


def test_a_turned_picture_is_converted_and_turned_once() -> None:
    icc = profile("wide")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    content = written(in_space(colours(), icc), "PNG", icc_profile=icc, exif=exif)
    assert difference(content, colours().transpose(Image.Transpose.ROTATE_270)) < 1


def with_profile_in_jpeg_2000(content: bytes, icc: bytes, method: int) -> bytes:
    """A JPEG 2000 whose box ``colr`` holds a profile: Pillow writes none."""
    head, colr = content.index(b"jp2h") - 4, content.index(b"colr") - 4
    old = int.from_bytes(content[colr : colr + 4], "big")
    box = struct.pack(">I", 11 + len(icc)) + b"colr" + bytes([method, 0, 0]) + icc
    size = int.from_bytes(content[head : head + 4], "big") - old + len(box)
    return content[:head] + struct.pack(">I", size) + content[head + 4 : colr] + box + content[colr + old :]


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("method", [2, 3])
def test_a_profile_in_a_jpeg_2000_is_applied(space: str, method: int) -> None:
    icc = profile(space)
    content = written(in_space(colours(), icc), "JPEG2000")
    pixels = decode(with_profile_in_jpeg_2000(content, icc, method), LIMITS).pixels
    assert np.abs(pixels.astype(int) - np.asarray(colours())).max() <= 6


def bmp_of(picture: Image.Image, icc: bytes, kind: bytes) -> bytes:
    """A BMP of version 5 with a profile behind its pixels: Pillow writes none."""
    rows = np.ascontiguousarray(np.asarray(picture)[::-1, :, ::-1]).tobytes()
    header = struct.pack("<IiiHHIIiiII", 124, *picture.size, 1, 24, 0, len(rows), 0, 0, 0, 0)
    header += struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0) + kind + bytes(48)
    header += struct.pack("<4I", 4, 124 + len(rows), len(icc), 0)
    return b"BM" + struct.pack("<IHHI", 138 + len(rows) + len(icc), 0, 0, 138) + header + rows + icc


def test_a_profile_in_a_bmp_is_applied() -> None:
    icc = profile("p3")
    other = in_space(colours(), icc)
    pixels = decode(bmp_of(other, icc, b"DEBM"), LIMITS).pixels
    assert np.abs(pixels.astype(int) - np.asarray(colours())).max() <= 4
    for plain in (bmp_of(other, icc, b"BGRs"), bmp_of(other, b"", b"DEBM"), bmp_of(other, icc[:90], b"DEBM")):
        assert np.array_equal(decode(plain, LIMITS).pixels, np.asarray(other))


@pytest.mark.parametrize("length", [1, 7, 2**31])
def test_a_box_of_a_wrong_length_names_no_profile(length: int) -> None:
    icc = profile("p3")
    content = with_profile_in_jpeg_2000(written(in_space(colours(), icc), "JPEG2000"), icc, 2)
    assert embedded_profile("JPEG2000", content) == icc
    place = content.index(b"colr") - 4
    changed = content[:place] + struct.pack(">I", length) + content[place + 4 :]
    assert embedded_profile("JPEG2000", changed) is None
    assert embedded_profile("JPEG2000", content[: place + 100]) is None
