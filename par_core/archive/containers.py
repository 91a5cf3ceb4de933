"""Names of archives and of what is in them."""

import os
import re
from collections.abc import Iterable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from par_core.archive.entries import Entry, is_remote, path_of

__all__ = [
    "SEPARATOR",
    "container_of",
    "containers_of",
    "is_container_name",
    "is_streamed",
    "read_order",
    "split_uri",
]

#: Separator between the uri of an archive and the name of its member.
SEPARATOR: Final = "!/"

_STREAMED_SUFFIXES: Final = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst")
_SUFFIXES: Final = (".zip", ".tar", *_STREAMED_SUFFIXES)
_FIRST_CONTAINER: Final = (
    "(?is)^(?P<container>.*?(?:" + "|".join(map(re.escape, _SUFFIXES)) + "))" + re.escape(SEPARATOR)
)


def is_container_name(name: str) -> bool:
    """Whether a name has the suffix of an archive that PAR reads."""
    return name.lower().endswith(_SUFFIXES)


def is_streamed(container: str) -> bool:
    """Whether an archive, by its name, can only be read from its start: a tar compressed as a whole. Its
    members are best read in their order by one process.
    """
    return container.lower().endswith(_STREAMED_SUFFIXES)


def container_of(uri: str) -> str | None:
    """Return the uri of the archive that a member is in; None for a file."""
    return split_uri(uri)[0]


def split_uri(uri: str, behind: str = "") -> tuple[str | None, str]:
    """Return the archive of a uri and the name of the member; None and the uri for a file, even if its
    folder's name ends like that of an archive.

    Args:
        uri: The uri.
        behind: Beginning of the uri that is known to be no archive, but a folder: ``x.zip`` of
            ``x.zip!/inner.zip!/a.jpg``.
    """
    start = len(behind) + 1 if behind else 0
    while (at := uri.find(SEPARATOR, start)) >= 0:
        container = uri[:at]
        if is_container_name(container) and not _is_folder(container):
            return container, uri[at + len(SEPARATOR) :]
        start = at + 1
    return None, uri


def containers_of(uris: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ``container_of`` each uri of a column, null for files. Rows sorted by it and then by offset (of
    ``Place``) are in the order in which archives are read fastest.
    """
    first = pc.struct_field(pc.extract_regex(uris, _FIRST_CONTAINER), "container")
    folders = [name for name in pc.unique(first).drop_null().to_pylist() if _is_folder(name)]
    if not folders:
        return first
    doubtful = pc.is_in(first, value_set=pa.array(folders, pa.string()))
    exact = pa.array([container_of(uri) for uri in uris.filter(doubtful).to_pylist()], pa.string())
    return pa.chunked_array([pc.replace_with_mask(first.combine_chunks(), doubtful.combine_chunks(), exact)])


def read_order(entries: Iterable[Entry]) -> list[Entry]:
    """Return members of one archive in the order of its bytes; those of unknown place last, by uri."""
    return sorted(entries, key=_order)


def _order(entry: Entry) -> tuple[bool, int, str]:
    return entry.place is None, entry.place.offset if entry.place else 0, entry.uri


def _is_folder(uri: str) -> bool:
    """Whether this is a folder, or the name of one without the exclamation mark at its end."""
    if is_remote(uri) or os.path.isfile(path := path_of(uri)):
        return False
    return os.path.isdir(path) or os.path.isdir(path + b"!")
