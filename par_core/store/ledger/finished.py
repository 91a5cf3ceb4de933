"""The log of finished shards: what their rows say about files and people, recorded in the ledger.

Recording a shard again changes nothing, so that a killed run records what it may have recorded already. The
last attempt at a file counts; of two shards with the same attempt, one that is described, then the first by
id.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from par_core.errors import StoreError
from par_core.status import FAILED, Status
from par_core.store.described_with import DescribedWith
from par_core.store.ledger.accounting import counted, recount
from par_core.store.ledger.changed_images import INDEX_TABLE
from par_core.store.ledger.database import Kind, Ledger
from par_core.store.schemas import UNREADABLE_TIME
from par_core.store.shards import Manifest, ShardFolder

__all__ = [
    "begin_description",
    "described_with",
    "description_of",
    "follow_description",
    "record_all_shards",
    "record_shards",
    "undescribe_failed",
]

_AT_ONCE: Final = 64  # shards in a transaction
_DESCRIPTION: Final = "describe_config"
_MODELS: Final = "described_with"
_WITHOUT_ROW: Final = FAILED | {Status.SECOND_CUT}  # of people of usable size
_INTO_INCOMING: Final = (
    "INSERT INTO incoming (uri, size, version, attempt, status, n_people, n_too_small, time_unread, image_id,"
    " kind, shard) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
)
_SET_LISTED: Final = (
    "UPDATE files SET attempt = ?4, status = ?5, n_people = ?6, n_too_small = ?7, time_unread = ?8,"
    " image_id = ?9, kind = ?10, shard = ?11 WHERE uri = ?1 AND size = ?2 AND version = ?3 AND shard IS NULL"
)
_KINDS: Final = dict.fromkeys(Status, Kind.FAILED) | {
    Status.OK: Kind.READ,
    Status.NO_PEOPLE: Kind.READ,
    Status.FORGOTTEN: Kind.FORGOTTEN,
}


def described_with(ledger: Ledger) -> DescribedWith | None:
    """Return the models of the recorded descriptions, or None if there are none."""
    stored = ledger.meta(_MODELS)
    return DescribedWith.of_json(stored) if stored else None


def begin_description(ledger: Ledger, describe_config: str) -> None:
    """Name the description that a new ledger records."""
    with ledger.transaction():
        ledger.set_meta(_DESCRIPTION, describe_config)


def description_of(ledger: Ledger) -> str | None:
    """Return the id of the description that the ledger records."""
    return ledger.meta(_DESCRIPTION)


def follow_description(ledger: Ledger, describe_config: str) -> None:
    """Record descriptions of this configuration from now on. After a change, all of its shards that are
    complete are recorded, every image must be committed again, and what the index holds must be read again.
    """
    if ledger.meta(_DESCRIPTION) == describe_config:
        return
    with ledger.transaction():
        ledger.execute("UPDATE shards SET described = 0, digest = NULL")
        ledger.execute("DELETE FROM person_failures")
        ledger.execute("DELETE FROM indexed")
        ledger.execute_many("DELETE FROM meta WHERE key = ?", [(_MODELS,), (INDEX_TABLE,)])
        ledger.execute("INSERT OR IGNORE INTO dirty SELECT image_id FROM files WHERE kind = 1")
        recount(ledger)
        ledger.set_meta(_DESCRIPTION, "")
    folders = ledger.store.complete_shards("describe", describe_config)
    record_shards(ledger, (folder.shard_id for folder, _ in folders), describe_config)
    with ledger.transaction():
        ledger.set_meta(_DESCRIPTION, describe_config)


def undescribe_failed(ledger: Ledger) -> list[str]:
    """Record that the shards with people who could not be described are not described, and return their ids.

    Their descriptions are to be deleted afterwards: a kill between the two leaves shards that the next plan
    takes up.
    """
    failed = f"SELECT DISTINCT shard FROM person_failures WHERE status <> '{Status.SECOND_CUT}'"  # noqa: S608
    with ledger.transaction():
        shards = [shard.hex() for (shard,) in ledger.rows(f"{failed} ORDER BY 1")]
        of_failed = f"FROM person_failures WHERE shard IN ({failed})"
        ledger.execute(f"INSERT OR IGNORE INTO touched_images SELECT image_id {of_failed}")
        with counted(ledger):
            ledger.execute(f"UPDATE shards SET described = 0, digest = NULL WHERE shard IN ({failed})")  # noqa: S608
            ledger.execute(f"DELETE {of_failed}")
    return shards


def record_all_shards(ledger: Ledger, describe_config: str) -> None:
    """Record every complete shard of the segmentation; looks into each folder."""
    folders = ledger.store.complete_shards("segment", ledger.segment_config)
    record_shards(ledger, (folder.shard_id for folder, _ in folders), describe_config)


def record_shards(ledger: Ledger, shard_ids: Iterable[str], describe_config: str) -> int:
    """Record what the folders of some shards hold now; a shard without a segmentation is taken out.

    Returns:
        Number of shards that are segmented and described.

    Raises:
        StoreError: A manifest or table is damaged, the two stages of a shard do not fit, or two shards were
            described by different models.
    """
    complete, left = 0, iter(shard_ids)
    while group := list(islice(left, _AT_ONCE)):
        with ledger.transaction():
            complete += _record(ledger, group, describe_config)
    return complete


def _record(ledger: Ledger, shard_ids: Sequence[str], describe_config: str) -> int:
    gone: list[str] = []
    shards: list[tuple[ShardFolder, Manifest | None]] = []
    ledger.execute("DELETE FROM incoming")
    ledger.store.fetch_shards("segment", ledger.segment_config, shard_ids)
    ledger.store.fetch_shards("describe", describe_config, shard_ids)
    for shard_id in shard_ids:
        segmented = ledger.store.shard("segment", ledger.segment_config, shard_id)
        manifest = segmented.manifest()
        if manifest is None:
            gone.append(shard_id)
            continue
        described = ledger.store.shard("describe", describe_config, shard_id)
        shards.append((described, _fitting(manifest, described)))
        _fill(ledger, segmented, manifest)
    _take_out(ledger, gone)
    if not ledger.filling:
        ledger.execute("INSERT OR IGNORE INTO touched SELECT uri FROM incoming")
        ledger.execute(
            "INSERT OR IGNORE INTO touched_images SELECT image_id FROM incoming WHERE image_id IS NOT NULL"
        )
    with counted(ledger):
        for described, found in shards:
            _record_description(ledger, described, found)
        _merge(ledger)
        ledger.execute("INSERT OR IGNORE INTO dirty SELECT image_id FROM touched_images")
    return sum(found is not None for _, found in shards)


def _take_out(ledger: Ledger, shard_ids: Iterable[str]) -> None:
    """Take shards out that are deleted: their files are to be worked on, unless parts that replaced a shard
    hold them, which are recorded later. Reads the whole ledger where it knows such a shard.
    """
    known = [
        (shard,)
        for shard in map(bytes.fromhex, shard_ids)
        if ledger.value("SELECT 1 FROM shards WHERE shard = ?", (shard,))
    ]
    if not known:
        return
    ledger.execute_many("INSERT OR IGNORE INTO touched SELECT uri FROM files WHERE shard = ?", known)
    of_shard = "shard = ? AND uri IN (SELECT uri FROM touched)"
    with counted(ledger):
        ledger.execute("INSERT OR IGNORE INTO dirty SELECT image_id FROM touched_images")
        ledger.execute_many(f"DELETE FROM files WHERE source IS NULL AND {of_shard}", known)  # noqa: S608
        ledger.execute_many(
            "UPDATE files SET kind = 0, attempt = 0, status = NULL, image_id = NULL, shard = NULL,"  # noqa: S608
            f" n_people = 0, n_too_small = 0, time_unread = 0 WHERE {of_shard}",
            known,
        )
        ledger.execute_many("DELETE FROM shards WHERE shard = ?", known)
        ledger.execute_many("DELETE FROM superseded WHERE shard = ?", known)
        ledger.execute_many("DELETE FROM person_failures WHERE shard = ?", known)


def _fitting(segmented: Manifest, described: ShardFolder) -> Manifest | None:
    """Return the manifest of a description; its people must be those of the segmentation."""
    manifest = described.manifest()
    if manifest is not None and manifest.counts["people"] != segmented.counts["people"]:
        raise StoreError(
            f"{described.path} describes {manifest.counts['people']} people of"
            f" {segmented.counts['people']}; delete this folder, then run par rebuild and par index"
        )
    return manifest


def _fill(ledger: Ledger, segmented: ShardFolder, manifest: Manifest) -> None:
    """Put the image rows of a shard into ``incoming``. Where a ledger is being filled, and all of them are of
    listed files that no other shard holds, they go into ``files`` at once.
    """
    names = ["uri", "size", "version", "attempt", "status", "n_people", "n_too_small", "message", "image_id"]
    images = segmented.read("images", names)
    *columns, messages, ids = (images[name].to_pylist() for name in names)
    shard = bytes.fromhex(segmented.shard_id)
    rows = list(
        zip(
            *columns,
            [message == UNREADABLE_TIME for message in messages],
            [image and bytes.fromhex(image) for image in ids],
            [_KINDS[status] for status in columns[4]],
            repeat(shard, len(images)),
            strict=True,
        )
    )
    if not ledger.filling or ledger.execute_many(_SET_LISTED, rows) < len(rows):
        ledger.execute_many(_INTO_INCOMING, rows)
    counts = (shard, len(images), manifest.info.get("recognised", 0))
    ledger.execute(
        "INSERT INTO shards VALUES (?, ?, ?, 0, NULL) ON CONFLICT (shard) DO UPDATE"
        " SET entries = excluded.entries, recognised = excluded.recognised",
        counts,
    )


def _merge(ledger: Ledger) -> None:
    """Bring ``files`` and ``superseded`` in line with ``incoming``."""
    # those that count now, which may be superseded
    ledger.execute(
        "INSERT OR IGNORE INTO superseded SELECT f.uri, f.size, f.version, f.shard, f.image_id"
        " FROM incoming i CROSS JOIN files f"
        " ON f.uri = i.uri AND f.size = i.size AND f.version = i.version WHERE f.shard <> i.shard"
    )
    ledger.execute(
        "INSERT INTO files SELECT uri, size, version, NULL, kind, attempt, status, image_id, shard, n_people,"
        " n_too_small, time_unread FROM incoming WHERE true"
        " ON CONFLICT (uri, size, version) DO UPDATE SET kind = excluded.kind, attempt = excluded.attempt,"
        " status = excluded.status, image_id = excluded.image_id, shard = excluded.shard,"
        " n_people = excluded.n_people, n_too_small = excluded.n_too_small,"
        " time_unread = excluded.time_unread"
        " WHERE excluded.attempt > files.attempt OR (excluded.attempt = files.attempt"
        " AND (SELECT CASE n.described WHEN o.described THEN n.shard <= o.shard ELSE n.described END"
        " FROM shards n, shards o WHERE n.shard = excluded.shard AND o.shard = files.shard))"
    )
    ledger.execute(
        "INSERT OR REPLACE INTO superseded SELECT i.uri, i.size, i.version, i.shard, i.image_id"
        " FROM incoming i CROSS JOIN files f"
        " ON f.uri = i.uri AND f.size = i.size AND f.version = i.version WHERE f.shard <> i.shard"
    )
    if ledger.value("SELECT 1 FROM superseded LIMIT 1") is None:
        return
    ledger.execute(
        "DELETE FROM superseded WHERE (uri, size, version, shard) IN ("
        "SELECT f.uri, f.size, f.version, f.shard FROM incoming i CROSS JOIN files f"
        " ON f.uri = i.uri AND f.size = i.size AND f.version = i.version)"
    )


def _record_description(ledger: Ledger, described: ShardFolder, manifest: Manifest | None) -> None:
    shard = bytes.fromhex(described.shard_id)
    ledger.execute("DELETE FROM person_failures WHERE shard = ?", (shard,))
    if manifest is None:
        ledger.execute("UPDATE shards SET described = 0, digest = NULL WHERE shard = ?", (shard,))
        return
    models = DescribedWith.of_info(manifest.info)
    known = described_with(ledger)
    if known is None:
        ledger.set_meta(_MODELS, models.as_json())
    elif known != models:
        raise StoreError(
            f"shards under {described.path.parent} were made with different models; delete that folder, then"
            " run par rebuild and par index"
        )
    ledger.execute(
        "UPDATE shards SET described = 1, digest = ? WHERE shard = ?",
        (manifest.files["people.parquet"], shard),
    )
    if any(manifest.counts.get(status, 0) for status in _WITHOUT_ROW):
        ledger.execute_many(
            "INSERT INTO person_failures VALUES (?, ?, ?, ?)",
            ((shard, image, status, n) for (image, status), n in _failures(described).items()),
        )


def _failures(described: ShardFolder) -> Counter[tuple[bytes, str]]:
    people = described.read("people", ["image_id", "status"])
    failed = people.filter(pc.is_in(people["status"], value_set=pa.array(sorted(_WITHOUT_ROW))))
    pairs: Iterator[tuple[str, str]] = zip(
        failed["image_id"].to_pylist(), failed["status"].to_pylist(), strict=True
    )
    return Counter((bytes.fromhex(image), status) for image, status in pairs)
