"""What a run would do, found out without writing anything to the store: for ``par plan``.

The answer is that of ``plan_index`` for the same sources at the same moment, read from the ledger as the last
run has left it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from par_core.archive import Listing, list_source
from par_core.ids import digest_of
from par_core.stages.run import Run
from par_core.stages.settings_changed import fitting_now
from par_core.status import Status
from par_core.store.ledger import Ledger
from par_core.store.ledger.foreseen import known_states, to_describe
from par_core.store.ledger.pending import failed_in
from par_core.store.listings import entries_table, has_emptied
from par_core.store.schemas import ENTRIES
from par_core.store.suppression import load_suppression_list

__all__ = ["Foreseen", "foresee"]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The work of a run that was not begun.

    Attributes:
        due: Files to work on, of which models see all but ``expected``. Schema ENTRIES.
        listed: Number of files that the sources hold now.
        new: Number of these whose name is not known.
        changed: Number of these of which another size or version is known.
        pending: Number of these that a stopped run has left.
        retried: Number of these that failed before and are tried again.
        unchanged: Number of all others.
        failed_before: Number of the unchanged ones that failed before: ``--retry-failed`` takes them up.
        expected: Number of due files that have size and version of a picture whose results are known.
        to_describe: Images of finished shards that are only to be described, because the settings or the
            describer have changed, or a run was stopped.
        vanished: Number of files that these sources held before and do not hold now.
        empty: Sources without a single file.
        emptied: Sources that held files before and hold none now; a run leaves them as they are.
        writing: Whether another command writes to the store at this moment, so that the counts change.
        first: Whether the store has no ledger of these models and settings: then every file is due.
    """

    due: pa.Table
    listed: int
    new: int
    changed: int
    pending: int
    retried: int
    unchanged: int
    failed_before: int
    expected: int
    to_describe: int
    vanished: int
    empty: tuple[str, ...]
    emptied: tuple[str, ...]
    writing: bool
    first: bool


def foresee(run: Run, sources: Sequence[str], *, retry_failed: bool = False) -> Foreseen:
    """Return the work that a run over the sources would have. Nothing is written to the store, which need not
    exist.

    Args:
        run: The run; its store is read only.
        sources: Folders, archives, lists of paths and URLs.
        retry_failed: Whether what failed before would be tried again.

    Raises:
        BadConfigError: A source is missing.
        StoreError: The ledger or a listing is damaged, or of another format.
    """
    store = run.store
    found = [list_source(source, containers=run.config.sources.containers) for source in sources]
    emptied = [one for one in found if has_emptied(store, one)]
    listings = [one for one in found if one not in emptied]
    suppressed = load_suppression_list(store)
    listed, vanished = ENTRIES.empty_table(), 0
    for listing in listings:
        now = suppressed.mask(entries_table(listing.entries))
        vanished += _vanished(run, listing.source, now)
        known = pc.is_in(listed["uri"], value_set=now["uri"].combine_chunks())
        listed = pa.concat_tables([listed.filter(pc.invert(known)), now])
    with Ledger.read(store, run.ids.segment) as ledger:
        again = _again(run, ledger, listings, retry_failed=retry_failed)
        states = list(_states(ledger, listed))
        due, counts = [], dict.fromkeys(("new", "changed", "pending", "retried", "failed_before"), 0)
        for (state, _), uri, status in zip(
            states, listed["uri"].to_pylist(), listed["status"].to_pylist(), strict=True
        ):
            name = _name(state, again=uri in again, forgotten=status == Status.FORGOTTEN)
            if name in counts:
                counts[name] += 1
            due.append(name in ("new", "changed", "pending", "retried"))
        return Foreseen(
            due=listed.filter(pa.array(due, pa.bool_())),
            listed=len(listed),
            **counts,
            unchanged=len(listed) - sum(due),
            expected=sum(wanted and recognised for wanted, (_, recognised) in zip(due, states, strict=True)),
            to_describe=to_describe(ledger, run.ids.describe) if ledger else 0,
            vanished=vanished,
            empty=tuple(listing.source for listing in listings if not listing.entries),
            emptied=tuple(listing.source for listing in emptied),
            writing=store.is_held(),
            first=ledger is None,
        )


def _states(ledger: Ledger | None, listed: pa.Table) -> Iterator[tuple[str, bool]]:
    if ledger is None:
        return iter([("new", False)] * len(listed))
    return known_states(ledger, listed)


def _name(state: str, *, again: bool, forgotten: bool) -> str:
    if forgotten:
        return "forgotten"
    if state == "failed":
        return "retried" if again else "failed_before"
    return state


def _again(
    run: Run, ledger: Ledger | None, listings: Sequence[Listing], *, retry_failed: bool
) -> frozenset[str]:
    """The files that failed before and would be tried again."""
    if ledger is None:
        return frozenset()
    digests = [digest_of(listing.source) for listing in listings]
    failed = failed_in(ledger, digests) if retry_failed else fitting_now(run, ledger, digests)
    return frozenset(failed["uri"].to_pylist())


def _vanished(run: Run, source: str, now: pa.Table) -> int:
    path = run.store.listing_path(digest_of(source))
    if not path.is_file():
        return 0
    before = pq.read_table(path, columns=["uri"], partitioning=None)["uri"]
    still = pc.is_in(before, value_set=now["uri"].combine_chunks())
    return len(before) - int(pc.sum(still).as_py() or 0)
