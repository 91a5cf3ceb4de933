"""The indexes of the table: on the columns that filters name, and on the vectors.
``par_core.store.vector_index`` has the choices.
"""

from collections.abc import Sequence
from typing import Final

from lancedb.index import Bitmap, BTree, IvfSq
from lancedb.table import Table

from par_core.store.packed_columns import seen_column
from par_core.store.vector_index import IndexPolicy, IndexState

__all__ = ["make_indexes", "unindexed_rows", "vector_index_of"]

# columns with many values; and the probabilities of attributes
_TREES: Final = ("person_id", "image_id", "captured_at")
# columns with few values; and whether attributes are seen
_BITMAPS: Final = ("source_state", "upper_color", "lower_color")
# of the vector index: as good as ten times as much
_TRAINING: Final = {"max_iterations": 8, "sample_rate": 48}


def make_indexes(table: Table, attributes: Sequence[str], policy: IndexPolicy) -> None:
    """Index columns and vectors where the table is large enough. Indexes that are there stay, but for one of
    the vectors that does not suit the table any more.

    Args:
        table: The newest version.
        attributes: Names of the attribute columns.
        policy: What is indexed.
    """
    rows = int(table.count_rows())
    if rows >= policy.columns_from:
        _index_columns(table, attributes)
    state, partitions = vector_index_of(table), policy.partitions(rows)
    if partitions is not None and (state is None or policy.outdated(state, rows)):
        _index_vectors(table, partitions)


def vector_index_of(table: Table) -> IndexState | None:
    """The index of the vectors, or None where each is compared."""
    found = [config for config in table.list_indices() if config.columns[0] == "vector"]
    states = [
        IndexState(
            each.index_type,
            IndexPolicy.partitions_of(each.name),
            each.num_indexed_rows or 0,
            each.num_unindexed_rows or 0,
        )
        for each in found
    ]
    return states[0] if states else None


def unindexed_rows(table: Table) -> int:
    """Rows that no index covers yet: searched all the same, only slower."""
    return max((config.num_unindexed_rows or 0 for config in table.list_indices()), default=0)


def _index_columns(table: Table, attributes: Sequence[str]) -> None:
    stored, there = set(table.schema.names), {config.columns[0] for config in table.list_indices()}
    kinds = dict.fromkeys([*_TREES, *attributes], BTree) | dict.fromkeys(
        [*_BITMAPS, *map(seen_column, attributes)], Bitmap
    )
    for column, kind in kinds.items():
        if column in stored and column not in there:
            table.create_index(column, config=kind())


def _index_vectors(table: Table, partitions: int) -> None:
    """In place of an index that is there."""
    for config in table.list_indices():
        if config.columns[0] == "vector":
            table.drop_index(config.name)
    kind = IvfSq(distance_type="cosine", num_partitions=partitions, **_TRAINING)
    table.create_index("vector", config=kind, name=IndexPolicy.name(partitions))
