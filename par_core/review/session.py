"""A review: batches of people to judge, answers, and how many are left.

review = Review.start(Searcher(Path("store"), config), "a person with a gas mask")
batch = review.batch(12)
review.answer({batch.hits[0].person_id: "yes", batch.hits[1].person_id: "no"})
review.estimate().most_left
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from par_core.errors import BadConfigError, FingerprintError
from par_core.models.profiles import embedding_fingerprint, load_text_encoder
from par_core.models.prompting import text_vector
from par_core.query.answer import Hit
from par_core.query.conditions import condition_of
from par_core.query.from_store import Searcher
from par_core.query.gone import leave_out_gone
from par_core.query.language import Phrase, parse_query
from par_core.query.searching import Wanted, search_filter
from par_core.query.table import check_embedding
from par_core.review.proposals import Proposer
from par_core.review.recall import Estimate, estimate_left
from par_core.review.record import (
    Answer,
    Asked,
    ReviewRecord,
    free_name,
    load_record,
    locked,
    review_names,
    reviews_for,
    save_record,
)
from par_core.review.survey import choose_bounds
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store

__all__ = ["Batch", "Review"]

_ANSWERS: Final[dict[str, Answer]] = {"yes": "yes", "no": "no", "skip": "skip"}
_IDS_A_FILTER: Final = 40  # a filter has 2,000 characters at most


@dataclass(frozen=True, slots=True)
class Batch:
    """People who wait for an answer.

    Attributes:
        number: Of the batch, from 1.
        hits: Whom to look at, ranked 1, 2, ... in an order that tells nothing of how they were picked. Empty
            once everybody was asked about.
        open: Ids of those among them who have no answer yet.
    """

    number: int
    hits: tuple[Hit, ...]
    open: frozenset[str]


class Review:
    """A review that is under way; use ``start`` or ``resume``. One thread at a time may use it; other
    processes may work on other reviews.

    Attributes:
        record: What is kept of it.
        warnings: What the reviewer should know.
    """

    def __init__(
        self, searcher: Searcher, index: PeopleIndex, record: ReviewRecord, warnings: tuple[str, ...] = ()
    ) -> None:
        self._searcher, self._index = searcher, index
        self.record, self.warnings = record, warnings
        self._people = Proposer(index, condition_of(index, record.where), record)

    @classmethod
    def start(
        cls,
        searcher: Searcher,
        text: str,
        *,
        where: str | None = None,
        name: str | None = None,
        seed: int = 0,
    ) -> "Review":
        """Start a review and keep it in the store.

        Args:
            searcher: The store.
            text: What is proposer, in plain words; in quotes, they may hold anything.
            where: Only people for whom this filter holds take part.
            name: Of the review; made from the text if None.
            seed: Of the random order.

        Raises:
            BadConfigError: The text is empty or more than words, nobody takes part, or the name is taken.
            FingerprintError: The store was filled with another model.
        """
        text, index = _words(text), _pinned(searcher)
        check_embedding(index, embedding_fingerprint(searcher.config), searcher.config.profile)
        encoder = load_text_encoder(searcher.config)
        vector = text_vector(text, encoder)
        name = free_name(searcher.store, text) if name is None else name
        bounds = choose_bounds(index, condition_of(index, where), vector)
        record = ReviewRecord(
            name,
            text,
            where,
            index.embedding_fingerprint,
            index.info.profile,
            index.version,
            seed,
            tuple(vector.tolist()),
            bounds,
        )
        review = cls(
            searcher, index, record, _start_warnings(searcher.store, record, encoder.unknown_words(text))
        )
        if not sum(review._people.survey.people):
            raise BadConfigError("nobody takes part in this review; loosen the filter")
        with locked(searcher.store, name):
            if name in review_names(searcher.store):
                raise BadConfigError(
                    f"there is a review {name!r} already; go on with it (--resume {name}) or choose another"
                    " name"
                )
            save_record(searcher.store, record)
        return review

    @classmethod
    def resume(cls, searcher: Searcher, name: str) -> "Review":
        """Go on with a review. Needs no text model. People who are not in the index any more are erased from
        it.

        Raises:
            BadConfigError: There is no such review.
            FingerprintError: The store was filled with another model since.
        """
        record, index = load_record(searcher.store, name), _pinned(searcher)
        if record.embedding != index.embedding_fingerprint:
            raise FingerprintError(
                f"the review {name!r} was started on the embedding {record.embedding}, the store now holds"
                f" {index.embedding_fingerprint}: judgements and embeddings do not belong together any more;"
                " start a new review"
            )
        review = cls(searcher, index, replace(record, index_version=index.version))
        review._erase_lost()
        return review

    def batch(self, size: int = 12) -> Batch:
        """The people who wait for an answer: the batch that is open, or else a new one.

        Args:
            size: Of a new batch, from 1.
        """
        if size < 1:
            raise BadConfigError(f"a batch has one person at least, got {size}")
        self._mark_gone()
        while not self._open():
            proposed = self._people.propose(self.record, size)
            if not proposed:
                return Batch(len(self.record.rounds), (), frozenset())
            self._keep(replace(self.record, rounds=(*self.record.rounds, proposed)))
            self._mark_gone()
        people = sorted(self.record.rounds[-1], key=lambda person: person.person_id)
        hits = self._hits([person.person_id for person in people])
        shown = tuple(
            replace(hits[person.person_id], rank=number)
            for number, person in enumerate((p for p in people if p.person_id in hits), 1)
        )
        return Batch(len(self.record.rounds), shown, frozenset(person.person_id for person in self._open()))

    def answer(self, answers: Mapping[str, str]) -> None:
        """Take answers, and keep them. One that was given before is corrected.

        Args:
            answers: ``yes``, ``no`` or ``skip`` by person id.

        Raises:
            BadConfigError: Somebody was not asked about, or an answer is not yes, no or skip.
        """
        asked = {person.person_id: person for person in self.record.asked}
        turn = max((person.turn for person in asked.values()), default=0)
        changed = {}
        for number, (person_id, answer) in enumerate(answers.items(), turn + 1):
            if person_id not in asked:
                raise BadConfigError(f"this review did not ask about {person_id!r}")
            if answer not in _ANSWERS:
                raise BadConfigError(f"answer yes, no or skip, got {answer!r}")
            changed[person_id] = replace(asked[person_id], answer=_ANSWERS[answer], turn=number)
        self._keep(self.record.with_asked(changed))

    def undo(self) -> str | None:
        """Take the latest answer back; its batch is open again, and a later one that has no answers is
        dropped.

        Returns:
            The person's id, or None if there is no answer.
        """
        latest = max(self.record.asked, key=lambda person: person.turn, default=None)
        if latest is None or not latest.turn:
            return None
        changed = self.record.with_asked({latest.person_id: replace(latest, answer=None, turn=0)})
        last = max(
            number for number, batch in enumerate(self.record.rounds) if any(person.turn for person in batch)
        )
        self._keep(replace(changed, rounds=changed.rounds[: last + 1]))
        return latest.person_id

    def estimate(self) -> Estimate:
        """How many people are left to be found."""
        return estimate_left(self.record, self._people.survey)

    def found(self) -> tuple[Hit, ...]:
        """The people who were answered with yes and whose file is there, in the order of their answers."""
        yes = sorted(
            (person for person in self.record.asked if person.answer == "yes"), key=lambda person: person.turn
        )
        hits = self._hits([person.person_id for person in yes])
        there = [hits[person.person_id] for person in yes if person.person_id in hits]
        return tuple(replace(hit, rank=number) for number, hit in enumerate(there, 1))

    @property
    def index(self) -> PeopleIndex:
        """The version of the index that is proposer in."""
        return self._index

    def _open(self) -> list[Asked]:
        return (
            [person for person in self.record.rounds[-1] if person.answer is None]
            if self.record.rounds
            else []
        )

    def _hits(self, person_ids: list[str]) -> dict[str, Hit]:
        """People by id whose file is there now."""
        newest = PeopleIndex.open(self._searcher.store.index_path)
        hits: dict[str, Hit] = {}
        for start in range(0, len(person_ids), _IDS_A_FILTER):
            names = ", ".join(f"'{each}'" for each in person_ids[start : start + _IDS_A_FILTER])
            result = search_filter(self._index, Wanted(f"person_id in ({names})", _IDS_A_FILTER))
            if newest is not None and newest.identity != self._index.identity:
                result = leave_out_gone(result, self._searcher.store, self._index, newest, absent=False)
            hits |= {hit.person_id: hit for hit in result.hits}
        return hits

    def _mark_gone(self) -> None:
        waiting = self._open()
        there = self._hits([person.person_id for person in waiting])
        gone = {
            person.person_id: replace(person, answer="gone")
            for person in waiting
            if person.person_id not in there
        }
        if gone:
            self._keep(self.record.with_asked(gone))

    def _erase_lost(self) -> None:
        """Forget those whom the index does not know any more; they were deleted for good."""
        missing = [
            person.person_id
            for person in self.record.asked
            if person.person_id not in self._people.survey.asked
        ]
        newest = PeopleIndex.open(self._searcher.store.index_path) or self._index
        lost = set(missing) - set(newest.rows(missing)["person_id"].to_pylist())
        rounds = tuple(
            tuple(person for person in batch if person.person_id not in lost) for batch in self.record.rounds
        )
        self._keep(replace(self.record, rounds=tuple(batch for batch in rounds if batch)))

    def _keep(self, record: ReviewRecord) -> None:
        """Write the record, unless another process has changed it meanwhile."""
        with locked(self._searcher.store, record.name):
            if load_record(self._searcher.store, record.name).rounds != self.record.rounds:
                raise BadConfigError(
                    f"the review {record.name!r} was changed elsewhere meanwhile; go on with: --resume"
                    f" {record.name}"
                )
            save_record(self._searcher.store, record)
        self.record = record


def _start_warnings(store: Store, record: ReviewRecord, unknown: Sequence[str]) -> tuple[str, ...]:
    """What to think of before the first answer."""
    same = [
        f"the review {name!r} is for the same; its answers do not count in this new one"
        for name in reviews_for(store, record.text, record.where)
    ]
    words = ", ".join(map(repr, unknown))
    return (
        *same,
        *(
            [
                f"the text model never saw {words} in training: the first batches may be off, until somebody"
                " was found"
            ]
            if unknown
            else []
        ),
    )


def _pinned(searcher: Searcher) -> PeopleIndex:
    """The version of the index that is searched now, which stays what it is while the review lasts."""
    index = searcher.index()
    pinned = PeopleIndex.open(searcher.store.index_path, str(index.version))
    assert pinned is not None, "it was open a moment ago"
    return pinned


def _words(text: str) -> str:
    if not text.strip():
        raise BadConfigError("an empty review; say what the people you look for look like")
    asked = parse_query(text)
    if not isinstance(asked, Phrase):
        raise BadConfigError(
            f"a review takes plain words, got {text!r}; conditions go into the filter (--where), and your"
            " answers tell the rest"
        )
    return asked.text
