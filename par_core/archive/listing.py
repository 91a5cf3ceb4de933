"""Listing a source of any kind: folder, archive, list of paths, single picture, or URL."""

import os
from pathlib import Path
from typing import Final

from par_core.archive.canonical import canonical, path_of_file_uri
from par_core.archive.containers import is_container_name, split_uri
from par_core.archive.entries import Listing, is_image_name, is_remote, uri_of
from par_core.archive.folder import entry_of_file, list_folder
from par_core.archive.local import open_local_container
from par_core.archive.members import list_members
from par_core.archive.path_list import list_paths
from par_core.archive.remote import list_remote
from par_core.errors import BadConfigError, UnreadableImageError
from par_core.object_store.slashes import refuse_without_slashes

__all__ = ["list_source"]

_LIST_SUFFIXES: Final = (".txt", ".lst")


def list_source(source: str, *, containers: bool = False) -> Listing:
    """List one source without reading pictures.

    Args:
        source: A folder; a zip or tar file; a text file with one path or uri per line
            (``par_core.archive.path_list``); one picture; a ``file:`` uri of any of these; or a URL that
            fsspec knows, of a folder or an archive. Paths become canonical (``par_core.archive.canonical``).
        containers: Whether the archives in a folder, under a URL or in a list are listed too; those inside
            of archives never are.

    Raises:
        BadConfigError: The source does not exist, PAR cannot list it, or it is a URL without its slashes.
        TransientError: The connection to a remote archive was lost, or this machine is short of memory or of
            file descriptors.
    """
    if not source.strip():
        raise BadConfigError("an empty source; name a folder, an archive, a list of paths or a URL")
    source = path_of_file_uri(source) or source
    refuse_without_slashes(source)
    if is_remote(source):
        return list_remote(source, containers=containers)
    try:
        return _list_local(Path(canonical(source)), containers=containers)
    except OSError as error:
        raise BadConfigError(f"cannot list {source}: {error.strerror}") from error
    except UnreadableImageError as error:
        raise BadConfigError(f"cannot list {source}: {error.message}") from error


def _list_local(path: Path, *, containers: bool) -> Listing:
    if path.is_dir():
        return list_folder(path, containers=containers)
    if not path.is_file():
        archive, member = split_uri(str(path))
        if archive is not None and member and os.path.isfile(archive):
            raise BadConfigError(
                f"{path} is in an archive: name the archive, {archive}, or list its members in a .txt file"
            )
        raise BadConfigError(f"no such file or folder: {path}")
    if is_container_name(path.name):
        entries, skipped = list_members(open_local_container(uri_of(str(path))))
        return Listing(str(path), tuple(sorted(entries, key=lambda entry: entry.uri)), dict(skipped))
    if path.name.lower().endswith(_LIST_SUFFIXES):
        return list_paths(path, list_source, containers=containers)
    if is_image_name(path.name):
        return Listing(str(path), (entry_of_file(str(path)),))
    raise BadConfigError(
        f"cannot list {path}: expected a folder, .zip, .tar, .tar.gz, a .txt list of paths, a picture, or"
        " a URL"
    )
