"""Compare rows of the index with the Parquet files that they were made from."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from par_core.store.desired import desired_rows
from par_core.store.lance import PeopleIndex
from par_core.store.ledger import Ledger
from par_core.store.ledger.changed_images import ChangedShard, images_of_shard

__all__ = ["compare_all", "compare_shard"]

_EXAMPLES: Final = 5
_SHARDS_KEPT: Final = 64  # of which the expected rows are kept at a time


def compare_shard(
    ledger: Ledger, index: PeopleIndex, describe_config: str, shard_id: str, schema: pa.Schema
) -> tuple[int, list[str]]:
    """Compare the people of one shard.

    Returns:
        Number of rows that were compared, and a sentence for each problem.
    """
    expected = _expected(ledger, describe_config, shard_id, schema)
    actual = index.rows(expected["person_id"].to_pylist())
    missing = expected.filter(pc.invert(pc.is_in(expected["person_id"], value_set=actual["person_id"])))
    problems = []
    if len(missing):
        problems.append(f"{len(missing)} people are not in the index ({_some(missing)})")
    return len(actual), problems + _wrong(index, expected, actual)


def compare_all(
    ledger: Ledger, index: PeopleIndex, describe_config: str, schema: pa.Schema
) -> Iterator[tuple[int, list[str]]]:
    """Compare every row of the index, and find people who are missing or too many: yields as
    ``compare_shard`` returns. Rows are read in the order in which they are stored, which is nearly that of
    the shards; expected rows of the last shards are kept.
    """
    seen: dict[str, int] = {}
    kept: OrderedDict[str, pa.Table] = OrderedDict()
    recorded = {shard.hex() for (shard,) in ledger.rows("SELECT shard FROM shards WHERE described = 1")}
    for batch in index.scan(schema.names):
        rows = pa.Table.from_batches([batch])
        for shard_id in rows["shard"].unique().to_pylist():
            actual = rows.filter(pc.equal(rows["shard"], shard_id))
            if shard_id not in recorded:
                yield len(actual), [f"{len(actual)} people of the index are in no shard ({_some(actual)})"]
                continue
            if shard_id not in kept:
                kept[shard_id] = _expected(ledger, describe_config, shard_id, schema)
            kept.move_to_end(shard_id)
            seen[shard_id] = seen.get(shard_id, 0) + len(actual)
            yield len(actual), _wrong(index, kept[shard_id], actual)
            while len(kept) > _SHARDS_KEPT:
                kept.popitem(last=False)
    for shard_id in sorted(recorded):
        wanted = len(_expected(ledger, describe_config, shard_id, schema).select(["person_id"]))
        if wanted != seen.get(shard_id, 0):
            yield 0, [f"shard {shard_id} has {wanted} people, the index {seen.get(shard_id, 0)}"]


def _expected(ledger: Ledger, describe_config: str, shard_id: str, schema: pa.Schema) -> pa.Table:
    images = ledger.store.shard("segment", ledger.segment_config, shard_id).read("images", ["image_id"])
    shard = ChangedShard(
        shard_id, images_of_shard(ledger, shard_id, images["image_id"].drop_null().to_pylist())
    )
    return desired_rows(ledger, describe_config, [shard], schema)


def _wrong(index: PeopleIndex, expected: pa.Table, actual: pa.Table) -> list[str]:
    """Return what differs in rows of the index that should be among the expected ones."""
    actual = actual.select(expected.schema.names).sort_by("person_id")
    place = pc.index_in(actual["person_id"], value_set=expected["person_id"].combine_chunks())
    problems = []
    surplus = actual.filter(pc.is_null(place))
    if len(surplus):
        problems.append(f"{len(surplus)} people of the index are in no shard ({_some(surplus)})")
        actual = actual.filter(pc.is_valid(place))
    should = expected.take(place.drop_null()).combine_chunks()
    stored = actual.cast(expected.schema).combine_chunks()
    if not should.equals(stored):
        pairs = zip(should.to_pylist(), stored.to_pylist(), strict=True)
        different = [row["person_id"] for row, other in pairs if row != other]
        if different:
            examples = ", ".join(different[:_EXAMPLES])
            problems.append(f"{len(different)} people of the index differ from Parquet ({examples})")
    slower = index.wrong_shortcuts(should)
    if slower:
        examples = ", ".join(slower[:_EXAMPLES])
        problems.append(
            f"what is kept for speed of {len(slower)} people differs from their rows ({examples})"
        )
    return problems


def _some(people: pa.Table) -> str:
    return ", ".join(people["person_id"].slice(0, _EXAMPLES).to_pylist())
