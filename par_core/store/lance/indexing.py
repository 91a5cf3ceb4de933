"""The indexes of the table: on the columns that filters name, and on the vectors. Their settings are in
``par_core.store.vector_index``.
"""

from collections.abc import Sequence
from typing import Final

from lancedb.index import Bitmap, BTree, IvfSq
from lancedb.table import Table

from par_core.store.packed_columns import seen_column
from par_core.store.vector_index import IndexPolicy, IndexState

__all__ = ["make_indexes", "unindexed_rows", "vector_index_of"]

# columns with many values; the probabilities of attributes are added
_TREES: Final = ("person_id", "image_id", "captured_at")
# columns with few values; the ``seen`` columns of attributes are added
_BITMAPS: Final = ("source_state", "upper_color", "lower_color")
# of the vector index; ten times as much training is no better
_TRAINING: Final = {"max_iterations": 8, "sample_rate": 48}
_MOST_BY_SIZE: Final = 4096  # partitions that LanceDB makes where it is told their size


def make_indexes(table: Table, attributes: Sequence[str], policy: IndexPolicy) -> None:
    """Index columns and vectors where the table is large enough. Existing indexes stay, except a
    vector index that is outdated.

    Args:
        table: The table at its newest version.
        attributes: Names of the attribute columns.
        policy: Settings of the indexes.
    """
    rows = int(table.count_rows())
    if rows >= policy.columns_from:
        _index_columns(table, attributes)
    state, partitions = vector_index_of(table), policy.partitions(rows)
    if partitions is not None and (state is None or policy.outdated(state, rows)):
        _index_vectors(table, partitions, policy.partition_size(rows))


def vector_index_of(table: Table) -> IndexState | None:
    """Return the state of the vector index, or None where every vector is compared."""
    configs = [config for config in table.list_indices() if config.columns[0] == "vector"]
    states = [
        IndexState(
            config.index_type,
            IndexPolicy.partitions_of(config.name),
            config.num_indexed_rows or 0,
            config.num_unindexed_rows or 0,
        )
        for config in configs
    ]
    return states[0] if states else None


def unindexed_rows(table: Table) -> int:
    """Return the number of rows that no index covers yet; they are searched too, only slower."""
    return max((config.num_unindexed_rows or 0 for config in table.list_indices()), default=0)


def _index_columns(table: Table, attributes: Sequence[str]) -> None:
    stored, indexed = set(table.schema.names), {config.columns[0] for config in table.list_indices()}
    kinds = dict.fromkeys([*_TREES, *attributes], BTree) | dict.fromkeys(
        [*_BITMAPS, *map(seen_column, attributes)], Bitmap
    )
    for column, kind in kinds.items():
        if column in stored and column not in indexed:
            table.create_index(column, config=kind())


def _index_vectors(table: Table, partitions: int, rows_a_partition: int) -> None:
    """Build the vector index; it replaces an existing one.

    LanceDB is told the size of a partition, which it keeps: for a number of partitions alone it assumes
    larger ones, and the next ``optimize`` writes the whole index again to join partitions.
    """
    for config in table.list_indices():
        if config.columns[0] == "vector":
            table.drop_index(config.name)
    size = (
        {"target_partition_size": rows_a_partition}
        if partitions <= _MOST_BY_SIZE
        else {"num_partitions": partitions}
    )
    kind = IvfSq(distance_type="cosine", **size, **_TRAINING)
    table.create_index("vector", config=kind, name=IndexPolicy.name(partitions))
