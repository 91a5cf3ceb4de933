"""What a row of the index becomes when it is shown."""

from pathlib import Path

import pyarrow as pa

from par_core.query.searching import Wanted, sample_of, search_filter
from par_core.store.lance import IndexInfo, PeopleIndex
from par_core.store.schemas import index_schema


def test_only_what_the_index_calls_an_attribute_is_shown_as_one(tmp_path: Path) -> None:
    # a column that a later version may add
    schema = index_schema(["hat"], 2).append(pa.field("weather", pa.float32()))
    row = {
        field.name: "0" if pa.types.is_string(field.type) else [] if pa.types.is_list(field.type) else 1.0
        for field in schema
    }
    row |= {
        "source_state": "present",
        "captured_at": None,
        "image_width": 1,
        "image_height": 1,
        "hat": 0.5,
        "vector": [1.0, 0.0],
    }
    index = PeopleIndex.create(tmp_path, schema, IndexInfo("s", "d", "e", "fake", ("hat",), (0.4,)))
    index.add(pa.Table.from_pylist([row], schema=schema))
    (hit,) = search_filter(index, Wanted("weather > 0.5")).hits
    assert (hit.attributes, hit.seen) == ({"hat": 0.5}, ("hat",))
    assert sample_of(index).attributes == ("hat",)
