"""The answers of the service, beside hits and counts."""

from dataclasses import dataclass

from par_core.query.answer import Hit, SearchResult
from par_core.query.one_picture import PersonInPicture
from par_core.store.lance import IndexInfo

__all__ = [
    "PersonDetails",
    "SearchPage",
    "Suggestions",
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
    """

    result: SearchResult
    offset: int
    next: int | None
    versions: Versions


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
class UploadedPicture:
    """The largest person of an uploaded picture.

    Attributes:
        name: Name for queries: ``picture:NAME``. A digest of the file, so the same file has the same name.
        person: The largest person.
        people: Number of people in the picture.
    """

    name: str
    person: PersonInPicture
    people: int
