"""Choice of the people that a review proposes next.

Most people of a batch are those that the probe ranks as the likeliest. The others, one in six, are drawn at
random. Draws are allocated to the strata in proportion to the square root of the people left in each. This is
the best allocation if every stratum holds equally many people with the attribute (Neyman 1934; Cochran 1977,
section 5.5).
"""

import math
from collections.abc import Sequence, Set
from typing import Final

import numpy as np
from jaxtyping import Float32

from par_core.errors import StoreError
from par_core.ids import digest_of
from par_core.review.probe import probe_direction
from par_core.review.record import ProposedPerson, ReviewRecord
from par_core.review.survey import PeopleRows, Survey, strata_of, survey_people

__all__ = ["Proposer"]

_BATCH_FOR_A_DRAW: Final = 6  # people proposed, one of them drawn at random


class Proposer:
    """Proposes people of an archive for one review.

    Args:
        index: Index of the archive.
        where: SQL condition of the people who take part, or None.
        record: The review.

    Attributes:
        survey: Summary of the archive.
    """

    def __init__(self, index: PeopleRows, where: str | None, record: ReviewRecord) -> None:
        self._index, self._where = index, where
        self._text, self._bounds = np.array(record.vector, np.float32), record.bounds
        self._seed = int(digest_of(str(record.seed), record.name), 16)
        self.survey = self._survey(record)

    def propose(self, record: ReviewRecord, size: int) -> tuple[ProposedPerson, ...]:
        """Return a new batch: the likeliest people, then people drawn at random from the others. It has fewer
        than ``size`` people only if no more are left.
        """
        batch = self._likeliest(record, size - math.ceil(size / _BATCH_FOR_A_DRAW))
        left, draws = list(self.survey.people), [1] * len(self.survey.people)
        present = [person for person in record.proposed if person.person_id in self.survey.proposed_vectors]
        for person in (*present, *batch):
            left[person.stratum] -= 1
            draws[person.stratum] += person.drawn_from == self.survey.digests[person.stratum]
        while len(batch) < size and any(left):
            stratum = max(range(len(left)), key=lambda i: math.sqrt(left[i]) / draws[i])
            person_id = self._next_drawn(record, stratum, {person.person_id for person in batch})
            batch.append(ProposedPerson(person_id, stratum, self.survey.digests[stratum]))
            left[stratum] -= 1
            draws[stratum] += 1
        self._note_proposed(batch)
        return tuple(batch)

    def _survey(self, record: ReviewRecord) -> Survey:
        return survey_people(
            self._index,
            self._where,
            self._text,
            self._bounds,
            self._seed,
            {person.person_id for person in record.proposed},
        )

    def _likeliest(self, record: ReviewRecord, n: int) -> list[ProposedPerson]:
        if n == 0:
            return []
        vectors_by_id = self.survey.proposed_vectors
        judged = [
            person
            for person in record.proposed
            if person.answer in ("yes", "no") and person.person_id in vectors_by_id
        ]
        vectors = np.array([vectors_by_id[person.person_id] for person in judged], np.float32)
        direction = probe_direction(
            self._text,
            self.survey.scale,
            vectors.reshape(len(judged), len(self._text)),
            np.array([person.answer == "yes" for person in judged], bool),
        )
        known = {person.person_id for person in record.proposed}
        nearest = self._index.search(
            direction, where=self._where, top=n + len(known), columns=["person_id", "vector"]
        )
        new = [row for row in nearest.to_pylist() if row["person_id"] not in known][:n]
        return [
            ProposedPerson(row["person_id"], self._stratum(np.array(row["vector"], np.float32)), None)
            for row in new
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
            self.survey = self._survey(record)  # all waiting people that were listed are used up
        raise StoreError(
            "the index changed while a batch was drawn; continue the review with par review --resume"
            f" {record.name}"
        )

    def _note_proposed(self, people: Sequence[ProposedPerson]) -> None:
        """Keep the embeddings of new proposed people, and take them off the lists of waiting people."""
        rows = self._index.rows([person.person_id for person in people])
        vectors = (np.array(vector, np.float32) for vector in rows["vector"].to_pylist())
        self.survey.proposed_vectors.update(zip(rows["person_id"].to_pylist(), vectors, strict=True))
        for waiting in self.survey.waiting:
            waiting[:] = [person_id for person_id in waiting if person_id not in self.survey.proposed_vectors]
