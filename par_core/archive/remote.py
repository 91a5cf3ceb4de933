"""Files behind URLs, through fsspec: ``s3://bucket/prefix``, ``memory://folder``, and its other backends.

Endpoints and credentials come from fsspec's own configuration, for example ``FSSPEC_S3_ENDPOINT_URL``,
``FSSPEC_S3_KEY`` and ``FSSPEC_S3_SECRET``.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import fsspec

from par_core.archive.entries import Entry, Listing, is_hidden, is_image_name
from par_core.archive.members import is_container_name, list_members, read_members
from par_core.archive.shortage import raise_shortage
from par_core.errors import BadConfigError, TransientError, UnreadableImageError
from par_core.status import Status

__all__ = ["is_remote", "list_remote", "read_remote", "read_remote_members"]

_AT_ONCE: Final = 16  # requests at the same time


def is_remote(source: str) -> bool:
    """Whether a source or uri is a URL of fsspec."""
    return "://" in source and not source.startswith("file://")


def list_remote(url: str) -> Listing:
    """List a URL.

    Raises:
        BadConfigError: The backend is not installed, or there is nothing at the URL.
    """
    files, path = _open(url)
    try:
        if is_container_name(path):
            info = files.info(path)
            with files.open(path, "rb") as file:
                entries, skipped = list_members(
                    file, files.unstrip_protocol(path), int(info["size"]), _version(info)
                )
            return Listing(url, tuple(sorted(entries, key=lambda entry: entry.uri)), dict(skipped))
        infos: dict[str, dict[str, Any]] = files.find(path, detail=True)
    except FileNotFoundError as error:
        raise BadConfigError(f"nothing at {url}") from error
    except OSError as error:
        raise BadConfigError(f"{url} cannot be listed: {error}") from error
    if not infos:
        raise BadConfigError(f"nothing at {url}")
    return _listing(url, path, infos, files)


def read_remote(
    entries: Sequence[Entry], max_bytes: int
) -> Iterator[tuple[Entry, bytes | UnreadableImageError]]:
    """Read files of one backend, several at a time.

    Raises:
        TransientError: No file of a whole group can be read: the storage is out of reach. Or this machine is
            short of memory or of file descriptors.
    """
    files, _ = _open(entries[0].uri)
    for start in range(0, len(entries), _AT_ONCE):
        group = entries[start : start + _AT_ONCE]
        fitting = {files._strip_protocol(entry.uri): entry for entry in group if entry.size <= max_bytes}
        contents: dict[str, bytes | Exception] = _fetch(files, list(fitting))
        troubles = [
            content
            for content in contents.values()
            if isinstance(content, OSError) and not isinstance(content, (FileNotFoundError, PermissionError))
        ]
        if len(troubles) == len(contents) and len(contents) > 1:
            raise TransientError(
                f"none of {len(contents)} files could be read, such as {group[0].uri}: {troubles[0]}"
            )
        for entry in group:
            content = contents.get(files._strip_protocol(entry.uri))
            if content is None:
                yield (
                    entry,
                    UnreadableImageError(
                        Status.TOO_LARGE, f"{entry.size} bytes, {max_bytes} are allowed (archive.max_bytes)"
                    ),
                )
            else:
                yield entry, content if isinstance(content, bytes) else _unreadable(content)


def read_remote_members(
    container: str, names: Sequence[str], max_bytes: int
) -> Iterator[tuple[str, bytes | UnreadableImageError]]:
    """Read members of an archive behind a URL."""
    files, path = _open(container)
    try:
        with files.open(path, "rb") as file:
            yield from read_members(file, container, names, max_bytes)
    except OSError as error:
        for name in names:
            yield name, _unreadable(error)


def _open(url: str) -> tuple[Any, str]:
    try:
        files, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        extra = "; pip install 'par-search[s3]'" if url.startswith("s3") else ""
        raise BadConfigError(
            f"no backend for {url.split(':')[0]} URLs is installed{extra} ({error})"
        ) from error
    except ValueError as error:
        raise BadConfigError(f"{url} is no URL that PAR can read: {error}") from error
    return files, path


def _fetch(files: Any, paths: list[str]) -> dict[str, bytes | Exception]:
    if not paths:
        return {}
    fetched = files.cat(paths, on_error="return")
    return fetched if isinstance(fetched, dict) else {paths[0]: fetched}


def _listing(url: str, root: str, infos: dict[str, dict[str, Any]], files: Any) -> Listing:
    skipped: Counter[str] = Counter()
    entries = []
    for path, info in infos.items():
        parts = path.removeprefix(root).split("/")
        reasons = [reason for part in parts if part and (reason := is_hidden(part))]
        if reasons:
            skipped[reasons[0]] += 1
        elif is_image_name(path):
            entries.append(Entry(files.unstrip_protocol(path), int(info["size"] or 0), _version(info)))
        else:
            skipped["archive" if is_container_name(path) else "not_an_image"] += 1
    return Listing(url, tuple(sorted(entries, key=lambda entry: entry.uri)), dict(skipped))


def _version(info: dict[str, Any]) -> str:
    """The best version of the content that the backend states: ETag, else a time, else only the size."""
    for key in ("ETag", "etag", "LastModified", "mtime", "created"):
        if info.get(key) is not None:
            return str(info[key]).strip('"')
    return f"size:{info['size']}"


def _unreadable(error: Exception) -> UnreadableImageError:
    raise_shortage(error)
    known: dict[type[Exception], Status] = {
        FileNotFoundError: Status.VANISHED,
        PermissionError: Status.PERMISSION,
    }
    status = known.get(type(error), Status.IO_ERROR)
    return UnreadableImageError(status, f"cannot be read: {error}"[:300])
