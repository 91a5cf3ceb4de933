"""An erasure from end to end: journal, suppression list, erasure, new index, search, certificate."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyarrow.compute as pc

from par_core.forget.certificate import write_certificate
from par_core.forget.concerned import count_shards, described, known_files, ledger_in_line, shards_at
from par_core.forget.erase import erase_leftovers, erase_named_in_text, erase_rows
from par_core.forget.journal import (
    Journal,
    close_journal,
    load_journal,
    mark_index,
    marked_index,
    save_journal,
)
from par_core.forget.proof import Proof, Rewritten, search_store
from par_core.forget.request import Request
from par_core.forget.subject import Subject
from par_core.stages.commit import rewrite_index
from par_core.stages.erase import Erased, erase_from_index
from par_core.status import Status
from par_core.store.commits import last_commit
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.ledger.accounting import accounting
from par_core.store.listings import forget_in_listings, listed_entries
from par_core.store.missing_sources import release_forgotten
from par_core.store.suppression import save_suppression_list
from par_core.tags.files import read_tags

__all__ = ["ForgetReport", "finish_forgetting", "forget"]

_LARGE_PART: Final = 0.25  # of all shards; of more, rewriting the index as a whole takes no longer


@dataclass(frozen=True, slots=True)
class ForgetReport:
    """Result of an erasure.

    Attributes:
        request: The user's request.
        certificate: Path of the certificate.
        proof: Result of the search afterwards.
        before: Counts of the store before.
        after: Counts of the store afterwards.
        live_moved: Whether a version of the index was live, so that searches now read one that has passed
            no gate.
    """

    request: Request
    certificate: Path
    proof: Proof
    before: dict[str, int]
    after: dict[str, int]
    live_moved: bool

    @property
    def exit_code(self) -> int:
        """0 nothing is left; 1 something is."""
        return 1 if self.proof.found_in else 0


def forget(store: Store, subject: Subject, say: Callable[[str], None] = lambda step: None) -> ForgetReport:
    """Erase a subject. The caller holds the store's lock (``Store.exclusive``), has found the subject under
    it, and has finished an interrupted erasure.

    Raises:
        StoreError: A shard or a file of tags is damaged, or the index cannot be written.
    """
    read_tags(store.root)  # a damaged file is named now, not when half is erased
    index = PeopleIndex.open(store.index_path)
    journal = Journal(
        secrets.token_hex(8),
        datetime.now(UTC).isoformat(timespec="seconds"),
        _counted(store, subject.shards),
        tuple(index.history.versions()) if index else (),
        subject,
    )
    save_journal(store, journal)
    return _carry_out(store, journal, say)


def finish_forgetting(
    store: Store, say: Callable[[str], None] = lambda step: None, *, thorough: bool = False
) -> ForgetReport | None:
    """Finish an interrupted erasure, or return None if there is none. The caller holds the store's lock.

    The whole index is rewritten: nobody knows which of its files hold deleted rows. Shards that came
    meanwhile are looked at too.

    Raises:
        StoreError: The journal or a shard is damaged, or the index cannot be written.
    """
    journal = load_journal(store)
    if journal is None:
        return None
    subject, known = journal.subject, known_files(store)
    everything = thorough or subject.thorough
    shards = (
        known.shards
        if everything
        else subject.shards | known.concerned_shards(subject.names, subject.image_ids | subject.partly)
    )
    subject = replace(subject, shards=frozenset(shards), thorough=everything)
    return _carry_out(store, replace(journal, subject=subject), say, resumed=True)


def _carry_out(
    store: Store, journal: Journal, say: Callable[[str], None], *, resumed: bool = False
) -> ForgetReport:
    subject = journal.subject
    save_suppression_list(store, subject.suppression_list)
    say("listings")
    erase_leftovers(store)
    forget_in_listings(store, None if subject.thorough else subject.names)
    release_forgotten(store)
    say("shards")
    erase_rows(store, subject)
    say("texts")
    erase_named_in_text(store, subject)
    say("index")
    index = PeopleIndex.open(store.index_path)
    live_moved = store.has_gate() and index is not None and index.history.live_version is not None
    mark_index(store)
    whole = subject.thorough or resumed
    first_fragment = 0 if whole else _erase_in_index(store, subject)
    if not first_fragment:
        rewrite_index(store)
    say("search")
    rewritten = Rewritten(subject.shards, first_fragment) if not subject.thorough else None
    proof = search_store(store, subject, marked_index(store), rewritten)
    say("certificate")
    after = _counted(store, subject.shards)
    certificate = write_certificate(store, journal, after, proof)
    if not proof.found_in:
        close_journal(store)
    return ForgetReport(subject.request, certificate, proof, dict(journal.before), after, live_moved)


def _erase_in_index(store: Store, subject: Subject) -> int:
    """Erase the subject from the index, and bring the rows of the rewritten shards up to date.

    Returns:
        The first fragment that was written; 0 where the whole index must be rewritten: it does not show the
        last commit, or a large part of it is concerned.
    """
    last, index = last_commit(store), PeopleIndex.open(store.index_path)
    if last is None or index is None:
        return 0
    if len(subject.shards) > _LARGE_PART * count_shards(store) and len(subject.shards) > 1:
        return 0
    shards = {Path(name).name for name in subject.shards if Path(name).parent.name == last.segment_config}
    first = index.history.next_fragment()
    names = frozenset({*subject.traces.uris, *subject.traces.uris_by_value})
    erased = Erased(
        frozenset(shards), subject.uris, subject.files, subject.image_ids, subject.person_ids, names
    )
    return first if erase_from_index(store, erased) else 0


def _counted(store: Store, shards: frozenset[str]) -> dict[str, int]:
    """Return counts of listed files, of the rows of some shards, and of the people in the index."""
    with ledger_in_line(store) as ledger:
        if ledger is None:
            statuses = listed_entries(store)["status"]
            listed = len(statuses)
            forgotten = pc.sum(pc.equal(statuses, Status.FORGOTTEN.value)).as_py() or 0
        else:
            counters = accounting(ledger, 0)
            listed, forgotten = counters.listed, counters.forgotten
    segmented = [manifest.counts for _, manifest in shards_at(store, shards)]
    index = PeopleIndex.open(store.index_path)
    return {
        "files_listed": listed,
        "files_forgotten": forgotten,
        "image_rows": sum(counts["images"] for counts in segmented),
        "person_rows": sum(counts["people"] for counts in segmented),
        "descriptions": sum(manifest.counts["people"] for _, manifest, _ in described(store, shards)),
        "people_in_index": len(index) if index else 0,
    }
