"""The lines of a list of pictures, and the names that they stand for, as people and programs write them.

A name is taken as it is where a file of that name is there; else without what stands around it, such as
quotes, a number or a checksum, where that is there.
"""

import codecs
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from par_core.archive.canonical import path_of_file_uri
from par_core.archive.entries import is_image_name, is_remote

__all__ = ["lines_of", "name_in"]

_MARKS: Final = (
    *((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")),
    *((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")),
)
_UNMARKED: Final = ("utf-16-be", "utf-16-le")  # where the first, or the second, of each two bytes is zero
_LOOKED_AT: Final = 64  # bytes
_LINE_ENDS: Final = re.compile(r"\r\n|\n|\r")  # str.splitlines knows eight more, which may be in names
_BLANKS: Final = " \t\v\f\x1a\ufeff"  # among them the end of a file of DOS
_INVISIBLE: Final = (
    " \ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_QUOTES: Final = "\"'`<>\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"
_ESCAPED: Final = re.compile(r"\\(.)")  # as shells write blanks
_WITH_CHECKSUM: Final = re.compile(r"[0-9a-f]{32,128} [ *](.+)", re.IGNORECASE)  # of md5sum and its like
_ANSI: Final = "cp1252"  # of lists that Windows saves as "ANSI"


def lines_of(content: bytes, folder: Path) -> list[str]:
    """Return the lines that are not empty and no comments: files have names that begin with # too. NUL
    characters between names, as ``find -print0`` writes them, end lines too, and alone.
    """
    mark, encoding = next((pair for pair in _MARKS if content.startswith(pair[0])), (b"", "utf-8"))
    if not mark and b"\0" in content:
        halves = content[:_LOOKED_AT:2], content[1:_LOOKED_AT:2]
        encoding = next(
            (name for half, name in zip(halves, _UNMARKED, strict=True) if not any(half)), "utf-8"
        )
    text = content.removeprefix(mark).decode(
        encoding, "surrogateescape" if encoding == "utf-8" else "replace"
    )
    if "\0" in text:
        return [name for name in text.split("\0") if name.strip()]
    lines = _LINE_ENDS.split(text)
    return [
        line
        for line in lines
        if line.strip(_BLANKS)
        and (not line.lstrip().startswith("#") or os.path.lexists(folder / line.strip()))
    ]


def name_in(line: str, folder: Path) -> str:
    """Return the name that a line stands for: the line as it is where that is there, else without blanks,
    quotes, or the forms of ``file:`` around it; in another reading, if that is there.

    Raises:
        BadConfigError: It is a file of another machine.
    """
    name = line.strip()
    if name != line and os.path.lexists(folder / line):
        return line
    if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'" and not os.path.lexists(folder / name):
        name = name[1:-1]
    of_uri = path_of_file_uri(name)
    if of_uri is not None:
        return of_uri
    if is_remote(name) or os.path.lexists(folder / name):
        return name
    return next((each for each in _readings(name) if each and os.path.lexists(folder / each)), name)


def _readings(name: str) -> Iterator[str]:
    """Yield other readings of a name that is not there, the nearest first."""
    bare = name.strip(_INVISIBLE)
    yield bare
    yield bare.strip(_QUOTES)
    yield bare.rstrip(",;").strip(_QUOTES)
    yield from _of_windows(bare)
    yield _ESCAPED.sub(r"\1", bare)
    yield unquote(bare)
    if found := _WITH_CHECKSUM.fullmatch(bare):
        yield found[1]
    for mark in ("\t", ";", ",", " #"):  # a label, a number or a comment behind the name
        first, _, behind = bare.partition(mark)
        if not any(is_image_name(each.strip().strip(_QUOTES)) for each in behind.split(mark)):
            yield first.strip().strip(_QUOTES)


def _of_windows(name: str) -> Iterator[str]:
    """Yield a name with its slashes turned, and its bytes as those of Windows-1252."""
    if "\\" in name:
        yield name.replace("\\", "/")
    if not name.isascii():
        written = os.fsencode(name).decode(_ANSI, "replace")
        yield from (written, written.replace("\\", "/"))
