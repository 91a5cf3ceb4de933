"""Tags, notes and comparisons of an archive: the methods of ``par_core.serve.client.Client``, answered in
this process.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from par_core.api_reading import ArchiveReading
from par_core.errors import BadConfigError
from par_core.option_names import with_arguments_named

if TYPE_CHECKING:
    from par_core.serve.schemas_tags import (
        ComparisonResponse,
        TaggedPeopleResponse,
        TaggedPersonJson,
        TagsResponse,
    )
    from par_core.serve.tagging import Tagging

__all__ = ["ArchiveTagging"]


@with_arguments_named
class ArchiveTagging(ArchiveReading):
    """Reads a store, and changes tags and notes of its people."""

    def tags(self) -> "TagsResponse":
        """Return the tags of the store, with the number of people of each.

        Raises:
            StoreError: A file of tags is damaged.
        """
        from par_core.serve.schemas_tags import TagsResponse

        known = self._tagging.all()
        return TagsResponse(tags=known.counts(), people=len(known.people), not_indexed=len(known.stray))

    def tags_of(self, person_id: str) -> "TaggedPersonJson":
        """Return tags and note of a person.

        Raises:
            UnknownIdError: No person in the index has this id.
        """
        from par_core.serve.contents import tagged_content

        self.person(person_id)
        return tagged_content(person_id, self._tagging.of([person_id]).get(person_id))

    def tag(
        self,
        people: Sequence[str],
        add: Sequence[str] = (),
        *,
        remove: Sequence[str] = (),
        note: str | None = None,
    ) -> "TaggedPeopleResponse":
        """Add and remove tags of people, or write a note on them. Searches know tags: ``tag:check``.

        Args:
            people: Ids of the people, at most 1,000.
            add: Tags to add: short names.
            remove: Tags to remove.
            note: The note to write; empty removes it, None leaves it.

        Returns:
            The people as they are now.

        Raises:
            UnknownIdError: The index does not hold a person.
            BadConfigError: A tag is no name, these are too many, or a text stands in place of a list.
            TransientError: People are being erased from the store at this moment.

        Example:
            >>> person = archive.search("red", top=1)[0].person_id
            >>> [tag.name for tag in archive.tag([person], ["Check"]).people[0].tags]
            ['check']
            >>> [hit.person_id == person for hit in archive.search("tag:check")]
            [True]
            >>> archive.tags().tags
            {'check': 1}
        """
        if isinstance(people, str) or isinstance(add, str) or isinstance(remove, str):
            raise BadConfigError("people and tags are lists, also of one: [person_id], ['check']")
        from par_core.access import Caller
        from par_core.serve.contents import tagged_content
        from par_core.serve.schemas_tags import TaggedPeopleResponse
        from par_core.serve.session_tags import named
        from par_core.tags.change import TagChange

        change = TagChange.of(add, remove, note)
        changed = self._recorded(
            "tag",
            f"{change.what}; {named(people)}",
            lambda: self._tagging.change(people, change, Caller.local().name),
            len,
        )
        return TaggedPeopleResponse(people=[tagged_content(one.person_id, one) for one in changed])

    def compare(self, first: str, second: str) -> "ComparisonResponse":
        """Compare two people, by id: how alike they look to the model, and in what they differ. It does not
        say whether they are the same person.

        Raises:
            UnknownIdError: The index does not hold one of them.
            BadConfigError: They are the same.

        Example:
            >>> one, other = (hit.person_id for hit in archive.search(where="height_px > 0", top=2))
            >>> -1 <= archive.compare(one, other).cosine <= 1
            True
        """
        from par_core.serve.contents import comparison_content
        from par_core.serve.session_tags import named

        pair = [first, second]
        return self._recorded(
            "compare", named(pair), lambda: comparison_content(self._tagging.compare(pair)), lambda _: 2
        )

    @cached_property
    def _tagging(self) -> "Tagging":
        from par_core.serve.tagging import Tagging

        return Tagging(self._service)
