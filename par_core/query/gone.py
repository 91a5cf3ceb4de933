"""An older version of the index, read with today's knowledge of files.

The version that searches read may lag behind the newest one for days. Whoever's file was removed or replaced meanwhile must
not be found through it, so every hit takes its ``source_state`` from the newest version. An image of whom the newest version
shows nobody (its models may see other people) is there as long as the newest listings hold its file.
"""

from dataclasses import replace

from par_core.query.answer import Hit, SearchResult
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.ledger import still_listed

__all__ = ["leave_out_gone"]


def leave_out_gone(result: SearchResult, store: Store, index: PeopleIndex, newest: PeopleIndex, *, absent: bool) -> SearchResult:
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
    states = newest.source_states(sorted({hit.image_id for hit in result.hits}))
    listed = still_listed(store, {hit.uri for hit in result.hits if hit.image_id not in states})
    hits = [replace(hit, source_state=states.get(hit.image_id) or _by_listing(hit, listed)) for hit in result.hits]
    kept = [hit for hit in hits if absent or hit.source_state == "present"]
    warnings = [f"searched version {index.version} of the index; the newest is {newest.version} (see par status)"]
    if len(kept) < len(hits):
        warnings.append(f"{len(hits) - len(kept)} people are left out: their files have gone or changed since version {index.version}")
    ranked = tuple(replace(hit, rank=rank) for rank, hit in enumerate(kept, 1))
    return replace(result, hits=ranked, warnings=(*result.warnings, *warnings))


def _by_listing(hit: Hit, listed: set[str]) -> str:
    return hit.source_state if hit.uri in listed else "vanished"
