"""Lookup of people of a review whose file is present now, though the review keeps an older version of the
index.
"""

from collections.abc import Sequence
from typing import Final

from par_core.query.answer import Hit
from par_core.query.from_store import Searcher
from par_core.query.missing_files import leave_out_missing
from par_core.query.searching import Wanted, search_filter
from par_core.store.lance import PeopleIndex

__all__ = ["pinned_index", "present_hits"]

_IDS_A_FILTER: Final = 40  # a filter has 2,000 characters at most


def pinned_index(searcher: Searcher) -> PeopleIndex:
    """Return the version of the index that is searched now. It stays the same while the review lasts."""
    index = searcher.index()
    pinned = PeopleIndex.open(searcher.store.index_path, str(index.version))
    assert pinned is not None, "it was open a moment ago"
    return pinned


def present_hits(searcher: Searcher, index: PeopleIndex, person_ids: Sequence[str]) -> dict[str, Hit]:
    """Return the hits of the people, by id, whose file is present now.

    Args:
        searcher: The store.
        index: The version of the index that the review uses.
        person_ids: People to look up.
    """
    newest = PeopleIndex.open(searcher.store.index_path)
    hits: dict[str, Hit] = {}
    for start in range(0, len(person_ids), _IDS_A_FILTER):
        names = ", ".join(f"'{person_id}'" for person_id in person_ids[start : start + _IDS_A_FILTER])
        result = search_filter(index, Wanted(f"person_id in ({names})", _IDS_A_FILTER))
        if newest is not None and newest.identity != index.identity:
            result = leave_out_missing(result, searcher.store, index, newest, absent=False)
        hits |= {hit.person_id: hit for hit in result.hits}
    return hits
