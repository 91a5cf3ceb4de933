"""From the answers of a review to how many people are left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from par_core.review.estimate import CONFIDENCE, Bounds, Draw, Tally, bounds_of
from par_core.review.record import Asked, ReviewRecord
from par_core.review.survey import Survey

__all__ = ["Estimate", "StratumEstimate", "estimate_left"]


@dataclass(frozen=True, slots=True)
class StratumEstimate:
    """One stratum of the archive.

    Attributes:
        first_rank: By the text, from 1.
        last_rank: By the text.
        judged: Answered with yes or no.
        drawn: Those of them who were drawn at random from the stratum as it is now.
        found: Answered with yes.
        least_left: Of those who are not found yet, at least so many have the attribute.
        most_left: At most so many.
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
    """How many people are left to be found.

    Attributes:
        people: Who take part in the review: the archive under the filter.
        judged: Answered with yes or no.
        skipped: Proposed and neither: they count as found for ``least_left`` never, for ``most_left`` always.
        found: Answered with yes.
        least_left: Of those who are not found yet, at least so many have the attribute.
        likely_left: The number under which the draws are most likely.
        most_left: At most so many.
        confidence: Probability that the interval holds the truth at every moment of the review, at least.
        strata: Each with an interval of its own, of the same confidence.
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
    """How many are left, by the draws of a review. People who have left the archive count for nothing."""
    asked = [person for person in _settled(record) if person.person_id in survey.asked]
    low, high = (_tallies(asked, survey, unknown_is_yes=reading) for reading in (False, True))
    lower, upper = _both(low, high)
    rows, first = [], 1
    for stratum, (few, many) in enumerate(zip(low, high, strict=True)):
        lowest, highest = _both([few], [many])
        own = [person for person in asked if person.stratum == stratum and person.answer in ("yes", "no")]
        last = first + survey.people[stratum] - 1
        drawn = sum(person.drawn_from == survey.digests[stratum] for person in own)
        rows.append(
            StratumEstimate(
                first, last, len(own), drawn, few.found, lowest.least - few.found, highest.most - few.found
            )
        )
        first = last + 1
    found, judged = sum(row.found for row in rows), sum(row.judged for row in rows)
    return Estimate(
        people=sum(survey.people),
        judged=judged,
        skipped=len(asked) - judged,
        found=found,
        least_left=lower.least - found,
        likely_left=max(lower.likely - found, 0.0),
        most_left=upper.most - found,
        confidence=CONFIDENCE,
        strata=tuple(rows),
    )


def _both(low: Sequence[Tally], high: Sequence[Tally]) -> tuple[Bounds, Bounds]:
    lower = bounds_of(low)
    return lower, lower if high == low else bounds_of(high)


def _settled(record: ReviewRecord) -> list[Asked]:
    """Everybody up to the last answer. Whoever was drawn after it counts as not drawn yet."""
    asked = record.asked
    answered = [place for place, person in enumerate(asked) if person.turn]
    return list(asked[: answered[-1] + 1]) if answered else []


def _tallies(asked: Sequence[Asked], survey: Survey, *, unknown_is_yes: bool) -> list[Tally]:
    says: Mapping[str | None, bool] = {"yes": True, "no": False}
    found, seen = [0] * len(survey.people), [0] * len(survey.people)
    draws: list[list[Draw]] = [[] for _ in survey.people]
    for person in asked:
        each, yes = person.stratum, says.get(person.answer, unknown_is_yes)
        if person.drawn_from == survey.digests[each]:
            draws[each].append(Draw(yes, found[each], survey.people[each] - seen[each]))
        found[each] += yes
        seen[each] += 1
    return [
        Tally(people, yes, all_seen - yes, tuple(own))
        for people, yes, all_seen, own in zip(survey.people, found, seen, draws, strict=True)
    ]
