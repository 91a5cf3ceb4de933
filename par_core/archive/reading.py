"""Reading the bytes of entries: every entry exactly once, archives opened once, errors as values."""

from collections.abc import Iterable, Iterator, Sequence

from par_core.archive.containers import container_of, split_uri
from par_core.archive.entries import Entry, is_remote
from par_core.archive.local import open_local_container, read_local
from par_core.archive.member_bytes import read_members
from par_core.archive.remote import open_remote_container, read_remote
from par_core.config import ArchiveConfig
from par_core.errors import UnreadableImageError
from par_core.status import Status

__all__ = ["read_entries"]

Content = bytes | UnreadableImageError


def read_entries(entries: Iterable[Entry], config: ArchiveConfig) -> Iterator[tuple[Entry, Content]]:
    """Read entries, grouped by their places.

    Args:
        entries: Entries of any sources, in any order; no uri twice.
        config: Settings with the limit on bytes.

    Yields:
        Each entry once, with its bytes or its error.

    Raises:
        TransientError: A remote storage cannot be reached at all, the connection was lost in the middle of an
            archive, or this machine is short of memory or of file descriptors.
    """
    files: list[Entry] = []
    urls: dict[str, list[Entry]] = {}
    members: dict[str, list[Entry]] = {}
    for entry in entries:
        container = container_of(entry.uri)
        if entry.status is not Status.OK:
            yield entry, UnreadableImageError(entry.status, entry.message)
        elif container is not None:
            members.setdefault(container, []).append(entry)
        elif is_remote(entry.uri):
            urls.setdefault(entry.uri.split("://")[0], []).append(entry)
        else:
            files.append(entry)
    for entry in files:
        yield entry, _checked(read_local(entry.uri, config.max_bytes))
    for group in urls.values():
        yield from ((entry, _checked(content)) for entry, content in read_remote(group, config.max_bytes))
    for container, wanted in members.items():
        yield from (
            (entry, _checked(content))
            for entry, content in _read_container(container, wanted, config.max_bytes)
        )


def _read_container(uri: str, entries: Sequence[Entry], max_bytes: int) -> Iterator[tuple[Entry, Content]]:
    try:
        container = open_remote_container(uri) if is_remote(uri) else open_local_container(uri)
    except UnreadableImageError as error:
        if is_remote(uri) and error.status is Status.VANISHED:
            # no archive, but a folder whose name ends like that of one, and an exclamation mark
            inner: dict[str | None, list[Entry]] = {}
            for entry in entries:
                inner.setdefault(split_uri(entry.uri, uri)[0], []).append(entry)
            for archive, members in inner.items():
                if archive is None:
                    yield from read_remote(members, max_bytes)
                else:
                    yield from _read_container(archive, members, max_bytes)
            return
        yield from ((entry, error) for entry in entries)
        return
    yield from read_members(container, entries, max_bytes)


def _checked(content: Content) -> Content:
    return UnreadableImageError(Status.EMPTY, "zero bytes") if content == b"" else content
