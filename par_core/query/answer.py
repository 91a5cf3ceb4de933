"""What a search answers: hits, how each was judged, and how much of it chance alone would give."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

__all__ = ["CUTOFF", "Chance", "Hit", "PartScore", "SearchResult"]

CUTOFF: Final = 0.15  # hits that are less likely than this to be what was asked for are left out


@dataclass(frozen=True, slots=True)
class PartScore:
    """How well one person fits one part of a query.

    Attributes:
        text: The part, as asked.
        wanted: False where it was asked not to be.
        probability: That the part is true of the person, in [0, 1].
        weight: Given to the part in the query; 1 unless said otherwise.
        lost: By which factor of the person's score the part cost, in [0, 1]: 0 where it fits fully.
        detail_of: The text of the part that this one explains, or None if it was asked itself.
    """

    text: str
    wanted: bool
    probability: float
    weight: float
    lost: float
    detail_of: str | None = None


@dataclass(frozen=True, slots=True)
class Chance:
    """What a query that nothing in the archive matches would have found with the same score.

    Attributes:
        cutoff: Hits of a lower probability were left out, in [0, 1].
        share: The expected share of chance hits among those given, in [0, 1].
        left_out: How many of the people looked at fell below the cutoff.
    """

    cutoff: float
    share: float
    left_out: int


@dataclass(frozen=True, slots=True)
class Hit:
    """One person that was found.

    Attributes:
        rank: 1 is best.
        person_id: Identity of the person's appearance.
        image_id: Identity of the image.
        uri: Where the image is, or was.
        source_state: ``present``, ``replaced`` or ``vanished``.
        box: x1, y1, x2, y2 in pixels of the upright image.
        shard: The shard that holds its mask.
        cosine: With the query, in [-1, 1]; None if there was only a filter.
        probability: In [0, 1]; None unless the query was a text.
        attributes: Probability by name.
        seen: The attributes whose probability reaches the threshold chosen for them, most likely first.
        upper_color: Colour term, or None.
        lower_color: Colour term, or None.
        captured_at: On the camera's clock, or None.
        height_px: Of the box.
        score: Of the segmenter.
        parts: How well each part of the query fits; empty where there was only a filter.
        similar: Further hits that share the image with this one or show nearly the same picture, best first.
    """

    rank: int
    person_id: str
    image_id: str
    uri: str
    source_state: str
    box: tuple[float, float, float, float]
    shard: str
    cosine: float | None
    probability: float | None
    attributes: Mapping[str, float]
    seen: tuple[str, ...]
    upper_color: str | None
    lower_color: str | None
    captured_at: datetime | None
    height_px: float
    score: float
    parts: tuple[PartScore, ...] = ()
    similar: tuple["Hit", ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Everything but the shard, as JSON types."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "shard"}
        return told | {
            "attributes": dict(self.attributes),
            "seen": list(self.seen),
            "box": list(self.box),
            "captured_at": self.captured_at.isoformat() if self.captured_at else None,
            "parts": [
                {name: getattr(part, name) for name in PartScore.__dataclass_fields__} for part in self.parts
            ],
            "similar": [hit.as_json() for hit in self.similar],
        }


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one question.

    Attributes:
        question: As asked, for people.
        hits: Best first.
        warnings: What the asker should know.
        searched: People in the index.
        chance: How much of the answer chance would give; None where that is not known.
    """

    question: str
    hits: tuple[Hit, ...]
    warnings: tuple[str, ...]
    searched: int
    chance: Chance | None = None

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON types; the hits are ``results``."""
        chance = None if self.chance is None else asdict(self.chance)
        told = {
            "question": self.question,
            "searched": self.searched,
            "warnings": list(self.warnings),
            "chance": chance,
        }
        return told | {"results": [hit.as_json() for hit in self.hits]}
