"""People in memory in the order of capture: made when it is first asked for, and kept as long as the version
that it belongs to.
"""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int32, Int64, UInt64

from par_core.store.lance.resident_people import Allowed, ResidentPeople

__all__ = ["Moment", "TimeOrder", "time_order"]

#: Time on the camera's clock, or None; id of the image; id of the person.
Moment = tuple[datetime | None, str, str]

_FIRST_LOOK: Final = 4_096  # people of the order that are looked at for a page; twice as many each time
_made: "WeakKeyDictionary[ResidentPeople, TimeOrder]" = WeakKeyDictionary()
_lock = threading.Lock()


@dataclass(frozen=True)
class TimeOrder:
    """The order of n people, by time of capture and then by the ids of image and person.

    Attributes:
        positions: Positions of the people, ascending; those of unknown time last.
        times: The known times in microseconds since 1970, ascending.
    """

    positions: Int32[np.ndarray, " n"]
    times: Int64[np.ndarray, " known"]

    def page(
        self, people: ResidentPeople, allowed: Allowed, *, newest: bool, after: Moment | None, most: int
    ) -> Int32[np.ndarray, " k"]:
        """Return positions of the next people, in order; those of unknown time come last.

        Args:
            people: The people.
            allowed: The people to choose from.
            newest: Whether the newest come first, with descending ids; else the oldest, with ascending ones.
            after: The person after whom the page begins, who may be in the index no more; None is the first.
            most: Largest number of people.
        """
        known = len(self.times)
        order = self.positions
        if newest:
            order = np.concatenate([order[:known][::-1], order[known:][::-1]])
        start = 0 if after is None else self._place_after(people, after, newest=newest)
        everybody = len(allowed.positions) == len(people)
        leaves = np.zeros(0 if everybody else len(people), bool)
        leaves[allowed.positions if not everybody else []] = True
        found, look = order[:0], _FIRST_LOOK
        while start < len(order) and len(found) < most:
            next_ones = order[start : start + look]
            found = np.concatenate([found, next_ones if everybody else next_ones[leaves[next_ones]]])
            start, look = start + look, 2 * look
        return found[:most]

    def _place_after(self, people: ResidentPeople, after: Moment, *, newest: bool) -> int:
        """Return how many people come before the page that begins after somebody."""
        moment, known, n = after[0], len(self.times), len(self.positions)
        low, high = known, n
        if moment is not None:
            time = pa.scalar(moment, pa.timestamp("us")).value
            low, high = (int(np.searchsorted(self.times, time, side)) for side in ("left", "right"))
        identity = _identity_in(people)
        find = bisect_left if newest else bisect_right
        place = find(self.positions, after[1:], low, high, key=identity)
        if not newest:
            return place
        return known - place if moment is not None else known + (n - place)


def _identity_in(people: ResidentPeople) -> Callable[[np.int32], tuple[str, str]]:
    numbers, ids = people.image_numbers, people.columns["person_id"]

    def identity(position: np.int32) -> tuple[str, str]:
        return people.images[numbers[position]].as_py(), ids[int(position)].as_py()

    return identity


def time_order(people: ResidentPeople) -> TimeOrder:
    """Return the order of the people of a version; a second of work for a million, once."""
    with _lock:
        made = _made.get(people)
        if made is None:
            made = _made[people] = _ordered(people)
    return made


def _ordered(people: ResidentPeople) -> TimeOrder:
    times = people.columns["captured_at"].chunk(0)
    unknown = np.asarray(pc.is_null(times))
    since_1970 = np.asarray(times.cast(pa.int64()).fill_null(0))
    images, persons = _ranks(people.images), _ranks(people.columns["person_id"].chunk(0))
    order = np.lexsort((persons, images[people.image_numbers], since_1970, unknown)).astype(np.int32)
    return TimeOrder(order, since_1970[order[: len(order) - int(unknown.sum())]])


def _ranks(texts: pa.Array) -> Int32[np.ndarray, " n"]:
    """Return the place of each text in their order."""
    words = _as_numbers(texts)
    order = np.asarray(pc.sort_indices(texts)) if words is None else np.lexsort(words.T[::-1])
    ranks = np.empty(len(texts), np.int32)
    ranks[order] = np.arange(len(texts), dtype=np.int32)
    return ranks


def _as_numbers(texts: pa.Array) -> UInt64[np.ndarray, "n words"] | None:
    """Return texts of one length, such as ids, as numbers in the same order, eight bytes each: they are
    sorted several times as fast. None if their lengths differ.
    """
    lengths = pc.binary_length(texts)
    length = lengths[0].as_py() if len(texts) and not texts.null_count else 0
    if not length or length % 8 or not pa.types.is_string(texts.type):
        return None
    if pc.any(pc.not_equal(lengths, length)).as_py():
        return None
    _, offsets, content = texts.buffers()
    start = int(np.frombuffer(offsets, np.int32)[texts.offset])
    read = np.frombuffer(content, np.uint8)[start : start + length * len(texts)]
    return read.reshape(len(texts), length).view(">u8").astype(np.uint64)
