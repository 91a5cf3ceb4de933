"""Two people beside each other: how alike they look to the model, and in what they differ.

This compares two cut-outs. It does not say whether they show the same human being: PAR identifies nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np

from par_core.query.answer import Hit
from par_core.query.people import People
from par_core.query.table import PeopleTable

__all__ = ["NOBODY_IDENTIFIED", "AttributePair", "Comparison", "compare_hits"]

#: What every comparison says.
NOBODY_IDENTIFIED: Final = (
    "The comparison is of how two cut-outs look to a model. It does not say whether they show the same"
    " person: PAR identifies nobody."
)
_SAMPLE: Final = 2_000


@dataclass(frozen=True, slots=True)
class AttributePair:
    """One attribute of both.

    Attributes:
        name: Name of the attribute.
        first: Probability for the first person, in [0, 1].
        second: Probability for the second person.
        seen: Whether it counts as seen of the first, and of the second.
    """

    name: str
    first: float
    second: float
    seen: tuple[bool, bool]

    @property
    def difference(self) -> float:
        """Second less first, in [-1, 1]."""
        return self.second - self.first


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two people beside each other.

    Attributes:
        first: One of them.
        second: The other.
        cosine: Cosine of their embeddings, in [-1, 1].
        as_alike: Share of people drawn at random who are at least as alike to the first one, in [0, 1].
        sampled: Number of people drawn.
        attributes: The attributes, those that differ most first.
        apart: Time of capture of the second less that of the first; None where one is not known.
        same_image: Whether they are in one photograph.
    """

    first: Hit
    second: Hit
    cosine: float
    as_alike: float
    sampled: int
    attributes: tuple[AttributePair, ...]
    apart: timedelta | None
    same_image: bool


def compare_hits(index: PeopleTable, hits: Sequence[Hit]) -> Comparison:
    """Compare two people of an index.

    Args:
        index: The table of people.
        hits: The two people.

    Raises:
        IndexChangedError: One of them was erased meanwhile.
    """
    first, second = hits
    rows = People(index.rows([first.person_id, second.person_id]), ())
    vectors = dict(zip(rows.ids, rows.vectors, strict=True))
    one, other = vectors[first.person_id], vectors[second.person_id]
    drawn = People(index.sample(_SAMPLE, ["person_id", "vector"]), ())
    both = (first.person_id, second.person_id)
    strangers = drawn.vectors[[identity not in both for identity in drawn.ids]]
    cosine = float(np.clip(one @ other, -1, 1))
    pairs = [
        AttributePair(name, p, second.attributes[name], (name in first.seen, name in second.seen))
        for name, p in first.attributes.items()
        if name in second.attributes and p == p and second.attributes[name] == second.attributes[name]
    ]
    times = first.captured_at, second.captured_at
    return Comparison(
        first,
        second,
        cosine,
        float((strangers @ one >= cosine).mean()) if len(strangers) else 0.0,
        len(strangers),
        tuple(sorted(pairs, key=lambda pair: (-abs(pair.difference), pair.name))),
        None if times[0] is None or times[1] is None else times[1] - times[0],
        first.image_id == second.image_id,
    )
