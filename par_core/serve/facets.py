"""Numbers of people of each colour, attribute, folder and day: choices for the next filter."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from par_core.query.conditions import condition_of
from par_core.store.lance import PeopleIndex

__all__ = ["Facets", "count_facets"]

_COLOURS: Final = ("upper_color", "lower_color")
_MOST_FOLDERS: Final = 100
_MOST_DAYS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts over the people that a filter lets pass and whose file is there.

    Attributes:
        people: Number of all these people.
        upper_color: Counts by colour term, most first; people without one are not counted.
        lower_color: The same for the lower body.
        attributes: Counts of people whose probability reaches the attribute's threshold, most first.
        folders: Counts by the folder (or archive file) of the image, most first; at most 100.
        days: Counts by the day of capture, ``2026-11-24``, in order; the newest 1000.
    """

    people: int
    upper_color: Mapping[str, int]
    lower_color: Mapping[str, int]
    attributes: Mapping[str, int]
    folders: Mapping[str, int]
    days: Mapping[str, int]


def count_facets(index: PeopleIndex, where: str | None) -> Facets:
    """Count, a batch of rows at a time.

    Args:
        index: The table of people.
        where: A filter in the language of ``par_core.query.where``, or None.

    Raises:
        FilterError: The filter is wrong.
    """
    names = index.info.attributes
    condition = condition_of(index, where)
    people, counted = 0, {key: Counter[str]() for key in (*_COLOURS, "attributes", "folders", "days")}
    for batch in index.scan(["uri", "captured_at", *_COLOURS, *names], where=condition):
        people += len(batch)
        for colour in _COLOURS:
            counted[colour].update(_counts(batch[colour]))
        for name in names:
            counted["attributes"][name] += (
                pc.sum(pc.greater_equal(batch[name], pa.scalar(index.thresholds[name], pa.float32()))).as_py()
                or 0
            )
        counted["folders"].update(_counts(pc.replace_substring_regex(batch["uri"], r"!?/[^/]*$", "")))
        counted["days"].update(_counts(pc.strftime(batch["captured_at"], "%Y-%m-%d")))
    return Facets(
        people,
        dict(counted["upper_color"].most_common()),
        dict(counted["lower_color"].most_common()),
        {name: count for name, count in counted["attributes"].most_common() if count},
        dict(counted["folders"].most_common(_MOST_FOLDERS)),
        dict(sorted(counted["days"].items())[-_MOST_DAYS:]),
    )


def _counts(values: pa.Array) -> dict[str, int]:
    """Return how often each value occurs; nulls are left out."""
    counts = pc.value_counts(values.drop_null())
    return dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True))
