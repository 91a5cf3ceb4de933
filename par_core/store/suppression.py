"""The suppression list: what was forgotten and must not come back, kept as ``forgotten.json``. It holds
digests, so that it does not name what it keeps out.

    place    a file, a folder, an archive or a bucket, with everything below it, also files that come later
    file     one file as it was (name, size, version): another file at its place is another file
    image    the bytes of a picture, wherever a copy of them is
    person   a person in a picture, with the box in whole pixels: it identifies the person if another
             segmenter, runtime or precision draws another box

Digests are keyed with a random salt of the store, so that those of two stores cannot be compared; a
person who has the store can still try a guessed name.
"""

import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from par_core.archive.entries import path_of
from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.people.boxes import box_overlaps
from par_core.status import Status
from par_core.store.layout import Store
from par_core.store.schemas import ENTRIES

__all__ = [
    "Box",
    "SuppressedPerson",
    "SuppressionList",
    "load_suppression_list",
    "places_of",
    "save_suppression_list",
]

_MASK: Final = "forgotten:"
# IoU from which boxes of two segmenters are the same person: COCO's lowest threshold
_SAME_PERSON: Final = 0.5
# The same of one segmenter with two runtimes or precisions: between the least overlap of a person with
# themself (0.68) and the greatest of two people (0.64) in benchmarks/results/boxes_again.json
_MOVED_BOX: Final = 0.65
Box = tuple[float, float, float, float]
_ROWS: Final = 65_536  # of a listing, masked at a time


@dataclass(frozen=True, slots=True)
class SuppressedPerson:
    """A person who was forgotten.

    Attributes:
        image: Digest of the image's id.
        person: Digest of the person's id.
        segmenter: Fingerprint of the segmenter that drew the box.
        box: x1, y1, x2, y2 in pixels of the upright image, rounded to whole ones.
    """

    image: str
    person: str
    segmenter: str
    box: Box


@dataclass(frozen=True)
class SuppressionList:
    """Everything that a store has forgotten.

    Attributes:
        salt: Random bytes, hexadecimal.
        places: Digests of places.
        files: Digests of name, size and version.
        images: Digests of image ids.
        people: Suppressed people.
    """

    salt: str
    places: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()
    people: tuple[SuppressedPerson, ...] = ()

    def with_place(self, place: str) -> "SuppressionList":
        """Return this list with a place, which includes everything below it."""
        return replace(self, places=self.places | {self._digest("place", place)})

    def with_image(self, image_id: str, files: Iterator[tuple[str, int, str]]) -> "SuppressionList":
        """Return this list with an image and the files (uri, size, version) that hold it."""
        return replace(
            self,
            images=self.images | {self._digest("image", image_id)},
            files=self.files | {self._digest("file", *map(str, file)) for file in files},
        )

    def with_person(self, image_id: str, person_id: str, segmenter: str, box: Box) -> "SuppressionList":
        """Return this list with a person."""
        x1, y1, x2, y2 = (float(round(value)) for value in box)
        person = SuppressedPerson(
            self._digest("image", image_id), self._digest("person", person_id), segmenter, (x1, y1, x2, y2)
        )
        return replace(self, people=tuple(dict.fromkeys((*self.people, person))))

    def has_place(self, uri: str) -> bool:
        """Whether a uri is a forgotten place or lies below one."""
        return bool(self.places) and any(
            self._digest("place", place) in self.places for place in places_of(uri)
        )

    def has_image(self, image_id: str) -> bool:
        """Whether an image's bytes are forgotten."""
        return bool(self.images) and self._digest("image", image_id) in self.images

    def has_person_of(self, image_id: str) -> bool:
        """Whether a person in an image is forgotten."""
        return bool(self.people) and self._digest("image", image_id) in self._suppressed

    def forgotten_people(self, image_id: str, people: Sequence[tuple[str, Box]], segmenter: str) -> set[str]:
        """Return the ids of the people of an image who are forgotten.

        A forgotten person is known by id. Where nobody of the same segmenter has the id, because another
        runtime or precision has moved the box, it is the one who overlaps most, if that is enough; of another
        segmenter, everybody who overlaps enough.

        Args:
            image_id: Id of the image.
            people: Id and box (x1, y1, x2, y2, pixels) of everybody whom the segmenter has found in it.
            segmenter: Fingerprint of the segmenter.
        """
        suppressed = self._suppressed.get(self._digest("image", image_id), []) if self.people else []
        if not suppressed or not people:
            return set()
        digests = [self._digest("person", person_id) for person_id, _ in people]
        boxes = np.array([box for _, box in people], np.float64)
        overlaps = box_overlaps(np.array([other.box for other in suppressed]), boxes)
        found = {digests.index(other.person) for other in suppressed if other.person in digests}
        for other, shares in zip(suppressed, overlaps, strict=True):
            if other.segmenter != segmenter:
                found.update(np.flatnonzero(shares >= _SAME_PERSON).tolist())
            elif other.person not in digests and shares.max() >= _MOVED_BOX:
                found.add(int(shares.argmax()))
        return {people[number][0] for number in found}

    @cached_property
    def _suppressed(self) -> dict[str, list[SuppressedPerson]]:
        """People by the digest of their image."""
        by_image: dict[str, list[SuppressedPerson]] = {}
        for person in self.people:
            by_image.setdefault(person.image, []).append(person)
        return by_image

    def mask(self, entries: pa.Table) -> pa.Table:
        """Return entries in which each forgotten file is replaced by one row that does not name it (status
        ``forgotten``). Schema ENTRIES, by uri where anything is forgotten.
        """
        if not self.places and not self.files:
            return entries
        below = self.below()
        parts, masked = [ENTRIES.empty_table()], set[str]()
        for start in range(0, len(entries), _ROWS):
            rows = entries.slice(start, _ROWS)
            uris = rows["uri"].to_pylist()
            going = [below(uri) for uri in uris]
            if self.files:
                keys = zip(uris, rows["size"].to_pylist(), rows["version"].to_pylist(), strict=True)
                going = [
                    inside or self._digest("file", uri, str(size), version) in self.files
                    for inside, (uri, size, version) in zip(going, keys, strict=True)
                ]
            before = pc.equal(rows["status"], Status.FORGOTTEN.value)
            kept = pc.or_(before, pc.invert(pa.array(going, pa.bool_())))
            parts.append(rows.filter(kept))
            masked.update(self.masked(uri) for uri in rows.filter(pc.invert(kept))["uri"].to_pylist())
        table = pa.concat_tables([part.replace_schema_metadata(ENTRIES.metadata) for part in parts])
        table = table.filter(
            pc.invert(pc.is_in(table["uri"], value_set=pa.array(sorted(masked), pa.string())))
        )
        more = {"size": 0, "version": "", "status": Status.FORGOTTEN.value, "message": ""}
        rows_of_masked = [{"uri": uri, **more} for uri in sorted(masked)]
        return pa.concat_tables([table, pa.Table.from_pylist(rows_of_masked, schema=ENTRIES)]).sort_by("uri")

    def below(self) -> Callable[[str], bool]:
        """Return ``has_place`` for many uris: it looks at each folder once."""
        known: dict[str, bool] = {}
        return lambda uri: bool(self.places) and self._is_below(uri, known)

    def _is_below(self, uri: str, known: dict[str, bool]) -> bool:
        folders: list[str] = []
        for place in places_of(uri):
            if place in known:
                answer = known[place]
                break
            if self._digest("place", place) in self.places:
                answer = True
                break
            folders.append(place)
        else:
            answer = False
        known |= dict.fromkeys(folders[1:], answer)
        return answer

    def masked(self, uri: str) -> str:
        """Return the text that stands for a forgotten name."""
        return _MASK + self._digest("place", uri)

    def _digest(self, *parts: str) -> str:
        text = b"\0".join(part.encode("utf-8", "surrogateescape") for part in parts)
        mac = self._mac.copy()
        mac.update(text)
        return mac.hexdigest()[:32]

    @cached_property
    def _mac(self) -> hmac.HMAC:
        return hmac.new(bytes.fromhex(self.salt), digestmod="sha256")


