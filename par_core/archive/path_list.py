"""A text file that lists pictures: one path a line, as people and programs write them.

A line may be a path, relative to the folder of the file and in quotes or not, or what PAR itself prints as a
place: a ``file://`` uri, a member of an archive (``photos.zip!/a.jpg``) or a URL.
"""

import codecs
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from par_core.archive.canonical import CanonicalUris, canonical, composed, path_of_file_uri
from par_core.archive.containers import SEPARATOR, is_container_name, split_uri
from par_core.archive.entries import Entry, Listing, is_remote
from par_core.archive.folder import entry_of_file, list_container
from par_core.errors import BadConfigError
from par_core.status import Status

__all__ = ["list_paths"]

_MARKS: Final = (
    *((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")),
    *((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")),
)
_UNMARKED: Final = ("utf-16-be", "utf-16-le")  # where the first, or the second, of each two bytes is zero
_LOOKED_AT: Final = 64  # bytes
_LINE_ENDS: Final = re.compile(r"\r\n|\n|\r")  # str.splitlines knows eight more, which may be in names
_ANSI: Final = "cp1252"  # of lists that Windows saves as "ANSI"


def list_paths(path: Path, list_other: Callable[[str], Listing], *, containers: bool = False) -> Listing:
    """List the pictures that a text file names.

    Args:
        path: The file: UTF-8, UTF-16, UTF-32, or Windows-1252 where files of these names are there. Empty
            lines are skipped, and lines that begin with # and name no file that is there.
        list_other: Lists an archive or a URL, by its path or URL.
        containers: Whether an archive that a line names stands for all of its members.

    Returns:
        The entries; what is named and is not there has the status ``vanished``.
    """
    entries: list[Entry] = []
    skipped: Counter[str] = Counter()
    other = _Elsewhere(list_other, containers, skipped)
    named_elsewhere: dict[str, set[str]] = {}  # names by archive or URL
    folders: dict[str, str] = {}
    uris = CanonicalUris()
    for line in _lines(path.read_bytes(), path.parent):
        try:
            name = _named(line, path.parent)
        except BadConfigError as error:
            entries.append(Entry(line.strip(), 0, "", Status.VANISHED, str(error)[:300]))
            continue
        whole = name if is_remote(name) else os.path.join(path.parent, name)
        container, _ = split_uri(whole)
        is_there = is_remote(name) or os.path.isfile(whole)
        if container is None and is_container_name(name) and is_there and not containers:
            skipped["archive"] += 1
        elif container is None and is_container_name(name) and is_remote(name):
            entries += other.members_of(name)
        elif is_remote(name) or (container is not None and not os.path.lexists(whole)):
            named = whole if is_remote(name) else uris.named(whole)
            named_elsewhere.setdefault(split_uri(named)[0] or named, set()).add(named)
        elif is_container_name(name) and is_there:
            members, passed_over = list_container(canonical(name, str(path.parent), folders))
            entries += members
            skipped += passed_over
        else:
            entries.append(entry_of_file(canonical(name, str(path.parent), folders)))
    for place, wanted in named_elsewhere.items():
        entries += other.entries_of(place, wanted)
    by_uri = {entry.uri: entry for entry in entries}
    return Listing(str(path), tuple(by_uri[uri] for uri in sorted(by_uri)), dict(skipped))


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """What a list names in archives and behind URLs.

    Attributes:
        list_other: Lists an archive or a URL.
        containers: Whether an archive that a line names stands for all of its members.
        skipped: Counts what is passed over.
    """

    list_other: Callable[[str], Listing]
    containers: bool
    skipped: Counter[str]

    def members_of(self, url: str) -> Iterator[Entry]:
        """Yield the members of an archive behind a URL, if they are wanted."""
        if not self.containers:
            self.skipped["archive"] += 1
            return
        try:
            listing = self.list_other(url)
        except BadConfigError as error:
            yield Entry(url, 0, "", Status.VANISHED, str(error)[:300])
            return
        self.skipped.update(listing.skipped)
        yield from listing.entries

    def entries_of(self, place: str, wanted: set[str]) -> Iterator[Entry]:
        """Yield the entries of some members of an archive, or of one URL."""
        try:
            listed = self.list_other(place).entries
        except BadConfigError as error:
            yield from self._of_folder(place, wanted, str(error)[:300])
            return
        found = {_member(entry.uri): entry for entry in listed}
        alone = listed[0] if len(listed) == 1 else None
        for uri in wanted:
            entry = found.get(_member(uri)) if SEPARATOR in uri else alone
            yield entry or Entry(uri, 0, "", Status.VANISHED, "not there, or no picture that PAR reads")

    def _of_folder(self, place: str, wanted: set[str], trouble: str) -> Iterator[Entry]:
        """Yield the entries of what is under a URL that is no archive: a folder may have such a name."""
        inner: dict[str, set[str]] = {}
        for uri in wanted:
            archive = split_uri(uri, place)[0]
            if not is_remote(uri) or uri == place:
                yield Entry(uri, 0, "", Status.VANISHED, trouble)
            elif archive is None and is_container_name(uri):
                yield from self.members_of(uri)
            else:
                inner.setdefault(archive or uri, set()).add(uri)
        for archive, uris in inner.items():
            yield from self.entries_of(archive, uris)


def _member(uri: str) -> str:
    return composed(uri.partition(SEPARATOR)[2])


def _lines(content: bytes, folder: Path) -> list[str]:
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
        if line.strip() and (not line.lstrip().startswith("#") or os.path.lexists(folder / line.strip()))
    ]


def _named(line: str, folder: Path) -> str:
    """Return the name that a line stands for: the line as it is where that is there, else without blanks,
    quotes, or the forms of ``file:`` around it; as Windows writes it, if that is there.

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
    return next((each for each in _of_windows(name) if os.path.lexists(folder / each)), name)


def _of_windows(name: str) -> Iterator[str]:
    """Yield other readings of a name: its slashes turned, and its bytes as those of Windows-1252."""
    yield name
    if "\\" in name:
        yield name.replace("\\", "/")
    if not name.isascii():
        written = os.fsencode(name).decode(_ANSI, "replace")
        yield from (written, written.replace("\\", "/"))
