"""The LanceDB table ``people``: a derived index with one writer. The only file that knows LanceDB.

The table's schema metadata names the embedding it holds and the configuration that made it, so that a query with another
model can be refused before it runs.

Every write makes a new version. The tag ``live`` names the version that searches read; only ``make_live`` moves it. Writes
always go to the newest version.
"""

import json
import os
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
from lancedb.index import Bitmap, BTree, HnswSq
from lancedb.table import Table

from par_core.errors import BadConfigError, StoreError

__all__ = ["IndexInfo", "PeopleIndex"]

_TABLE: Final = "people"
_LIVE: Final = "live"
_KEEP_VERSIONS: Final = timedelta(days=7)  # so long a reader may go on with the version that it opened
_INFO_KEY: Final = b"par.index"
_INDEX_VECTORS_FROM: Final = 100_000  # rows; below, an exact scan is as fast and has no build time
_REFINE: Final = 5  # candidates of the index for each row wanted, compared again by their exact vectors
_SCAN_UP_TO: Final = 50_000  # rows that a filter leaves; the index would miss many of few
_SCALAR_INDEXES: Final = {"person_id": BTree(), "image_id": BTree(), "source_state": Bitmap(), "upper_color": Bitmap(), "lower_color": Bitmap()}
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


class PeopleIndex:
    """The table of described people.

    Use ``open`` to read, ``create`` to start an empty one.
    """

    def __init__(self, table: Table, database: Path) -> None:
        self._table = table
        self.path = database
        stored = json.loads((table.schema.metadata or {})[_INFO_KEY])
        self.info = IndexInfo(**{**stored, "attributes": tuple(stored["attributes"]), "thresholds": tuple(stored["thresholds"])})

    @classmethod
    def open(cls, path: Path, version: str = "latest") -> "PeopleIndex | None":
        """Open the table, or return None where there is none.

        Args:
            path: Folder of the database (``Store.index_path``).
            version: ``latest``, which alone can be written to; ``live``, which is the newest where no version is live; or a
                version's number. The last two stay what they are, whatever is written meanwhile.

        Raises:
            BadConfigError: The version is none of these, or is not there (any more).
            StoreError: The table is there but cannot be read.
        """
        if version not in ("latest", _LIVE) and not (version.isascii() and version.isdigit()):
            raise BadConfigError(f"no version {version!r}; there are live, latest, and numbers as par status prints them")
        if not (path / f"{_TABLE}.lance").is_dir():
            return None
        try:
            table = lancedb.connect(path, read_consistency_interval=timedelta(0)).open_table(_TABLE)
            if version.isdigit() and int(version) not in {each["version"] for each in table.list_versions()}:
                raise BadConfigError(f"the index has no version {version} (any more); see par status, or leave --version out")
            wanted = _live_version(table) if version == _LIVE else int(version) if version.isdigit() else None
            if wanted is not None:
                table.checkout(wanted)
            return cls(table, path)
        except (ValueError, RuntimeError, KeyError, OSError) as error:
            raise StoreError(f"{path} cannot be read ({error}); make it again with: par rebuild --store {path.parent}") from error

    @classmethod
    def create(cls, path: Path, schema: pa.Schema, info: IndexInfo) -> "PeopleIndex":
        """Start an empty table, in place of one that is there."""
        described = {field: getattr(info, field) for field in IndexInfo.__dataclass_fields__}
        metadata = {**(schema.metadata or {}), _INFO_KEY: json.dumps(described).encode()}
        table = lancedb.connect(path).create_table(_TABLE, schema=schema.with_metadata(metadata), mode="overwrite")
        table.set_unenforced_primary_key(["person_id"])
        return cls(table, path)

    @property
    def schema(self) -> pa.Schema:
        """The table's columns."""
        return self._table.schema

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
        return int(self._table.version)

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
        return int(self._table.count_rows())

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
        wanted = [name for name in (columns or self.schema.names) if name != "_distance"]
        if vector is None:
            query: Any = self._table.search()
        else:
            query = self._table.search(np.asarray(vector, np.float32), vector_column_name="vector").distance_type("cosine")
            wanted = [*wanted, "_distance"]
        if where is not None:
            query = query.where(where, prefilter=True)
        if vector is not None and self._has_vector_index():
            few = where is not None and self._table.count_rows(where) <= _SCAN_UP_TO
            query = query.bypass_vector_index() if few else query.refine_factor(_REFINE)
        found: pa.Table = query.limit(top).select(wanted).to_arrow()
        return found

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
        found = [self._table.search().where(part).limit(len(person_ids)).to_arrow() for part in _conditions("person_id", person_ids)]
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
        self._table.merge_insert("person_id").when_matched_update_all().when_not_matched_insert_all().execute(rows)

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
        """Compact fragments, bring scalar indexes up to date, and index the vectors of a large table."""
        there = {config.columns[0] for config in self._table.list_indices()}
        if len(self):
            for column, kind in _SCALAR_INDEXES.items():
                if column not in there:
                    self._table.create_index(column, config=kind)
        if len(self) >= _INDEX_VECTORS_FROM and "vector" not in there:
            self._table.create_index("vector", config=HnswSq(distance_type="cosine"))
        self._table.optimize(cleanup_older_than=self._versions_to_keep())

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

    def _has_vector_index(self) -> bool:
        return any(config.columns[0] == "vector" for config in self._table.list_indices())

    def unindexed_rows(self) -> int:
        """Rows that no index covers yet: searched all the same, only slower."""
        return max((config.num_unindexed_rows or 0 for config in self._table.list_indices()), default=0)


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
