"""Whom a review proposes next.

Most people of a batch are those whom the probe holds for the likeliest. The others, one in six, are drawn at
random, from each stratum as often as the square root of the people left in it tells: the best allocation if
every stratum holds equally many of those who are proposer (Neyman 1934; Cochran 1977, section 5.5).
"""

import math
from collections.abc import Sequence, Set
from typing import Final

import numpy as np
from jaxtyping import Float32

from par_core.errors import StoreError
from par_core.ids import digest_of
from par_core.review.probe import probe_direction
from par_core.review.record import Asked, ReviewRecord
from par_core.review.survey import PeopleRows, Survey, strata_of, survey_people

__all__ = ["Proposer"]

_BATCH_FOR_A_DRAW: Final = 6  # people proposed, of whom one is drawn at random


class Proposer:
    """The people among whom somebody is proposer.

    Args:
        index: Where they are.
        where: SQL of who takes part.
        record: Of the review.

    Attributes:
        survey: What the archive looks like.
    """

    def __init__(self, index: PeopleRows, where: str | None, record: ReviewRecord) -> None:
        self._index, self._where = index, where
        self._text, self._bounds = np.array(record.vector, np.float32), record.bounds
        self._seed = int(digest_of(str(record.seed), record.name), 16)
        self.survey = self._look(record)

    def propose(self, record: ReviewRecord, size: int) -> tuple[Asked, ...]:
        """A new batch: the likeliest people, then those who were drawn from the others; fewer than ``size``
        only if there are no more.
        """
        proposed = self._likeliest(record, size - math.ceil(size / _BATCH_FOR_A_DRAW))
        left, draws = list(self.survey.people), [1] * len(self.survey.people)
        for person in (*(each for each in record.asked if each.person_id in self.survey.asked), *proposed):
            left[person.stratum] -= 1
            draws[person.stratum] += person.drawn_from == self.survey.digests[person.stratum]
        while len(proposed) < size and any(left):
            stratum = max(range(len(left)), key=lambda each: math.sqrt(left[each]) / draws[each])
            person_id = self._next_drawn(record, stratum, {person.person_id for person in proposed})
            proposed.append(Asked(person_id, stratum, self.survey.digests[stratum]))
            left[stratum] -= 1
            draws[stratum] += 1
        self._learn_of(proposed)
        return tuple(proposed)

    def _look(self, record: ReviewRecord) -> Survey:
        return survey_people(
            self._index,
            self._where,
            self._text,
            self._bounds,
            self._seed,
            {person.person_id for person in record.asked},
        )

    def _likeliest(self, record: ReviewRecord, n: int) -> list[Asked]:
        if n == 0:
            return []
        judged = [
            person
            for person in record.asked
            if person.answer in ("yes", "no") and person.person_id in self.survey.asked
        ]
        vectors = np.array([self.survey.asked[person.person_id] for person in judged], np.float32).reshape(
            len(judged), len(self._text)
        )
        direction = probe_direction(
            self._text,
            self.survey.scale,
            vectors,
            np.array([person.answer == "yes" for person in judged], bool),
        )
        known = {person.person_id for person in record.asked}
        found = self._index.search(
            direction, where=self._where, top=n + len(known), columns=["person_id", "vector"]
        )
        rows = [
            (row["person_id"], row["vector"]) for row in found.to_pylist() if row["person_id"] not in known
        ][:n]
        return [
            Asked(person_id, self._stratum(np.array(vector, np.float32)), None) for person_id, vector in rows
        ]

    def _stratum(self, vector: Float32[np.ndarray, " d"]) -> int:
        return int(
            strata_of(vector.astype(np.float64)[None] @ self._text.astype(np.float64), self._bounds)[0]
        )

    def _next_drawn(self, record: ReviewRecord, stratum: int, taken: Set[str]) -> str:
        for _ in range(2):
            for person_id in self.survey.waiting[stratum]:
                if person_id not in taken:
                    return person_id
            self.survey = self._look(record)  # the head of the random order is used up
        raise StoreError("the index changed while a batch was drawn; go on with the review by resuming it")

    def _learn_of(self, people: Sequence[Asked]) -> None:
        """Take notice of those who are proposed: they are asked about, and wait no more."""
        rows = self._index.rows([person.person_id for person in people])
        self.survey.asked.update(
            zip(
                rows["person_id"].to_pylist(),
                (np.array(each, np.float32) for each in rows["vector"].to_pylist()),
                strict=True,
            )
        )
        for waiting in self.survey.waiting:
            waiting[:] = [each for each in waiting if each not in self.survey.asked]
