"""Small files that many hosts change: tokens, audit log, reviews, saved searches, tags. Each is an object of
its own, replaced on the condition that it is still the one that this host has read.

Of two hosts that change the same file at the same time the second is told so: its review or saved search is
kept under another name; tokens and tags must be changed again. Lines of the audit log are never in conflict:
each working copy has files of its own, and lines that an erasure has changed meanwhile stay changed.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.locks import locked
from par_core.object_store.client import MissingObjectError, Objects
from par_core.object_store.copy_state import CopyState, RecordMark
from par_core.object_store.local_files import RECORDS, files_below

__all__ = ["AUDIT", "AUDIT_OF_OTHERS", "Records"]

#: The audit log of this copy, and those of other copies, each in a folder with its id.
AUDIT: Final = "access/audit/"
AUDIT_OF_OTHERS: Final = "access/audit/of/"
_PREFIX: Final = "records/"
# a second file of tokens would let somebody in, and one of tags would outlast the erasure of a person
_NEVER_ASIDE: Final = ("access/", "tags/")
_AT_ONCE: Final = 16
_OWNER_ONLY: Final = 0o600


class Records:
    """The records of a working copy.

    Args:
        objects: The object store.
        root: Folder of the copy.
        identity: Id of the copy.
        state: What is known of the copy.
    """

    def __init__(self, objects: Objects, root: Path, identity: str, state: CopyState) -> None:
        self._objects, self._root, self._identity, self._state = objects, root, identity, state

    def pull(self) -> None:
        """Fetch records that others have changed. A file that was changed here too is left for ``push``."""
        known = self._state.records()
        there = {
            path: item.tag
            for item in self._objects.listed(_PREFIX)
            if (path := self._path(item.key.removeprefix(_PREFIX))) is not None
        }
        different = [path for path, tag in there.items() if path not in known or known[path].tag != tag]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            contents = dict(zip(different, pool.map(self._get, different), strict=True))
        for path, stored in contents.items():
            if stored is None:
                continue
            content, tag = stored
            with locked(self._lock(path)):
                here = self._here(path)
                before = known.get(path)
                if here is not None and _digest(here) not in (
                    before.sha256 if before else "",
                    _digest(content),
                ):
                    continue  # changed on both sides
                if here != content:
                    write_atomic(self._root / path, content, mode=_OWNER_ONLY)
                self._mark(path, tag, content)
        for path, before in known.items():
            if path in there:
                continue
            with locked(self._lock(path)):
                here = self._here(path)
                if here is None or _digest(here) == before.sha256:
                    (self._root / path).unlink(missing_ok=True)
                with self._state.changing() as changes:
                    changes.mark_record(path, None)

    def push(self) -> None:
        """Write the records that were changed here.

        Raises:
            StoreError: Another host has changed one of them meanwhile.
        """
        known = self._state.records()
        here = [path for name in RECORDS for path, _ in files_below(self._root, name)]
        conflicts = []
        for path in here:
            with locked(self._lock(path)):
                content = self._here(path)
                before = known.get(path)
                if content is None or (before and _digest(content) == before.sha256):
                    continue
                if not self._push(path, content, before):
                    conflicts.append(path)
        for path in known:
            if path not in here and not (self._root / path).exists():
                self._objects.delete([self._key(path)])
                with self._state.changing() as changes:
                    changes.mark_record(path, None)
        if conflicts:
            kept = [name for path in conflicts if (name := self._set_aside(path))]
            aside = f"; what was written here is kept as {', '.join(kept)}" if kept else ""
            raise StoreError(f"another host has changed {', '.join(conflicts)} meanwhile{aside}; try again")

    def _push(self, path: str, content: bytes, before: RecordMark | None) -> bool:
        """Write a record; False if another host has changed it."""
        key = self._key(path)
        for _ in range(3):
            tag = self._objects.put_if(key, content, before.tag if before else None)
            if tag is None:
                found = self._get(path)
                if found is not None and found[0] == content:  # the answer was lost
                    tag = found[1]
                elif not path.startswith(AUDIT):
                    if found is None:  # it was deleted meanwhile
                        before = None
                        continue
                    return False
                else:  # an erasure has changed lines: its lines, then those that are only here
                    theirs, their_tag = found or (b"", "")
                    own = content[before.size if before else 0 :]
                    content = theirs + own
                    before = RecordMark(their_tag, _digest(theirs), len(theirs)) if found else None
                    write_atomic(self._root / path, content, mode=_OWNER_ONLY)
                    continue
            self._mark(path, tag, content)
            return True
        return False

    def _set_aside(self, path: str) -> str | None:
        """Keep what was written here under a free name, and take the other host's; returns the name."""
        file = self._root / path
        aside: Path | None = None
        if not path.startswith(_NEVER_ASIDE):
            names = (file.with_name(f"{file.stem}-{number}{file.suffix}") for number in range(2, 1_000))
            aside = next(name for name in names if not name.exists())
            file.rename(aside)
        found = self._get(path)
        if found is not None:
            write_atomic(file, found[0], mode=_OWNER_ONLY)
            self._mark(path, found[1], found[0])
        return None if aside is None else str(aside.relative_to(self._root))

    def _mark(self, path: str, tag: str, content: bytes) -> None:
        with self._state.changing() as changes:
            changes.mark_record(path, RecordMark(tag, _digest(content), len(content)))

    def _get(self, path: str) -> tuple[bytes, str] | None:
        try:
            stored = self._objects.get(self._key(path))
        except MissingObjectError:
            return None
        assert stored is not None
        return stored.content, stored.tag

    def _here(self, path: str) -> bytes | None:
        try:
            return (self._root / path).read_bytes()
        except FileNotFoundError:
            return None

    def _lock(self, path: str) -> Path:
        """The lock that whoever changes the file holds too."""
        file = self._root / path
        if path.startswith("tags/"):  # one lock for all of them
            return file.parent / "tags.lock"
        return file.parent / "log.lock" if path.startswith(AUDIT) else file.with_suffix(".lock")

    def _key(self, path: str) -> str:
        """The object of a record: of the audit log, one for each copy."""
        if path.startswith(AUDIT_OF_OTHERS):
            return _PREFIX + AUDIT + path.removeprefix(AUDIT_OF_OTHERS)
        if path.startswith(AUDIT):
            return f"{_PREFIX}{AUDIT}{self._identity}/{path.removeprefix(AUDIT)}"
        return _PREFIX + path

    def _path(self, name: str) -> str | None:
        """The file of an object's name; None for names that are none of ours."""
        if ".." in name.split("/") or name.split("/")[0] not in RECORDS:
            return None
        if name.startswith(AUDIT):
            own = f"{AUDIT}{self._identity}/"
            return (
                AUDIT + name.removeprefix(own)
                if name.startswith(own)
                else (AUDIT_OF_OTHERS + name.removeprefix(AUDIT))
            )
        return name


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
