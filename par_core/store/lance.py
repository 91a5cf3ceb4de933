"""The LanceDB table ``people``: a derived index with one writer. The only file that knows LanceDB.

The table's schema metadata names the embedding it holds and the configuration that made it, so that a query with another
model can be refused before it runs.

Every write makes a new version. The tag ``live`` names the version that searches read; only ``make_live`` moves it. Writes
always go to the newest version.
"""

import json
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

os.environ.setdefault("LANCEDB_LOG", "error")  # read once, when the library is loaded: it warns of every table that is new
import lancedb
from lancedb.index import Bitmap, BTree, IvfSq
from lancedb.table import Table

from par_core.errors import BadConfigError, StoreError
from par_core.store.shortcuts import CARD, card_columns, quick_condition, read_cards, seen_column, shortcut_fields, with_shortcuts
from par_core.store.vector_index import POLICY, IndexPolicy, IndexState

__all__ = ["IndexInfo", "PeopleIndex"]

_TABLE: Final = "people"
_LIVE: Final = "live"
_KEEP_VERSIONS: Final = timedelta(days=7)  # so long a reader may go on with the version that it opened
_INFO_KEY: Final = b"par.index"
_TREES: Final = ("person_id", "image_id", "captured_at")  # columns with many values; and the probabilities of attributes
_BITMAPS: Final = ("source_state", "upper_color", "lower_color")  # columns with few values; and whether attributes are seen
_FEW_COLUMNS: Final = 4  # that many are read one by one as fast as from the cards
_FEW_ROWS: Final = 1_000  # beyond, whole columns are read faster than cards
_COUNTS_KEPT: Final = 256  # of rows that filters leave
_TRAINING: Final = {"max_iterations": 8, "sample_rate": 48}  # of the vector index: as good as ten times as much
_SETTLED_NS: Final = 100_000_000  # after that a change of a folder shows in its time
_IDS_PER_CALL: Final = 1_000


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What a table was made with.

    Attributes:
        segment_config: Id of the segmentation that it shows.
        describe_config: Id of the description that it shows.
        embedding: Fingerprint of the joint image and text model; a query must have the same.
        profile: Name of the profile.
        attributes: Names of the attribute columns.
        thresholds: The probability from which each of them counts as seen.
    """

    segment_config: str
    describe_config: str
    embedding: str
    profile: str
    attributes: tuple[str, ...]
    thresholds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Version:
    """What is the same for all searches of one version; asking LanceDB takes longer than all else of a search but the search.

    Attributes:
        number: Of the version.
        schema: The columns, without those that are there for speed only.
        carded: The columns that are also in the cards; empty if an earlier version of PAR made the table.
        vectors: The index of the vectors.
        counts: Rows for which filters hold.
    """

    number: int
    schema: pa.Schema
    carded: frozenset[str]
    vectors: IndexState | None
    counts: dict[str | None, int]

    @classmethod
    def of(cls, table: Table, hidden: set[str]) -> "_Version":
        stored: pa.Schema = table.schema
        schema = pa.schema([field for field in stored if field.name not in hidden], metadata=stored.metadata)
        carded = frozenset(card_columns(schema)) if CARD[0] in stored.names else frozenset[str]()
        found = [config for config in table.list_indices() if config.columns[0] == "vector"]
        states = [IndexState(each.index_type, IndexPolicy.partitions_of(each.name), each.num_indexed_rows or 0, each.num_unindexed_rows or 0) for each in found]
        return cls(int(table.version), schema, carded, states[0] if states else None, {})


class PeopleIndex:
    """The table of described people.

    Use ``open`` to read, ``create`` to start an empty one.
    """

    def __init__(self, table: Table, database: Path, policy: IndexPolicy = POLICY, stamp: tuple[int, ...] = (), *, pinned: bool = False) -> None:
        self._table = table
        self.path = database
        self._policy = policy
        self._stamp = stamp
        self._pinned = pinned
        stored = json.loads((table.schema.metadata or {})[_INFO_KEY])
        self.info = IndexInfo(**{**stored, "attributes": tuple(stored["attributes"]), "thresholds": tuple(stored["thresholds"])})
        self._hidden = {*CARD, *map(seen_column, self.info.attributes)}
        self._seen_version = _Version.of(table, self._hidden)

    @classmethod
    def open(cls, path: Path, version: str = "latest", policy: IndexPolicy = POLICY) -> "PeopleIndex | None":
        """Open the table, or return None where there is none.

        Args:
            path: Folder of the database (``Store.index_path``).
            version: ``latest``, which alone can be written to; ``live``, which is the newest where no version is live; or a
                version's number. The last two stay what they are, whatever is written meanwhile.
            policy: What is indexed, and how much of it a search reads.

        Raises:
            BadConfigError: The version is none of these, or is not there (any more).
            StoreError: The table is there but cannot be read.
        """
        if version not in ("latest", _LIVE) and not (version.isascii() and version.isdigit()):
            raise BadConfigError(f"no version {version!r}; there are live, latest, and numbers as par status prints them")
        if not (path / f"{_TABLE}.lance").is_dir():
            return None
        stamp = _stamp(path)
        try:
            table = lancedb.connect(path, read_consistency_interval=timedelta(0)).open_table(_TABLE)
            if version.isdigit() and int(version) not in {each["version"] for each in table.list_versions()}:
                raise BadConfigError(f"the index has no version {version} (any more); see par status, or leave --version out")
            newest = int(table.version)
            wanted = (_live_version(table) or newest) if version == _LIVE else int(version) if version.isdigit() else None
            if wanted is not None:
                table.checkout(wanted)
            return cls(table, path, policy, stamp, pinned=wanted is not None)
        except (ValueError, RuntimeError, KeyError, OSError) as error:
            raise StoreError(f"{path} cannot be read ({error}); make it again with: par rebuild --store {path.parent}") from error

    @classmethod
    def create(cls, path: Path, schema: pa.Schema, info: IndexInfo, policy: IndexPolicy = POLICY) -> "PeopleIndex":
        """Start an empty table, in place of one that is there."""
        described = {field: getattr(info, field) for field in IndexInfo.__dataclass_fields__}
        metadata = {**(schema.metadata or {}), _INFO_KEY: json.dumps(described).encode()}
        full = pa.schema([*schema, *shortcut_fields(schema, info.attributes)], metadata=metadata)
        table = lancedb.connect(path).create_table(_TABLE, schema=full, mode="overwrite")
        table.set_unenforced_primary_key(["person_id"])
        return cls(table, path, policy)

    def is_current(self) -> bool:
        """Whether ``open`` with the same arguments would open the same version. Costs microseconds, so that a table can stay open between questions."""
        return bool(self._stamp) and self._stamp == _stamp(self.path)

    @property
    def schema(self) -> pa.Schema:
        """The table's columns, without those that are there for speed only."""
        return self._now.schema

    @property
    def columns(self) -> dict[str, pa.DataType]:
        """Columns that a filter may name: all but the vector and what only PAR itself uses."""
        return {field.name: field.type for field in self.schema if field.name not in ("vector", "uris", "row_digest", "shard")}

    @property
    def embedding_fingerprint(self) -> str:
        """Fingerprint of the model whose vectors it holds."""
        return self.info.embedding

    @property
    def thresholds(self) -> dict[str, float]:
        """The probability from which each attribute counts as seen."""
        return dict(zip(self.info.attributes, self.info.thresholds, strict=True))

    @property
    def version(self) -> int:
        """LanceDB's version number; every write makes a new one."""
        return self._seen_version.number if self._pinned else int(self._table.version)

    @property
    def live_version(self) -> int | None:
        """The version that is tagged ``live``, or None."""
        return _live_version(self._table)

    def release_lost_live(self) -> int | None:
        """Take the tag off a live version whose files are lost or damaged: searches read the newest again.

        Returns:
            The version that it was, or None if there is nothing to release.
        """
        live = self.live_version
        if live is None:
            return None
        try:
            pinned = lancedb.connect(self.path).open_table(_TABLE)
            pinned.checkout(live)
            for _ in PeopleIndex(pinned, self.path).scan(pinned.schema.names):
                pass
        except (ValueError, RuntimeError, KeyError, OSError):
            self._table.tags.delete(_LIVE)
            return live
        return None

    def make_live(self) -> None:
        """Tag this version ``live``: searches read it from now on, and its files are kept however old it grows."""
        tags = self._table.tags
        if self.live_version is None:
            tags.create(_LIVE, self.version)
        else:
            tags.update(_LIVE, self.version)

    def __len__(self) -> int:
        return self._count(self._now, None)

    def count_present(self) -> int:
        """People whose file was there, unchanged, when this version was written."""
        return int(self._table.count_rows("source_state = 'present'"))

    def search(self, vector: Sequence[float] | np.ndarray | None, *, where: str | None = None, top: int = 20, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows by ascending cosine distance to a vector, or any rows when there is none.

        Args:
            vector: Of the table's embedding size, or None.
            where: SQL made by ``par_core.query.where``, applied before the vector search.
            top: How many rows at most.
            columns: What to return; None is everything.

        Returns:
            The rows, with ``_distance`` (1 - cosine, in [0, 2]) if a vector was given.
        """
        now = self._now
        wanted = [name for name in (columns or now.schema.names) if name != "_distance"]
        where = quick_condition(where, self.thresholds) if where is not None and now.carded else where
        if vector is None:
            query: Any = self._table.search()
            query = query.where(where) if where is not None else query
        else:
            query = self._table.search(np.asarray(vector, np.float32), vector_column_name="vector").distance_type("cosine")
            wanted = [*wanted, "_distance"]
            total, allowed = self._count(now, None), self._count(now, where)
            query = query if allowed == total else query.where(where, prefilter=True)
            partitions = now.vectors and (now.vectors.partitions or self._policy.partitions_read)
            reading = partitions and self._policy.reading(total, allowed, partitions, top)
            query = query.nprobes(reading.partitions).refine_factor(reading.candidates_a_hit) if reading else query.bypass_vector_index()
        carded = now.carded.intersection(wanted)
        if len(carded) <= _FEW_COLUMNS or top > _FEW_ROWS:
            found: pa.Table = query.limit(top).select(wanted).to_arrow()
            return found
        found = query.limit(top).select([*CARD, *(name for name in wanted if name not in carded)]).to_arrow()
        cards = read_cards(found, now.schema)
        fields = [now.schema.field(name) if name in carded else found.field(name) for name in wanted]
        return pa.table([cards[name] if name in carded else found[name] for name in wanted], schema=pa.schema(fields))

    @property
    def _now(self) -> _Version:
        """Of the version that is read now: of a table that is open for writing, the newest."""
        if not self._pinned and self._seen_version.number != self.version:
            self._seen_version = _Version.of(self._table, self._hidden)
        return self._seen_version

    def _count(self, now: _Version, where: str | None) -> int:
        """Rows for which a filter holds. Counting them is cheap, not free: what was counted is remembered."""
        if where not in now.counts:
            if len(now.counts) >= _COUNTS_KEPT:
                now.counts.clear()
            now.counts[where] = int(self._table.count_rows(where))
        return now.counts[where]

    def scan(self, columns: Sequence[str], where: str | None = None) -> Iterator[pa.RecordBatch]:
        """All rows, or those for which SQL made by ``par_core.query.where`` holds, a batch at a time, in no particular order."""
        query = self._table.search()
        if where is not None:
            query = query.where(where)
        yield from query.select(list(columns)).limit(max(len(self), 1)).to_batches()

    def rows(self, person_ids: Sequence[str]) -> pa.Table:
        """People by id, all columns, in no particular order; ids that are not there are left out.

        Raises:
            StoreError: An id is not hexadecimal.
        """
        found = [self.search(None, where=part, top=len(person_ids)) for part in _conditions("person_id", person_ids)]
        return pa.concat_tables(found) if found else self.schema.empty_table()

    def sample(self, n: int, columns: Sequence[str], seed: int = 0) -> pa.Table:
        """Some people, drawn at random without replacement; everybody where there are no more than n."""
        total = len(self)
        if total <= n:
            return self.search(None, top=max(total, 1), columns=columns)
        drawn = np.sort(np.random.default_rng(seed).choice(total, n, replace=False))
        taken: pa.Table = self._table.take_offsets(drawn.tolist()).select(list(columns)).to_arrow()
        return taken

    def digests(self) -> dict[str, str]:
        """``row_digest`` of every row by ``person_id``."""
        found: dict[str, str] = {}
        for batch in self.scan(["person_id", "row_digest"]):
            found.update(zip(batch["person_id"].to_pylist(), batch["row_digest"].to_pylist(), strict=True))
        return found

    def upsert(self, rows: pa.Table) -> None:
        """Insert or replace rows by ``person_id``, which must be unique among them."""
        rows = with_shortcuts(rows, self.thresholds) if self._now.carded else rows
        self._table.merge_insert("person_id").when_matched_update_all().when_not_matched_insert_all().execute(rows)

    def wrong_shortcuts(self, rows: pa.Table) -> list[str]:
        """People of whom the columns for speed do not say what their rows say.

        Args:
            rows: As they ought to be in the table, where all of them are.
        """
        if not self._now.carded or not len(rows):
            return []
        names = ["person_id", *sorted(self._hidden)]
        stored = [batch for part in _conditions("person_id", rows["person_id"].to_pylist()) for batch in self.scan(names, part)]
        found, expected = pa.Table.from_batches(stored), with_shortcuts(rows, self.thresholds).select(names)
        pairs = zip(expected.sort_by("person_id").to_pylist(), found.sort_by("person_id").to_pylist(), strict=True)
        return [expected["person_id"] for expected, found in pairs if expected != found]

    def delete(self, person_ids: Sequence[str]) -> None:
        """Delete rows by id. Ids are hexadecimal; anything else is refused.

        Raises:
            StoreError: An id is not hexadecimal.
        """
        for part in _conditions("person_id", person_ids):
            self._table.delete(part)

    def source_states(self, image_ids: Sequence[str]) -> dict[str, str]:
        """``source_state`` of images by ``image_id``; one of whom the table has no people is left out.

        Raises:
            StoreError: An id is not hexadecimal.
        """
        found: dict[str, str] = {}
        for part in _conditions("image_id", image_ids):
            rows = self.search(None, where=part, top=max(len(self), 1), columns=["image_id", "source_state"])
            found.update(zip(rows["image_id"].to_pylist(), rows["source_state"].to_pylist(), strict=True))
        return found

    def optimize(self) -> None:
        """Compact fragments, index columns and vectors where the table is large enough, and bring what is indexed up to date."""
        self._table.optimize(cleanup_older_than=self._versions_to_keep())  # first: indexes of rows that then move would be written twice
        rows = len(self)
        there = {config.columns[0] for config in self._table.list_indices()}
        if rows >= self._policy.columns_from:
            for column in self._indexed_columns():
                if column not in there:
                    self._table.create_index(column, config=Bitmap() if column in self._bitmaps() else BTree())
        state, partitions = self.vector_index(), self._policy.partitions(rows)
        if partitions is not None and (state is None or self._policy.outdated(state, rows)):
            for config in self._table.list_indices():
                if config.columns[0] == "vector":
                    self._table.drop_index(config.name)
            kind = IvfSq(distance_type="cosine", num_partitions=partitions, **_TRAINING)
            self._table.create_index("vector", config=kind, name=IndexPolicy.name(partitions))

    def _bitmaps(self) -> list[str]:
        return [*_BITMAPS, *map(seen_column, self.info.attributes)]

    def _indexed_columns(self) -> list[str]:
        stored = set(self._table.schema.names)
        return [column for column in (*_TREES, *self.info.attributes, *self._bitmaps()) if column in stored]

    def scan_stored(self) -> Iterator[pa.RecordBatch]:
        """All rows with every column that is stored, also those that nobody is shown, a batch at a time."""
        yield from self._table.search().limit(max(len(self), 1)).to_batches()

    def versions(self) -> list[int]:
        """Numbers of all versions that are there, oldest first."""
        return sorted(int(each["version"]) for each in self._table.list_versions())

    def drop_history(self) -> None:
        """Delete every version but the newest, with all files that only they need; ``live``, where it is set, moves to the newest.

        Raises:
            StoreError: LanceDB has left one of them.
        """
        self._table.optimize()  # whatever it writes becomes a version: now, and not while the others are deleted
        if self.live_version is not None:
            self.make_live()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that readers of older versions fail: they must
            self._table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)
        if self.versions() != [self.version]:
            raise StoreError(f"old versions of the index are still there: {self.versions()[:5]}")

    def _versions_to_keep(self) -> timedelta:
        """The age below which versions are kept. LanceDB refuses to clean up at all where that would take a tagged version."""
        live = self.live_version
        made = [version["timestamp"] for version in self._table.list_versions() if version["version"] == live]
        return max([_KEEP_VERSIONS, *(datetime.now(stamp.tzinfo) - stamp + timedelta(days=1) for stamp in made)])

    def vector_index(self) -> IndexState | None:
        """The index of the vectors, or None where each is compared."""
        return self._now.vectors

    def unindexed_rows(self) -> int:
        """Rows that no index covers yet: searched all the same, only slower."""
        return max((config.num_unindexed_rows or 0 for config in self._table.list_indices()), default=0)


def _stamp(database: Path) -> tuple[int, ...]:
    """Changes whenever a version is written or the tag moves: both put a file into one of two folders.

    Empty where that was just now: file systems keep time in steps, and another change within one would not show.
    """
    stamp: list[int] = []
    for folder in ("_versions", "_refs/tags"):
        try:
            told = (database / f"{_TABLE}.lance" / folder).stat()
        except FileNotFoundError:
            stamp += [0, 0]
        else:
            if abs(time.time_ns() - told.st_mtime_ns) < _SETTLED_NS:
                return ()
            stamp += [told.st_ino, told.st_mtime_ns]
    return tuple(stamp)


def _live_version(table: Table) -> int | None:
    tag = table.tags.list().get(_LIVE)
    return None if tag is None else int(tag["version"])


def _conditions(column: str, ids: Sequence[str]) -> Iterator[str]:
    """SQL that names rows by id, in parts that are short enough to parse."""
    for start in range(0, len(ids), _IDS_PER_CALL):
        part = ids[start : start + _IDS_PER_CALL]
        if any(not all(digit in "0123456789abcdef" for digit in identity) for identity in part):
            raise StoreError(f"not an id among {part[:3]}")
        yield f"{column} IN ({', '.join(repr(identity) for identity in part)})"
