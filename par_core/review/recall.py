"""Recall of a review: from the answers, an interval for the number of people who are left, that is who have
the attribute and were not found yet. Recall is found / (found + left).

``par_core.review.estimate`` explains the sampling model and the coverage. Here the answers become its data:

- Only people who are in the archive now are counted.
- A person counts as drawn only if the stratum still holds the same people as at the draw (equal digests).
  Otherwise the answer adds knowledge of this person, but is no random draw any more.
- A person without yes or no (skipped, file gone, or not answered yet) counts as "no" for the lower end of the
  interval and as "yes" for the upper end, so the interval spans both readings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from par_core.review.estimate import CONFIDENCE, Bounds, Draw, Tally, bounds_of
from par_core.review.record import ProposedPerson, ReviewRecord
from par_core.review.survey import Survey

__all__ = ["Estimate", "StratumEstimate", "estimate_left"]


@dataclass(frozen=True, slots=True)
class StratumEstimate:
    """Estimate for one stratum of the archive.

    Attributes:
        first_rank: First rank by the text, from 1.
        last_rank: Last rank by the text.
        judged: Number of people answered with yes or no.
        drawn: Number of judged people who were drawn at random from the stratum as it is now.
        found: Number of people answered with yes.
        least_left: Lower end of the interval for the people who have the attribute and are not found yet.
        most_left: Its upper end.
    """

    first_rank: int
    last_rank: int
    judged: int
    drawn: int
    found: int
    least_left: int
    most_left: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Estimate of how many people are left to be found.

    Attributes:
        people: Number of people who take part in the review: the archive under the filter.
        judged: Number of people answered with yes or no.
        skipped: Number of people proposed before the last answer who have neither yes nor no.
        found: Number of people answered with yes.
        least_left: Lower end of the interval for the people who have the attribute and are not found yet.
        likely_left: Maximum-likelihood estimate of their number; skipped people count as no.
        most_left: Upper end of the interval.
        confidence: Lower bound of the probability that the interval contains the true number at every moment
            of the review.
        strata: One for each stratum; each interval has this confidence by itself, not all of them together.
    """

    people: int
    judged: int
    skipped: int
    found: int
    least_left: int
    likely_left: float
    most_left: int
    confidence: float
    strata: tuple[StratumEstimate, ...]


def estimate_left(record: ReviewRecord, survey: Survey) -> Estimate:
    """Return how many people are left to be found. People who have left the archive do not count."""
    people = [person for person in _settled(record) if person.person_id in survey.proposed_vectors]
    low, high = (_tallies(people, survey, unknown_is_yes=reading) for reading in (False, True))
    lower, upper = _both(low, high)
    rows, first = [], 1
    for stratum, (few, many) in enumerate(zip(low, high, strict=True)):
        lowest, highest = _both([few], [many])
        judged_here = [
            person for person in people if person.stratum == stratum and person.answer in ("yes", "no")
        ]
        last = first + survey.people[stratum] - 1
        rows.append(
            StratumEstimate(
                first_rank=first,
                last_rank=last,
                judged=len(judged_here),
                drawn=sum(person.drawn_from == survey.digests[stratum] for person in judged_here),
                found=few.positives,
                least_left=lowest.least - few.positives,
                most_left=highest.most - few.positives,
            )
        )
        first = last + 1
    found, judged = sum(row.found for row in rows), sum(row.judged for row in rows)
    return Estimate(
        people=sum(survey.people),
        judged=judged,
        skipped=len(people) - judged,
        found=found,
        least_left=lower.least - found,
        likely_left=max(lower.likely - found, 0.0),
        most_left=upper.most - found,
        confidence=CONFIDENCE,
        strata=tuple(rows),
    )


def _both(low: Sequence[Tally], high: Sequence[Tally]) -> tuple[Bounds, Bounds]:
    """Bounds with unknown answers read as no, and as yes."""
    lower = bounds_of(low)
    return lower, lower if high == low else bounds_of(high)


def _settled(record: ReviewRecord) -> list[ProposedPerson]:
    """People proposed up to the last one with an answer. A person after that counts as not proposed yet."""
    proposed = record.proposed
    answered = [place for place, person in enumerate(proposed) if person.turn]
    return list(proposed[: answered[-1] + 1]) if answered else []


def _tallies(people: Sequence[ProposedPerson], survey: Survey, *, unknown_is_yes: bool) -> list[Tally]:
    is_yes: Mapping[str | None, bool] = {"yes": True, "no": False}
    strata = len(survey.people)
    positives, proposed = [0] * strata, [0] * strata
    draws: list[list[Draw]] = [[] for _ in range(strata)]
    for person in people:
        stratum, positive = person.stratum, is_yes.get(person.answer, unknown_is_yes)
        if person.drawn_from == survey.digests[stratum]:
            pool = survey.people[stratum] - proposed[stratum]
            draws[stratum].append(Draw(positive, positives[stratum], pool))
        positives[stratum] += positive
        proposed[stratum] += 1
    return [
        Tally(survey.people[i], positives[i], proposed[i] - positives[i], tuple(draws[i]))
        for i in range(strata)
    ]
