"""Images that the index must show otherwise than before: read from the ledger for a commit, and marked when
the index has them.

An image is dirty from the change of one of its rows until the index is in line with it. While its rows are
being written it is in the table ``writing``, so that a commit after a kill knows that the index may or may
not have them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

from par_core.ids import digest_of_framed, frame, framed
from par_core.store.ledger.accounting import RANK, SINGLE, counted, list_several, recount
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
_STATE_FRAMES: Final = tuple(map(frame, _STATES))
_NEXT: Final = (
    "SELECT t.shard, t.image_id, t.uri, s.digest, CASE WHEN w.image_id IS NULL THEN i.digest END,"
    " coalesce(i.image_id, w.image_id) IS NOT NULL FROM todo t CROSS JOIN shards s ON s.shard = t.shard"
    " LEFT JOIN indexed i ON i.image_id = t.image_id LEFT JOIN writing w ON w.image_id = t.image_id"
    " WHERE (t.shard, t.image_id) > (?, ?) ORDER BY t.shard, t.image_id LIMIT ?"
)

_Image = tuple[bytes, bytes, str | None, str, str | None, int]  # a row of _NEXT


class ImageState(NamedTuple):
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
    _list(ledger, "several" if everything else "dirty", singles=everything)
    last = (b"", b"")
    while part := list(ledger.rows(_NEXT, (*last, _IMAGES))):
        last = part[-1][:2]
        states = _states(ledger, part)
        for shard, images in groupby(zip(part, states, strict=True), key=lambda pair: pair[0][0]):
            yield ChangedShard(shard.hex(), tuple(state for _, state in images))


def images_of_shard(ledger: Ledger, shard_id: str, image_ids: Iterable[str]) -> tuple[ImageState, ...]:
    """Return those of some images whose people the index takes from this shard: no other described shard
    comes before it.
    """
    shard = bytes.fromhex(shard_id)
    _touch(ledger, map(bytes.fromhex, image_ids))
    _list(ledger, "touched_images")
    mine = [row for row in ledger.rows(_NEXT, (shard, b"", -1)) if row[0] == shard]
    return tuple(_states(ledger, mine))


def images_without_people(ledger: Ledger) -> Iterator[list[str]]:
    """Yield dirty images that the index has, or may have, and that no described shard holds any more, some at
    a time. They must be marked before the next step.
    """
    query = (
        "SELECT d.image_id FROM dirty d WHERE (EXISTS (SELECT 1 FROM indexed i WHERE i.image_id = d.image_id)"
        " OR EXISTS (SELECT 1 FROM writing w WHERE w.image_id = d.image_id)) AND NOT EXISTS"
        " (SELECT 1 FROM files f CROSS JOIN shards s ON s.shard = f.shard WHERE f.image_id = d.image_id"
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
    """Note that there is no index, or a new one without rows. It is to be filled with every image
    (``changed_shards``); after a kill the ledger does not know it, and it is read.
    """
    with ledger.transaction():
        if ledger.value("SELECT 1 FROM indexed LIMIT 1"):
            ledger.execute("DELETE FROM indexed")
            recount(ledger)
        ledger.execute("DELETE FROM writing")


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
            " SET digest = CASE WHEN digest = excluded.digest THEN digest END, rows = rows + excluded.rows",
            ((bytes.fromhex(image), digest, rows) for image, digest, rows in digests),
        )
        everything_changed(ledger)
        ledger.execute("INSERT OR IGNORE INTO dirty SELECT image_id FROM indexed")
        recount(ledger)


def everything_changed(ledger: Ledger) -> None:
    """Make every image dirty."""
    ledger.execute("INSERT OR IGNORE INTO dirty SELECT image_id FROM files WHERE +kind = 1 ORDER BY image_id")


def indexed_rows(ledger: Ledger) -> int:
    """Return the number of rows that the index holds."""
    return int(ledger.value("SELECT coalesce(sum(rows), 0) FROM indexed"))


def _list(ledger: Ledger, images: str, *, singles: bool = False) -> None:
    """Make the table ``todo``: those of some images that are described, each with the shard that does it,
    and with its place if it has one alone, which is listed: few have several.

    Args:
        ledger: The ledger.
        images: Name of a table with the images.
        singles: Also all images that one file alone holds; ``images`` is ``several`` then.
    """
    ledger.execute("DROP TABLE IF EXISTS temp.todo")
    ledger.execute(
        "CREATE TEMP TABLE todo (shard BLOB NOT NULL, image_id BLOB NOT NULL, uri TEXT,"
        " PRIMARY KEY (shard, image_id)) WITHOUT ROWID"
    )
    if singles:
        list_several(ledger)
        ledger.execute(
            "INSERT INTO todo SELECT f.shard, f.image_id, CASE WHEN f.source IS NOT NULL THEN f.uri END"  # noqa: S608
            f" FROM files f CROSS JOIN shards s ON s.shard = f.shard WHERE {SINGLE} AND s.described"
            " ORDER BY f.shard, f.image_id"
        )
    ledger.execute(
        "INSERT INTO todo SELECT shard, image_id, uri FROM (SELECT f.image_id, f.shard AS shard,"  # noqa: S608
        " CASE WHEN count(*) = 1 AND f.source IS NOT NULL THEN f.uri END AS uri,"
        f" min(CASE WHEN s.described THEN {RANK} END) AS rank FROM {images} t"
        " CROSS JOIN files f ON f.image_id = t.image_id CROSS JOIN shards s ON s.shard = f.shard"
        " WHERE f.kind = 1 GROUP BY f.image_id) WHERE rank IS NOT NULL ORDER BY shard, image_id"
    )


def _states(ledger: Ledger, images: Sequence[_Image]) -> list[ImageState]:
    """Return the states of some of the ``todo``."""
    _touch(ledger, (image for _, image, uri, *_ in images if uri is None))
    places: dict[bytes, list[tuple[int, str]]] = {}
    for image, uri, rank in ledger.rows(
        "SELECT f.image_id, f.uri, CASE WHEN f.source IS NOT NULL THEN 0"
        " WHEN EXISTS (SELECT 1 FROM files g WHERE g.uri = f.uri AND g.source IS NOT NULL) THEN 1 ELSE 2 END"
        " FROM touched_images t CROSS JOIN files f ON f.image_id = t.image_id"
        " LEFT JOIN sources s ON s.id = f.source"
        " WHERE f.kind = 1 ORDER BY f.image_id, coalesce(s.missing, 0), f.uri"
    ):
        places.setdefault(image, []).append((rank, uri))
    ledger.execute("DELETE FROM touched_images")
    states, of_shard, shard_frame = [], b"", b""
    for shard, image, uri, content, known, indexed in images:
        rank, uris = (0, (uri,)) if uri is not None else _best(places[image])
        state = _STATES[rank]
        if shard != of_shard:
            of_shard, shard_frame = shard, framed(content, shard.hex())
        first = frame(uris[0])
        every = first if len(uris) == 1 else framed(*uris)
        digest = digest_of_framed(b"".join((shard_frame, first, _STATE_FRAMES[rank], every)))
        states.append(ImageState(image.hex(), uris[0], uris, state, digest, bool(indexed), known == digest))
    return states


def _best(places: Sequence[tuple[int, str]]) -> tuple[int, tuple[str, ...]]:
    """Return the least rank of some places, and the files of that rank."""
    best = min(rank for rank, _ in places)
    return best, tuple(dict.fromkeys(uri for rank, uri in places if rank == best))


def _touch(ledger: Ledger, images: Iterable[bytes]) -> None:
    """Put some images alone into ``touched_images``."""
    with ledger.transaction():  # not one for each image
        ledger.execute("DELETE FROM touched_images")
        ledger.execute_many("INSERT OR IGNORE INTO touched_images VALUES (?)", [(image,) for image in images])
