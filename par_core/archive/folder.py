"""Folders on a local disk. Listing reads names and sizes only, and opens no file but archives, where it is
asked to.
"""

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from par_core.archive.containers import is_container_name
from par_core.archive.entries import Entry, Listing, is_hidden, is_image_name, uri_of
from par_core.archive.formats import why_passed_over
from par_core.archive.local import open_local_container
from par_core.archive.members import list_members
from par_core.archive.shortage import raise_shortage
from par_core.errors import UnreadableImageError
from par_core.status import Status

__all__ = ["entry_of_file", "list_container", "list_folder"]


def list_folder(folder: Path, *, containers: bool = False) -> Listing:
    """List a folder and all its sub-folders.

    Links to files inside the folder are followed; links that leave it, and loops, become entries with a
    status. Links to folders are not followed.

    Args:
        folder: The folder.
        containers: Whether archives are listed too, in the place of counting them. One that cannot be opened
            becomes an entry with a status.

    Raises:
        TransientError: This machine is short of memory or of file descriptors.
    """
    root = os.path.realpath(folder)
    skipped: Counter[str] = Counter()
    archives: list[str] | None = [] if containers else None
    entries = list(_walk(root, skipped, archives))
    for archive in archives or ():
        members, passed_over = list_container(archive)
        entries += members
        skipped += passed_over
    entries.sort(key=lambda entry: entry.uri)
    return Listing(root, tuple(entries), dict(skipped))


def entry_of_file(path: str) -> Entry:
    """Return the entry of one file, whatever its name; a missing one has the status ``vanished``.

    Raises:
        TransientError: This machine is short of memory or of file descriptors.
    """
    try:
        info = os.stat(path)
    except OSError as error:
        return Entry(uri_of(path), 0, "", _status_of(error), f"cannot be looked at: {error.strerror}")
    if not stat.S_ISREG(info.st_mode):
        return Entry(uri_of(path), 0, "", Status.DAMAGED, "not a file")
    return Entry(uri_of(path), info.st_size, str(info.st_mtime_ns))


def list_container(path: str) -> tuple[list[Entry], Counter[str]]:
    """List an archive; one that cannot be opened is an entry with a status.

    Raises:
        TransientError: This machine is short of memory or of file descriptors.
    """
    try:
        return list_members(open_local_container(uri_of(path)))
    except UnreadableImageError as error:
        return [replace(entry_of_file(path), status=error.status, message=error.message)], Counter()


def _walk(root: str, skipped: Counter[str], archives: list[str] | None) -> Iterator[Entry]:
    folders = [root]  # not by recursion: folders may lie deeper than Python's stack
    while folders:
        folder = folders.pop()
        try:
            listed = list(os.scandir(folder))
        except OSError as error:
            yield Entry(
                uri_of(folder), 0, "", _status_of(error), f"this folder cannot be listed: {error.strerror}"
            )
            continue
        for item in listed:
            reason = is_hidden(item.name)
            if reason:
                skipped[reason] += 1
            elif item.is_symlink():
                yield from _link(item, root, skipped, archives)
            elif item.is_dir(follow_symlinks=False):
                folders.append(item.path)
            elif item.is_file(follow_symlinks=False) and is_image_name(item.name):
                yield _entry(item)
            elif archives is not None and is_container_name(item.name) and item.is_file():
                archives.append(item.path)
            else:
                skipped[
                    "archive"
                    if is_container_name(item.name)
                    else why_passed_over(item.name) or "not_an_image"
                ] += 1


def _entry(item: "os.DirEntry[str]") -> Entry:
    try:
        info = item.stat()
    except OSError as error:
        return Entry(uri_of(item.path), 0, "", _status_of(error), f"cannot be looked at: {error.strerror}")
    return Entry(uri_of(item.path), info.st_size, str(info.st_mtime_ns))


def _link(
    item: "os.DirEntry[str]", root: str, skipped: Counter[str], archives: list[str] | None
) -> Iterator[Entry]:
    target = os.path.realpath(item.path)
    try:
        mode = os.stat(item.path).st_mode
    except OSError as error:
        yield Entry(
            uri_of(item.path),
            0,
            os.readlink(item.path),
            _status_of(error),
            f"a link that leads nowhere: {error.strerror}",
        )
        return
    if stat.S_ISDIR(mode):
        if os.path.commonpath([target, item.path]) == target:
            yield Entry(uri_of(item.path), 0, "", Status.SYMLINK_LOOP, "a link to a folder that holds it")
        else:
            skipped["directory_link"] += 1
    elif stat.S_ISREG(mode) and is_container_name(item.name) and archives is None:
        skipped["archive"] += 1
    elif not stat.S_ISREG(mode) or not (is_image_name(item.name) or is_container_name(item.name)):
        skipped[why_passed_over(item.name) or "not_an_image"] += 1
    elif os.path.commonpath([target, root]) != root:
        yield Entry(uri_of(item.path), 0, "", Status.SYMLINK_OUTSIDE, "a link that leaves the archive")
    elif is_container_name(item.name):
        skipped["archive_link"] += 1
    else:
        yield _entry(item)


def _status_of(error: OSError) -> Status:
    raise_shortage(error)
    known = {
        errno.ELOOP: Status.SYMLINK_LOOP,
        errno.EACCES: Status.PERMISSION,
        errno.EPERM: Status.PERMISSION,
        errno.ENOENT: Status.VANISHED,
    }
    return known.get(error.errno or 0, Status.IO_ERROR)
