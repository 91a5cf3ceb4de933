"""A review as it is kept: ``reviews/NAME.json`` in the store, rewritten, in one step, after every answer. It
holds ids and answers, and no pictures.
"""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from par_core import locks
from par_core.atomic import write_atomic
from par_core.errors import BadConfigError, ParError, StoreError
from par_core.store.layout import Store
from par_core.version import __version__

__all__ = [
    "Answer",
    "Asked",
    "ReviewRecord",
    "free_name",
    "load_record",
    "locked",
    "review_names",
    "reviews_for",
    "save_record",
]

FORMAT: Final = 1
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

#: ``gone``: nobody can say any more, because the file has gone.
Answer = Literal["yes", "no", "skip", "gone"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One person who was proposed.

    Attributes:
        person_id: Who.
        stratum: Where the person stands by the text, 0 is best.
        drawn_from: Digest of the people among whom the person was drawn at random; None if the person was
            proposed as one of the likeliest.
        answer: None as long as there is none.
        turn: Running number of the answer, from 1; 0 as long as there is none.
    """

    person_id: str
    stratum: int
    drawn_from: str | None
    answer: Answer | None = None
    turn: int = 0


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """All that a review needs in order to go on.

    Attributes:
        name: Of the review.
        text: What is proposer.
        where: A filter, or None.
        embedding: Fingerprint of the model of text and people.
        profile: That it belongs to.
        index_version: Of the index, when the review went on last.
        seed: Of the random order.
        vector: Embedding of the text.
        bounds: Cosines that part the strata.
        rounds: Every batch; in it, those who were drawn at random come last.
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
    rounds: tuple[tuple[Asked, ...], ...] = ()

    @property
    def asked(self) -> tuple[Asked, ...]:
        """Everybody who was proposed, in order."""
        return tuple(person for batch in self.rounds for person in batch)

    def count(self, answer: Answer) -> int:
        """How many got an answer."""
        return sum(person.answer == answer for person in self.asked)

    def with_asked(self, changed: dict[str, Asked]) -> "ReviewRecord":
        """The same, with some people changed, by id."""
        return replace(
            self,
            rounds=tuple(
                tuple(changed.get(person.person_id, person) for person in batch) for batch in self.rounds
            ),
        )


def review_names(store: Store) -> list[str]:
    """The reviews of a store, by name."""
    return sorted(path.stem for path in store.reviews_path.glob("*.json") if _NAME.fullmatch(path.stem))


def free_name(store: Store, text: str) -> str:
    """A name for a new review, made from its text."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48].strip("-") or "review"
    taken = set(review_names(store))
    return next(
        name
        for name in (plain, *(f"{plain}-{number}" for number in range(2, len(taken) + 3)))
        if name not in taken
    )


def load_record(store: Store, name: str) -> ReviewRecord:
    """Read a review.

    Raises:
        BadConfigError: There is none of that name.
        StoreError: Its file is damaged.
    """
    path = _path(store, name)
    try:
        told: dict[str, Any] = json.loads(path.read_bytes())
        if told.pop("format") != FORMAT:
            raise StoreError(
                f"{path} was written by another version of PAR ({told.get('created_by')}); start the review"
                " anew"
            )
        told.pop("created_by")
        rounds = tuple(tuple(Asked(**person) for person in batch) for batch in told.pop("rounds"))
        return ReviewRecord(
            **told | {"vector": tuple(told["vector"]), "bounds": tuple(told["bounds"]), "rounds": rounds}
        )
    except FileNotFoundError:
        there = ", ".join(review_names(store)) or "none yet"
        raise BadConfigError(f"the store has no review {name!r}; there are: {there}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} is damaged ({error}); delete it and start the review anew") from error


def reviews_for(store: Store, text: str, where: str | None) -> list[str]:
    """Names of the reviews for the same; of those that can be read."""
    found = []
    for name in review_names(store):
        with contextlib.suppress(ParError):  # one that was deleted just now, or is damaged
            there = load_record(store, name)
            found += [name] if (there.text, there.where) == (text, where) else []
    return found


def save_record(store: Store, record: ReviewRecord) -> None:
    """Write a review: all of it, or the old one stays."""
    told = {"format": FORMAT, "created_by": f"par {__version__}", **asdict(record)}
    write_atomic(_path(store, record.name), json.dumps(told, ensure_ascii=False).encode())


@contextlib.contextmanager
def locked(store: Store, name: str) -> Iterator[None]:
    """Keep other processes from changing a review meanwhile; they wait."""
    with locks.locked(_path(store, name).with_suffix(".lock")):
        yield


def _path(store: Store, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise BadConfigError(
            f"a review's name has lower-case letters, digits and hyphens, 64 at most; got {name!r}"
        )
    return store.reviews_path / f"{name}.json"
