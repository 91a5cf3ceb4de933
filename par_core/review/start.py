"""Start of a review: its text is checked and embedded, and the archive is cut into strata."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float32

from par_core.errors import BadConfigError
from par_core.models.fingerprints import embedding_fingerprint
from par_core.models.profiles import load_text_encoder
from par_core.models.prompting import text_vector
from par_core.query.conditions import condition_of
from par_core.query.denials import read_question
from par_core.query.from_store import Searcher
from par_core.query.language import Phrase
from par_core.query.people import People
from par_core.query.table import check_embedding
from par_core.review.record import ReviewRecord, free_name, locked, review_names, reviews_for, save_record
from par_core.review.survey import choose_bounds
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store

__all__ = ["new_record", "save_new_record"]

_NO_DIRECTION: Final = 1e-6
_HEX: Final = frozenset("0123456789abcdef")  # digits of an id


def new_record(
    searcher: Searcher,
    index: PeopleIndex,
    text: str,
    where: str | None,
    name: str | None,
    seed: int,
    examples: Sequence[str] = (),
) -> tuple[ReviewRecord, tuple[str, ...]]:
    """Return the record of a new review, which is not saved yet, and warnings for the reviewer.

    Args:
        searcher: The store.
        index: The version of the index that the review uses.
        text: Description of the people who are searched, in plain words.
        where: Filter of the people who take part, or None.
        name: Name of the review; made from the text if None.
        seed: Seed of the random order.
        examples: Ids of people whom the others should resemble; their embeddings count then, and the text
            only says so.

    Raises:
        BadConfigError: The text is empty or more than words, the filter is wrong, or the index does not hold
            an example.
        FingerprintError: The store was filled with another model.
    """
    text = _plain_words(text)
    unknown: Sequence[str] = ()
    if examples:
        vector = _middle_of(index, examples)
    else:
        check_embedding(index, embedding_fingerprint(searcher.config), searcher.config.profile)
        encoder = load_text_encoder(searcher.config)
        vector, unknown = text_vector(text, encoder), encoder.unknown_words(text)
    name = free_name(searcher.store, text) if name is None else name
    record = ReviewRecord(
        name,
        text,
        where,
        index.embedding_fingerprint,
        index.info.profile,
        index.version,
        seed,
        tuple(vector.tolist()),
        choose_bounds(index, condition_of(index, where), vector),
    )
    return record, _warnings(searcher.store, record, unknown)


def save_new_record(store: Store, record: ReviewRecord) -> None:
    """Save the record of a new review.

    Raises:
        BadConfigError: A review has this name already.
    """
    with locked(store, record.name):
        if record.name in review_names(store):
            raise BadConfigError(
                f"there is a review {record.name!r} already; go on with it (--resume {record.name}) or choose"
                " another name"
            )
        save_record(store, record)


def _middle_of(index: PeopleIndex, person_ids: Sequence[str]) -> Float32[np.ndarray, " d"]:
    """Return the mean direction of people's embeddings, of L2 norm 1."""
    asked = sorted(set(person_ids))
    people = People(index.rows([one for one in asked if set(one) <= _HEX]), ())
    missing = sorted(set(asked) - set(people.ids))
    if missing:
        raise BadConfigError(f"nobody in the index has the id {missing[0][:64]}")
    total = people.vectors.sum(axis=0, dtype=np.float64)
    norm = float(np.linalg.norm(total))
    if norm < _NO_DIRECTION * len(people):
        raise BadConfigError("these people have nothing in common that could be looked for; choose fewer")
    return (total / norm).astype(np.float32)


def _warnings(store: Store, record: ReviewRecord, unknown_words: Sequence[str]) -> tuple[str, ...]:
    warnings = [
        f"the review {name!r} is for the same; its answers do not count in this new one"
        for name in reviews_for(store, record.text, record.where)
    ]
    if unknown_words:
        words = ", ".join(map(repr, unknown_words))
        warnings.append(
            f"the text model never saw {words} in training: the first batches may be off, until a person was"
            " found"
        )
    return tuple(warnings)


def _plain_words(text: str) -> str:
    if not text.strip():
        raise BadConfigError("an empty review; say what the people you look for look like")
    query = read_question(text)
    if not isinstance(query, Phrase):
        raise BadConfigError(
            f"a review takes plain words, got {text!r}; conditions go into the filter (--where), and your"
            " answers tell the rest"
        )
    return query.text
