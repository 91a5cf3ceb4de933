"""Tags, notes, comparisons and erasures of people: methods of ``par_core.serve.client.Client``."""

from collections.abc import Sequence

from par_core.serve.connection import Connection
from par_core.serve.schemas_tags import (
    ComparisonResponse,
    ForgettingResponse,
    TaggedPeopleResponse,
    TaggedPersonJson,
    TagsResponse,
)

__all__ = ["TaggingClient"]


class TaggingClient(Connection):
    """What a client asks about chosen people, and says of them."""

    def tags(self) -> TagsResponse:
        """Return the tags of the store, with the number of people of each."""
        return self._json(TagsResponse, "GET", "/api/tags")

    def tags_of(self, person_id: str) -> TaggedPersonJson:
        """Return tags and note of a person."""
        return self._json(TaggedPersonJson, "GET", f"/api/people/{person_id}/tags")

    def tag(
        self,
        people: Sequence[str],
        add: Sequence[str] = (),
        *,
        remove: Sequence[str] = (),
        note: str | None = None,
    ) -> TaggedPeopleResponse:
        """Add and remove tags of people, or write a note on them. Needs the role reviewer.

        Args:
            people: Ids of the people, at most 1,000.
            add: Tags to add.
            remove: Tags to remove.
            note: The note to write; empty removes it, None leaves it.
        """
        body = {"people": list(people), "add": list(add), "remove": list(remove), "note": note}
        return self._json(TaggedPeopleResponse, "POST", "/api/tags", json=body)

    def compare(self, first: str, second: str) -> ComparisonResponse:
        """Compare two people, by id: how alike they look to the model, and in what they differ."""
        parameters = {"first": first, "second": second}
        return self._json(ComparisonResponse, "GET", "/api/compare", params=parameters)

    def forget(self, people: Sequence[str], number: int) -> ForgettingResponse:
        """Begin to erase people for good; :meth:`forgetting` says how it ended. Needs the role admin.

        Args:
            people: Ids of the people, at most 1,000.
            number: How many different people they are, to confirm it.
        """
        body = {"people": list(people), "number": number}
        return self._json(ForgettingResponse, "POST", "/api/forget", json=body)

    def forgetting(self, name: str) -> ForgettingResponse:
        """Return an erasure, under way or ended. Needs the role admin."""
        return self._json(ForgettingResponse, "GET", f"/api/forget/{name}")
