"""What a night costs does not grow with the archive: ledgers of 10,000 and 100,000 files."""

import tempfile
import time
import tracemalloc
from pathlib import Path

from par_core.store.layout import Store
from par_core.store.ledger import Ledger
from par_core.store.ledger.accounting import accounting, recount
from par_core.store.ledger.changed_images import changed_shards, mark_indexed
from par_core.store.ledger.finished import record_shards
from par_core.store.ledger.pending import pending_in, undescribed_shards
from tests.unit.store.test_ledger import DESCRIBE, IN_MEMORY, SEGMENT, list_files, write_shard

NEW = [(f"/new/{number:04d}.jpg", 2) for number in range(200)]
FILES_A_SHARD = 100
SHARDS = ["a" * 16, "b" * 16]


def filled(root: Path, files: int) -> Store:
    """A store whose ledger knows many files, all indexed, and no listing of them."""
    store = Store.create(root)
    shards = files // FILES_A_SHARD
    path = store.ledger_path(SEGMENT)
    path.parent.mkdir()
    with Ledger.create(store, SEGMENT, path) as ledger, ledger.transaction():
        ledger.execute(
            "INSERT INTO sources (id, digest, listed_at, stamp) VALUES (1, 'old', '2026-01-01 old', '')"
        )
        ledger.execute_many(
            "INSERT INTO shards (shard, entries, recognised, described, digest) VALUES (?, ?, 0, 1, 'd')",
            ((number.to_bytes(8, "big"), FILES_A_SHARD) for number in range(1, shards + 1)),
        )
        ledger.execute_many(
            "INSERT INTO files VALUES (?, 1, 'v', 1, 1, 1, 'ok', ?, ?, 2, 0, 0)",
            (
                (f"/old/{n:08d}.jpg", n.to_bytes(16, "big"), (1 + n // FILES_A_SHARD).to_bytes(8, "big"))
                for n in range(files)
            ),
        )
        ledger.execute("INSERT INTO indexed SELECT image_id, 'd', 2 FROM files")
        ledger.filled()
        recount(ledger)
    return store


def night(store: Store) -> tuple[int, float, int]:
    """List new files, record their shards, and mark their people as indexed.

    Returns:
        Steps of SQLite's machine in hundreds, seconds of CPU, and the most bytes that Python held.
    """
    for shard, files in zip(SHARDS, (NEW[:100], NEW[100:]), strict=True):
        write_shard(store, shard, files)
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    with Ledger.open(store, SEGMENT) as ledger:
        ledger._connection.set_progress_handler(step, 100)
        tracemalloc.start()
        begun = time.process_time()
        list_files(ledger, "/new", NEW, "2026-11-01")
        source = ledger.value("SELECT digest FROM sources WHERE id <> 1")
        assert len(pending_in(ledger, [source])) == len(NEW)
        assert list(undescribed_shards(ledger)) == []
        record_shards(ledger, SHARDS, DESCRIBE)
        images = {
            image.image_id: (image.digest, 1) for shard in changed_shards(ledger) for image in shard.images
        }
        assert len(images) == 1
        mark_indexed(ledger, images, [])
        counted = accounting(ledger, 0)
        seconds, peak = time.process_time() - begun, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (counted.pending, counted.duplicates, counted.holds) == (0, len(NEW) - 1, True)
    return steps, seconds, peak


def test_a_night_touches_what_is_new_alone() -> None:
    costs = []
    for files in (10_000, 100_000):
        with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
            costs.append(night(filled(Path(folder) / "s", files)))
    (few_steps, few_s, few_bytes), (many_steps, many_s, many_bytes) = costs
    assert many_steps < 1.1 * few_steps
    assert many_s < 1.5 * few_s + 0.05
    assert many_bytes < 1.1 * few_bytes + 100_000
