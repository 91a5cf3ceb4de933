"""Files behind URLs, through fsspec: ``s3://bucket/prefix``, ``memory://folder``, and its other backends.

Endpoints and credentials come from fsspec's own configuration, for example ``FSSPEC_S3_ENDPOINT_URL``,
``FSSPEC_S3_KEY`` and ``FSSPEC_S3_SECRET``.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import fsspec

from par_core.archive.containers import is_container_name, split_uri
from par_core.archive.entries import Entry, Listing, is_hidden, is_image_name
from par_core.archive.formats import why_passed_over
from par_core.archive.members import list_members
from par_core.archive.raw_files import OpenContainer, RemoteFile, remote_trouble
from par_core.archive.shortage import raise_shortage
from par_core.errors import BadConfigError, ParError, TransientError, UnreadableImageError
from par_core.status import Status

__all__ = ["list_remote", "open_remote_container", "read_remote"]

_AT_ONCE: Final = 16  # requests at the same time
_BYTES_AT_ONCE: Final = 256 * 2**20  # bytes that these may bring, unless one file alone has more
_Size = (
    int | Exception | None
)  # of a file: bytes, why it is not known, or None if the server does not state it
_VERSIONS: Final = (
    *("ETag", "etag", "LastModified", "Last-Modified", "last_modified", "mtime", "modified", "updated"),
    *("Content-MD5", "Digest", "md5Hash", "content_md5", "created"),
)
_COLONS: Final = "\ue000"  # a character of private use, for two colons
_ZIP_AHEAD: Final = 64 * 2**10  # bytes to fetch of an archive where it is not known what will be read
_TAR_AHEAD: Final = 4 * 2**20


def list_remote(url: str, *, containers: bool = False) -> Listing:
    """List a URL.

    Args:
        url: A folder, or an archive.
        containers: Whether archives in a folder are listed too, in the place of counting them.

    Raises:
        BadConfigError: The backend is not installed, there is nothing at the URL, or it cannot be listed.
        TransientError: The connection was lost inside an archive.
    """
    files, path = _open(url)
    try:
        if is_container_name(path):
            entries, skipped = list_members(_container(files, path, files.unstrip_protocol(path)))
            return Listing(url, tuple(sorted(entries, key=lambda entry: entry.uri)), dict(skipped))
        infos: dict[str, dict[str, Any]] = files.find(path, detail=True)
    except FileNotFoundError as error:
        raise _nothing_at(url) from error
    except ParError:
        raise
    except Exception as error:  # every backend has its own
        raise_shortage(error)
        raise BadConfigError(f"{url} cannot be listed: {error}") from error
    if not infos:
        raise _nothing_at(url)
    return _listing(url, path, infos, files, containers=containers)


def _nothing_at(url: str) -> BadConfigError:
    archive, member = split_uri(url)
    hint = f"; if it is in an archive, name that, {archive}, or list its members in a .txt file"
    return BadConfigError(f"nothing at {url}{hint if archive and member else ''}")


def read_remote(
    entries: Sequence[Entry], max_bytes: int
) -> Iterator[tuple[Entry, bytes | UnreadableImageError]]:
    """Read files of one backend, several at a time.

    Raises:
        TransientError: No file of a whole group can be read: the storage is out of reach. Or this machine is
            short of memory or of file descriptors.
    """
    files, _ = _open(entries[0].uri)
    sizes = _sizes(files, entries)
    for group in _groups(entries, sizes, max_bytes):
        contents = _fetch(files, {entry.uri: sizes[entry.uri] for entry in group}, max_bytes)
        troubles = [trouble for content in contents.values() if (trouble := _trouble(content))]
        if len(troubles) == len(contents):
            raise_shortage(troubles[0])
            raise TransientError(
                f"none of {len(contents)} files could be read, such as {group[0].uri}: {troubles[0]}"
            )
        for entry in group:
            content = contents[entry.uri]
            yield entry, content if isinstance(content, bytes) else _unreadable(content)


def open_remote_container(url: str) -> OpenContainer:
    """Open an archive behind a URL; nothing of it is fetched yet.

    Raises:
        UnreadableImageError: It is gone, or may not be read.
        TransientError: The storage cannot be reached.
    """
    files, path = _open(url)
    try:
        return _container(files, path, url)
    except BadConfigError as error:
        raise UnreadableImageError(Status.IO_ERROR, str(error)) from error
    except Exception as error:
        raise remote_trouble(error, url) from error


def _container(files: Any, path: str, url: str) -> OpenContainer:
    info = files.info(path)
    if info["size"] is None:
        raise BadConfigError(
            f"{url}: the server does not state its size, so that PAR cannot read parts of it"
        )
    ahead = _ZIP_AHEAD if path.lower().endswith(".zip") else _TAR_AHEAD
    return OpenContainer.of(url, RemoteFile(files, path, int(info["size"]), ahead), _version(info))


def _open(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and its path there.

    The name of an object may hold ``::``, which fsspec takes for a chain of file systems; a chain is only
    what begins with one, as ``simplecache::s3://``.
    """
    try:
        protocol = url.partition("://")[0]
        if "::" in protocol:
            files, path = fsspec.core.url_to_fs(url)
        else:
            backend = fsspec.get_filesystem_class(protocol)
            files = fsspec.filesystem(protocol, **backend._get_kwargs_from_urls(url))
            path = _path_of(backend, url)
    except ImportError as error:
        extra = "; pip install 'par-search[s3]'" if url.startswith("s3") else ""
        raise BadConfigError(
            f"no backend for {url.split(':')[0]} URLs is installed{extra} ({error})"
        ) from error
    except ValueError as error:
        raise BadConfigError(f"{url} is no URL that PAR can read: {error}") from error
    return files, path


