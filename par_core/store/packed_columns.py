"""Columns that the index keeps for speed only: derived from the others, never shown to users.

Reading twenty rows of forty columns costs LanceDB about ten milliseconds, however few the rows: every column
is read by itself. So all numbers of a row are kept once more in one column (``card_numbers``) and all texts
in another (``card_texts``), and a search reads these two.

A filter on an attribute (``hat``) keeps those whose probability reaches the attribute's threshold. A tree
over a million numbers takes ten milliseconds to gather half of them; a bitmap over ``seen_hat``, true or
false, takes one.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "CARD",
    "card_columns",
    "quick_condition",
    "read_cards",
    "seen_column",
    "shortcut_columns",
    "shortcut_fields",
    "with_shortcuts",
]

#: The two columns that hold a row once more.
CARD: Final = ("card_numbers", "card_texts")
# the only text that PAR does not make itself: last, so that nothing in it is taken for a separator
_LAST: Final = "uri"
_SEPARATOR: Final = "\0"
_NULL: Final = "\1"
_BITS: Final = 31  # validity bits in an int32
_LITERAL_OR_SEEN: Final = re.compile(r"'(?:[^']|'')*'|\(`(\w+)` >= ([^()\s]+)\)")


def seen_column(attribute: str) -> str:
    """Name of the column that says whether an attribute counts as present."""
    return f"seen_{attribute}"


def card_columns(schema: pa.Schema) -> set[str]:
    """Names of the columns that a card holds."""
    return {*_numbers(schema), *_texts(schema)}


def shortcut_columns(attributes: Sequence[str]) -> set[str]:
    """Names of the columns that exist for speed only."""
    return {*CARD, *map(seen_column, attributes)}


def shortcut_fields(schema: pa.Schema, attributes: Sequence[str]) -> list[pa.Field]:
    """Fields of the columns that :func:`with_shortcuts` adds to tables of a schema."""
    numbers = _width(schema)
    card = [
        pa.field(CARD[0], pa.list_(pa.int32(), numbers), nullable=False),
        pa.field(CARD[1], pa.string(), nullable=False),
    ]
    return [*card, *(pa.field(seen_column(name), pa.bool_()) for name in attributes)]


def with_shortcuts(rows: pa.Table, thresholds: Mapping[str, float]) -> pa.Table:
    """Return rows with the columns for speed appended.

    Args:
        rows: Rows in the schema of the index.
        thresholds: Probability from which each attribute counts as present.
    """
    rows = rows.combine_chunks()
    numbers, texts = _numbers(rows.schema), _texts(rows.schema)
    valid = np.zeros((len(rows), -(-len(numbers) // _BITS)), np.int32)
    columns = []
    for place, name in enumerate(numbers):
        column = rows[name]
        valid[:, place // _BITS] |= column.is_valid().to_numpy().astype(np.int32) << (place % _BITS)
        columns.append(_as_int32(column))
    packed = (
        np.concatenate([*columns, valid], axis=1)
        if len(rows)
        else np.empty((0, _width(rows.schema)), np.int32)
    )
    joined = pc.binary_join_element_wise(
        *(rows[name] for name in texts), _SEPARATOR, null_handling="replace", null_replacement=_NULL
    )
    added = [pa.FixedSizeListArray.from_arrays(pa.array(packed.reshape(-1)), packed.shape[1]), joined]
    added += [
        pc.greater_equal(rows[name].cast(pa.float64()), threshold) for name, threshold in thresholds.items()
    ]
    for field, column in zip(shortcut_fields(rows.schema, list(thresholds)), added, strict=True):
        rows = rows.append_column(field, column)
    return rows


def read_cards(rows: pa.Table, schema: pa.Schema, wanted: Collection[str]) -> dict[str, pa.Array]:
    """Return columns that the cards of some rows hold.

    Args:
        rows: Rows with the columns ``CARD``.
        schema: Schema of the index, without the columns for speed.
        wanted: Names of the columns.
    """
    rows = rows.combine_chunks()
    numbers, texts = _numbers(schema), _texts(schema)
    lists = rows[CARD[0]].combine_chunks()
    packed = lists.flatten().to_numpy().reshape(len(rows), _width(schema))
    valid = packed[:, packed.shape[1] - -(-len(numbers) // _BITS) :]
    columns: dict[str, pa.Array] = {}
    start = 0
    for place, name in enumerate(numbers):
        kind = schema.field(name).type
        words = kind.bit_width // 32
        if name not in wanted:
            start += words
            continue
        values = np.ascontiguousarray(packed[:, start : start + words]).view(_carrier(kind))[:, 0]
        start += words
        missing = (valid[:, place // _BITS] >> (place % _BITS) & 1) == 0
        made = pa.array(values, mask=missing) if missing.any() else pa.array(values)
        columns[name] = made.cast(kind) if made.type != kind else made
    values_by_row = [card.split(_SEPARATOR, len(texts) - 1) for card in rows[CARD[1]].to_pylist()]
    for place, name in enumerate(texts):
        if name not in wanted:
            continue
        columns[name] = pa.array(
            [None if values[place] == _NULL else values[place] for values in values_by_row],
            schema.field(name).type,
        )
    return columns


def quick_condition(where: str, thresholds: Mapping[str, float]) -> str:
    """Return SQL of ``par_core.query.where_sql`` in which conditions on attributes with their own threshold
    use the ``seen`` columns; it keeps the same rows.

    Args:
        where: The SQL. Its text literals are not changed.
        thresholds: Probability from which each attribute counts as present.
    """

    def replaced(match: re.Match[str]) -> str:
        name, bound = match[1], match[2]
        return (
            f"(`{seen_column(name)}`)" if name in thresholds and bound == repr(thresholds[name]) else match[0]
        )

    return _LITERAL_OR_SEEN.sub(replaced, where)


def _numbers(schema: pa.Schema) -> list[str]:
    return [
        field.name
        for field in schema
        if pa.types.is_float32(field.type)
        or pa.types.is_int32(field.type)
        or pa.types.is_timestamp(field.type)
    ]


def _texts(schema: pa.Schema) -> list[str]:
    return sorted(
        (field.name for field in schema if pa.types.is_string(field.type)), key=lambda name: name == _LAST
    )


def _width(schema: pa.Schema) -> int:
    numbers = _numbers(schema)
    return sum(schema.field(name).type.bit_width // 32 for name in numbers) + -(-len(numbers) // _BITS)


def _carrier(kind: pa.DataType) -> np.dtype:
    return np.dtype(np.int64) if pa.types.is_timestamp(kind) else np.dtype(kind.to_pandas_dtype())


def _as_int32(column: pa.ChunkedArray) -> np.ndarray:
    kind = column.type
    plain = column.cast(pa.int64()) if pa.types.is_timestamp(kind) else column
    values = plain.combine_chunks().fill_null(0).to_numpy(zero_copy_only=False).astype(_carrier(kind))
    return np.ascontiguousarray(values).reshape(-1, 1).view(np.int32)
