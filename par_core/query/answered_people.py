"""The people of an answer, to be counted: everybody for whom a question of facts holds, or the best hits of
words and likenesses. They are read from memory, or from LanceDB until the index is there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from par_core.query.answer import Hit
from par_core.query.conditions import allowed_in_memory, condition_of, filter_of, sql_of
from par_core.query.where import Filter
from par_core.store.lance import PeopleIndex, ResidentPeople, folder_of, folders_in

__all__ = ["FOLDER", "AnsweredPeople"]

#: Column of the folder of the picture.
FOLDER: Final = "folder"


@dataclass(frozen=True)
class AnsweredPeople:
    """The people of an answer in a version of the index.

    Attributes:
        index: The table of people.
        wanted: The filter of a question of facts; None where there is none.
        absent: Also people whose file has vanished or was replaced.
        hits: Hits of words and likenesses; None for a question of facts.
    """

    index: PeopleIndex
    wanted: Filter | None = None
    absent: bool = False
    hits: Sequence[Hit] | None = None

    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of the people, some people at a time; texts may be dictionaries.

        Args:
            columns: Names of columns, ``FOLDER`` among them.

        Raises:
            FilterError: The filter is wrong.
        """
        if self.hits is not None:
            yield _of_hits([one for hit in self.hits for one in (hit, *hit.similar)], columns)
            return
        further = None if self.wanted is None else sql_of(self.index, self.wanted)
        condition = condition_of(self.index, None, absent=self.absent, further=further)
        resident = self.index.resident
        allowed = None
        if resident is not None:
            asked = filter_of(None, absent=self.absent, further=self.wanted)
            allowed = allowed_in_memory(self.index, resident, asked, condition)
        if resident is not None and allowed is not None:
            yield _of_memory(resident, allowed.positions, columns)
            return
        stored = ["uri" if name == FOLDER else name for name in columns]
        for batch in self.index.scan(stored, condition):
            named = {name: batch["uri" if name == FOLDER else name] for name in columns}
            yield pa.table(
                {name: folder_of(named[name]) if name == FOLDER else named[name] for name in named}
            )


def _of_memory(people: ResidentPeople, positions: Int[np.ndarray, " k"], columns: Sequence[str]) -> pa.Table:
    places = pa.array(positions)
    everybody = len(positions) == len(people)

    def column(name: str) -> pa.Array:
        if name == FOLDER:
            whole = folders_in(people)
        elif name == "image_id":
            return people.images.take(pa.array(people.image_numbers[positions]))
        else:
            whole = people.columns[name].chunk(0)
        return whole if everybody else whole.take(places)

    return pa.table({name: column(name) for name in columns})


def _of_hits(hits: Sequence[Hit], columns: Sequence[str]) -> pa.Table:
    texts = {"person_id", "image_id", "upper_color", "lower_color"}

    def column(name: str) -> pa.Array:
        if name == FOLDER:
            return folder_of(pa.array([hit.uri for hit in hits], pa.string()))
        if name == "captured_at":
            return pa.array([hit.captured_at for hit in hits], pa.timestamp("us"))
        if name in texts:
            return pa.array([getattr(hit, name) for hit in hits], pa.string())
        return pa.array([hit.attributes.get(name) for hit in hits], pa.float32())

    return pa.table({name: column(name) for name in columns})
