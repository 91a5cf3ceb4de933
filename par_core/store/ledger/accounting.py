"""The accounting of files and people: counters that change with the rows of the ledger.

Each change of rows subtracts what the files and images concerned counted for before, and adds what they count
for afterwards, in the same transaction. So nothing ever has to be counted again; ``recounted`` does it, for
``par verify --thorough``.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from par_core.store.accounting import FAILED_FILES, FAILED_PEOPLE, Accounting, accounting_of
from par_core.store.ledger.database import Kind, Ledger

__all__ = [
    "RANK",
    "SINGLE",
    "accounting",
    "counted",
    "is_uncounted",
    "leave_uncounted",
    "list_several",
    "recount",
    "recounted",
]

#: SQL of the rank of a row ``f`` of files among those of one image. The index takes the people from the
#: least: from the shard that could describe the most of them, then the first by id. A column beside ``min``
#: of it is that of the least row, unless another ``min`` or ``max`` stands there (SQLite, "Bare columns in an
#: aggregate query").
RANK: Final = (
    "printf('%08d%s', coalesce((SELECT sum(p.n) FROM person_failures p WHERE p.shard = f.shard"
    " AND p.image_id = f.image_id), 0), hex(f.shard))"
)
#: SQL condition of the rows ``f`` of images that have one row alone, after ``list_several``: nearly all. They
#: need not be sorted by image. With a plus, SQLite reads all files in their order, and not by an index.
SINGLE: Final = "+f.kind = 1 AND f.image_id NOT IN (SELECT image_id FROM several)"
_UNCOUNTED: Final = "uncounted"
_PRESENT: Final = (
    "SELECT f.image_id, max(f.status) AS status, count(*) AS copies, max(f.n_people) AS people,"
    " max(f.n_too_small) AS too_small, max(f.time_unread) AS time_unread"
    " FROM {} WHERE f.kind = 1 AND f.source IS NOT NULL GROUP BY f.image_id"
)


def accounting(ledger: Ledger, people_forgotten: int) -> Accounting:
    """Return the accounting, from counters alone.

    Args:
        ledger: The ledger.
        people_forgotten: People on the suppression list of the store.
    """
    if is_uncounted(ledger):
        return recounted(ledger, people_forgotten)
    return accounting_of(dict(ledger.rows("SELECT name, value FROM counters")), people_forgotten)


def recounted(ledger: Ledger, people_forgotten: int) -> Accounting:
    """Return the accounting, counted again from all rows."""
    return accounting_of(_everything(ledger), people_forgotten)


def recount(ledger: Ledger) -> None:
    """Set all counters anew from the rows. Call it in a transaction."""
    ledger.execute("DELETE FROM counters")
    ledger.execute("DELETE FROM meta WHERE key = ?", (_UNCOUNTED,))
    _add(ledger, _everything(ledger))


def leave_uncounted(ledger: Ledger) -> None:
    """Note that nothing is counted yet: whoever fills an index with everything does it in the end."""
    ledger.set_meta(_UNCOUNTED, "")


def is_uncounted(ledger: Ledger) -> bool:
    """Whether nothing is counted yet."""
    return ledger.meta(_UNCOUNTED) is not None


@contextlib.contextmanager
def counted(ledger: Ledger) -> Iterator[None]:
    """Keep the counters in line with changes of rows in the block, and note the images concerned as dirty.

    Before the block, the tables ``touched`` and ``touched_images`` hold the names of all files and the ids of
    all images whose rows the block may change; images of the touched files are added here. In a ledger
    that is being filled, nothing is counted or noted.
    """
    if ledger.filling:
        yield
        ledger.execute("DELETE FROM touched")
        return
    ledger.execute(
        "INSERT OR IGNORE INTO touched_images SELECT f.image_id FROM touched t"
        " CROSS JOIN files f ON f.uri = t.uri WHERE f.image_id IS NOT NULL"
    )
    before = _contribution(ledger)
    yield
    change = _contribution(ledger)
    change.subtract(before)
    _add(ledger, change)
    ledger.execute("DELETE FROM touched")
    ledger.execute("DELETE FROM touched_images")


def list_several(ledger: Ledger) -> None:
    """Put the images that several files hold into the table ``several``."""
    ledger.execute("DELETE FROM several")
    ledger.execute(
        "INSERT INTO several SELECT image_id FROM files WHERE image_id IS NOT NULL GROUP BY image_id"
        " HAVING count(*) > 1"
    )


def _contribution(ledger: Ledger) -> Counter[str]:
    files = "touched t CROSS JOIN files f ON f.uri = t.uri"
    images = "touched_images t CROSS JOIN files f ON f.image_id = t.image_id"
    present = _PRESENT.format(images)
    return _of_files(ledger, files) + _of_images(ledger, present) + _of_failures(ledger, images)


def _everything(ledger: Ledger) -> Counter[str]:
    # most images have no such people, and are not ranked
    failed = "(SELECT DISTINCT image_id FROM person_failures) t CROSS JOIN files f ON f.image_id = t.image_id"
    list_several(ledger)
    present = (
        "SELECT f.image_id, f.status, 1 AS copies, f.n_people AS people, f.n_too_small AS too_small,"  # noqa: S608
        f" f.time_unread FROM files f WHERE {SINGLE} AND f.source IS NOT NULL UNION ALL "
        + _PRESENT.format("several t CROSS JOIN files f ON f.image_id = t.image_id")
    )
    return _of_files(ledger, "files f") + _of_images(ledger, present) + _of_failures(ledger, failed)


def _of_files(ledger: Ledger, files: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    by_kind = (
        f"SELECT kind, status, count(*) FROM {files}"  # noqa: S608 - one of two texts of this module
        " WHERE f.source IS NOT NULL GROUP BY kind, status"
    )
    for kind, status, n in ledger.rows(by_kind):
        counts["listed"] += n
        if kind == Kind.PENDING:
            counts["pending"] += n
        elif kind == Kind.FAILED:
            counts[FAILED_FILES + status] += n
        elif kind == Kind.FORGOTTEN:
            counts["forgotten"] += n
    counts["vanished"] = ledger.value(
        f"SELECT count(*) FROM (SELECT 1 FROM {files} GROUP BY f.uri"  # noqa: S608
        " HAVING max(f.attempt) > 0 AND max(f.source IS NOT NULL) = 0)"
    )
    return counts


def _of_images(ledger: Ledger, present: str) -> Counter[str]:
    """Counts of different images that are present: one row for all copies of an image."""
    counts: Counter[str] = Counter()
    query = f"""
        SELECT p.status, count(*), sum(p.copies - 1), sum(p.people), sum(p.too_small),
               sum(coalesce(i.rows, 0)), sum(CASE WHEN i.image_id IS NULL THEN p.people ELSE 0 END),
               sum(p.time_unread)
        FROM ({present}) p LEFT JOIN indexed i ON i.image_id = p.image_id GROUP BY p.status"""  # noqa: S608
    for status, n, copies, people, too_small, described, pending, unread in ledger.rows(query):
        counts[f"images:{status}"] += n
        counts["duplicates"] += copies
        counts["people"] += people
        counts["too_small"] += too_small
        counts["described"] += described
        counts["people_pending"] += pending
        counts["unreadable_times"] += unread
    return counts


def _of_failures(ledger: Ledger, images: str) -> Counter[str]:
    """Counts of people who could not be described, of different images that are present."""
    counts: Counter[str] = Counter()
    failures = f"""
        SELECT p.status, sum(p.n) FROM (
            SELECT f.image_id, f.shard AS shard, min({RANK}), sum(f.source IS NOT NULL) AS present
            FROM {images}
            CROSS JOIN shards s ON s.shard = f.shard WHERE f.kind = 1 AND s.described = 1
            GROUP BY f.image_id
        ) d CROSS JOIN person_failures p ON p.image_id = d.image_id AND p.shard = d.shard
        CROSS JOIN indexed i ON i.image_id = d.image_id
        WHERE d.present GROUP BY p.status"""  # noqa: S608
    for status, n in ledger.rows(failures):
        counts[FAILED_PEOPLE + status] += n
    return counts


def _add(ledger: Ledger, change: Mapping[str, int]) -> None:
    ledger.execute_many(
        "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
        [(name, n) for name, n in change.items() if n],
    )
