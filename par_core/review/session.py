"""A review: batches of people to judge, their answers, and how many people are left.

review = Review.start(Searcher(Path("store"), config), "a person with a gas mask")
batch = review.batch(12)
review.answer({batch.hits[0].person_id: "yes", batch.hits[1].person_id: "no"})
review.estimate().most_left
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from par_core.errors import BadConfigError, FingerprintError
from par_core.query.answer import Hit
from par_core.query.conditions import condition_of
from par_core.query.from_store import Searcher
from par_core.review.present import pinned_index, present_hits
from par_core.review.proposals import Proposer
from par_core.review.recall import Estimate, estimate_left
from par_core.review.record import Answer, ProposedPerson, ReviewRecord, load_record, locked, save_record
from par_core.review.start import new_record, save_new_record
from par_core.store.lance import PeopleIndex

__all__ = ["Batch", "Review"]

_ANSWERS: Final[dict[str, Answer]] = {"yes": "yes", "no": "no", "skip": "skip"}


@dataclass(frozen=True, slots=True)
class Batch:
    """People to be judged.

    Attributes:
        number: Number of the batch, from 1.
        hits: The people, ranked 1, 2, ... in an order that does not reveal how they were chosen. Empty once
            all people were proposed.
        open: Ids of the people among them who have no answer yet.
    """

    number: int
    hits: tuple[Hit, ...]
    open: frozenset[str]


class Review:
    """A review that is under way; use ``start`` or ``resume``. One thread at a time may use it; other
    processes may work on other reviews.

    Attributes:
        record: The stored form of the review.
        warnings: Warnings for the reviewer.
    """

    def __init__(
        self, searcher: Searcher, index: PeopleIndex, record: ReviewRecord, warnings: tuple[str, ...] = ()
    ) -> None:
        self._searcher, self._index = searcher, index
        self.record, self.warnings = record, warnings
        self._proposer = Proposer(index, condition_of(index, record.where), record)

    @classmethod
    def start(
        cls,
        searcher: Searcher,
        text: str,
        *,
        where: str | None = None,
        name: str | None = None,
        seed: int = 0,
        examples: Sequence[str] = (),
    ) -> "Review":
        """Start a review and save it in the store.

        Args:
            searcher: The store.
            text: Description of the people who are searched, in plain words; quoted, it may contain anything.
            where: Filter of the people who take part, or None.
            name: Name of the review; made from the text if None.
            seed: Seed of the random order.
            examples: Ids of people whom the others should resemble; the text then only names the review.

        Raises:
            BadConfigError: The text is empty or more than words, no person takes part, the name is taken, or
                the index does not hold an example.
            FingerprintError: The store was filled with another model.
        """
        index = pinned_index(searcher)
        record, warnings = new_record(searcher, index, text, where, name, seed, examples)
        review = cls(searcher, index, record, warnings)
        if not sum(review._proposer.survey.people):
            raise BadConfigError("no person takes part in this review; loosen the filter")
        save_new_record(searcher.store, record)
        return review

    @classmethod
    def resume(cls, searcher: Searcher, name: str) -> "Review":
        """Resume a review. This needs no text model. People who are no longer in the index are erased from
        the review.

        Raises:
            BadConfigError: There is no such review.
            FingerprintError: The store was filled with another model since.
        """
        record, index = load_record(searcher.store, name), pinned_index(searcher)
        if record.embedding != index.embedding_fingerprint:
            raise FingerprintError(
                f"the review {name!r} was started on the embedding {record.embedding}, the store now holds"
                f" {index.embedding_fingerprint}: judgements and embeddings do not belong together any more;"
                " start a new review"
            )
        review = cls(searcher, index, replace(record, index_version=index.version))
        review._erase_deleted()
        return review

    def batch(self, size: int = 12) -> Batch:
        """Return the batch that is open, or a new one.

        Args:
            size: Number of people in a new batch, from 1.
        """
        if size < 1:
            raise BadConfigError(f"a batch has one person at least, got {size}")
        self._mark_missing()
        while not self._open():
            proposed = self._proposer.propose(self.record, size)
            if not proposed:
                return Batch(len(self.record.rounds), (), frozenset())
            self._save(replace(self.record, rounds=(*self.record.rounds, proposed)))
            self._mark_missing()
        hits = self._hits(sorted(person.person_id for person in self.record.rounds[-1]))
        open_ids = frozenset(person.person_id for person in self._open())
        return Batch(len(self.record.rounds), hits, open_ids)

    def answer(self, answers: Mapping[str, str]) -> None:
        """Save answers. A second answer for a person corrects the first.

        Args:
            answers: ``yes``, ``no`` or ``skip`` by person id.

        Raises:
            BadConfigError: A person was not proposed, or an answer is not yes, no or skip.
        """
        people = {person.person_id: person for person in self.record.proposed}
        turn = max((person.turn for person in people.values()), default=0)
        changed = {}
        for number, (person_id, answer) in enumerate(answers.items(), turn + 1):
            if person_id not in people:
                raise BadConfigError(f"this review did not ask about {person_id!r}")
            if answer not in _ANSWERS:
                raise BadConfigError(f"answer yes, no or skip, got {answer!r}")
            changed[person_id] = replace(people[person_id], answer=_ANSWERS[answer], turn=number)
        self._save(self.record.with_people(changed))

    def undo(self) -> str | None:
        """Remove the latest answer. Its batch is open again, and later batches, which have no answers, are
        dropped.

        Returns:
            The person's id, or None if there is no answer.
        """
        latest = max(self.record.proposed, key=lambda person: person.turn, default=None)
        if latest is None or not latest.turn:
            return None
        changed = self.record.with_people({latest.person_id: replace(latest, answer=None, turn=0)})
        last = max(
            number for number, batch in enumerate(self.record.rounds) if any(person.turn for person in batch)
        )
        self._save(replace(changed, rounds=changed.rounds[: last + 1]))
        return latest.person_id

    def estimate(self) -> Estimate:
        """Return the estimate of how many people are left to be found."""
        return estimate_left(self.record, self._proposer.survey)

    def found_people(self) -> tuple[Hit, ...]:
        """Return the people answered with yes whose file is present, in the order of their answers."""
        positives = [person for person in self.record.proposed if person.answer == "yes"]
        return self._hits([person.person_id for person in sorted(positives, key=lambda person: person.turn)])

    @property
    def index(self) -> PeopleIndex:
        """The version of the index that this review uses."""
        return self._index

    def _open(self) -> list[ProposedPerson]:
        """People of the last batch who have no answer."""
        return [person for batch in self.record.rounds[-1:] for person in batch if person.answer is None]

    def _hits(self, person_ids: Sequence[str]) -> tuple[Hit, ...]:
        """The people whose file is present, ranked in the order of their ids here."""
        hits = present_hits(self._searcher, self._index, person_ids)
        present = [hits[person_id] for person_id in person_ids if person_id in hits]
        return tuple(replace(hit, rank=rank) for rank, hit in enumerate(present, 1))

    def _mark_missing(self) -> None:
        """Settle the people without an answer whose file is missing: they can no longer be judged."""
        waiting = self._open()
        present = present_hits(self._searcher, self._index, [person.person_id for person in waiting])
        changed = {
            person.person_id: replace(person, answer="gone")
            for person in waiting
            if person.person_id not in present
        }
        if changed:
            self._save(self.record.with_people(changed))

    def _erase_deleted(self) -> None:
        """Erase the people who are no longer in the index: they were deleted for good."""
        known = self._proposer.survey.proposed_vectors
        missing = [person.person_id for person in self.record.proposed if person.person_id not in known]
        newest = PeopleIndex.open(self._searcher.store.index_path) or self._index
        deleted = set(missing) - set(newest.rows(missing)["person_id"].to_pylist())
        rounds = tuple(
            tuple(person for person in batch if person.person_id not in deleted)
            for batch in self.record.rounds
        )
        self._save(replace(self.record, rounds=tuple(batch for batch in rounds if batch)))

    def _save(self, record: ReviewRecord) -> None:
        """Write the record, unless another process has changed it meanwhile."""
        with locked(self._searcher.store, record.name):
            if load_record(self._searcher.store, record.name).rounds != self.record.rounds:
                raise BadConfigError(
                    f"the review {record.name!r} was changed elsewhere meanwhile; go on with: --resume"
                    f" {record.name}"
                )
            save_record(self._searcher.store, record)
        self.record = record
