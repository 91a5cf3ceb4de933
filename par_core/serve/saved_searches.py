"""The saved searches of a server's store. Targets outside of the store are set by commands alone: a caller of
the server must not have it write files or send requests.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from par_core.alerts.record import (
    SavedSearch,
    all_searches,
    free_name,
    load_search,
    remove_search,
)
from par_core.alerts.run import add_search
from par_core.errors import BadConfigError
from par_core.query.from_store import Searcher
from par_core.serve.problems import UnknownIdError
from par_core.serve.service import ArchiveService

__all__ = ["SavedSearches", "Saving"]


@dataclass(frozen=True, slots=True)
class Saving:
    """A search to save.

    Attributes:
        name: Its name, or empty: it is made from the question.
        q: A question in the query language, or empty.
        where: A filter, or empty.
        weak: Also hits below the cutoff.
    """

    name: str
    q: str
    where: str
    weak: bool = False

    @property
    def what(self) -> str:
        """The search as the audit log shows it."""
        return "; ".join(part for part in (self.name, self.q, self.where and f"where: {self.where}") if part)


class SavedSearches:
    """All saved searches of a store.

    Args:
        service: The store.
    """

    def __init__(self, service: ArchiveService) -> None:
        self._store = service.store
        self._searcher = Searcher(service.store.root, service.config)

    def all(self) -> list[SavedSearch]:
        """Return the saved searches by name.

        Raises:
            StoreError: The file of one is damaged.
        """
        return all_searches(self._store)

    def one(self, name: str) -> SavedSearch:
        """Return a saved search.

        Raises:
            UnknownIdError: None has this name.
            StoreError: Its file is damaged.
        """
        try:
            return load_search(self._store, name)
        except BadConfigError as error:
            raise UnknownIdError(str(error)) from error

    def add(self, saving: Saving, by: str) -> SavedSearch:
        """Save a search; whom it finds now counts as seen.

        Args:
            saving: The search.
            by: Name of the caller.

        Raises:
            BadConfigError: The name is taken or no name, or the question or the filter is wrong.
            FingerprintError: The store was filled with another model.
        """
        q, where = saving.q.strip() or None, saving.where.strip() or None
        name = saving.name.strip() or free_name(self._store, q or where or "")
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return add_search(self._searcher, SavedSearch(name, q, where, saving.weak, by, at))

    def remove(self, name: str) -> None:
        """Delete a saved search.

        Raises:
            UnknownIdError: None has this name.
        """
        try:
            remove_search(self._store, name)
        except BadConfigError as error:
            raise UnknownIdError(str(error)) from error
