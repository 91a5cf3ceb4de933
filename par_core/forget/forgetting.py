"""An erasure from end to end: journal, suppression list, erasure, new index, search, certificate."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from par_core.forget.certificate import write_certificate
from par_core.forget.erase import erase_leftovers, erase_named_in_text, erase_rows
from par_core.forget.journal import (
    Journal,
    close_journal,
    load_journal,
    mark_index,
    marked_index,
    save_journal,
)
from par_core.forget.proof import Proof, search_store
from par_core.forget.subject import Request, Subject, every_shard
from par_core.stages.commit import rewrite_index
from par_core.status import Status
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.listings import forget_in_listings, listed_entries
from par_core.store.suppression import save_suppression_list

__all__ = ["ForgetReport", "finish_forgetting", "forget"]


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
        StoreError: A shard is damaged, or the index cannot be written.
    """
    index = PeopleIndex.open(store.index_path)
    journal = Journal(
        secrets.token_hex(8),
        datetime.now(UTC).isoformat(timespec="seconds"),
        _counted(store),
        tuple(index.history.versions()) if index else (),
        subject,
    )
    save_journal(store, journal)
    return _carry_out(store, journal, say)


def finish_forgetting(store: Store, say: Callable[[str], None] = lambda step: None) -> ForgetReport | None:
    """Finish an interrupted erasure, or return None if there is none. The caller holds the store's lock.

    Raises:
        StoreError: The journal or a shard is damaged, or the index cannot be written.
    """
    journal = load_journal(store)
    return None if journal is None else _carry_out(store, journal, say)


def _carry_out(store: Store, journal: Journal, say: Callable[[str], None]) -> ForgetReport:
    subject = journal.subject
    save_suppression_list(store, subject.suppression_list)
    say("listings")
    erase_leftovers(store)
    forget_in_listings(store)
    say("shards")
    erase_rows(store, subject)
    say("texts")
    erase_named_in_text(store, subject)
    say("index")
    index = PeopleIndex.open(store.index_path)
    live_moved = index is not None and index.history.live_version is not None
    mark_index(store)
    rewrite_index(store)
    say("search")
    proof = search_store(store, subject.traces, marked_index(store))
    say("certificate")
    after = _counted(store)
    certificate = write_certificate(store, journal, after, proof)
    if not proof.found_in:
        close_journal(store)
    return ForgetReport(subject.request, certificate, proof, dict(journal.before), after, live_moved)


def _counted(store: Store) -> dict[str, int]:
    """Return the counts of a store, over all configurations."""
    images = people = descriptions = 0
    for folder, _ in every_shard(store, "segment"):
        images += pq.read_metadata(folder.path / "images.parquet").num_rows
        people += pq.read_metadata(folder.path / "people.parquet").num_rows
    for folder, _ in every_shard(store, "describe"):
        descriptions += pq.read_metadata(folder.path / "people.parquet").num_rows
    listed = listed_entries(store)["status"].to_pylist()
    index = PeopleIndex.open(store.index_path)
    return {
        "files_listed": len(listed),
        "files_forgotten": listed.count(Status.FORGOTTEN),
        "image_rows": images,
        "person_rows": people,
        "descriptions": descriptions,
        "people_in_index": len(index) if index else 0,
    }
