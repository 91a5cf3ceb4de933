"""The answer to a search: hits, how each was judged, and how many of them chance alone would give."""

from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from par_core.query.person import Person

__all__ = ["CUTOFF", "Chance", "Hit", "PartScore", "SearchResult"]

CUTOFF: Final = 0.15  # hits with a lower probability of fitting the question are left out


class PartScore(NamedTuple):
    """The fit of one person to one part of a query.

    Attributes:
        text: The part as the user wrote it; with a remark where the person's picture does not show it.
        wanted: False where the query negates the part.
        probability: Probability that the part is true of the person, in [0, 1].
        weight: Weight of the part in the query; 1 unless the query states another.
        lost: Share of the person's score that the part cost, in [0, 1]: 0 where it fits fully.
        detail_of: Text of the part that this one explains, or None if it stands in the query itself.
    """

    text: str
    wanted: bool
    probability: float
    weight: float
    lost: float
    detail_of: str | None = None

    @property
    def fit(self) -> float:
        """Probability of what was asked for, in [0, 1]: of the negation where the query negates the part."""
        return self.probability if self.wanted else 1 - self.probability


@dataclass(frozen=True, slots=True)
class Chance:
    """The share of an answer by chance: hits that a query without any match would return with the same score.

    Attributes:
        cutoff: Probability below which hits were left out, in [0, 1].
        share: Expected share of chance hits among those given, in [0, 1].
        left_out: Number of judged people who fell below the cutoff.
    """

    cutoff: float
    share: float
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit(Person):
    """One person of an answer.

    Attributes:
        rank: 1 is best.
        cosine: Cosine with the query, in [-1, 1]; None if there was only a filter.
        probability: Probability of the query, in [0, 1]; None unless the query was a text.
        parts: How well each part of the query fits; of a filter alone only what the list is ordered by.
        similar: Further hits that share the image with this one or show nearly the same picture, best first.
        near: Whether the person wears a colour next to the one asked for, and follows those who wear it.
    """

    rank: int
    cosine: float | None = None
    probability: float | None = None
    parts: tuple[PartScore, ...] = ()
    similar: tuple["Hit", ...] = ()
    near: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the hit as JSON types, without what only a look at one person needs."""
        return {
            "rank": self.rank,
            "person_id": self.person_id,
            "image_id": self.image_id,
            "uri": self.uri,
            "source_state": self.source_state,
            "box": list(self.box),
            "cosine": self.cosine,
            "probability": self.probability,
            "attributes": dict(self.attributes),
            "seen": list(self.seen),
            "upper_color": self.upper_color,
            "lower_color": self.lower_color,
            "captured_at": self.captured_at.isoformat() if self.captured_at else None,
            "height_px": self.height_px,
            "score": self.score,
            "cutout": self.cutout,
            "parts": [
                {
                    "text": part.text,
                    "wanted": part.wanted,
                    "probability": part.probability,
                    "weight": part.weight,
                    "lost": part.lost,
                    "detail_of": part.detail_of,
                    "fit": part.fit,
                }
                for part in self.parts
            ],
            "similar": [hit.as_json() for hit in self.similar],
            "near": self.near,
        }


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one question.

    Attributes:
        question: The question in words for people.
        hits: The hits, in the order that ``order`` names.
        warnings: Notes for the user.
        searched: Number of people in the index.
        chance: How much of the answer chance would give; None where that is not known.
        order: The order of the hits, as a heading says it.
        why: Of an answer without hits, which part of the question emptied it, and what finds somebody.
        total: Number of people in the whole list, of which the hits are a page; None if it was not counted.
        next_after: Of a list in the order of capture, or by facts alone, the place after which the next page
            begins; None on the last page, and of other lists.
    """

    question: str
    hits: tuple[Hit, ...]
    warnings: tuple[str, ...]
    searched: int
    chance: Chance | None = None
    order: str = "best first"
    why: tuple[str, ...] = ()
    total: int | None = None
    next_after: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the answer as JSON types; the hits are ``results``."""
        return {
            "question": self.question,
            "searched": self.searched,
            "warnings": list(self.warnings),
            "order": self.order,
            "why": list(self.why),
            "total": self.total,
            "next_after": self.next_after,
            "chance": None if self.chance is None else asdict(self.chance),
            "results": [hit.as_json() for hit in self.hits],
        }
