"""Numbers of people of each colour, attribute, tag, folder and time among those of an answer: choices for the
next filter.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from par_core.query.answered_people import FOLDER, AnsweredPeople
from par_core.serve.timeline import Timeline, timeline_of
from par_core.tags.record import TaggedPerson

__all__ = ["Facets", "count_facets", "count_tags"]

_COLOURS: Final = ("upper_color", "lower_color")
_MOST_FOLDERS: Final = 100
_MOST_DAYS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts over the people of an answer.

    Attributes:
        people: Number of all these people.
        upper_color: Counts by colour term, most first; people without one are not counted.
        lower_color: The same for the lower body.
        attributes: Counts of people whose probability reaches the attribute's threshold, most first.
        folders: Counts by the folder (or archive file) of the image with a ``/`` at its end, most first; at
            most 100.
        days: Counts by the day of capture, ``2026-11-24``, in order; the newest 1000.
        timeline: Counts by steps of time.
        tags: Counts by tag, most first.
        best: Number of hits that were counted, where there are words or likenesses and may be more hits; else
            None, and everybody is counted.
    """

    people: int
    upper_color: Mapping[str, int]
    lower_color: Mapping[str, int]
    attributes: Mapping[str, int]
    folders: Mapping[str, int]
    days: Mapping[str, int]
    timeline: Timeline
    best: int | None = None
    tags: Mapping[str, int] = field(default_factory=dict)


def count_tags(answered: AnsweredPeople, people: Mapping[str, TaggedPerson]) -> dict[str, int]:
    """Count the tags of the people of an answer, most first.

    Args:
        answered: The people.
        people: Everybody who has tags, by id.

    Raises:
        FilterError: The filter is wrong.
    """
    counted = Counter[str]()
    tagged = pa.array([one for one, person in people.items() if person.tags], pa.string())
    for rows in answered.read(["person_id"]) if len(tagged) else ():
        ids = rows["person_id"].cast(pa.string())
        for one in ids.filter(pc.is_in(ids, value_set=tagged)).to_pylist():
            counted.update(people[one].names)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def count_facets(answered: AnsweredPeople, best: int | None = None) -> Facets:
    """Count the people of an answer.

    Args:
        answered: The people.
        best: See ``Facets``.

    Raises:
        FilterError: The filter is wrong.
    """
    index = answered.index
    names = index.info.attributes
    people, counted = 0, {key: Counter[str]() for key in (*_COLOURS, "attributes", "folders", "hours")}
    for rows in answered.read(["captured_at", FOLDER, *_COLOURS, *names]):
        people += len(rows)
        for colour in _COLOURS:
            counted[colour].update(_counts(rows[colour]))
        for name in names:
            reached = pc.greater_equal(rows[name], pa.scalar(index.thresholds[name], pa.float32()))
            counted["attributes"][name] += pc.sum(reached).as_py() or 0
        counted["folders"].update(_counts(rows[FOLDER]))
        hours = pc.floor_temporal(rows["captured_at"], unit="hour")
        counted["hours"].update({hour.isoformat()[:13]: n for hour, n in _counts(hours).items()})
    hours_in_order = dict(sorted(counted["hours"].items()))
    days = Counter[str]()
    for hour, count in hours_in_order.items():
        days[hour[:10]] += count
    return Facets(
        people,
        dict(counted["upper_color"].most_common()),
        dict(counted["lower_color"].most_common()),
        {name: count for name, count in counted["attributes"].most_common() if count},
        dict(counted["folders"].most_common(_MOST_FOLDERS)),
        dict(list(days.items())[-_MOST_DAYS:]),
        timeline_of(hours_in_order, people),
        best,
    )


def _counts(values: pa.ChunkedArray) -> dict[Any, int]:
    """Return how often each value occurs; nulls are left out."""
    counted: dict[Any, int] = {}
    for chunk in values.chunks:  # of dictionaries, each has its own
        counts = pc.value_counts(chunk.drop_null())
        pairs = zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True)
        for value, count in pairs:
            counted[value] = counted.get(value, 0) + count
    return counted
