"""The files of tags: ``tags/<two digits>.json`` in the store, by the first digits of the image's id, each
replaced atomically. Who has tags or a note is in one of them; a change writes one file of some people, and
a reader looks at the files that changed since.

One lock keeps writers apart, also those of other processes; readers need none.
"""

import contextlib
import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cachetools import LRUCache

from par_core import locks
from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.tags.record import TaggedPerson
from par_core.version import __version__

__all__ = ["FOLDER", "StoredTags", "locked", "people_of_images", "read_tags", "rewrite_tags", "write_tags"]

#: Folder of the store.
FOLDER: Final = "tags"
_FORMAT: Final = 1
_FILE: Final = re.compile(r"[0-9a-f]{2}\.json")
_FILES_KEPT: Final = 2_048
_STORES_KEPT: Final = 8
_Signature = tuple[str, int, int, int]  # path, inode, time and size: a file that is replaced has another
_parsed: LRUCache[_Signature, tuple[TaggedPerson, ...]] = LRUCache(_FILES_KEPT)
_read: LRUCache[str, "StoredTags"] = LRUCache(_STORES_KEPT)
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class StoredTags:
    """Everybody who has tags or a note in a store.

    Attributes:
        state: Digest of the state of the files: another one after every change.
        people: The people, in no particular order.
    """

    state: str
    people: tuple[TaggedPerson, ...]


def read_tags(root: Path) -> StoredTags:
    """Return everybody who has tags or a note. Files that were read before and did not change are not read
    again.

    Args:
        root: Folder of the store.

    Raises:
        StoreError: A file is damaged.
    """
    signatures = _signatures(root / FOLDER)
    state = hashlib.blake2b(repr(signatures).encode(), digest_size=12).hexdigest() if signatures else ""
    with _lock:
        kept = _read.get(f"{root}\0{state}")
    if kept is not None:
        return kept
    made = StoredTags(state, tuple(person for one in signatures for person in _people_in(one)))
    with _lock:
        _read[f"{root}\0{state}"] = made
    return made


def people_of_images(root: Path, image_ids: Iterable[str]) -> dict[str, list[TaggedPerson]]:
    """Return the people of some images who have tags or a note, by image, as the files say now; the caller
    holds the lock.

    Raises:
        StoreError: A file is damaged.
    """
    found: dict[str, list[TaggedPerson]] = {image_id: [] for image_id in image_ids}
    for name in sorted({image_id[:2] for image_id in found}):
        for person in _people_now(root / FOLDER / f"{name}.json"):
            if person.image_id in found:
                found[person.image_id].append(person)
    return found


def write_tags(root: Path, people: Mapping[str, Sequence[TaggedPerson]]) -> None:
    """Write what people of some images have now; the caller holds the lock.

    Args:
        root: Folder of the store.
        people: All people of some images who have tags or a note now, by image.

    Raises:
        StoreError: A file is damaged.
    """
    for name in sorted({image_id[:2] for image_id in people}):
        path = root / FOLDER / f"{name}.json"
        before = _people_now(path)
        after = [person for person in before if person.image_id not in people]
        for image_id in sorted(people):
            after += people[image_id] if image_id[:2] == name else ()
        if tuple(after) != before:
            _write(path, after)


def rewrite_tags(root: Path, change: Callable[[TaggedPerson], TaggedPerson | None]) -> int:
    """Change everybody, one file at a time; the caller holds the lock.

    Args:
        root: Folder of the store.
        change: Returns the person as they are now, or None without tags and note.

    Returns:
        Number of files that were written.

    Raises:
        StoreError: A file is damaged.
    """
    written = 0
    for path, *_ in _signatures(root / FOLDER):
        before = _people_now(Path(path))
        after = [person for person in map(change, before) if person is not None]
        if tuple(after) != before:
            _write(Path(path), after)
            written += 1
    return written


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the lock of the tags of a store; other processes that want to change them wait."""
    with locks.locked(root / FOLDER / "tags.lock"):
        yield


def _signatures(folder: Path) -> tuple[_Signature, ...]:
    found = []
    try:
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                if _FILE.fullmatch(entry.name):
                    with contextlib.suppress(FileNotFoundError):  # its last person was removed just now
                        state = entry.stat(follow_symlinks=False)
                        found.append((entry.path, state.st_ino, state.st_mtime_ns, state.st_size))
    except OSError as error:
        raise StoreError(f"{folder} cannot be read ({error.strerror}); it holds tags") from error
    return tuple(sorted(found))


def _people_in(signature: _Signature) -> tuple[TaggedPerson, ...]:
    with _lock:
        kept = _parsed.get(signature)
    if kept is not None:
        return kept
    people = _people_now(Path(signature[0]))
    with _lock:
        _parsed[signature] = people
    return people


def _people_now(path: Path) -> tuple[TaggedPerson, ...]:
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != _FORMAT:
            raise StoreError(f"{path} was written by another version of PAR ({content.get('created_by')})")
        return tuple(TaggedPerson.of_json(person) for person in content["people"])
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}); it holds tags") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{path} is damaged ({error}); bring it back from a backup, or delete it: then the tags and notes"
            " in it are lost"
        ) from error


def _write(path: Path, people: list[TaggedPerson]) -> None:
    if not people:
        path.unlink(missing_ok=True)
        return
    content = {
        "format": _FORMAT,
        "created_by": f"par {__version__}",
        "people": [person.as_json() for person in people],
    }
    write_atomic(path, json.dumps(content, ensure_ascii=False).encode())
