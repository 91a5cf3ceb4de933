"""One name for each local path: what is listed, named in a list, labelled or forgotten under several paths is
the same file.

Folders are resolved: ``..``, ``.`` and links. A file keeps its own name, also where it is a link, as in the
listing of its folder. Only a link from one archive to another is followed: both hold the same members.
"""

import os
import re
import socket
import unicodedata
from typing import Final

from par_core.archive.containers import SEPARATOR, is_container_name, split_uri
from par_core.archive.entries import is_remote, path_of, uri_of
from par_core.errors import BadConfigError

__all__ = ["CanonicalUris", "canonical", "composed", "path_of_file_uri"]

_FILE_URI: Final = re.compile(r"file:(?://(?P<host>[^/]*)(?=/)|(?=/))", re.IGNORECASE)


def canonical(path: str | os.PathLike[str], base: str = "", folders: dict[str, str] | None = None) -> str:
    """Return the canonical form of a local path, which need not exist. Where it does not, but does with its
    letters composed or decomposed, as a Mac names files, it is that path.

    Args:
        path: The path; ``~`` at its beginning is the home folder.
        base: Folder that a relative path starts from; empty is the current one.
        folders: Resolved folders by path, for many paths of few folders; they are added.

    Raises:
        BadConfigError: The path holds a NUL character.
    """
    named = os.path.join(base or os.getcwd(), os.path.expanduser(path))
    if "\0" in named:
        raise BadConfigError(f"a path cannot hold a NUL character: {named!r}")
    folder, name = os.path.split(named.rstrip("/"))
    if name in ("", ".", ".."):
        return os.path.realpath(named)
    folders = {} if folders is None else folders
    if folder not in folders:
        folders[folder] = os.path.realpath(folder)
    kept = os.path.join(folders[folder], name)
    if not os.path.lexists(kept) and not kept.isascii():
        kept = _spelled(kept)
    if not os.path.islink(kept):
        return kept
    target = os.path.realpath(kept)
    both_archives = is_container_name(name) and is_container_name(os.path.basename(target))
    return target if both_archives or os.path.isdir(target) else kept


def path_of_file_uri(uri: str) -> str | None:
    """Return the local path of a ``file:`` uri in any form of RFC 8089; None for any other text.

    Raises:
        BadConfigError: It names another machine.
    """
    found = _FILE_URI.match(uri)
    if found is None:
        return None
    host = found["host"] or "localhost"
    if host.lower() not in ("localhost", socket.gethostname().lower()):
        raise BadConfigError(
            f"{uri} is a file of the machine {host!r}: mount its folder, and name the path here"
        )
    return os.fsdecode(path_of(f"file://{uri[found.end() :]}"))


def composed(name: str) -> str:
    """Return a name in the normal form in which names are compared."""
    return unicodedata.normalize("NFC", name)


def _spelled(path: str) -> str:
    """Return the path of a file or folder that is there, step by step in either spelling; else the path."""
    place = "/"
    for step in path.split("/")[1:]:
        forms = (step, composed(step), unicodedata.normalize("NFD", step))
        there = next((form for form in forms if os.path.lexists(os.path.join(place, form))), None)
        if there is None:
            return path
        place = os.path.join(place, there)
    return place


class CanonicalUris:
    """The canonical form of many uris; each folder and archive is looked up once."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}
        self._archives: dict[str, str | None] = {}  # None: no archive

    def of(self, uri: str) -> str:
        """Return the uri with its local path in canonical form. A URL stays as it is, and so does the name of
        a member in its archive. A file is not looked at: only its folder is.
        """
        if is_remote(uri):
            return uri
        at = uri.find(SEPARATOR)
        while at >= 0:
            archive = self._archive(uri[:at])
            if archive is not None:
                return archive + uri[at:]
            at = uri.find(SEPARATOR, at + 1)
        folder, name = os.path.split(os.fsdecode(path_of(uri)))
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return uri_of(os.path.join(self._folders[folder], name))

    def named(self, path: str) -> str:
        """Return the canonical uri of a path as a user names it: of a file, a folder, an archive, or of a
        member or folder in an archive.
        """
        container, member = split_uri(path)
        return (
            uri_of(canonical(path))
            if container is None
            else uri_of(canonical(container)) + SEPARATOR + member
        )

    def _archive(self, container: str) -> str | None:
        if container not in self._archives:
            is_archive = split_uri(container + SEPARATOR)[0] == container
            self._archives[container] = (
                uri_of(canonical(os.fsdecode(path_of(container)))) if is_archive else None
            )
        return self._archives[container]
