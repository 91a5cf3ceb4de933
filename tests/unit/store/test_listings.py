"""Listings with the places of archive members, and those of earlier versions without."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from par_core.archive import Entry, Listing, Place
from par_core.stages.shard_work import ShardWork, plan_shard, read_work
from par_core.status import Status
from par_core.store.layout import Store
from par_core.store.listings import entries_of, entries_table, listed_entries, save_listing
from par_core.store.schemas import ENTRIES
from par_core.store.suppression import load_suppression_list, save_suppression_list

FILE = Entry("/photos/a.jpg", 3, "1")
MEMBER = Entry("/photos/n.zip!/b.jpg", 5, "crc32:1", place=Place(0, 4, "deflate"))
FAILED = Entry(
    "/photos/n.zip!/c.jpg", 0, "crc32:2", Status.ENCRYPTED, "needs a password", Place(9, 0, "stored")
)
NOW = "2026-01-01T00:00:00+00:00"


def test_places_go_through_listing_and_work_unchanged(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    entries = [FILE, MEMBER, FAILED]
    save_listing(store, Listing("/photos", tuple(entries)), NOW)
    assert entries_of(listed_entries(store)) == entries
    shard = plan_shard(store, entries, 2)
    assert read_work(store, shard.shard_id) == ShardWork(entries, 2, {})


def test_a_listing_of_an_earlier_version_is_read_and_knows_no_place(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    save_listing(store, Listing("/photos", (FILE, MEMBER)), NOW)
    (path,) = (store.root / "listings").glob("*.parquet")
    table = pq.read_table(path, partitioning=None).drop_columns(["offset", "stored_size", "compression"])
    about = {**table.schema.metadata, b"par.schema": b"entries/1"}
    pq.write_table(table.replace_schema_metadata(about), path)
    listed = listed_entries(store)
    assert listed.schema.equals(ENTRIES, check_metadata=True)
    assert [entry.place for entry in entries_of(listed)] == [None, None]


def test_a_forgotten_member_leaves_no_place_behind(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    save_suppression_list(store, load_suppression_list(store).with_place("/photos/n.zip"))
    save_listing(store, Listing("/photos", (FILE, MEMBER)), NOW)
    forgotten = [row for row in listed_entries(store).to_pylist() if row["status"] == "forgotten"]
    assert [(row["offset"], row["stored_size"], row["compression"]) for row in forgotten] == [
        (None, None, None)
    ]


def test_an_empty_table_of_entries_has_all_columns() -> None:
    assert entries_table([]).schema.equals(ENTRIES)
    assert entries_of(entries_table([])) == []
    assert pa.concat_tables([entries_table([]), entries_table([MEMBER])]).num_rows == 1
