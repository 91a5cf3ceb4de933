"""Who is exported: everybody, those for whom a filter holds, or the hits of a search; a table at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from par_core.query.conditions import condition_of
from par_core.query.from_store import Question, Searcher
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.ledger import still_listed

__all__ = ["Selection", "select_people"]

_INTERNAL: Final = frozenset({"uris", "row_digest"})
_HIT_FIELDS: Final = (("rank", pa.int32()), ("cosine", pa.float32()), ("probability", pa.float32()))


@dataclass(frozen=True, slots=True)
class Selection:
    """People to be exported.

    Attributes:
        index: The version of the index that they come from.
        schema: Columns of the tables: those of the index that are not for PAR alone, ``shard`` and ``vector``
            included; of hits also ``rank``, ``cosine`` and ``probability``.
        tables: Their rows, read as they are asked for; once.
        warnings: What the asker should know.
    """

    index: PeopleIndex
    schema: pa.Schema
    tables: Iterator[pa.Table]
    warnings: tuple[str, ...]


def select_people(searcher: Searcher, query: str | None, where: str | None, top: int) -> Selection:
    """Choose people whose file is there.

    Args:
        searcher: The store.
        query: As for ``par search``; None is everybody, in no particular order.
        where: A filter, or None.
        top: Hits of a query at most.

    Raises:
        BadConfigError: The store is empty, or the query or the filter is wrong.
        FingerprintError: There is a query and the store was filled with another model.
    """
    index = searcher.index()
    plain = pa.schema([field for field in index.schema if field.name not in _INTERNAL])
    if query is None:
        newest = PeopleIndex.open(searcher.store.index_path)
        tables = _scanned(index, newest or index, searcher.store, condition_of(index, where), plain)
        return Selection(index, plain, tables, ())
    result = searcher.ask(Question(query, where=where, top=top, apart=True))
    schema = pa.schema([*(pa.field(name, kind) for name, kind in _HIT_FIELDS), *plain])
    told = pa.table(
        {
            "person_id": [hit.person_id for hit in result.hits],
            **{name: [getattr(hit, name) for hit in result.hits] for name, _ in _HIT_FIELDS},
        }
    )
    rows = index.rows(told["person_id"].to_pylist()).select(plain.names)
    order = pc.index_in(told["person_id"].cast(pa.string()), value_set=rows["person_id"])
    columns = [
        told[field.name].cast(field.type) if field.name in told.column_names else rows[field.name].take(order)
        for field in schema
    ]
    return Selection(index, schema, iter([pa.table(columns, schema=schema)]), result.warnings)


def _scanned(
    index: PeopleIndex, newest: PeopleIndex, store: Store, where: str | None, schema: pa.Schema
) -> Iterator[pa.Table]:
    for batch in index.scan(schema.names, where):
        table = pa.Table.from_batches([batch]).select(schema.names).cast(schema)
        yield table if newest.identity == index.identity else _there_now(table, newest, store)


def _there_now(table: pa.Table, newest: PeopleIndex, store: Store) -> pa.Table:
    """Those of an older version whose file is there now, by the newest version or, where that knows nothing,
    by the listings.
    """
    states = newest.source_states(sorted(set(table["image_id"].to_pylist())))
    rows = list(zip(table["image_id"].to_pylist(), table["uri"].to_pylist(), strict=True))
    listed = still_listed(store, {uri for image, uri in rows if image not in states})
    return table.filter(
        pa.array(
            [states[image] == "present" if image in states else uri in listed for image, uri in rows],
            pa.bool_(),
        )
    )
