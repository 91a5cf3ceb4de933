"""Images that the index must show otherwise than before: read from the ledger for a commit, and marked when
the index has them.

An image is dirty from the change of one of its rows until the index is in line with it. While its rows are
being written it is in the table ``writing``, so that a commit after a kill knows that the index may or may
not have them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from par_core.ids import digest_of
from par_core.store.ledger.accounting import RANK, counted, recount
from par_core.store.ledger.database import Ledger

__all__ = [
    "INDEX_TABLE",
    "ChangedShard",
    "ImageState",
    "changed_shards",
    "everything_changed",
    "forget_index",
    "images_of_shard",
    "images_without_people",
    "indexed_rows",
    "mark_adopted",
    "mark_all_indexed",
    "mark_indexed",
    "mark_writing",
    "note_written",
]

#: Key of ``meta``: id and version of the table that ``indexed`` describes.
INDEX_TABLE: Final = "index_table"

_IMAGES: Final = 20_000  # of which the states are read at a time
_STATES: Final = ("present", "replaced", "vanished")


@dataclass(frozen=True, slots=True)
class ImageState:
    """One image, with the place where it is now, if any.

    Attributes:
        image_id: Id of the image.
        uri: First of ``uris``.
        uris: Files with these bytes, those of the best state only: first those of sources that are where they
            were listed, then those of missing sources, each by name.
        source_state: ``present``, ``replaced`` (another file is at that place now) or ``vanished``.
        digest: Text that changes when any of the image's rows in the index does.
        indexed: Whether the index has rows of it, or may have some.
        current: Whether the index has these very rows.
    """

    image_id: str
    uri: str
    uris: tuple[str, ...]
    source_state: str
    digest: str
    indexed: bool
    current: bool


@dataclass(frozen=True, slots=True)
class ChangedShard:
    """Changed images whose people one shard describes."""

    shard_id: str
    images: tuple[ImageState, ...]


def changed_shards(ledger: Ledger, *, everything: bool = False) -> Iterator[ChangedShard]:
    """Yield all dirty images that are described, by shard.

    The list is made at the first step; images may be marked as indexed meanwhile.

    Args:
        ledger: The ledger.
        everything: Whether every image is dirty. Then the files are read in their order, and not by image.
    """
    files = "files f NOT INDEXED" if everything else "dirty d CROSS JOIN files f ON f.image_id = d.image_id"
    ledger.execute("DROP TABLE IF EXISTS temp.todo")
    ledger.execute(
        f"CREATE TEMP TABLE todo AS SELECT f.image_id, f.shard AS shard, min({RANK}) AS rank"  # noqa: S608
        f" FROM {files} CROSS JOIN shards s ON s.shard = f.shard"
        " WHERE f.kind = 1 AND s.described = 1 GROUP BY f.image_id"
    )
    ledger.execute("CREATE INDEX temp.todo_by_shard ON todo (shard, image_id)")
    last = (b"", b"")
    while True:
        part = [
            (shard, image)
            for shard, image in ledger.rows(
                "SELECT shard, image_id FROM todo WHERE (shard, image_id) > (?, ?)"
                " ORDER BY shard, image_id LIMIT ?",
                (*last, _IMAGES),
            )
        ]
        if not part:
            return
        last = part[-1]
        states = _states(ledger, {image: shard for shard, image in part})
        by_shard: dict[bytes, list[ImageState]] = {}
        for shard, image in part:
            by_shard.setdefault(shard, []).append(states[image])
        for shard, images in by_shard.items():
            yield ChangedShard(shard.hex(), tuple(images))


def images_of_shard(ledger: Ledger, shard_id: str, image_ids: Iterable[str]) -> tuple[ImageState, ...]:
    """Return those of some images whose people the index takes from this shard: no other described shard
    comes before it.
    """
    shard = bytes.fromhex(shard_id)
    first = (
        f"SELECT f.shard, min({RANK}) FROM files f JOIN shards s ON s.shard = f.shard"  # noqa: S608
        " WHERE f.image_id = ? AND f.kind = 1 AND s.described = 1"
    )
    images = [bytes.fromhex(image_id) for image_id in dict.fromkeys(image_ids)]
    mine = {image: shard for image in images if ledger.value(first, (image,)) == shard}
    return tuple(_states(ledger, mine).values())


def images_without_people(ledger: Ledger) -> Iterator[list[str]]:
    """Yield dirty images that the index has, or may have, and that no described shard holds any more, some at
    a time. They must be marked before the next step.
    """
    query = (
        "SELECT d.image_id FROM dirty d WHERE (EXISTS (SELECT 1 FROM indexed i WHERE i.image_id = d.image_id)"
        " OR EXISTS (SELECT 1 FROM writing w WHERE w.image_id = d.image_id)) AND NOT EXISTS"
        " (SELECT 1 FROM files f JOIN shards s ON s.shard = f.shard WHERE f.image_id = d.image_id"
        " AND f.kind = 1 AND s.described = 1) LIMIT ?"
    )
    while images := [image.hex() for (image,) in ledger.rows(query, (_IMAGES,))]:
        yield images


def mark_writing(ledger: Ledger, images: Sequence[str]) -> None:
    """Note, before the index is written, that it may hold any rows of some images from now on."""
    with ledger.transaction():
        ledger.execute_many(
            "INSERT OR IGNORE INTO writing VALUES (?)", [(bytes.fromhex(image),) for image in images]
        )


def mark_indexed(ledger: Ledger, digests: Mapping[str, tuple[str, int]], removed: Sequence[str]) -> None:
    """Note, after the index was written, what it holds of some images.

    Args:
        ledger: The ledger.
        digests: Digest and number of rows by image.
        removed: Images of which the index holds nothing.
    """
    done = [(bytes.fromhex(image),) for image in (*digests, *removed)]
    with ledger.transaction():
        ledger.execute_many("INSERT OR IGNORE INTO touched_images VALUES (?)", done)
        with counted(ledger):
            ledger.execute_many(
                "INSERT OR REPLACE INTO indexed VALUES (?, ?, ?)",
                [(bytes.fromhex(image), *what) for image, what in digests.items()],
            )
            ledger.execute_many(
                "DELETE FROM indexed WHERE image_id = ?", [(bytes.fromhex(image),) for image in removed]
            )
            ledger.execute_many("DELETE FROM dirty WHERE image_id = ?", done)
            ledger.execute_many("DELETE FROM writing WHERE image_id = ?", done)


def note_written(ledger: Ledger, digests: Mapping[str, tuple[str, int]]) -> None:
    """Keep what a new index holds of some images until ``mark_all_indexed``; no other process sees it.

    Args:
        ledger: The ledger.
        digests: Digest and number of rows by image.
    """
    with ledger.transaction():
        ledger.execute_many(
            "INSERT INTO written VALUES (?, ?, ?)",
            [(bytes.fromhex(image), *what) for image, what in digests.items()],
        )


def mark_all_indexed(ledger: Ledger) -> None:
    """Note, after a new index was filled, that it holds what was noted as written, and nothing else."""
    with ledger.transaction():
        ledger.execute("DELETE FROM indexed")
        ledger.execute("INSERT INTO indexed SELECT image_id, digest, rows FROM written ORDER BY image_id")
        for table in ("written", "dirty", "writing"):
            ledger.execute(f"DELETE FROM {table}")  # noqa: S608 - names above
        recount(ledger)


def forget_index(ledger: Ledger) -> None:
    """Note that there is no index, or a new one without rows: every image must be committed."""
    with ledger.transaction():
        if ledger.value("SELECT 1 FROM indexed LIMIT 1"):
            ledger.execute("DELETE FROM indexed")
            recount(ledger)
        ledger.execute("DELETE FROM writing")
        everything_changed(ledger)


def mark_adopted(ledger: Ledger, digests: Iterable[tuple[str, str | None, int]]) -> None:
    """Note what an index holds that the ledger did not know, and make every image dirty.

    Args:
        ledger: The ledger.
        digests: Image, digest (None if its rows do not agree), number of rows.
    """
    with ledger.transaction():
        ledger.execute("DELETE FROM indexed")
        ledger.execute("DELETE FROM writing")
        ledger.execute_many(
            "INSERT INTO indexed VALUES (?, ?, ?) ON CONFLICT (image_id) DO UPDATE"
            " SET digest = iif(digest = excluded.digest, digest, NULL), rows = rows + excluded.rows",
            ((bytes.fromhex(image), digest, rows) for image, digest, rows in digests),
        )
        everything_changed(ledger)
        ledger.execute("INSERT OR IGNORE INTO dirty SELECT image_id FROM indexed")
        recount(ledger)


def everything_changed(ledger: Ledger) -> None:
    """Make every image dirty."""
    ledger.execute("INSERT OR IGNORE INTO dirty SELECT image_id FROM files WHERE kind = 1 ORDER BY image_id")


def indexed_rows(ledger: Ledger) -> int:
    """Return the number of rows that the index holds."""
    return int(ledger.value("SELECT coalesce(sum(rows), 0) FROM indexed"))


def _states(ledger: Ledger, shards: Mapping[bytes, bytes]) -> dict[bytes, ImageState]:
    """Return the states of some images, given the shard of each."""
    with ledger.transaction():  # not one for each image
        ledger.execute("DELETE FROM touched_images")
        ledger.execute_many("INSERT INTO touched_images VALUES (?)", [(image,) for image in shards])
    places: dict[bytes, list[tuple[int, str]]] = {}
    for image, uri, rank in ledger.rows(
        "SELECT f.image_id, f.uri, CASE WHEN f.source IS NOT NULL THEN 0"
        " WHEN EXISTS (SELECT 1 FROM files g WHERE g.uri = f.uri AND g.source IS NOT NULL) THEN 1 ELSE 2 END"
        " FROM touched_images t CROSS JOIN files f ON f.image_id = t.image_id"
        " LEFT JOIN sources s ON s.id = f.source"
        " WHERE f.kind = 1 ORDER BY f.image_id, coalesce(s.missing, 0), f.uri"
    ):
        places.setdefault(image, []).append((rank, uri))
    contents = {
        shard: ledger.value("SELECT digest FROM shards WHERE shard = ?", (shard,))
        for shard in set(shards.values())
    }
    known: dict[bytes, str | None] = dict(
        ledger.rows(
            "SELECT i.image_id, i.digest FROM touched_images t JOIN indexed i ON i.image_id = t.image_id"
        )
    )
    in_doubt = "SELECT w.image_id FROM touched_images t JOIN writing w ON w.image_id = t.image_id"
    known |= {image: None for (image,) in ledger.rows(in_doubt)}
    ledger.execute("DELETE FROM touched_images")
    return {
        image: _state(image, places[image], shard, contents[shard], known) for image, shard in shards.items()
    }


def _state(
    image: bytes,
    places: Sequence[tuple[int, str]],
    shard: bytes,
    content: str,
    known: Mapping[bytes, str | None],
) -> ImageState:
    best = min(rank for rank, _ in places)
    uris = tuple(dict.fromkeys(uri for rank, uri in places if rank == best))
    state = _STATES[best]
    digest = digest_of(content, shard.hex(), uris[0], state, *uris)
    return ImageState(image.hex(), uris[0], uris, state, digest, image in known, known.get(image) == digest)
