"""What searches need of the people of one version, in memory: their vectors shortened to the directions in
which people differ, and the columns by which they are judged and filtered.

A search compares the shortened vectors of the partitions that are nearest to the question, compares the best
of them again by their stored vectors, and gives rows of the columns that are judged; what is shown of a
person is gathered for the hits alone. Everything here is derived from a version of the table and goes with
it; nothing is written to disk. ``docs/decisions/0022-people-in-memory.md`` has the measurements.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cachetools import LRUCache
from jaxtyping import Bool, Float32, Int, Int32, Int64, UInt64
from lancedb.table import Table

from par_core.store.lance.stored_vectors import StoredVectors

__all__ = ["POSITION", "Allowed", "ResidentPeople"]

#: Column of the rows: the place of a person in memory.
POSITION: Final = "_position"
_IMAGE: Final = "_image"  # number of the image
_KEPT: Final = (
    *("source_state", "captured_at", "height_px", "score", "cutout"),
    *("upper_color", "upper_color_share", "lower_color", "lower_color_share"),
)
_JUDGED: Final = ("person_id", _IMAGE, "upper_color", "lower_color", "cutout")  # and the attributes
_SHOWN: Final = ("uri", "shard", "image_width", "image_height", "x1", "y1", "x2", "y2")
_URIS: Final = pa.list_(pa.string())
_FEW_VALUES: Final = ("source_state", "upper_color", "lower_color", "shard")
_LEFT_OUT: Final = 0.01  # share of the vectors' length, squared, that shortening may lose
_LONGEST: Final = 128  # of a shortened vector
_ROWS_A_PARTITION: Final = 2_000
_TRAINING_ROWS: Final = 50  # for each partition
_ROUNDS: Final = 8
_PARTITIONS_READ: Final = 40  # at least
_ROWS_READ: Final = 8_000  # at least, of those that a filter leaves
_FILTERS_KEPT: Final = 16
_SAMPLE: Final = 20_000  # people by whom the directions are chosen
_ROWS_A_BLOCK: Final = 50_000
_SPARE: Final = 250  # rows beyond the wanted ones that are compared by their stored vectors


@dataclass(frozen=True, slots=True)
class Allowed:
    """The people that a filter leaves.

    Attributes:
        positions: Their positions, ascending.
        bounds: Where each partition begins among them, and where the last one ends.
    """

    positions: Int32[np.ndarray, " n"]
    bounds: Int64[np.ndarray, " partitions_and_1"]


@dataclass(frozen=True, eq=False)
class ResidentPeople:
    """The people of one version, in the order of their partitions.

    Attributes:
        row_ids: LanceDB's ids of the rows.
        columns: Columns that are judged or filtered by; texts are dictionaries, images are numbers.
        attributes: Names of the attribute columns.
        shown: Further columns, which are shown of a hit.
        images: Ids of the images, by their numbers.
        places: All places of the images of people who have several or none, by position.
        basis: Directions to which vectors are shortened, (d, m).
        short: Shortened vectors, (n, m).
        centres: Middle of each partition, (partitions, m).
        bounds: Where each partition begins, and where the last one ends.
        vectors: The stored vectors.
    """

    row_ids: UInt64[np.ndarray, " n"]
    columns: pa.Table
    attributes: tuple[str, ...]
    shown: pa.Table
    images: pa.Array
    places: dict[int, list[str]]
    basis: Float32[np.ndarray, "d m"]
    short: Float32[np.ndarray, "n m"]
    centres: Float32[np.ndarray, "partitions m"]
    bounds: Int64[np.ndarray, " partitions_and_1"]
    vectors: StoredVectors
    _allowed: LRUCache[str, Allowed] = field(default_factory=lambda: LRUCache(_FILTERS_KEPT))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, table: Table, folder: Path, attributes: tuple[str, ...]) -> "ResidentPeople | None":
        """Read the people of the version at which a table is open; None where LanceDB's files keep their
        vectors in another way, or where shortening would lose too much of them.

        Args:
            table: The table.
            folder: Its folder.
            attributes: Names of the attribute columns.
        """
        vectors = StoredVectors.of(folder, int(table.version))
        if vectors is None:
            return None
        read, images, row_ids = _read_columns(table, attributes)
        basis = None if not len(row_ids) else _directions(vectors, row_ids)
        if basis is None:
            return None
        short = np.empty((len(row_ids), basis.shape[1]), np.float32)
        for place, block in vectors.blocks(row_ids):
            short[place] = block @ basis
        centres = _centres(short)
        nearest = _nearest_centre(short, centres)
        order = np.argsort(nearest, kind="stable")
        bounds = np.searchsorted(nearest[order], np.arange(len(centres) + 1))
        read = read.take(pa.array(order)).combine_chunks()
        uris, shown = read["uris"], read.select([name for name in _SHOWN if name in read.column_names])
        several = np.flatnonzero(np.asarray(pc.list_value_length(uris)) != 1)
        places = dict(zip(several.tolist(), uris.take(pa.array(several)).to_pylist(), strict=True))
        columns = read.drop_columns([*shown.column_names, "uris"])
        ordered = row_ids[order], columns, attributes, shown, images, places
        return cls(*ordered, basis, short[order], centres, bounds, vectors)

    def __len__(self) -> int:
        return len(self.row_ids)

    @property
    def image_numbers(self) -> Int32[np.ndarray, " n"]:
        """Number of each person's image, by position."""
        return np.asarray(self.columns[_IMAGE].chunk(0))

    def allowed(self, name: str, mask: Callable[[], Bool[np.ndarray, " n"] | None]) -> Allowed | None:
        """Return the people that a filter leaves; those of recent filters are kept.

        Args:
            name: Name of the filter.
            mask: Gives whether it leaves each person; None if that cannot be told here.
        """
        with self._lock:
            kept = self._allowed.get(name)
        if kept is not None:
            return kept
        leaves = mask()
        if leaves is None:
            return None
        positions = np.flatnonzero(leaves).astype(np.int32)
        made = Allowed(positions, np.searchsorted(positions, self.bounds))
        with self._lock:
            self._allowed[name] = made
        return made

    def rows(
        self, positions: Int[np.ndarray, " n"], vectors: Float32[np.ndarray, "n d"] | None = None
    ) -> pa.Table:
        """Return the columns that are judged, ``vector`` and ``POSITION`` of some people. ``image_id`` is a
        number in text, equal for people of one image.

        Args:
            positions: Positions of n people.
            vectors: Their stored vectors; None reads them now.

        Raises:
            FileNotFoundError: A file of this version was erased.
        """
        vectors = self.vectors.read(self.row_ids[positions]) if vectors is None else vectors
        columns = _taken(self.columns, positions, [*_JUDGED, *self.attributes])
        columns["image_id"] = columns.pop(_IMAGE).cast(pa.string())
        flat = pa.array(np.ascontiguousarray(vectors).reshape(-1))
        columns["vector"] = pa.FixedSizeListArray.from_arrays(flat, self.vectors.size)
        return pa.table(columns | {POSITION: pa.array(positions)})

    def whole(self, positions: Int[np.ndarray, " n"]) -> pa.Table:
        """Return all columns that are shown of some people, in their order.

        Args:
            positions: Positions of n people.

        Raises:
            FileNotFoundError: A file of this version was erased.
        """
        columns = _taken(self.columns, positions, self.columns.column_names)
        columns |= _taken(self.shown, positions, self.shown.column_names)
        columns["image_id"] = self.images.take(columns.pop(_IMAGE))
        uris = zip(positions.tolist(), columns["uri"].to_pylist(), strict=True)
        columns["uris"] = pa.array([self.places.get(place, [uri]) for place, uri in uris], _URIS)
        self.vectors.require()
        return pa.table(columns)

    def sample(self, offsets: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """Return the positions of the people at some places of the table, in LanceDB's order of its rows."""
        return self.vectors.order(self.row_ids)[offsets]

    def nearest(
        self, vector: Float32[np.ndarray, " d"], allowed: Allowed, top: int
    ) -> tuple[Int32[np.ndarray, " k"], Float32[np.ndarray, "k d"]]:
        """Return the positions of the people nearest to a vector, nearest first, and their stored vectors.

        Args:
            vector: Vector of L2 norm 1.
            allowed: The people to choose from.
            top: Largest number of people.

        Raises:
            FileNotFoundError: A file of this version was erased.
        """
        question = vector @ self.basis
        rows, scores = self._read_partitions(question, allowed, top)
        positions = np.sort(rows[_greatest(scores, top + _SPARE)])
        vectors = self.vectors.read(self.row_ids[positions])
        order = np.argsort(-(vectors @ vector), kind="stable")[:top]
        return positions[order], vectors[order]

    def _read_partitions(
        self, question: Float32[np.ndarray, " m"], allowed: Allowed, top: int
    ) -> tuple[Int32[np.ndarray, " k"], Float32[np.ndarray, " k"]]:
        """Return the people of the nearest partitions that a filter leaves, and their short products."""
        sizes = np.diff(allowed.bounds)
        nearest = np.argsort(-(self.centres @ question))
        enough = int(np.searchsorted(np.cumsum(sizes[nearest]), max(_ROWS_READ, 4 * top))) + 1
        read = np.sort(nearest[: max(enough, _PARTITIONS_READ)]).tolist()
        bounds = allowed.bounds.tolist()
        rows = np.concatenate([allowed.positions[bounds[part] : bounds[part + 1]] for part in read])
        places = self.bounds.tolist()
        if 2 * len(rows) < sum(places[part + 1] - places[part] for part in read):
            return rows, self.short[rows] @ question
        scores = np.empty(len(self), np.float32)  # only the partitions that are read are touched
        for part in read:
            begin, end = places[part], places[part + 1]
            np.dot(self.short[begin:end], question, out=scores[begin:end])
        return rows, scores[rows]


def _taken(table: pa.Table, positions: Int[np.ndarray, " n"], names: Iterable[str]) -> dict[str, pa.Array]:
    """Return some rows of columns, texts as they are."""
    places = pa.array(positions)
    taken = {name: table[name].chunk(0).take(places) for name in names if name in table.column_names}
    return {
        name: column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
        for name, column in taken.items()
    }


def _read_columns(
    table: Table, attributes: tuple[str, ...]
) -> tuple[pa.Table, pa.Array, UInt64[np.ndarray, " n"]]:
    """Return the kept columns of all people, the ids of the images by their numbers, and the ids of the rows,
    in their order.
    """
    names = ["person_id", "image_id", *_KEPT, *attributes, *_SHOWN, "uris"]
    stored = set(table.schema.names)
    query = table.search().with_row_id(True).select([name for name in names if name in stored])
    rows = query.limit(max(int(table.count_rows()), 1)).to_arrow().sort_by("_rowid").combine_chunks()
    row_ids = rows["_rowid"].to_numpy()
    columns = {name: rows[name].chunk(0) for name in rows.column_names if name != "_rowid"}
    images = columns.pop("image_id").dictionary_encode()
    columns[_IMAGE] = images.indices
    for name in _FEW_VALUES:
        columns[name] = columns[name].dictionary_encode()
    return pa.table(columns), images.dictionary, row_ids


def _directions(vectors: StoredVectors, row_ids: UInt64[np.ndarray, " n"]) -> np.ndarray | None:
    """Return the fewest principal directions, (d, m), that hold nearly all of the vectors' length."""
    step = max(len(row_ids) // _SAMPLE, 1)
    sample = vectors.read(row_ids[::step])
    lengths, directions = np.linalg.eigh(sample.T @ sample)
    held = np.cumsum(lengths[::-1]) / lengths.sum()
    needed = min(int(np.searchsorted(held, 1 - _LEFT_OUT)) + 1, len(held))
    if needed > _LONGEST:
        return None
    return np.ascontiguousarray(directions[:, ::-1][:, :needed], np.float32)


def _centres(short: Float32[np.ndarray, "n m"]) -> Float32[np.ndarray, "partitions m"]:
    """Return the middles of partitions, by k-means (Lloyd 1982) on a sample."""
    count = max(len(short) // _ROWS_A_PARTITION, 1)
    rng = np.random.default_rng(0)
    sample = short[np.sort(rng.choice(len(short), min(len(short), _TRAINING_ROWS * count), replace=False))]
    centres = sample[rng.choice(len(sample), count, replace=False)]
    for _ in range(_ROUNDS):
        nearest = _nearest_centre(sample, centres)
        sizes = np.bincount(nearest, minlength=count)
        filled = np.flatnonzero(sizes)
        starts = np.cumsum(sizes)[filled] - sizes[filled]
        sums = np.add.reduceat(sample[np.argsort(nearest, kind="stable")], starts, axis=0)
        centres[filled] = sums / sizes[filled, None]
    return centres


def _nearest_centre(
    points: Float32[np.ndarray, "n m"], centres: Float32[np.ndarray, "partitions m"]
) -> Int64[np.ndarray, " n"]:
    half = (centres**2).sum(axis=1) / 2
    blocks = [points[start : start + _ROWS_A_BLOCK] for start in range(0, len(points), _ROWS_A_BLOCK)]
    return np.concatenate([np.argmax(block @ centres.T - half, axis=1) for block in blocks])


def _greatest(scores: Float32[np.ndarray, " n"], most: int) -> Int64[np.ndarray, " k"]:
    return np.arange(len(scores)) if len(scores) <= most else np.argpartition(-scores, most)[:most]
