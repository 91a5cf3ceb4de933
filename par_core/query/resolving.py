"""Parts of a question prepared for one index: fields become SQL, words become evidence to weigh, ids and
pictures become embeddings.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32

from par_core.errors import FilterError
from par_core.models.text_evidence import TextScorer, estimate_prevalence
from par_core.query.conditions import allowed_in_memory, sql_of
from par_core.query.language import Condition, Likeness, Node, Phrase
from par_core.query.neighbouring_colours import with_neighbours
from par_core.query.parts import (
    AttributePart,
    ConditionPart,
    Leaf,
    LikenessPart,
    Part,
    TextPart,
    leaves,
)
from par_core.query.people import People
from par_core.query.plan import attribute_meant
from par_core.query.table import PeopleTable
from par_core.query.where import Filter
from par_core.store.lance import POSITION

__all__ = ["resolve_parts"]

_NO_SPREAD: Final = 1e-3


def resolve_parts(
    node: Node,
    index: PeopleTable,
    scorer: TextScorer,
    sample: People,
    pictures: Mapping[str, Float32[np.ndarray, " d"]],
) -> dict[Leaf, Part]:
    """Return the parts of a question, in the order of its text.

    Args:
        node: The question.
        index: The table of people.
        scorer: Scorer of texts, with the same embedding as the table.
        sample: People of the table drawn at random.
        pictures: Embeddings, of L2 norm 1, of the pictures that the question names.

    Raises:
        FilterError: A filter, an id or a picture's name is wrong.
    """
    return {leaf: _part(leaf, index, scorer, sample, pictures) for leaf, _, _ in leaves(node)}


def _part(
    leaf: Leaf,
    index: PeopleTable,
    scorer: TextScorer,
    sample: People,
    pictures: Mapping[str, Float32[np.ndarray, " d"]],
) -> Part:
    match leaf:
        case Condition():
            condition = sql_of(index, leaf.filter)
            return ConditionPart(lambda people: _holding(index, people, leaf.filter, condition))
        case Likeness("person", name):
            rows = index.rows([name]) if _is_id(name) else ()
            if not len(rows):
                raise FilterError(f"there is nobody with the id {name!r} in this version of the index")
            return _likeness(People(rows, ()).vectors[0], sample, name)
        case Likeness(_, name):
            if name not in pictures:
                raise FilterError(
                    f"no picture {name!r}: it was not given with the question, or was forgotten since; give"
                    " it again"
                )
            return _likeness(pictures[name], sample, None)
        case Phrase():
            meant = attribute_meant(leaf, frozenset(sample.attributes))
            if meant is not None:
                return AttributePart(meant)
            query, usual = scorer.query(leaf.text), sample.colour_shares
            query = with_neighbours(query) if leaf.near else query
            evidence = scorer.evidence(query, sample.known, usual)
            return TextPart(scorer, query, usual, estimate_prevalence(evidence, scorer.weights))


def _likeness(vector: Float32[np.ndarray, " d"], sample: People, person_id: str | None) -> LikenessPart:
    usual = sample.vectors @ vector
    return LikenessPart(vector, (float(usual.mean()), max(float(usual.std()), _NO_SPREAD)), person_id)


def _is_id(name: str) -> bool:
    return bool(name) and all(digit in "0123456789abcdef" for digit in name)


def _holding(index: PeopleTable, people: People, wanted: Filter, condition: str) -> Bool[np.ndarray, " n"]:
    if POSITION in people.table.column_names and index.resident is not None:
        allowed = allowed_in_memory(index, index.resident, wanted, condition)
        if allowed is not None:
            return np.isin(people.table[POSITION].to_numpy(), allowed.positions, assume_unique=True)
    matching = _ids_holding(index, people.ids, condition)
    return np.array([identity in matching for identity in people.ids], bool)


def _ids_holding(index: PeopleTable, ids: Sequence[str], condition: str) -> set[str]:
    if not ids:
        return set()
    names = ", ".join(f"'{identity}'" for identity in ids)  # ids of the index itself
    matching: list[str] = index.search(
        None, where=f"(person_id IN ({names})) AND {condition}", top=len(ids), columns=["person_id"]
    )["person_id"].to_pylist()
    return set(matching)
