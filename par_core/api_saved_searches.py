"""Saved searches of an archive: the methods of ``par_core.serve.client.Client``, answered in this process."""

from functools import cached_property
from typing import TYPE_CHECKING

from par_core.api_recorded import ArchiveRecorded
from par_core.option_names import with_arguments_named

if TYPE_CHECKING:
    from par_core.alerts.run import Outcome
    from par_core.serve.saved_searches import SavedSearches
    from par_core.serve.schemas_searches import SavedSearchesResponse, SavedSearchJson

__all__ = ["ArchiveSavedSearches"]


@with_arguments_named
class ArchiveSavedSearches(ArchiveRecorded):
    """Saves searches, and returns their news."""

    def searches(self) -> "SavedSearchesResponse":
        """Return the saved searches with their news.

        Raises:
            StoreError: The file of one is damaged.
        """
        from par_core.serve.contents import saved_search_content
        from par_core.serve.schemas_searches import SavedSearchesResponse

        return SavedSearchesResponse(searches=[saved_search_content(one) for one in self._saved.all()])

    def saved_search(self, name: str) -> "SavedSearchJson":
        """Return one saved search with its news.

        Raises:
            UnknownIdError: None has this name.
        """
        from par_core.serve.contents import saved_search_content

        return self._recorded(
            "saved_search",
            name,
            lambda: saved_search_content(self._saved.one(name)),
            lambda search: sum(len(news.people) for news in search.news),
        )

    def save_search(
        self, q: str = "", *, where: str = "", name: str = "", weak: bool = False
    ) -> "SavedSearchJson":
        """Save a search, which tells after each run who is new.

        Args:
            q: A question in the query language.
            where: A filter over the columns of the index.
            name: Lower-case letters, digits and hyphens; empty: made from the question.
            weak: Also hits that are likely chance.

        Raises:
            BadConfigError: The name is taken or no name, or the question or the filter is wrong.

        Example:
            >>> archive.save_search("upper:red", name="red-coats").found
            2
        """
        from par_core.access import Caller
        from par_core.serve.contents import saved_search_content
        from par_core.serve.saved_searches import Saving

        saving = Saving(name, q, where, weak)
        return self._recorded(
            "add_saved_search",
            saving.what,
            lambda: saved_search_content(self._saved.add(saving, Caller.local().name)),
            lambda search: search.found,
        )

    def remove_search(self, name: str) -> None:
        """Remove a saved search.

        Raises:
            UnknownIdError: None has this name.
        """
        self._recorded("remove_saved_search", name, lambda: self._saved.remove(name), lambda _: 0)

    def run_searches(self, *names: str) -> "list[Outcome]":
        """Run saved searches, as ``par index`` does at its end; :meth:`Archive.index` does not.

        Args:
            names: Names of saved searches; without any, all run.

        Returns:
            For each its name, the people found, the new ones, and what failed.

        Raises:
            BadConfigError: A name is none of a saved search.

        Example:
            >>> [(outcome.name, outcome.new) for outcome in archive.run_searches()]
            [('red-coats', 0)]
        """
        from par_core.alerts.run import run_searches

        return self._recorded(
            "run_saved_searches",
            ", ".join(names) or "all",
            lambda: list(run_searches(self._searcher, list(names) or None)),
            lambda outcomes: sum(outcome.new for outcome in outcomes),
        )

    @cached_property
    def _saved(self) -> "SavedSearches":
        from par_core.serve.saved_searches import SavedSearches

        return SavedSearches(self._service)
