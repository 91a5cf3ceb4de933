"""The version of the index that a request reads."""

from par_core.errors import BadConfigError
from par_core.query.from_store import Searcher
from par_core.serve.answers import Versions
from par_core.serve.problems import NotReadyError
from par_core.store.lance import PeopleIndex

__all__ = ["LiveIndex"]


class LiveIndex:
    """Opens the version that is live. May be shared by threads.

    Args:
        searcher: The store.
    """

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher
        self._newest: tuple[PeopleIndex, tuple[int, bool]] | None = None

    def open(self) -> tuple[PeopleIndex, Versions]:
        """Return the index at the version that searches read now, and the versions.

        Raises:
            NotReadyError: The index holds no people yet.
        """
        store = self._searcher.store
        try:
            index = self._searcher.index()
            newest, empty = self._look_at(self._searcher.newest())
        except BadConfigError:
            empty = True
        if not empty:
            return index, Versions(index.version, newest, index.table_id)
        if store.is_held():
            raise NotReadyError(
                "the index is being written at this moment and holds nobody yet; try again soon"
            )
        raise NotReadyError(
            f"the store holds no people yet; fill it with: par index SOURCE --store {store.place}"
        )

    def _look_at(self, newest: PeopleIndex) -> tuple[int, bool]:
        """Return the number of the newest version, and whether it holds nobody. LanceDB takes milliseconds to
        say so; the searcher opens the table anew whenever there is a newer version.
        """
        known = self._newest
        if known is None or known[0] is not newest:
            known = self._newest = newest, (newest.version, not len(newest))
        return known[1]