def _path_of(files: Any, url: str) -> str:
    """The path of a URL; its colons are hidden, as backends keep what may be a chain as it is."""
    path: str = files._strip_protocol(url.replace("::", _COLONS))
    return path.replace(_COLONS, "::")


def _sizes(files: Any, entries: Sequence[Entry]) -> dict[str, _Size]:
    """Sizes by uri; those that the listing does not know are asked for."""
    sizes: dict[str, _Size] = {entry.uri: entry.size for entry in entries}
    unknown = [uri for uri, size in sizes.items() if not size]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return sizes | dict(zip(unknown, pool.map(partial(_size_now, files), unknown), strict=True))


def _size_now(files: Any, uri: str) -> _Size:
    try:
        size = files.info(_path_of(files, uri))["size"]
    except Exception as error:  # noqa: BLE001 - every backend has its own
        return error
    return None if size is None else int(size)


def _groups(entries: Sequence[Entry], sizes: Mapping[str, _Size], max_bytes: int) -> Iterator[list[Entry]]:
    """Entries to be fetched at the same time."""
    group: list[Entry] = []
    total = 0
    for entry in entries:
        size = sizes[entry.uri]
        brings = max_bytes if size is None else size if isinstance(size, int) and size <= max_bytes else 0
        if group and (len(group) == _AT_ONCE or total + brings > _BYTES_AT_ONCE):
            yield group
            group, total = [], 0
        group.append(entry)
        total += brings
    if group:
        yield group


def _fetch(files: Any, sizes: Mapping[str, _Size], max_bytes: int) -> dict[str, bytes | Exception]:
    """Content or error of some files; of none is more read than one byte above the limit."""
    contents: dict[str, bytes | Exception] = {}
    uris: list[str] = []
    for uri, size in sizes.items():
        if size is None:
            contents[uri] = _read_unsized(files, uri, max_bytes + 1)
        elif isinstance(size, Exception):
            contents[uri] = size
        elif size == 0:
            contents[uri] = b""
        elif size > max_bytes:
            contents[uri] = _too_large(f"{size}", max_bytes)
        else:
            uris.append(uri)
    if uris:
        paths = [_path_of(files, uri) for uri in uris]
        ends = [max_bytes + 1] * len(paths)
        contents |= zip(uris, files.cat_ranges(paths, [0] * len(paths), ends, on_error="return"), strict=True)
    return {
        uri: _too_large(f"more than {max_bytes}", max_bytes)
        if isinstance(content, bytes) and len(content) > max_bytes
        else content
        for uri, content in contents.items()
    }


