"""The answers of the service, beside hits and counts."""

from dataclasses import dataclass

from par_core.query.answer import Hit, SearchResult
from par_core.query.one_picture import PersonInPicture
from par_core.serve.pictures import Outline
from par_core.store.lance import IndexInfo

__all__ = [
    "ImagePeople",
    "ImagePerson",
    "PersonDetails",
    "SearchPage",
    "Suggestions",
    "UploadedPerson",
    "UploadedPicture",
    "Versions",
]


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of the index.

    Attributes:
        searched: The version that searches read.
        newest: The version that was written last.
        table_id: Id of the table that searches read; a table made in its place has another.
    """

    searched: int
    newest: int
    table_id: str

    def as_json(self) -> dict[str, int]:
        """Return the two numbers."""
        return {"searched": self.searched, "newest": self.newest}


@dataclass(frozen=True, slots=True)
class Suggestions:
    """How a question may go on.

    Attributes:
        completions: Whole questions, at most eight.
        notes: What can be said of its words before it is searched for.
    """

    completions: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of an answer.

    Attributes:
        result: The answer with the hits of this page only, and the share of chance hits among them.
        offset: Number of hits on the pages before.
        next: Offset of the next page, or None if this is the last one.
        versions: Versions of the index.
        end: Of the last page, why the list ends before all people do, and how to see others; else empty.
    """

    result: SearchResult
    offset: int
    next: int | None
    versions: Versions
    end: str = ""


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """One person, the people beside it, and the models that described it.

    Attributes:
        hit: The person, with rank and scores of the search that returned it last.
        others: Ids of the other people in the image, from left to right.
        versions: Versions of the index.
        info: The models and settings that the index was filled with.
    """

    hit: Hit
    others: tuple[str, ...]
    versions: Versions
    info: IndexInfo


@dataclass(frozen=True, slots=True)
class ImagePerson:
    """A person of a photograph of the archive.

    Attributes:
        person_id: Id of the person.
        box: x1, y1, x2, y2 in pixels of the upright image.
        outline: The person's outline, or None where the store does not hold the mask any more.
    """

    person_id: str
    box: tuple[float, float, float, float]
    outline: Outline | None


@dataclass(frozen=True, slots=True)
class ImagePeople:
    """The people of a photograph of the archive.

    Attributes:
        width: Width of the upright image in pixels.
        height: Height of the upright image in pixels.
        people: The people, from left to right.
    """

    width: int
    height: int
    people: tuple[ImagePerson, ...]


@dataclass(frozen=True, slots=True)
class UploadedPerson:
    """A person of an uploaded picture.

    Attributes:
        name: Name for queries: ``picture:NAME``.
        person: The person.
        outline: The person's outline in the picture.
    """

    name: str
    person: PersonInPicture
    outline: Outline


@dataclass(frozen=True, slots=True)
class UploadedPicture:
    """The people of an uploaded picture. The picture is not kept.

    Attributes:
        name: Name of the first of them, for queries: ``picture:NAME``; empty if nobody was found. Names are
            made of a digest of the file (and of the box), so the same file has the same names.
        width: Width of the upright picture in pixels.
        height: Height of the upright picture in pixels.
        people: The people, the largest first, at most 30; or the one in the box that was given.
    """

    name: str
    width: int
    height: int
    people: tuple[UploadedPerson, ...]
