"""The accounting of files and people: counters that change with the rows of the ledger.

Each change of rows subtracts what the files and images concerned counted for before, and adds what they count
for afterwards, in the same transaction. So nothing ever has to be counted again; ``recounted`` does it, for
``par verify --thorough``.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from par_core.store.ledger.database import Kind, Ledger

__all__ = ["NOTHING", "RANK", "Accounting", "accounting", "counted", "recount", "recounted"]

_FAILED: Final = "failed:"
_PERSON_FAILED: Final = "person_failed:"

#: SQL of the rank of a row ``f`` of files among those of one image. The index takes the people from the
#: least: from the shard that could describe the most of them, then the first by id. A column beside ``min``
#: of it is that of the least row, unless another ``min`` or ``max`` stands there (SQLite, "Bare columns in an
#: aggregate query").
RANK: Final = (
    "printf('%08d%s', coalesce((SELECT sum(p.n) FROM person_failures p WHERE p.shard = f.shard"
    " AND p.image_id = f.image_id), 0), hex(f.shard))"
)


@dataclass(frozen=True, slots=True)
class Accounting:
    """Two equations that must hold.

    Files: listed = indexed + no_people + failed + duplicates + forgotten + pending.
    People of the indexed images: found = described + too_small + people_failed + people_forgotten +
    people_pending.

    Attributes:
        listed: Files and archive members that the newest listings hold.
        indexed: Different images with at least one person of usable size.
        no_people: Different images without such a person.
        failed: Files with a failure status.
        duplicates: Further files with the bytes of an image that is counted already.
        forgotten: Files that were erased on purpose and are still in the archive.
        pending: Files not worked on yet, because a run was stopped.
        people: People of usable size in the indexed images.
        too_small: People below the configured size.
        described: People with a row in the index.
        people_failed: People who could not be described.
        people_forgotten: People who were erased on purpose from images that stay.
        people_pending: People of images whose people are not described, or not in the index yet.
        vanished: Files known from before that the newest listings no longer hold (not part of the equation).
        failures: Failed files by status.
        person_failures: People who could not be described, by status.
    """

    listed: int
    indexed: int
    no_people: int
    failed: int
    duplicates: int
    forgotten: int
    pending: int
    people: int
    too_small: int
    described: int
    people_failed: int
    people_forgotten: int
    people_pending: int
    vanished: int
    failures: Mapping[str, int]
    person_failures: Mapping[str, int]

    @property
    def found(self) -> int:
        """All people that were found in the indexed images."""
        return self.people + self.too_small + self.people_forgotten

    @property
    def holds(self) -> bool:
        """Whether both equations hold."""
        files = self.indexed + self.no_people + self.failed + self.duplicates + self.forgotten + self.pending
        return self.listed == files and self.people == (
            self.described + self.people_failed + self.people_pending
        )

    def __str__(self) -> str:
        parts = [
            f"{self.indexed} indexed",
            f"{self.no_people} without people",
            f"{self.failed} failed",
            f"{self.duplicates} duplicates",
        ]
        parts += [f"{self.forgotten} forgotten"] if self.forgotten else []
        parts += [f"{self.pending} pending"] if self.pending else []
        return f"{self.listed} files listed = {' + '.join(parts)}"

    @property
    def people_sentence(self) -> str:
        """The equation of the people as a sentence."""
        parts = [
            f"{self.described} described",
            f"{self.too_small} too small",
            f"{self.people_failed} failed",
        ]
        parts += [f"{self.people_forgotten} forgotten"] if self.people_forgotten else []
        parts += [f"{self.people_pending} pending"] if self.people_pending else []
        return f"{self.found} people found = {' + '.join(parts)}"

    def as_json(self) -> dict[str, Any]:
        """Return all counts as JSON types."""
        return asdict(self) | {"failures": dict(self.failures), "person_failures": dict(self.person_failures)}


def accounting(ledger: Ledger, people_forgotten: int) -> Accounting:
    """Return the accounting, from counters alone.

    Args:
        ledger: The ledger.
        people_forgotten: People on the suppression list of the store.
    """
    return _from(dict(ledger.rows("SELECT name, value FROM counters")), people_forgotten)


def recounted(ledger: Ledger, people_forgotten: int) -> Accounting:
    """Return the accounting, counted again from all rows."""
    return _from(_everything(ledger), people_forgotten)


def recount(ledger: Ledger) -> None:
    """Set all counters anew from the rows. Call it in a transaction."""
    ledger.execute("DELETE FROM counters")
    _add(ledger, _everything(ledger))


@contextlib.contextmanager
def counted(ledger: Ledger) -> Iterator[None]:
    """Keep the counters in line with changes of rows in the block, and note the images concerned as dirty.

    Before the block, the tables ``touched`` and ``touched_images`` hold the names of all files and the ids of
    all images whose rows the block may change; images of the touched files are added here.
    """
    ledger.execute(
        "INSERT OR IGNORE INTO touched_images SELECT f.image_id FROM touched t JOIN files f ON f.uri = t.uri"
        " WHERE f.image_id IS NOT NULL"
    )
    before = _contribution(ledger)
    yield
    change = _contribution(ledger)
    change.subtract(before)
    _add(ledger, change)
    ledger.execute("DELETE FROM touched")
    ledger.execute("DELETE FROM touched_images")


def _contribution(ledger: Ledger) -> Counter[str]:
    files = "touched t CROSS JOIN files f ON f.uri = t.uri"
    images = "touched_images t CROSS JOIN files f ON f.image_id = t.image_id"
    return _of_files(ledger, files) + _of_images(ledger, images)


def _everything(ledger: Ledger) -> Counter[str]:
    return _of_files(ledger, "files f") + _of_images(ledger, "files f")


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
            counts[_FAILED + status] += n
        elif kind == Kind.FORGOTTEN:
            counts["forgotten"] += n
    counts["vanished"] = ledger.value(
        f"SELECT count(*) FROM (SELECT 1 FROM {files} GROUP BY f.uri"  # noqa: S608
        " HAVING max(f.attempt) > 0 AND max(f.source IS NOT NULL) = 0)"
    )
    return counts


def _of_images(ledger: Ledger, images: str) -> Counter[str]:
    """Counts of different images that are present: one row for all copies of an image."""
    counts: Counter[str] = Counter()
    # one of two texts of this module
    query = f"""
        WITH present AS (
            SELECT f.image_id, max(f.status) AS status, count(*) AS copies, max(f.n_people) AS people,
                   max(f.n_too_small) AS too_small
            FROM {images} WHERE f.kind = 1 AND f.source IS NOT NULL GROUP BY f.image_id
        )
        SELECT p.status, count(*), sum(p.copies - 1), sum(p.people), sum(p.too_small),
               sum(coalesce(i.rows, 0)), sum(iif(i.image_id IS NULL, p.people, 0))
        FROM present p LEFT JOIN indexed i ON i.image_id = p.image_id GROUP BY p.status"""  # noqa: S608
    for status, n, copies, people, too_small, described, pending in ledger.rows(query):
        counts[f"images:{status}"] += n
        counts["duplicates"] += copies
        counts["people"] += people
        counts["too_small"] += too_small
        counts["described"] += described
        counts["people_pending"] += pending
    failures = f"""
        SELECT p.status, sum(p.n) FROM (
            SELECT f.image_id, f.shard AS shard, min({RANK}), sum(f.source IS NOT NULL) AS present
            FROM {images}
            JOIN shards s ON s.shard = f.shard WHERE f.kind = 1 AND s.described = 1
            GROUP BY f.image_id
        ) d JOIN person_failures p ON p.image_id = d.image_id AND p.shard = d.shard
        JOIN indexed i ON i.image_id = d.image_id
        WHERE d.present GROUP BY p.status"""  # noqa: S608
    for status, n in ledger.rows(failures):
        counts[_PERSON_FAILED + status] += n
    return counts


def _add(ledger: Ledger, change: Mapping[str, int]) -> None:
    ledger.execute_many(
        "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
        [(name, n) for name, n in change.items() if n],
    )


def _from(counters: Mapping[str, int], people_forgotten: int) -> Accounting:
    def named(prefix: str) -> dict[str, int]:
        return {name.removeprefix(prefix): n for name, n in counters.items() if n and name.startswith(prefix)}

    failures, person_failures = named(_FAILED), named(_PERSON_FAILED)
    get = counters.get
    return Accounting(
        listed=get("listed", 0),
        indexed=get("images:ok", 0),
        no_people=get("images:no_people", 0),
        failed=sum(failures.values()),
        duplicates=get("duplicates", 0),
        forgotten=get("forgotten", 0),
        pending=get("pending", 0),
        people=get("people", 0),
        too_small=get("too_small", 0),
        described=get("described", 0),
        people_failed=sum(person_failures.values()),
        people_forgotten=people_forgotten,
        people_pending=get("people_pending", 0),
        vanished=get("vanished", 0),
        failures=failures,
        person_failures=person_failures,
    )


#: The accounting of an empty store.
NOTHING: Final = _from({}, 0)
