"""Filters mean what they say: what LanceDB answers equals what Python computes from the same tree."""

import contextlib
import operator
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from par_core.errors import FilterError
from par_core.query.where import (
    And,
    Between,
    Comparison,
    Filter,
    IsNull,
    Likely,
    Membership,
    Not,
    Or,
    parse_where,
)
from par_core.query.where_sql import compile_where

SCHEMA = pa.schema(
    [
        ("n", pa.int64()),
        ("hat", pa.float32()),
        ("upper_color", pa.string()),
        ("uri", pa.string()),
        ("captured_at", pa.timestamp("us")),
        ("width", pa.int32()),
    ]
)
THRESHOLDS = {"hat": 0.3}
COLUMNS = {field.name: field.type for field in SCHEMA if field.name != "n"}
TEXTS = ["red", "blue", "it's", 'say "hi"', "a%b", "a_b", "\\", "'; drop table people; --", "é", "", None]
ROWS = [
    {
        "n": i,
        "hat": None if i % 7 == 0 else i / 40,
        "upper_color": TEXTS[i % len(TEXTS)],
        "uri": f"/gate-{i % 3}/{i}.jpg",
        "captured_at": datetime(2026, 11, 1 + i % 28, i % 24),
        "width": 100 * i,
    }
    for i in range(40)
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return lancedb.connect(tmp_path_factory.mktemp("db")).create_table(
        "people", pa.Table.from_pylist(ROWS, schema=SCHEMA)
    )


def answer(table: Any, text: str) -> set[int]:
    return {
        row["n"]
        for row in table.search()
        .where(compile_where(text, COLUMNS, THRESHOLDS))
        .limit(100)
        .select(["n"])
        .to_list()
    }


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def holds(node: Filter, row: dict[str, Any]) -> bool | None:
    """SQL's three-valued logic, written independently."""
    match node:
        case And(parts):
            values = [holds(part, row) for part in parts]
            return False if False in values else None if None in values else True
        case Or(parts):
            values = [holds(part, row) for part in parts]
            return True if True in values else None if None in values else False
        case Not(inner):
            value = holds(inner, row)
            return None if value is None else not value
        case IsNull(column):
            return row[column] is None
    if row[node.column] is None:
        return None
    cell = row[node.column]
    match node:  # a day without a time is the whole day
        case Comparison(_, sign, date() as day) if not isinstance(day, datetime):
            return COMPARE[sign](cell.date(), day)
        case Membership(_, values) if isinstance(values[0], date):
            return any(
                cell == value if isinstance(value, datetime) else cell.date() == value for value in values
            )
        case Between(_, low, date() as high) if not isinstance(high, datetime):
            return (low <= cell if isinstance(low, datetime) else low <= cell.date()) and cell.date() <= high
    match node:  # LanceDB compares in the column's precision
        case Likely(column):
            return row[column] >= float(np.float32(THRESHOLDS[column]))
        case Comparison(column, sign, float(value)):
            return COMPARE[sign](row[column], float(np.float32(value)))
        case Between(column, float(low), float(high)):
            return float(np.float32(low)) <= row[column] <= float(np.float32(high))
        case Comparison(column, "like", value):
            pattern = "".join(
                {"%": ".*", "_": "."}.get(character, re.escape(character)) for character in str(value)
            )
            return re.fullmatch(pattern, row[column], re.DOTALL) is not None
        case Comparison(column, sign, value):
            return COMPARE[sign](row[column], value)
        case Membership(column, values):
            return row[column] in values
        case Between(column, low, high):
            return low <= row[column] <= high
    raise AssertionError(node)


@pytest.mark.parametrize(
    "text",
    [
        "hat",
        "not hat",
        "hat > 0.25 and upper_color = 'red'",
        "HAT >= .5 OR upper_color IN ('blue', 'it''s')".replace("HAT", "hat"),
        "upper_color not in ('red')",
        "(hat < 0.2 or hat > 0.8) and not (uri like '%gate-1%')",
        "uri not like '/gate-2/%'",
        "hat is null and upper_color is not null",
        "captured_at >= 2026-11-10 and captured_at < 2026-11-12T06:00",
        "hat between 0.1 and 0.3",
        'upper_color = "say ""hi"""',
        "not not hat = 1e-1 or hat != 0.5",
        "captured_at = 2026-11-10",
        "captured_at != 2026-11-10 and captured_at <= 2026-11-12",
        "captured_at > 2026-11-10 or captured_at < 2026-11-02",
        "captured_at in (2026-11-03, 2026-11-05T04:00)",
        "captured_at between 2026-11-03 and 2026-11-05",
        "width > 1000 and width <= 2e3",
        "width in (100, 300) or width between 3700 and 9999",
        "not " * 10 + "hat",
    ],
)
def test_lancedb_answers_as_python_does(table: Any, text: str) -> None:
    tree = parse_where(text)
    rows = [
        {**row, "hat": None if row["hat"] is None else pa.scalar(row["hat"], pa.float32()).as_py()}
        for row in ROWS
    ]
    assert answer(table, text) == {row["n"] for row in rows if holds(tree, row)}


LEAVES = st.one_of(
    st.builds(Comparison, st.just("hat"), st.sampled_from(sorted(COMPARE)), st.floats(-1, 2, width=32)),
    st.builds(
        Comparison, st.just("width"), st.sampled_from(sorted(COMPARE)), st.integers(-100, 4100).map(float)
    ),
    st.builds(
        Comparison, st.just("upper_color"), st.sampled_from(sorted(COMPARE)), st.sampled_from(TEXTS[:-1])
    ),
    st.builds(
        Comparison,
        st.just("captured_at"),
        st.sampled_from(sorted(COMPARE)),
        st.dates(date(2026, 10, 31), date(2026, 11, 30)),
    ),
    st.builds(IsNull, st.sampled_from(["hat", "upper_color"])),
)
TREES = st.recursive(
    LEAVES,
    lambda part: (
        st.builds(Not, part) | st.builds(And, st.tuples(part, part)) | st.builds(Or, st.tuples(part, part))
    ),
    max_leaves=8,
)


def written(node: Filter) -> str:
    """A tree as a user would type it."""
    match node:
        case And(parts) | Or(parts):
            return "(" + (" and " if isinstance(node, And) else " or ").join(map(written, parts)) + ")"
        case Not(inner):
            return f"not ({written(inner)})"
        case IsNull(column):
            return f"{column} is null"
        case Comparison(column, sign, str(value)):
            return f"{column} {sign} '{value.replace(chr(39), chr(39) * 2)}'"
        case Comparison(column, sign, value):
            return f"{column} {sign} {value}"
    raise AssertionError(node)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
def test_any_tree_selects_what_python_selects(table: Any, tree: Filter) -> None:
    rows = [
        {**row, "hat": None if row["hat"] is None else pa.scalar(row["hat"], pa.float32()).as_py()}
        for row in ROWS
    ]
    assert answer(table, written(tree)) == {row["n"] for row in rows if holds(tree, row)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(max_size=30).filter(lambda text: "\0" not in text))
def test_any_text_is_only_a_text(table: Any, value: str) -> None:
    quoted = "'" + value.replace("'", "''") + "'"
    assert answer(table, f"upper_color = {quoted}") == {
        row["n"] for row in ROWS if row["upper_color"] == value
    }


@pytest.mark.parametrize("value", [text for text in TEXTS if text is not None])
def test_awkward_texts_find_exactly_their_rows(table: Any, value: str) -> None:
    quoted = '"' + value.replace('"', '""') + '"'
    assert answer(table, f"upper_color = {quoted}") == {
        row["n"] for row in ROWS if row["upper_color"] == value
    }


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("hatt > 0.5", "did you mean hat"),
        ("zzz > 1", "there are: captured_at, hat"),
        ("hat > 'red'", "a number"),
        ("upper_color > 3", "a text in quotes"),
        ("captured_at > 5", "a date"),
        ("captured_at > 2026-13-45", "no such date"),
        ("captured_at > 2026-11-01T18:30Z", "has a zone"),
        ("captured_at > 2026-11-01 18:30:00.5+0200", "has a zone"),
        ("captured_at between 2026-11-01 and 2026-11-02T10:00 +02", "has a zone"),
        ("hat like '%x%'", "holds no text"),
        ("hat > > 3", "^"),
        ("hat >", "^"),
        ("1 = 1", "^"),
        ("hat; drop table people", "^"),
        ("", "^"),
        ("(" * 60 + "hat" + ")" * 60, "parentheses"),
        ("hat " * 1000, "characters"),
        ("not " * 30 + "hat", "levels deep"),
        ("width > 10.5", "a whole number"),
        ("width = 99999999999", "a whole number"),
        ("width", "a whole number"),
        ("upper_color = '\udc80'", "UTF-8"),
        ("captured_at > 9999-12-31", "no such date"),
    ],
)
def test_what_is_wrong_is_said(text: str, hint: str) -> None:
    with pytest.raises(FilterError) as caught:
        compile_where(text, COLUMNS, THRESHOLDS)
    assert hint in str(caught.value)


@given(st.text(max_size=60))
def test_nonsense_is_an_error_and_never_a_crash(text: str) -> None:
    with contextlib.suppress(FilterError):
        assert compile_where(text, COLUMNS, THRESHOLDS)


def test_the_place_of_the_mistake_is_shown() -> None:
    with pytest.raises(FilterError) as caught:
        parse_where("hat > 0.5 and > 3")
    lines = str(caught.value).splitlines()
    assert lines[1].index("> 3") == lines[2].index("^")
