"""The stored form of a review: ``reviews/NAME.json`` in the store, replaced atomically after every answer. It
holds ids and answers, and no pictures. Names of the attributes below are the keys of the JSON.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from par_core import locks
from par_core.atomic import write_atomic
from par_core.errors import BadConfigError, ParError, StoreError
from par_core.store import named_files
from par_core.store.layout import Store
from par_core.version import __version__

__all__ = [
    "Answer",
    "ProposedPerson",
    "ReviewRecord",
    "free_name",
    "load_record",
    "locked",
    "review_names",
    "reviews_for",
    "save_record",
]

FORMAT: Final = 1

#: ``gone``: the person can no longer be judged, because the file is missing.
Answer = Literal["yes", "no", "skip", "gone"]


@dataclass(frozen=True, slots=True)
class ProposedPerson:
    """One person who was proposed to the reviewer, and the answer.

    Attributes:
        person_id: Id of the person.
        stratum: Number of the stratum by the text, 0 is best.
        drawn_from: Digest of the stratum from which the person was drawn at random; None if the person was
            proposed as one of the likeliest.
        answer: The answer, or None before there is one.
        turn: Running number of the answer, from 1; 0 before there is one.
    """

    person_id: str
    stratum: int
    drawn_from: str | None
    answer: Answer | None = None
    turn: int = 0


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """All data that a review needs in order to be resumed.

    Attributes:
        name: Name of the review.
        text: Description of the people who are searched.
        where: Filter, or None.
        embedding: Fingerprint of the model of text and people.
        profile: Profile to which this model belongs.
        index_version: Version of the index when the review was last resumed.
        seed: Seed of the random order.
        vector: Embedding of the text.
        bounds: Cosines between neighbouring strata, falling.
        rounds: Every batch; within a batch, people who were drawn at random come last.
    """

    name: str
    text: str
    where: str | None
    embedding: str
    profile: str
    index_version: int
    seed: int
    vector: tuple[float, ...]
    bounds: tuple[float, ...]
    rounds: tuple[tuple[ProposedPerson, ...], ...] = ()

    @property
    def proposed(self) -> tuple[ProposedPerson, ...]:
        """All people who were proposed, in order."""
        return tuple(person for batch in self.rounds for person in batch)

    def count(self, answer: Answer) -> int:
        """Return the number of people with this answer."""
        return sum(person.answer == answer for person in self.proposed)

    def with_people(self, changed: dict[str, ProposedPerson]) -> "ReviewRecord":
        """Return a copy in which some people, by id, are replaced."""
        return replace(
            self,
            rounds=tuple(
                tuple(changed.get(person.person_id, person) for person in batch) for batch in self.rounds
            ),
        )


def review_names(store: Store) -> list[str]:
    """Return the sorted names of the reviews of a store."""
    return named_files.names_in(store.reviews_path)


def free_name(store: Store, text: str) -> str:
    """Return a name for a new review, made from its text."""
    return named_files.free_name(store.reviews_path, text, "review")


def load_record(store: Store, name: str) -> ReviewRecord:
    """Read a review.

    Raises:
        BadConfigError: No review has this name.
        StoreError: Its file is damaged.
    """
    path = _path(store, name)
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        if content.pop("format") != FORMAT:
            raise StoreError(
                f"{path} was written by another version of PAR ({content.get('created_by')}); start a new"
                " review"
            )
        content.pop("created_by")
        rounds = tuple(tuple(ProposedPerson(**person) for person in batch) for batch in content.pop("rounds"))
        vector, bounds = tuple(content.pop("vector")), tuple(content.pop("bounds"))
        content["name"] = name  # the file may have been moved to a free name
        return ReviewRecord(**content, vector=vector, bounds=bounds, rounds=rounds)
    except FileNotFoundError:
        names = ", ".join(review_names(store)) or "none yet"
        raise BadConfigError(f"the store has no review {name!r}; there are: {names}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} is damaged ({error}); delete it and start a new review") from error


def reviews_for(store: Store, text: str, where: str | None) -> list[str]:
    """Return the names of the readable reviews with the same text and filter."""
    names = []
    for name in review_names(store):
        with contextlib.suppress(ParError):  # a review that was deleted just now, or is damaged
            record = load_record(store, name)
            if (record.text, record.where) == (text, where):
                names.append(name)
    return names


def save_record(store: Store, record: ReviewRecord) -> None:
    """Write a review in one step: after a failure the old file stays."""
    content = {"format": FORMAT, "created_by": f"par {__version__}", **asdict(record)}
    write_atomic(_path(store, record.name), json.dumps(content, ensure_ascii=False).encode())


@contextlib.contextmanager
def locked(store: Store, name: str) -> Iterator[None]:
    """Hold the lock of a review; other processes that want to change it wait."""
    with locks.locked(_path(store, name).with_suffix(".lock")):
        yield


def _path(store: Store, name: str) -> Path:
    return named_files.named_file(store.reviews_path, name, "a review's name")
