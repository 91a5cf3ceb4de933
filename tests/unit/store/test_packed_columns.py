"""The columns for speed say what the others say."""

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.store.packed_columns import (
    card_columns,
    quick_condition,
    read_cards,
    seen_column,
    with_shortcuts,
)
from par_core.store.schemas import index_schema

NAMES = [f"attribute_{i}" for i in range(30)]  # so many that validity needs more than one number
SCHEMA = index_schema(NAMES, 4)
TEXTS = st.text(max_size=20) | st.sampled_from(["", "\1", "a\0b", "ü\n", "'"])


def value(field: pa.Field) -> st.SearchStrategy[object]:
    kind = field.type
    if field.name == "uri":
        values: st.SearchStrategy[object] = TEXTS.filter(lambda text: text != "\1")
    elif pa.types.is_string(kind):
        values = st.sampled_from(["abc", "red", "0f"])
    elif pa.types.is_float32(kind):
        values = st.floats(width=32, allow_nan=False)
    elif pa.types.is_int32(kind):
        values = st.integers(-(2**31), 2**31 - 1)
    elif pa.types.is_timestamp(kind):
        values = st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1))
    elif pa.types.is_fixed_size_list(kind):
        values = st.just([0.5] * 4)
    else:
        values = st.just([])
    return values | st.none() if field.nullable else values


ROWS = st.lists(st.fixed_dictionaries({field.name: value(field) for field in SCHEMA}), max_size=3)


@given(ROWS)
def test_cards_give_back_every_number_and_text(rows: list[dict[str, object]]) -> None:
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    read = read_cards(with_shortcuts(table, {}), SCHEMA, SCHEMA.names)
    assert read.keys() == card_columns(SCHEMA) == set(SCHEMA.names) - {"uris", "vector"}
    for name, column in read.items():
        assert column.equals(table[name].combine_chunks()), name


def test_seen_is_true_from_the_threshold_on_and_null_where_nothing_is_known() -> None:
    at = np.float32(0.4)
    table = pa.Table.from_pylist(
        [{field.name: None for field in SCHEMA}] * 4,
        schema=pa.schema([field.with_nullable(True) for field in SCHEMA]),
    )
    given_ = pa.array([at, np.nextafter(at, np.float32(0)), 1.0, None], pa.float32())
    table = table.set_column(table.schema.get_field_index(NAMES[0]), NAMES[0], given_)
    assert with_shortcuts(table, {NAMES[0]: 0.4})[seen_column(NAMES[0])].to_pylist() == [
        True,
        False,
        True,
        None,
    ]


@pytest.mark.parametrize(
    ("where", "quick"),
    [
        ("(`hat` >= 0.4)", "(`seen_hat`)"),
        ("NOT ((`hat` >= 0.4) AND (`bag` >= 0.25))", "NOT ((`seen_hat`) AND (`seen_bag`))"),
        ("(`hat` >= 0.41)", "(`hat` >= 0.41)"),
        ("(`hat` > 0.4)", "(`hat` > 0.4)"),
        ("(`score` >= 0.4)", "(`score` >= 0.4)"),
        ("(`uri` LIKE '%(`hat` >= 0.4)%')", "(`uri` LIKE '%(`hat` >= 0.4)%')"),
        ("(`uri` = 'it''s') AND (`hat` >= 0.4)", "(`uri` = 'it''s') AND (`seen_hat`)"),
    ],
)
def test_only_tests_of_an_attribute_against_its_threshold_are_asked_otherwise(where: str, quick: str) -> None:
    assert quick_condition(where, {"hat": 0.4, "bag": 0.25}) == quick
