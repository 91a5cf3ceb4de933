"""What EXIF says of a picture: which way is up, when it was taken, and whether its colours are Adobe RGB.

Writers differ: dates are written with colons, dashes, slashes, dots or nothing between the numbers, with a
``T``, blanks or another mark before the time, blanks for zeros, without seconds, with fractions of them, with
AM and PM, with a zone behind, midnight as hour 24, in digits of Arabic and with marks of Chinese.
``DateTime``, the time of the last change, is no time of capture.
"""

import re
import struct
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from PIL import ExifTags, Image, TiffImagePlugin

__all__ = ["EXIF_ERRORS", "Exif", "capture_time", "exif_in", "exif_of"]

#: Errors that Pillow raises for damaged EXIF.
EXIF_ERRORS: Final = (
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
)
_R03: Final = "R03"  # interoperability index of Adobe RGB (DCF optional colour space)
_STAMP: Final = re.compile(
    r"(\d{4})([:/. -])\s?(\d{1,2})\2\s?(\d{1,2})[T\s_,-]\s*"
    r"(\d{1,2})([:.-])\s?(\d{1,2})(?:\6\s?(\d{1,2})(?:[.,]\d*)?)?"
    r"\s*(?:([AP])M|(?:\(?[A-Z]{1,5}\)?)?(?:[+-]\d{1,2}(?::?\d{2})?)?)",
    re.ASCII | re.IGNORECASE,
)
_WITHOUT_MARKS: Final = re.compile(r"(\d{4})()(\d{2})(\d{2})[T\s_-]?(\d{2})()(\d{2})(\d{2})()", re.ASCII)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_OF_CTIME: Final = re.compile(
    rf"[a-z]{{3}} ({'|'.join(_MONTHS)})\s+(\d{{1,2}}) (\d\d:\d\d:\d\d) (\d{{4}})", re.ASCII | re.IGNORECASE
)
# marks that stand behind the numbers in Chinese, Japanese and Korean
_MARKS: Final = str.maketrans(
    dict.fromkeys("年年月년월", "-") | dict.fromkeys("時时点點시分분", ":") | dict.fromkeys("日일秒초", " ")
)


@dataclass(frozen=True, slots=True)
class Exif:
    """What was read.

    Attributes:
        orientation: 1 to 8, 1 is upright; None if it is not said.
        captured_at: Time of capture on the camera's own clock; None if there is none.
        unreadable_time: Whether a time of capture is there that cannot be read.
        adobe_rgb: Whether colours without a profile are those of Adobe RGB.
    """

    orientation: int | None
    captured_at: datetime | None
    unreadable_time: bool
    adobe_rgb: bool


def exif_of(picture: Image.Image) -> Exif:
    """Return what EXIF says of an opened picture; EXIF that is damaged counts as none."""
    try:
        tags = picture.getexif()
    except EXIF_ERRORS:
        return Exif(None, None, unreadable_time=False, adobe_rgb=False)
    return exif_in(tags)


def exif_in(tags: Image.Exif) -> Exif:
    """Return what EXIF says; where it is damaged, nothing."""
    try:
        details = tags.get_ifd(ExifTags.IFD.Exif)
        orientation = _whole(tags.get(ExifTags.Base.Orientation))
        stamps = [
            directory.get(tag)
            for tag in (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized)
            for directory in (details, tags)  # TIFF/EP (ISO 12234-2) has them in the first directory
        ]
    except EXIF_ERRORS:
        return Exif(None, None, unreadable_time=False, adobe_rgb=_names_adobe_rgb(tags))
    written = [stamp for stamp in stamps if not _is_blank(stamp)]
    times = [time for stamp in written if (time := capture_time(stamp)) is not None]
    return Exif(
        orientation,
        times[0] if times else None,
        unreadable_time=bool(written) and not times,
        adobe_rgb=_names_adobe_rgb(tags),
    )


def capture_time(stamp: object) -> datetime | None:
    """Return the time of an EXIF stamp as written, without its zone; None if it cannot be read, or has no
    time of day.
    """
    text = _plain(_text(stamp))
    found = _STAMP.fullmatch(text) or _WITHOUT_MARKS.fullmatch(text)
    if found is None:
        return None
    year, _, month, day, *clock, half = found.groups()
    hour, minute, second = (int(clock[at] or 0) for at in (0, 2, 3))
    midnight = hour == 24 and minute == second == 0
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half in "Pp" else 0)
    try:
        time = datetime(int(year), int(month), int(day), 0 if midnight else hour, minute, second)
        return time + timedelta(days=1) if midnight else time
    except (ValueError, OverflowError):
        return None


def _whole(value: object) -> int | None:
    """The number of a tag, whatever type a writer has chosen for it."""
    if isinstance(value, bytes):
        return value[0] if value else None
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() else None
    return int(value) if isinstance(value, int | float | TiffImagePlugin.IFDRational) else None


def _names_adobe_rgb(tags: Image.Exif) -> bool:
    try:
        interoperability = tags.get_ifd(ExifTags.IFD.Interop)
    except EXIF_ERRORS:
        return False
    return str(interoperability.get(ExifTags.Interop.InteropIndex, "")).strip("\0 ") == _R03


def _is_blank(stamp: object) -> bool:
    """Whether nothing is written: cameras without a clock write blanks or zeros between the colons."""
    return stamp is None or not _text(stamp).strip(" :0/-.")


def _plain(text: str) -> str:
    """A stamp in digits and marks of ASCII: telephones write those of their language, in UTF-8 where EXIF has
    ASCII, and Pillow reads Latin-1. A time as C's ``ctime`` writes it has its year first.
    """
    if not text.isascii():
        with suppress(UnicodeError):
            text = text.encode("latin-1").decode("utf-8")
        digits = {ord(letter): str(unicodedata.decimal(letter)) for letter in set(text) if letter.isdecimal()}
        text = re.sub(r"-\s+|:\s+", lambda found: found.group()[0], text.translate(digits).translate(_MARKS))
        text = text.strip(" :\ufeff")
    if found := _OF_CTIME.fullmatch(text):
        month, day, clock, year = found.groups()
        return f"{year}-{1 + _MONTHS.index(month.lower())}-{day} {clock}"
    return text


def _text(stamp: object) -> str:
    text = stamp.decode("latin-1") if isinstance(stamp, bytes) else stamp if isinstance(stamp, str) else "?"
    return text.split("\0")[0].strip()
