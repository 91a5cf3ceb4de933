"""Further outlines of a person: they show the same person, and are forgotten with the person."""

from collections.abc import Collection, Iterable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float64

from par_core.forget.concerned import shards_at
from par_core.people.boxes import box_shares_inside
from par_core.status import Status
from par_core.store.layout import Store

__all__ = ["second_cuts_of"]

_LEAST: Final = 0.5  # of a second cut's box lies inside the box of the person
_COLUMNS: Final = ["person_id", "image_id", "status", "x1", "y1", "x2", "y2"]


def second_cuts_of(store: Store, shards: Iterable[str], person_ids: Collection[str]) -> list[str]:
    """Return the ids of the second cuts of some people: those of the same segmentation and image of which at
    least half the box lies inside a person's box.

    Args:
        store: The store.
        shards: Shards of segmentations, relative to the store.
        person_ids: Ids of the people.

    Raises:
        StoreError: A shard cannot be read.
    """
    found: set[str] = set()
    for folder, _ in shards_at(store, shards):
        people = folder.read("people", _COLUMNS)
        of_people = people.filter(pc.is_in(people["person_id"], value_set=pa.array(sorted(person_ids))))
        cuts = people.filter(pc.equal(people["status"], Status.SECOND_CUT.value))
        for image_id in of_people["image_id"].unique().to_pylist():
            inside = cuts.filter(pc.equal(cuts["image_id"], image_id))
            persons = of_people.filter(pc.equal(of_people["image_id"], image_id))
            shares = box_shares_inside(_boxes(inside), _boxes(persons))
            names = np.array(inside["person_id"].to_pylist(), object)
            found.update(names[(shares >= _LEAST).any(axis=1)])
    return sorted(found - set(person_ids))


def _boxes(people: pa.Table) -> Float64[np.ndarray, "n 4"]:
    return np.column_stack([people[name].to_numpy().astype(np.float64) for name in _COLUMNS[3:]])
