"""The data contract names every column and every status, and nothing that is not there."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from par_core.status import Status
from par_core.store.plan_file import SHARDS
from par_core.store.schemas import ENTRIES, IMAGES, PEOPLE, descriptions_schema, index_schema

CONTRACT = (Path(__file__).parents[2] / "docs" / "data-contract.md").read_text()


def first_cells(section: str) -> list[str]:
    """Names in the first column of the table under a heading that holds ``section``."""
    body = re.split(r"^## ", CONTRACT, flags=re.M)
    (text,) = [part for part in body if section in part.splitlines()[0]]
    rows = [
        line.split("|")[1]
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith(("| column", "| code"))
    ]
    return [name.strip() for row in rows for name in row.split(",")]


@pytest.mark.parametrize(
    ("section", "schema"),
    [
        ("entries", ENTRIES),
        ("shards.arrow", SHARDS),
        ("images.parquet", IMAGES),
        ("segment/<config>/<shard>/people.parquet", PEOPLE),
        ("describe/<config>/<shard>/people.parquet", descriptions_schema([], 4)),
    ],
)
def test_every_column_is_documented(section: str, schema: pa.Schema) -> None:
    assert sorted(name for name in first_cells(section) if name != "one column an attribute") == sorted(
        schema.names
    )


def test_every_column_of_the_index_is_documented() -> None:
    repeated = {
        "person_id",
        "image_id",
        "score",
        "x1",
        "y1",
        "x2",
        "y2",
        "vector",
        *descriptions_schema([], 4).names,
    }
    assert sorted(first_cells("index.lance")) == sorted(set(index_schema([], 4).names) - repeated)


def test_every_status_is_documented() -> None:
    assert sorted(first_cells("Status codes")) == sorted(Status)
