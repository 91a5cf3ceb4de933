"""Tags and note of one person, as they are stored. Names of the attributes are the keys of the JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from par_core.errors import BadConfigError

__all__ = ["MOST_TAGS", "Box", "Note", "Tag", "TaggedPerson", "together"]

Box = tuple[float, float, float, float]
MOST_TAGS: Final = 20


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a person.

    Attributes:
        name: Its name.
        by: Name of the user who added it.
        at: When: ISO time (UTC).
    """

    name: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Note:
    """The note on a person.

    Attributes:
        text: Its text, with line breaks.
        by: Name of the user who wrote it last.
        at: When: ISO time (UTC).
    """

    text: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class TaggedPerson:
    """A person who has tags or a note.

    Attributes:
        person_id: Id of the person.
        image_id: Id of the image.
        segment_config: Segmentation that gave the id: another one finds the same person under another id.
        box: x1, y1, x2, y2 in pixels of the upright image.
        tags: The tags, by name.
        note: The note, or None.
    """

    person_id: str
    image_id: str
    segment_config: str
    box: Box
    tags: tuple[Tag, ...] = ()
    note: Note | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tags."""
        return tuple(tag.name for tag in self.tags)

    def with_tags(self, names: Sequence[str], by: str, at: str) -> "TaggedPerson":
        """Return the person with further tags; a tag that is there keeps who added it.

        Raises:
            BadConfigError: That are more than 20.
        """
        new = {name: Tag(name, by, at) for name in names} | {tag.name: tag for tag in self.tags}
        if len(new) > MOST_TAGS:
            raise BadConfigError(
                f"the person {self.person_id} would have {len(new)} tags; {MOST_TAGS} are allowed"
            )
        return replace(self, tags=tuple(new[name] for name in sorted(new)))

    def without_tags(self, names: Sequence[str]) -> "TaggedPerson":
        """Return the person without some tags."""
        return replace(self, tags=tuple(tag for tag in self.tags if tag.name not in names))

    def with_note(self, text: str, by: str, at: str) -> "TaggedPerson":
        """Return the person with another note; an empty text removes it."""
        if self.note is not None and self.note.text == text:
            return self
        return replace(self, note=Note(text, by, at) if text else None)

    def as_json(self) -> dict[str, Any]:
        """Return the person as JSON types."""
        return asdict(self)

    @classmethod
    def of_json(cls, content: dict[str, Any]) -> "TaggedPerson":
        """Return the person of ``as_json``.

        Raises:
            KeyError: A key is missing.
            TypeError: There is another key, or a value of another kind.
        """
        tags, note, box = content.pop("tags"), content.pop("note"), content.pop("box")
        x1, y1, x2, y2 = map(float, box)
        return cls(
            **content,
            box=(x1, y1, x2, y2),
            tags=tuple(Tag(**tag) for tag in tags),
            note=None if note is None else Note(**note),
        )


def together(people: Sequence[TaggedPerson]) -> TaggedPerson:
    """Return the first of several records of one person, with what all of them say: every tag as it was added
    first, and every note.
    """
    first, *others = people
    for other in others:
        tags = {
            tag.name: tag for tag in sorted((*other.tags, *first.tags), key=lambda tag: tag.at, reverse=True)
        }
        notes = list(dict.fromkeys(one.note for one in (first, other) if one.note is not None))
        note = None
        if notes:
            texts = list(dict.fromkeys(one.text for one in notes))
            latest = max(notes, key=lambda one: one.at)
            note = Note("\n".join(texts), latest.by, latest.at)
        first = replace(first, tags=tuple(tags[name] for name in sorted(tags)), note=note)
    return first
