"""When the vectors of the index are indexed, how finely, and how much of the index a search reads.

The index is IVF_SQ: vectors in partitions by nearest centre, each number kept as one byte. A search reads the
partitions nearest to it, takes the best by these bytes, and compares them again by their exact vectors.
``docs/decisions/0009-the-vector-index.md`` has the figures behind the numbers here.
"""

import math
from dataclasses import dataclass
from typing import Final

__all__ = ["POLICY", "IndexPolicy", "IndexState", "Reading"]

_NAME: Final = "vector_in_"  # and the number of partitions, which LanceDB does not tell


@dataclass(frozen=True, slots=True)
class IndexState:
    """The vector index of a table.

    Attributes:
        kind: As LanceDB calls it.
        partitions: Into how many parts it cuts the rows; None if another version of PAR made it.
        rows: Rows that it covers.
        rows_not_yet: Rows that came later: searched all the same, each by its exact vector.
    """

    kind: str
    partitions: int | None
    rows: int
    rows_not_yet: int


@dataclass(frozen=True, slots=True)
class Reading:
    """How much of an index one search reads.

    Attributes:
        partitions: The nearest ones.
        candidates_a_hit: How many rows are compared by their exact vectors for each that is wanted.
    """

    partitions: int
    candidates_a_hit: int


@dataclass(frozen=True, slots=True)
class IndexPolicy:
    """The choices; the defaults are what was measured.

    Attributes:
        columns_from: Rows from which columns that filters name are indexed; reading fewer is as fast.
        vectors_from: Rows from which vectors are indexed; comparing fewer one by one is fast enough.
        rows_a_partition: Of the vector index.
        partitions_read: By a search, at least.
        spare: Rows compared by their exact vectors beyond those wanted, at least.
        near_rows: Rows in the partitions that are read, by what a filter leaves of them, for each row wanted,
            at least.
        exact_up_to: Rows that a filter leaves, all of whom are compared by their exact vectors: an index
            would miss some of so few.
    """

    columns_from: int = 10_000
    vectors_from: int = 30_000
    rows_a_partition: int = 1_000
    partitions_read: int = 60
    spare: int = 40
    near_rows: int = 4
    exact_up_to: int = 1_000

    def partitions(self, rows: int) -> int | None:
        """Into how many parts an index of so many rows is cut; None if it is not worth one."""
        return None if rows < self.vectors_from else max(rows // self.rows_a_partition, 1)

    def outdated(self, state: IndexState, rows: int) -> bool:
        """Whether an index should be rebuilt: it is of another kind, or the table is now twice or half what
        it was cut for.
        """
        fit = self.partitions(rows)
        return fit is not None and (state.partitions is None or not fit / 2 < state.partitions < fit * 2)

    def reading(self, rows: int, allowed: int, partitions: int, top: int) -> Reading | None:
        """How much of an index to read.

        Args:
            rows: In the table.
            allowed: Of these, how many a filter leaves.
            partitions: Of the index.
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
        """Name of an index with so many partitions."""
        return f"{_NAME}{partitions}"

    @staticmethod
    def partitions_of(name: str) -> int | None:
        """Partitions of an index by its name, or None if another version of PAR made it."""
        number = name.removeprefix(_NAME)
        return int(number) if name.startswith(_NAME) and number.isdecimal() else None


POLICY: Final = IndexPolicy()
