"""Answers of an older version of the index, brought in line with the files that exist now.

The version that searches read may lag behind the newest one for days. A person whose file was removed or
replaced meanwhile must not be found through it, and one whose archive has moved is shown at its new place: so
every hit takes ``source_state``, ``uri`` and ``uris`` from the newest version. An image of which the newest
version shows no person (its models may detect other people) counts as present as long as the newest listings
hold one of its places.
"""

from collections.abc import Iterator
from dataclasses import replace

from par_core.plurals import number_of
from par_core.query.answer import Hit, SearchResult
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.listings import still_listed

__all__ = ["leave_out_missing"]


def leave_out_missing(
    result: SearchResult, store: Store, index: PeopleIndex, newest: PeopleIndex, *, absent: bool
) -> SearchResult:
    """Return the answer of an older version without the people whose file has vanished or was replaced.

    Args:
        result: The answer of the older version.
        store: The store; its listings decide where the newest version does not know an image.
        index: The older version.
        newest: The newest version.
        absent: Keep people whose file has vanished or was replaced, with their present state.

    Returns:
        The remaining hits with new ranks, and warnings that say how many were left out.
    """
    everybody = [one for hit in result.hits for one in (hit, *hit.similar)]
    places = newest.places(sorted({hit.image_id for hit in everybody}))
    unknown = (hit for hit in everybody if hit.image_id not in places)
    listed = still_listed(store, {uri for hit in unknown for uri in hit.uris})

    def kept(hit: Hit) -> Iterator[Hit]:
        place = places.get(hit.image_id)
        current = (
            replace(hit, source_state=place.source_state, uri=place.uri, uris=tuple(place.uris))
            if place
            else _by_listing(hit, listed)
        )
        if absent or current.source_state == "present":
            yield current

    families = [[member for one in (hit, *hit.similar) for member in kept(one)] for hit in result.hits]
    leaders = [replace(family[0], similar=tuple(family[1:])) for family in families if family]
    warnings = [
        f"searched version {index.version} of the index; the newest is {newest.version} (see par status)"
    ]
    left_out = len(everybody) - sum(map(len, families))
    if left_out:
        warnings.append(
            f"left out: {number_of(left_out, 'person')} whose files have gone or changed since version"
            f" {index.version}"
        )
    first = result.hits[0].rank if result.hits else 1
    ranked = tuple(_ranked(hit, rank) for rank, hit in enumerate(leaders, first))
    return replace(result, hits=ranked, warnings=(*result.warnings, *warnings))


def _ranked(hit: Hit, rank: int) -> Hit:
    return replace(hit, rank=rank, similar=tuple(replace(one, rank=rank, similar=()) for one in hit.similar))


def _by_listing(hit: Hit, listed: set[str]) -> Hit:
    here = tuple(uri for uri in hit.uris if uri in listed)
    return replace(hit, uri=here[0], uris=here) if here else replace(hit, source_state="vanished")
