"""An older version of the index, read with today's knowledge of files.

The version that searches read may lag behind the newest one for days. Whoever's file was removed or replaced
meanwhile must not be found through it, so every hit takes its ``source_state`` from the newest version. An
image of whom the newest version shows nobody (its models may see other people) is there as long as the newest
listings hold its file.
"""

from collections.abc import Iterator
from dataclasses import replace

from par_core.query.answer import Hit, SearchResult
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.listings import still_listed

__all__ = ["leave_out_gone"]


def leave_out_gone(
    result: SearchResult, store: Store, index: PeopleIndex, newest: PeopleIndex, *, absent: bool
) -> SearchResult:
    """Bring the hits of an older version in line with the files that are there now.

    Args:
        result: The answer of the older version.
        store: Whose listings decide where the newest version knows nothing.
        index: The older version.
        newest: The newest version.
        absent: Keep people whose file is gone, with the state that they have now.

    Returns:
        The answer without the others, ranked anew, with warnings that say so.
    """
    everybody = [one for hit in result.hits for one in (hit, *hit.similar)]
    states = newest.source_states(sorted({hit.image_id for hit in everybody}))
    listed = still_listed(store, {hit.uri for hit in everybody if hit.image_id not in states})

    def there(hit: Hit) -> Iterator[Hit]:
        now = replace(hit, source_state=states.get(hit.image_id) or _by_listing(hit, listed))
        if absent or now.source_state == "present":
            yield now

    families = [[found for one in (hit, *hit.similar) for found in there(one)] for hit in result.hits]
    kept = [replace(family[0], similar=tuple(family[1:])) for family in families if family]
    warnings = [
        f"searched version {index.version} of the index; the newest is {newest.version} (see par status)"
    ]
    gone = len(everybody) - sum(map(len, families))
    if gone:
        warnings.append(
            f"{gone} people are left out: their files have gone or changed since version {index.version}"
        )
    ranked = tuple(_ranked(hit, rank) for rank, hit in enumerate(kept, 1))
    return replace(result, hits=ranked, warnings=(*result.warnings, *warnings))


def _ranked(hit: Hit, rank: int) -> Hit:
    return replace(hit, rank=rank, similar=tuple(replace(one, rank=rank, similar=()) for one in hit.similar))


def _by_listing(hit: Hit, listed: set[str]) -> str:
    return hit.source_state if hit.uri in listed else "vanished"
