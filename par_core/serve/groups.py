"""The cameras or the days of an answer: where one may begin to browse. A camera is the folder (or archive) of
its pictures.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int32

from par_core.query.answered_people import FOLDER, AnsweredPeople

__all__ = ["By", "Group", "Groups", "group_people"]

By = Literal["camera", "day"]


@dataclass(frozen=True, slots=True)
class Group:
    """One camera or day.

    Attributes:
        name: The folder with a ``/`` at its end, or the day, ``2026-11-24``; empty for people whose time of
            capture is not known.
        people: Number of people.
        newest: When the newest of them was photographed, or None.
        person_id: The newest of them.
    """

    name: str
    people: int
    newest: datetime | None
    person_id: str


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of an answer.

    Attributes:
        by: What they are.
        groups: All of them: cameras by name, days newest first and those of unknown time last.
        people: Number of people in all of them.
        best: See ``Facets``.
    """

    by: By
    groups: tuple[Group, ...]
    people: int
    best: int | None = None


def group_people(answered: AnsweredPeople, by: By, best: int | None = None) -> Groups:
    """Return the cameras or the days of the people of an answer.

    Args:
        answered: The people.
        by: What they are grouped by.
        best: See ``Facets``.

    Raises:
        FilterError: The filter is wrong.
    """
    key = FOLDER if by == "camera" else "day"
    read = list(answered.read(["captured_at", "person_id", *([FOLDER] if by == "camera" else [])]))
    if not sum(map(len, read)):
        return Groups(by, (), 0, best)
    rows = pa.concat_tables(read).unify_dictionaries().combine_chunks()
    if by == "day":
        rows = rows.append_column(key, pc.floor_temporal(rows["captured_at"], unit="day").cast(pa.date32()))
    values = rows[key].combine_chunks()
    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    codes = np.asarray(coded.indices.fill_null(-1))
    groups = [
        Group(
            "" if code < 0 else str(coded.dictionary[code].as_py()),
            count,
            rows["captured_at"][row].as_py(),
            rows["person_id"][row].as_py(),
        )
        for code, count, row in _of_each(codes, rows)
    ]
    groups.sort(key=lambda group: group.name, reverse=by == "day")
    return Groups(by, tuple(groups), len(rows), best)


def _of_each(codes: Int32[np.ndarray, " n"], rows: pa.Table) -> list[tuple[int, int, int]]:
    """Return code, number of rows and newest row of each group; of equal times the greatest id."""
    times = np.asarray(rows["captured_at"].cast(pa.int64()).fill_null(np.iinfo(np.int64).min))
    order = np.lexsort((times, codes))
    found, starts, counts = np.unique(codes[order], return_index=True, return_counts=True)
    newest = times[order[starts + counts - 1]]
    is_newest = np.flatnonzero(times == newest[np.searchsorted(found, codes)])
    leaders = pa.table(
        {"code": codes[is_newest], "person_id": rows["person_id"].take(pa.array(is_newest)), "row": is_newest}
    ).sort_by([("code", "ascending"), ("person_id", "descending")])
    _, first = np.unique(leaders["code"].to_numpy(), return_index=True)
    chosen = leaders["row"].to_numpy()[first]
    return list(zip(found.tolist(), counts.tolist(), chosen.tolist(), strict=True))