def places_of(uri: str) -> Iterator[str]:
    """Yield a uri and all places that it lies in, from the inside out.

    >>> list(places_of("/photos/night.zip!/a/1.jpg"))
    ['/photos/night.zip!/a/1.jpg', '/photos/night.zip!/a', '/photos/night.zip', '/photos']
    """
    text = os.fsdecode(path_of(uri)) if uri.startswith("file://") else uri
    yield text
    start = text.find("://") + 3 if "://" in text else 1
    at = text.rfind("/", start)
    while at > 0:
        yield text[:at].removesuffix("!")
        at = text.rfind("/", start, at)


def load_suppression_list(store: Store) -> SuppressionList:
    """Return the suppression list of a store; an empty one, with a new salt, where nothing was forgotten.

    Raises:
        StoreError: It is damaged; nothing may be indexed without it.
    """
    path = _path(store)
    try:
        stored: Mapping[str, Any] = json.loads(path.read_bytes())
        people = tuple(
            SuppressedPerson(**{**person, "box": tuple(person["box"])}) for person in stored["people"]
        )
        return SuppressionList(
            stored["salt"],
            frozenset(stored["places"]),
            frozenset(stored["files"]),
            frozenset(stored["images"]),
            people,
        )
    except FileNotFoundError:
        return SuppressionList(secrets.token_hex(16))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} is damaged ({error}); bring it back from a backup: without it, what was forgotten would"
            " be indexed again"
        ) from error


def save_suppression_list(store: Store, suppression_list: SuppressionList) -> None:
    """Write the suppression list in one step."""
    digests = {name: sorted(getattr(suppression_list, name)) for name in ("places", "files", "images")}
    people = [asdict(person) for person in suppression_list.people]
    write_atomic(
        _path(store),
        json.dumps({"salt": suppression_list.salt, **digests, "people": people}, indent=1).encode(),
    )


def _path(store: Store) -> Path:
    return store.root / "forgotten.json"
