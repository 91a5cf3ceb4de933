"""A text file that lists pictures: one path a line, as people and programs write them.

A line may be a path, relative to the folder of the file and in quotes or not, or what PAR itself prints as a
place: a ``file://`` uri, a member of an archive (``photos.zip!/a.jpg``) or a URL.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from par_core.archive.canonical import CanonicalUris, canonical, composed
from par_core.archive.containers import SEPARATOR, is_container_name, split_uri
from par_core.archive.entries import Entry, Listing, is_remote
from par_core.archive.folder import entry_of_file, list_container
from par_core.archive.list_lines import lines_of, name_in
from par_core.errors import BadConfigError
from par_core.status import Status

__all__ = ["list_paths"]

_FOLDER: Final = "a folder: name it as a source of its own"


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
    for line in lines_of(path.read_bytes(), path.parent):
        try:
            name = name_in(line, path.parent)
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
            entry = entry_of_file(canonical(name, str(path.parent), folders))
            is_folder = entry.status is Status.DAMAGED and os.path.isdir(whole)
            entries.append(replace(entry, message=_FOLDER) if is_folder else entry)
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
