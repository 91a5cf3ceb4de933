"""When a vector index is built, with how many partitions, and how much of it a search reads.

The index is IVF_SQ: vectors in partitions by nearest centre, each number kept as one byte. A search reads the
nearest partitions, takes the best rows by these bytes, and compares them again by their exact vectors.
``docs/decisions/0009-the-vector-index.md`` has the figures behind the numbers here.
"""

import math
from dataclasses import dataclass
from typing import Final

__all__ = ["POLICY", "IndexPolicy", "IndexState", "Reading"]

_NAME: Final = "vector_in_"  # followed by the number of partitions, which LanceDB does not report


@dataclass(frozen=True, slots=True)
class IndexState:
    """The vector index of a table.

    Attributes:
        kind: LanceDB's name of the kind of index.
        partitions: Number of partitions; None if another version of PAR made it.
        rows: Rows that it covers.
        rows_not_yet: Rows that came later; they are searched too, each by its exact vector.
    """

    kind: str
    partitions: int | None
    rows: int
    rows_not_yet: int


@dataclass(frozen=True, slots=True)
class Reading:
    """How much of an index one search reads.

    Attributes:
        partitions: Number of partitions, the nearest ones.
        candidates_a_hit: Rows that are compared by their exact vectors for each wanted row.
    """

    partitions: int
    candidates_a_hit: int


@dataclass(frozen=True, slots=True)
class IndexPolicy:
    """Settings of the indexes; the defaults are measured.

    Attributes:
        columns_from: Rows from which columns that filters name are indexed; reading fewer is as fast.
        vectors_from: Rows from which vectors are indexed; comparing fewer one by one is fast enough.
        rows_a_partition: Least number of rows in a partition of the vector index.
        partitions_read: Least number of partitions that a search reads.
        spare: Least number of rows compared by their exact vectors beyond the wanted ones.
        near_rows: Least number of rows that the filter keeps in the partitions read, for each wanted row.
        exact_up_to: If a filter keeps at most this many rows, all of them are compared by their exact
            vectors: an index would miss some of so few.
        unindexed_share: Share of the rows that may be outside of the indexes before these are updated, in
            [0, 1].
        small_fragments: Fragments smaller than a compacted one that may exist before they are compacted.
        rows_a_fragment: Rows of a compacted fragment. Of fewer, a search has more files to open; of more, an
            erasure more rows to write again.
    """

    columns_from: int = 10_000
    vectors_from: int = 30_000
    rows_a_partition: int = 1_000
    partitions_read: int = 60
    spare: int = 40
    near_rows: int = 4
    exact_up_to: int = 1_000
    unindexed_share: float = 0.02
    small_fragments: int = 16
    rows_a_fragment: int = 262_144

    def partitions(self, rows: int) -> int | None:
        """Return the number of partitions of an index of so many rows; None if these are too few."""
        return None if rows < self.vectors_from else max(rows // self.partition_size(rows), 1)

    def partition_size(self, rows: int) -> int:
        """Return the number of rows in a partition of an index of so many rows. Each vector is compared with
        the centres of all partitions, so that partitions of one size would make a row of a large table cost
        more: from 250,000 rows on, their size grows with the root of the rows.
        """
        return max(self.rows_a_partition, 2 * math.isqrt(rows))

    def outdated(self, state: IndexState, rows: int) -> bool:
        """Whether an index should be rebuilt: it is of another kind, or has less than half or more than twice
        the partitions of a new one.
        """
        fit = self.partitions(rows)
        return fit is not None and (state.partitions is None or not fit / 2 < state.partitions < fit * 2)

    def reading(self, rows: int, allowed: int, partitions: int, top: int) -> Reading | None:
        """Return how much of an index to read.

        Args:
            rows: Rows in the table.
            allowed: Rows of the table that the filter keeps.
            partitions: Partitions of the index.
            top: Rows wanted.

        Returns:
            None where every allowed row is to be compared by its exact vector.
        """
        if allowed <= max(self.exact_up_to, self.near_rows * top):
            return None
        enough = math.ceil(self.near_rows * top * partitions / allowed)
        return Reading(min(max(self.partitions_read, enough), partitions), 1 + math.ceil(self.spare / top))

    @staticmethod
    def name(partitions: int) -> str:
        """Return the name of an index with so many partitions."""
        return f"{_NAME}{partitions}"

    @staticmethod
    def partitions_of(name: str) -> int | None:
        """Return the number of partitions in the name of an index; None if another version of PAR made it."""
        number = name.removeprefix(_NAME)
        return int(number) if name.startswith(_NAME) and number.isdecimal() else None


POLICY: Final = IndexPolicy()
