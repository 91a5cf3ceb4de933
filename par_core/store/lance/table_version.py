"""Search of one version of the table.

What LanceDB reports of a version is read once and kept: reading it takes longer than all other steps around
a search.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from lancedb.table import Table

from par_core.store.lance.index_info import IndexInfo
from par_core.store.lance.indexing import vector_index_of
from par_core.store.packed_columns import CARD, card_columns, quick_condition, read_cards, shortcut_columns
from par_core.store.vector_index import IndexPolicy, IndexState

__all__ = ["ImagePlaces", "TableVersion"]

_FEW_COLUMNS: Final = 4  # so many are read one by one as fast as from the cards
_FEW_ROWS: Final = 1_000  # beyond, whole columns are read faster than cards
_COUNTS_KEPT: Final = 256  # numbers of rows that filters keep


class ImagePlaces(NamedTuple):
    """State (``present``, ``replaced`` or ``vanished``), first place by name, and all places of an image."""

    source_state: str
    uri: str
    uris: Sequence[str]


@dataclass(frozen=True, slots=True)
class TableVersion:
    """A version of the table, and the values that all searches of it share.

    Attributes:
        table: The table, open at this version.
        policy: Settings of the indexes.
        number: Number of the version.
        schema: Columns, without those that exist for speed only.
        carded: Columns that are also in the cards; empty if an earlier version of PAR made the table.
        thresholds: Probability from which each attribute counts as present.
        vectors: State of the vector index.
        counts: Number of rows for which a filter holds, by filter.
    """

    table: Table
    policy: IndexPolicy
    number: int
    schema: pa.Schema
    carded: frozenset[str]
    thresholds: dict[str, float]
    vectors: IndexState | None
    counts: dict[str | None, int]

    @classmethod
    def of(cls, table: Table, info: IndexInfo, policy: IndexPolicy) -> "TableVersion":
        """Return the version that a table is open at."""
        stored, hidden = table.schema, shortcut_columns(info.attributes)
        schema = pa.schema([field for field in stored if field.name not in hidden], metadata=stored.metadata)
        carded = frozenset(card_columns(schema)) if CARD[0] in stored.names else frozenset[str]()
        thresholds = dict(zip(info.attributes, info.thresholds, strict=True))
        return cls(table, policy, int(table.version), schema, carded, thresholds, vector_index_of(table), {})

    def count(self, where: str | None = None) -> int:
        """Return the number of rows for which a filter holds. Counts are cheap, not free: they are kept."""
        counted = self.counts.get(where)
        if counted is None:
            if len(self.counts) >= _COUNTS_KEPT:
                self.counts.clear()
            counted = self.counts[where] = int(self.table.count_rows(where))
        return counted

    def places(self, where: str) -> Iterator[tuple[str, ImagePlaces]]:
        """Yield the id of each image of some rows, and where it is."""
        names = ["image_id", *ImagePlaces._fields]
        for row in self.search(None, where, max(self.count(), 1), names).to_pylist():
            yield row.pop("image_id"), ImagePlaces(**row)

    def search(
        self,
        vector: Sequence[float] | np.ndarray | None,
        where: str | None,
        top: int,
        columns: Sequence[str] | None,
    ) -> pa.Table:
        """See ``PeopleIndex.search``."""
        wanted = [name for name in (columns or self.schema.names) if name != "_distance"]
        where = quick_condition(where, self.thresholds) if where is not None and self.carded else where
        if vector is not None:
            return self._read(self._nearest(vector, where, top).limit(top), [*wanted, "_distance"], top)
        query = self.table.search()
        query = query.where(where) if where is not None else query
        return self._read(query.limit(top), wanted, top)

    def _nearest(self, vector: Sequence[float] | np.ndarray, where: str | None, top: int) -> Any:
        """Return a query for the nearest rows that reads no more of the index than it must."""
        query = self.table.search(np.asarray(vector, np.float32), vector_column_name="vector").distance_type(
            "cosine"
        )
        total, allowed = self.count(), self.count(where)
        query = query if allowed == total else query.where(where, prefilter=True)
        partitions = self.vectors and (self.vectors.partitions or self.policy.partitions_read)
        reading = partitions and self.policy.reading(total, allowed, partitions, top)
        return (
            query.nprobes(reading.partitions).refine_factor(reading.candidates_a_hit)
            if reading
            else query.bypass_vector_index()
        )

    def _read(self, query: Any, wanted: list[str], top: int) -> pa.Table:
        """Return the rows of a query; many columns of few rows are read from their cards."""
        carded = self.carded.intersection(wanted)
        if len(carded) <= _FEW_COLUMNS or top > _FEW_ROWS:
            rows: pa.Table = query.select(wanted).to_arrow()
            return rows
        rows = query.select([*CARD, *(name for name in wanted if name not in carded)]).to_arrow()
        cards = read_cards(rows, self.schema, carded)
        fields = [self.schema.field(name) if name in carded else rows.field(name) for name in wanted]
        return pa.table(
            [cards[name] if name in carded else rows[name] for name in wanted], schema=pa.schema(fields)
        )
