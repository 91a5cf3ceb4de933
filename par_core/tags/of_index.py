"""Who has which tag in a version of the index.

A person is known by id. Where the version does not have the id, because another segmenter, runtime or rule
for second cuts has given the person another one, it is the person of the same image whose box overlaps most,
if that is enough: 0.65, more than two different people overlap (docs/access.md). So tags outlast new models.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cachetools import LRUCache

from par_core.people.boxes import box_overlaps
from par_core.tags.files import read_tags
from par_core.tags.record import TaggedPerson, together

__all__ = ["IndexTags", "TaggedIndex", "boxes_in", "tags_of"]

_SAME_PERSON: Final = 0.65  # IoU; benchmarks/results/boxes_again.json
_AT_ONCE: Final = 1_000  # ids of a condition
_FEW: Final = 5_000  # of more ids, all rows are read
_VERSIONS_KEPT: Final = 8
_COLUMNS: Final = ("person_id", "image_id", "x1", "y1", "x2", "y2")
_HEX: Final = frozenset("0123456789abcdef")


@runtime_checkable
class TaggedIndex(Protocol):
    """The methods of the index (``par_core.store.lance.PeopleIndex``) that tags need."""

    path: Path

    @property
    def read_identity(self) -> tuple[str, int]:
        """Key of the version."""
        ...

    def scan(self, columns: Sequence[str], where: str | None = None) -> Iterator[pa.RecordBatch]:
        """Yield rows, a batch at a time."""
        ...


@dataclass(frozen=True, slots=True)
class IndexTags:
    """Tags and notes of the people of a version.

    Attributes:
        state: Digest of the state of the files.
        people: Everybody with tags or a note, by the id that the version has of them.
        stray: People who are not in this version.
        now: The id that the version has, by the id that is stored.
    """

    state: str
    people: Mapping[str, TaggedPerson]
    stray: tuple[TaggedPerson, ...]
    now: Mapping[str, str]

    def with_tag(self, fits: Callable[[str], bool] = lambda name: True) -> tuple[str, ...]:
        """Return the ids of the people who have a tag that fits, sorted."""
        return tuple(sorted(one for one, person in self.people.items() if any(map(fits, person.names))))

    def with_note(self, fits: Callable[[str], bool] = lambda text: True) -> tuple[str, ...]:
        """Return the ids of the people who have a note that fits, sorted."""
        notes = ((one, person.note) for one, person in self.people.items())
        return tuple(sorted(one for one, note in notes if note is not None and fits(note.text)))

    def counts(self) -> dict[str, int]:
        """Return the number of people of each tag, by name."""
        numbers: dict[str, int] = {}
        for person in self.people.values():
            for name in person.names:
                numbers[name] = numbers.get(name, 0) + 1
        return dict(sorted(numbers.items()))


_views: LRUCache[tuple[Path, tuple[str, int]], IndexTags] = LRUCache(_VERSIONS_KEPT)
_lock = threading.Lock()


def tags_of(index: TaggedIndex) -> IndexTags:
    """Return tags and notes of the people of a version. What was found out of a version is kept: only people
    who are tagged for the first time are looked for in it.

    Raises:
        StoreError: A file of tags is damaged.
        IndexChangedError: This version was erased meanwhile.
    """
    stored, key = read_tags(index.path.parent), (index.path, index.read_identity)
    with _lock:
        kept = _views.get(key)
    if kept is not None and kept.state == stored.state:
        return kept
    known = dict(kept.now) if kept is not None else {}
    ids = {person.person_id for person in stored.people}
    now = {one: known[one] for one in ids if one in known}
    now |= _found(index, [person for person in stored.people if person.person_id not in now])
    records: dict[str, list[TaggedPerson]] = {}
    for person in sorted(stored.people, key=lambda one: one.person_id != now.get(one.person_id)):
        if person.person_id in now:
            records.setdefault(now[person.person_id], []).append(person)
    made = IndexTags(
        stored.state,
        {one: together(parts) for one, parts in records.items()},
        tuple(person for person in stored.people if person.person_id not in now),
        now,
    )
    with _lock:
        _views[key] = made
    return made


def boxes_in(index: TaggedIndex, person_ids: Iterable[str]) -> dict[str, TaggedPerson]:
    """Return people of a version by id, without tags; those whom it does not have are left out."""
    segmented = getattr(getattr(index, "info", None), "segment_config", "")
    return {
        row["person_id"]: TaggedPerson(
            row["person_id"], row["image_id"], segmented, (row["x1"], row["y1"], row["x2"], row["y2"])
        )
        for row in _rows(index, "person_id", sorted(set(person_ids)), _COLUMNS)
    }


def _found(index: TaggedIndex, people: Sequence[TaggedPerson]) -> dict[str, str]:
    """Return the id that a version has of each person, by the id that is stored."""
    ids = sorted({person.person_id for person in people})
    now = {row["person_id"]: row["person_id"] for row in _rows(index, "person_id", ids, ("person_id",))}
    missing = [person for person in people if person.person_id not in now]
    beside: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(index, "image_id", sorted({person.image_id for person in missing}), _COLUMNS):
        beside.setdefault(row["image_id"], []).append(row)
    for person in missing:
        rows = beside.get(person.image_id, [])
        if not rows:
            continue
        boxes = np.array([[row[side] for side in _COLUMNS[2:]] for row in rows], np.float64)
        shares = box_overlaps(np.array([person.box], np.float64), boxes)[0]
        if shares.max() >= _SAME_PERSON:
            now[person.person_id] = rows[int(shares.argmax())]["person_id"]
    return now


def _rows(
    index: TaggedIndex, column: str, ids: Sequence[str], columns: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of some people or images."""
    ids = [one for one in ids if one and set(one) <= _HEX]
    if len(ids) > _FEW:
        wanted = pa.array(ids)
        for batch in index.scan(columns):
            yield from batch.filter(pc.is_in(batch[column], value_set=wanted)).to_pylist()
        return
    for start in range(0, len(ids), _AT_ONCE):
        names = ", ".join(f"'{one}'" for one in ids[start : start + _AT_ONCE])  # hexadecimal, as checked
        for batch in index.scan(columns, f"{column} IN ({names})"):
            yield from batch.to_pylist()