def _read_unsized(files: Any, uri: str, limit: int) -> bytes | Exception:
    try:
        with files.open(_path_of(files, uri), "rb") as file:
            return bytes(file.read(limit))
    except Exception as error:  # noqa: BLE001 - every backend has its own
        return error


def _trouble(content: bytes | Exception) -> Exception | None:
    """The error of the storage or the connection, if it is one and not of the file."""
    of_the_file = (FileNotFoundError, PermissionError, UnreadableImageError)
    return content if isinstance(content, Exception) and not isinstance(content, of_the_file) else None


def _too_large(size: str, max_bytes: int) -> UnreadableImageError:
    return UnreadableImageError(
        Status.TOO_LARGE, f"{size} bytes, {max_bytes} are allowed (archive.max_bytes)"
    )


def _listing(
    url: str, root: str, infos: dict[str, dict[str, Any]], files: Any, *, containers: bool
) -> Listing:
    skipped: Counter[str] = Counter()
    entries: list[Entry] = []
    infos = _complete(infos, files)
    for path, info in infos.items():
        parts = path.removeprefix(root).split("/")
        reasons = [reason for part in parts if part and (reason := is_hidden(part))]
        if reasons:
            skipped[reasons[0]] += 1
        elif is_image_name(path):
            entries.append(Entry(files.unstrip_protocol(path), int(info.get("size") or 0), _version(info)))
        elif containers and is_container_name(path):
            members, passed_over = _list_container(files, path, info)
            entries += members
            skipped += passed_over
        else:
            skipped["archive" if is_container_name(path) else why_passed_over(path) or "not_an_image"] += 1
    return Listing(url, tuple(sorted(entries, key=lambda entry: entry.uri)), dict(skipped))


def _list_container(files: Any, path: str, info: dict[str, Any]) -> tuple[list[Entry], Counter[str]]:
    """List an archive of a folder; one that cannot be opened is an entry with a status."""
    url = files.unstrip_protocol(path)
    try:
        return list_members(open_remote_container(url))
    except UnreadableImageError as error:
        return [
            Entry(url, int(info.get("size") or 0), _version(info), error.status, error.message)
        ], Counter()


def _complete(infos: dict[str, dict[str, Any]], files: Any) -> dict[str, dict[str, Any]]:
    """Ask for size and version of those pictures for which the listing does not state them: that of a web
    server is a page of links.
    """
    silent = [
        path for path, info in infos.items() if is_image_name(path) and not any(map(info.get, _VERSIONS))
    ]
    if not silent:
        return infos

    def ask(path: str) -> dict[str, Any]:
        try:
            return infos[path] | files.info(path)
        except Exception as error:  # noqa: BLE001 - every backend has its own; the reading will tell
            raise_shortage(error)
            return infos[path]

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return infos | dict(zip(silent, pool.map(ask, silent), strict=True))


def _version(info: dict[str, Any]) -> str:
    """The best version of the content that the backend states: ETag, else a time, else the size. Where it
    states nothing, a text that never comes twice: nobody knows that the file is unchanged.
    """
    for key in _VERSIONS:
        if info.get(key) is not None:
            return str(info[key]).strip('"')
    return f"unknown:{time.time_ns()}" if info.get("size") is None else f"size:{info['size']}"


def _unreadable(error: Exception) -> UnreadableImageError:
    trouble = error if isinstance(error, UnreadableImageError) else remote_trouble(error, "the file")
    if isinstance(trouble, UnreadableImageError):
        return trouble
    return UnreadableImageError(Status.IO_ERROR, f"cannot be read: {error}"[:300])
