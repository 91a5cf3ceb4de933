"""What an erasure leaves in the file of the ledger, and the shards that the ledger names for one."""

from pathlib import Path

from par_core.ids import image_id
from par_core.store.layout import Store
from par_core.store.ledger import Ledger
from par_core.store.ledger.attempts import attempts_at, known_uris
from par_core.store.ledger.erased import erase_copies, erase_files, erase_index_marks
from par_core.store.ledger.finished import record_shards
from tests.unit.store.test_ledger import DESCRIBE, SEGMENT, list_files, opened, write_shard

A, B, C = "a" * 16, "b" * 16, "c" * 16


def test_copies_of_rows_that_sqlite_has_left_in_gaps_vanish(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    kept, erased = (b"kept image id 00", b"other image id 0")
    path = store.ledger_path(SEGMENT)
    path.parent.mkdir()
    with Ledger.create(store, SEGMENT, path) as new:
        new.filled()
    with Ledger.open(store, SEGMENT) as ledger:
        ledger.execute("PRAGMA secure_delete = OFF")  # so that the bytes of what is deleted stay
        for image in (kept, erased):
            ledger.execute("INSERT INTO indexed VALUES (?, 'd', 1)", (image,))
        erase_index_marks(ledger, [erased.hex()])
        assert erased in ledger.path.read_bytes()
        assert not erase_copies(ledger, [])
        assert not erase_copies(ledger, [b"not in the file"])
        assert erase_copies(ledger, [b"not in the file", erased])
        content = ledger.path.read_bytes()
        assert kept in content
        assert erased not in content
        assert erase_copies(ledger, [b"%d of many" % number for number in range(17)])


def test_every_shard_that_holds_an_image_or_an_attempt_at_its_file_is_known(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    write_shard(store, A, [("/a/a.jpg", 0), ("/a/b.jpg", 2)])  # a damaged file, then read under the same name
    write_shard(store, B, [("/a/a.jpg", 3), ("/b/copy.jpg", 2)])
    write_shard(store, C, [("/b/b.jpg", 4)])
    for order in ([A, B, C], [C, B, A]):
        with opened(store, []) as ledger:
            list_files(ledger, "/a", [("/a/a.jpg", 3), ("/a/new.jpg", 2)], "2026-11-01")
            for shard in order:
                record_shards(ledger, [shard], DESCRIBE)
            two, three = (attempts_at(ledger, [image_id(bytes([content]))]) for content in (2, 3))
            assert sorted(set(two["shard"].to_pylist())) == [A, B]
            assert sorted(zip(three["size"].to_pylist(), three["shard"].to_pylist(), strict=True)) == [
                (0, A),
                (3, B),
            ]
            assert set(known_uris(ledger).to_pylist()) == {
                "/a/a.jpg",
                "/a/b.jpg",
                "/a/new.jpg",
                "/b/b.jpg",
                "/b/copy.jpg",
            }


def test_an_attempt_that_was_repeated_is_known_by_both_shards(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    write_shard(store, B, [("/a/a.jpg", 2)], attempt=1)
    write_shard(store, A, [("/a/a.jpg", 2)], attempt=2)
    for order in ([A, B], [B, A]):
        with opened(store, []) as ledger:
            for shard in order:
                record_shards(ledger, [shard], DESCRIBE)
            found = attempts_at(ledger, [image_id(bytes([2]))])
            assert sorted(found["shard"].to_pylist()) == [A, B]
            assert ledger.value("SELECT shard FROM superseded") == bytes.fromhex(B)
            erase_files(ledger, ["/a/a.jpg"], [], [])
            assert ledger.value("SELECT count(*) FROM superseded") == 0
        ledger.path.unlink()
