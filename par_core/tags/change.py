"""Adding and removing tags and notes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from par_core.errors import BadConfigError, TransientError
from par_core.store.layout import Store
from par_core.tags.files import locked, people_of_images, read_tags, rewrite_tags, write_tags
from par_core.tags.names import note_text, tag_names
from par_core.tags.of_index import TaggedIndex, boxes_in, tags_of
from par_core.tags.record import TaggedPerson, together

__all__ = ["MOST_AT_ONCE", "MOST_PEOPLE", "TagChange", "UnknownPersonError", "change_tags", "erase_tags"]

MOST_AT_ONCE: Final = 1_000
#: People of a store who may have tags or a note.
MOST_PEOPLE: Final = 100_000
_MOST_NAMES: Final = 1_000  # of tags of a store


class UnknownPersonError(BadConfigError):
    """Nobody in the index has an id."""


@dataclass(frozen=True, slots=True)
class TagChange:
    """What is to be changed of some people.

    Attributes:
        add: Tags to add.
        remove: Tags to remove.
        note: The note to write, empty to remove it; None leaves it as it is.
    """

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    note: str | None = None

    @classmethod
    def of(cls, add: Sequence[str] = (), remove: Sequence[str] = (), note: str | None = None) -> "TagChange":
        """Return a change, with the spellings that are kept.

        Raises:
            BadConfigError: A name is no tag, the note is too long, a tag is added and removed, or nothing is
                changed.
        """
        made = cls(tag_names(add), tag_names(remove), None if note is None else note_text(note))
        if not made.add and not made.remove and made.note is None:
            raise BadConfigError("nothing to change; name a tag to add or to remove, or give a note")
        if set(made.add) & set(made.remove):
            raise BadConfigError("the same tag cannot be added and removed at once")
        return made

    @property
    def what(self) -> str:
        """The change as the audit log shows it, without the text of a note."""
        parts = [*(f"+{name}" for name in self.add), *(f"-{name}" for name in self.remove)]
        if self.note is not None:
            parts.append("note" if self.note else "-note")
        return ", ".join(parts)


def change_tags(
    store: Store, open_index: Callable[[], TaggedIndex], person_ids: Sequence[str], change: TagChange, by: str
) -> tuple[TaggedPerson, ...]:
    """Change tags and notes of people. Others who change tags meanwhile wait; what they wrote stays.

    Args:
        store: The store.
        open_index: Returns the version of the index in which the people are.
        person_ids: Ids of the people, at most 1,000.
        change: The change.
        by: Name of the user.

    Returns:
        The people as they are now, in the order of the ids, each once.

    Raises:
        UnknownPersonError: The index has not one of them; tags that are kept of such people can be removed.
        BadConfigError: These are more people or more tags than are kept.
        TransientError: People are being erased from the store at this moment.
        StoreError: A file of tags is damaged.
    """
    ids = list(dict.fromkeys(person_ids))
    if not ids:
        raise BadConfigError("nobody is named; give the id of a person")
    if len(ids) > MOST_AT_ONCE:
        raise BadConfigError(f"{len(ids):,} people; {MOST_AT_ONCE:,} are changed at once")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with locked(store.root):
        # an erasure makes this file before it erases tags, which it does under the same lock
        if store.forgetting_path.exists():
            raise TransientError(
                "people are being erased from this store; tags can be changed once that is done (if it was"
                f" interrupted: par forget --finish --store {store.place})"
            )
        index = open_index()
        tags, known = tags_of(index), boxes_in(index, ids)
        strays = {person.person_id: person for person in tags.stray}
        targets = {one: known.get(one) or strays.get(one) for one in ids}
        unknown = [one for one, person in targets.items() if person is None]
        if unknown:
            raise UnknownPersonError(f"nobody in the index has the id {unknown[0][:64]}")
        gone = [one for one in ids if one not in known]
        if gone and (change.add or change.note):
            raise UnknownPersonError(f"the index does not hold {gone[0]} any more; tags can only be removed")
        _check_room(store, ids, change)
        before = people_of_images(store.root, {one.image_id for one in targets.values() if one is not None})
        after = {
            image_id: [one for one in stored if tags.now.get(one.person_id, one.person_id) not in targets]
            for image_id, stored in before.items()
        }
        people: dict[str, TaggedPerson] = {}
        for one, target in targets.items():
            assert target is not None
            stored = before[target.image_id]
            mine = [old for old in stored if tags.now.get(old.person_id, old.person_id) == one]
            bare = replace(target, tags=(), note=None)
            people[one] = _changed(together([bare, *mine]), change, by, at)
            if people[one].tags or people[one].note:
                after[target.image_id].append(people[one])
        write_tags(store.root, after)
    return tuple(people[one] for one in ids)


def erase_tags(
    store: Store, goes: Callable[[TaggedPerson], bool], change: Callable[[str], str] | None
) -> int:
    """Erase people, and names from the notes of others.

    Args:
        store: The store.
        goes: Whether a person is erased.
        change: Returns a text without the erased names and ids; None leaves texts as they are.

    Returns:
        Number of files that were written.

    Raises:
        StoreError: A file of tags is damaged.
    """

    def kept(person: TaggedPerson) -> TaggedPerson | None:
        if goes(person):
            return None
        note = person.note
        if change is None or note is None or change(note.text) == note.text:
            return person
        return replace(person, note=replace(note, text=change(note.text)))

    with locked(store.root):
        return rewrite_tags(store.root, kept)


def _changed(person: TaggedPerson, change: TagChange, by: str, at: str) -> TaggedPerson:
    person = person.without_tags(change.remove).with_tags(change.add, by, at)
    return person if change.note is None else person.with_note(change.note, by, at)


def _check_room(store: Store, ids: Sequence[str], change: TagChange) -> None:
    if not change.add and not change.note:
        return
    people = read_tags(store.root).people
    if len(people) + len(ids) > MOST_PEOPLE:
        after = len({person.person_id for person in people}.union(ids))
        if after > MOST_PEOPLE:
            raise BadConfigError(f"{after:,} people would have tags or a note; {MOST_PEOPLE:,} may have some")
    names = {name for person in people for name in person.names}.union(change.add)
    if change.add and len(names) > _MOST_NAMES:
        raise BadConfigError(
            f"the store would have {len(names):,} different tags; {_MOST_NAMES:,} are allowed"
        )
