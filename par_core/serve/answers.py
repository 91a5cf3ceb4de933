"""What the service answers, beside hits and counts."""

from dataclasses import dataclass

import numpy as np

from par_core.query.answer import Hit, SearchResult

__all__ = ["Person", "SearchPage", "UploadedPicture", "Versions"]


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of the index.

    Attributes:
        searched: The one that searches read.
        newest: The last one that was written.
        table_id: Of the table that searches read; a table made in its place has another.
    """

    searched: int
    newest: int
    table_id: str

    def as_json(self) -> dict[str, int]:
        """The two numbers."""
        return {"searched": self.searched, "newest": self.newest}


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A part of an answer.

    Attributes:
        result: With the hits of this page only, and the share of chance hits among them.
        offset: How many hits come before.
        next: Offset of the next page, or None if this is the last one.
        versions: Of the index.
    """

    result: SearchResult
    offset: int
    next: int | None
    versions: Versions


@dataclass(frozen=True, slots=True)
class Person:
    """Everything that is known of one person.

    Attributes:
        hit: As a search gives it; its rank means nothing.
        uris: All places of the image.
        image_width: Of the upright image, pixels.
        image_height: Of the upright image, pixels.
        upper_color_share: Share of the upper body with its colour, in [0, 1], or None.
        lower_color_share: The same of the lower body.
        others: Ids of the other people in the image, from left to right.
        versions: Of the index.
        profile: Of the models that described the person.
        embedding: Fingerprint of the joint image and text model.
        segment_config: Id of the segmentation.
        describe_config: Id of the description.
    """

    hit: Hit
    uris: tuple[str, ...]
    image_width: int
    image_height: int
    upper_color_share: float | None
    lower_color_share: float | None
    others: tuple[str, ...]
    versions: Versions
    profile: str
    embedding: str
    segment_config: str
    describe_config: str


@dataclass(frozen=True, slots=True)
class UploadedPicture:
    """The largest person of a picture that somebody gave.

    Attributes:
        name: To ask with: ``picture:NAME``. A digest of the file, so the same file has the same name.
        box: x1, y1, x2, y2 of the person, in pixels of the upright picture.
        people: How many were found in it.
        vector: (d,), embedding of L2 norm 1.
    """

    name: str
    box: tuple[float, float, float, float]
    people: int
    vector: np.ndarray
