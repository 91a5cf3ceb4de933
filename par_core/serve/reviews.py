"""The reviews of one store, open for many users: a review under way stays in memory and is changed by one
judgement at a time.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from par_core.errors import BadConfigError
from par_core.query.answer import Hit
from par_core.query.from_store import Searcher
from par_core.review.recall import Estimate
from par_core.review.record import ReviewRecord, load_record, review_names
from par_core.review.session import Batch, Review
from par_core.serve.service import ArchiveService

__all__ = ["ReviewState", "Reviews"]

_KEPT: Final = 16  # reviews in memory
_BATCH: Final = 12  # people


@dataclass(frozen=True, slots=True)
class ReviewState:
    """State of a review.

    Attributes:
        record: The stored record.
        batch: The people to judge now; without hits once all were judged.
        answers: Answers to people of the batch, by id.
        estimate: Estimate of how many are left.
        fitting: People who were judged to fit, the latest first.
        warnings: Notes for the reviewer.
    """

    record: ReviewRecord
    batch: Batch
    answers: dict[str, str]
    estimate: Estimate
    fitting: tuple[Hit, ...]
    warnings: tuple[str, ...]


class _OpenReview:
    """A review and its lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.review: Review | None = None


class Reviews:
    """All reviews of a store.

    Args:
        service: The store.
    """

    def __init__(self, service: ArchiveService) -> None:
        self._service = service
        self._searcher = Searcher(service.store.root, service.config)
        self._open_reviews: OrderedDict[str, _OpenReview] = OrderedDict()
        self._lock = threading.Lock()

    def records(self) -> tuple[ReviewRecord, ...]:
        """Return the records of the store, by name."""
        return tuple(load_record(self._service.store, name) for name in review_names(self._service.store))

    def start(self, text: str, where: str | None) -> str:
        """Start a review.

        Args:
            text: Description of the people to find, in plain words.
            where: Only people for whom this filter holds take part; None is all people.

        Returns:
            Name of the review.

        Raises:
            BadConfigError: The text is empty, the filter is wrong, or no person takes part.
            NotReadyError: The index holds no people yet.
            FingerprintError: The store was filled with another model.
        """
        self._service.versions()
        review = Review.start(self._searcher, text.strip(), where=where)
        self._open_review(review.record.name).review = review
        return review.record.name

    def start_like(self, person_ids: Sequence[str]) -> str:
        """Start a review of people who look like chosen ones; returns its name.

        Args:
            person_ids: Ids of the chosen people.

        Raises:
            BadConfigError: The index does not hold one of them, or they have nothing in common.
            NotReadyError: The index holds no people yet.
        """
        self._service.versions()
        at = datetime.now(UTC).strftime("%Y-%m-%d %H.%M.%S")
        text = f"people like the {len(set(person_ids))} chosen on {at}"
        review = Review.start(self._searcher, text, examples=person_ids)
        self._open_review(review.record.name).review = review
        return review.record.name

    def state(self, name: str) -> ReviewState:
        """Return the state of a review, with a new batch where the last one is answered.

        Raises:
            BadConfigError: There is no such review.
            FingerprintError: The store was filled with another model since.
        """
        return self._with(name, lambda _: None)

    def answer(self, name: str, person_id: str, answer: str) -> ReviewState:
        """Judge one person, or correct a judgement.

        Args:
            name: Name of the review.
            person_id: Id of a person in one of its batches.
            answer: ``yes``, ``no`` or ``skip``.

        Raises:
            BadConfigError: There is no such review, it did not ask about this person, or the answer is
                another word.
        """
        return self._with(name, lambda review: review.answer({person_id: answer}))

    def answer_rest(self, name: str) -> ReviewState:
        """Judge that no person who still waits in the batch fits."""
        return self._with(name, lambda review: review.answer(dict.fromkeys(review.batch(_BATCH).open, "no")))

    def undo(self, name: str) -> ReviewState:
        """Take the latest answer back."""
        return self._with(name, lambda review: review.undo())

    def _with(self, name: str, change: Callable[[Review], object]) -> ReviewState:
        open_review = self._open_review(name)
        with open_review.lock:
            if open_review.review is None or self._is_old(open_review.review):
                open_review.review = Review.resume(self._searcher, name)
            change(open_review.review)
            batch = open_review.review.batch(_BATCH)
            shown = {hit.person_id for hit in batch.hits}
            answers = {
                person.person_id: person.answer
                for person in open_review.review.record.proposed
                if person.person_id in shown and person.answer is not None
            }
            return ReviewState(
                open_review.review.record,
                batch,
                dict(answers),
                open_review.review.estimate(),
                open_review.review.found_people()[::-1],
                open_review.review.warnings,
            )

    def _is_old(self, review: Review) -> bool:
        """Whether the index has changed since, or another process has changed the review."""
        known, now = review.record, self._service.versions()
        return (now.table_id, now.searched) != review.index.identity or load_record(
            self._service.store, known.name
        ).rounds != known.rounds

    def _open_review(self, name: str) -> _OpenReview:
        if name not in review_names(self._service.store):
            raise BadConfigError(f"there is no review {name!r}")
        with self._lock:
            open_review = self._open_reviews.setdefault(name, _OpenReview())
            self._open_reviews.move_to_end(name)
            while len(self._open_reviews) > _KEPT:
                self._open_reviews.popitem(last=False)
            return open_review
