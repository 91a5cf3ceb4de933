"""Tags, notes and comparisons over a server's store. May be shared by threads."""

from collections.abc import Iterable, Sequence

from par_core.errors import BadConfigError, StoreError, TransientError
from par_core.query.compare import Comparison, compare_hits
from par_core.serve.problems import UnknownIdError
from par_core.serve.service import ArchiveService
from par_core.tags.change import TagChange, UnknownPersonError, change_tags
from par_core.tags.of_index import IndexTags, tags_of
from par_core.tags.record import TaggedPerson

__all__ = ["Tagging"]


class Tagging:
    """The tags of a store.

    Args:
        service: The store.
    """

    def __init__(self, service: ArchiveService) -> None:
        self._service = service

    def all(self) -> IndexTags:
        """Return tags and notes of the people of the version that searches read now.

        Raises:
            NotReadyError: The index holds no people yet.
            StoreError: A file of tags is damaged.
        """
        return tags_of(self._service.live_index())

    def of(self, person_ids: Iterable[str]) -> dict[str, TaggedPerson]:
        """Return those of some people who have tags or a note, by id; see :meth:`all`."""
        people = self.all().people
        return {one: people[one] for one in person_ids if one in people}

    def change(self, person_ids: Sequence[str], change: TagChange, by: str) -> tuple[TaggedPerson, ...]:
        """Change tags and notes of people; see :func:`par_core.tags.change.change_tags`.

        Raises:
            UnknownIdError: The index has not one of them.
            BadConfigError: These are more people or more tags than are kept.
            TransientError: People are being erased from the store at this moment, or another host of a store
                on an object store has changed the same tags meanwhile; nothing was changed.
        """
        store = self._service.store
        try:
            people = change_tags(store, self._service.live_index, person_ids, change, by)
        except UnknownPersonError as error:
            raise UnknownIdError(str(error)) from error
        try:
            store.send_records()
        except StoreError as error:
            raise TransientError(str(error)) from error
        return people

    def compare(self, person_ids: Sequence[str]) -> Comparison:
        """Compare two people.

        Raises:
            BadConfigError: These are not two different people.
            UnknownIdError: The index has not one of them.
            NotReadyError: The index holds no people yet.
        """
        if len(set(person_ids)) != 2 or len(person_ids) != 2:
            raise BadConfigError("two different people are compared; choose exactly two")
        index = self._service.live_index()
        return compare_hits(index, [self._service.person(one).hit for one in person_ids])
