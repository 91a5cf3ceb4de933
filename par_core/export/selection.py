"""Selection of the people to export: all people, those who meet a filter, or the hits of a search."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from par_core.query.conditions import condition_of
from par_core.query.from_store import Question, Searcher
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.listings import still_listed

__all__ = ["Selection", "select_people"]

_INTERNAL: Final = frozenset({"uris", "row_digest"})
_HIT_FIELDS: Final = (("rank", pa.int32()), ("cosine", pa.float32()), ("probability", pa.float32()))


@dataclass(frozen=True, slots=True)
class Selection:
    """People to be exported.

    Attributes:
        index: The version of the index from which they are read.
        schema: Columns of the tables: those of the index except internal ones, ``shard`` and ``vector``
            included; for hits also ``rank``, ``cosine`` and ``probability``.
        tables: Rows of the people, read lazily; can be iterated once.
        warnings: Warnings for the user.
    """

    index: PeopleIndex
    schema: pa.Schema
    tables: Iterator[pa.Table]
    warnings: tuple[str, ...]


def select_people(searcher: Searcher, query: str | None, where: str | None, top: int) -> Selection:
    """Select people whose file is present.

    Args:
        searcher: The store.
        query: Query as for ``par search``; None selects all people, in no particular order.
        where: Filter, or None.
        top: Greatest number of hits of a query.

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
    hits = pa.table(
        {
            "person_id": [hit.person_id for hit in result.hits],
            **{name: [getattr(hit, name) for hit in result.hits] for name, _ in _HIT_FIELDS},
        }
    )
    rows = index.rows(hits["person_id"].to_pylist()).select(plain.names)
    order = pc.index_in(hits["person_id"].cast(pa.string()), value_set=rows["person_id"])
    columns = [
        hits[field.name].cast(field.type) if field.name in hits.column_names else rows[field.name].take(order)
        for field in schema
    ]
    return Selection(index, schema, iter([pa.table(columns, schema=schema)]), result.warnings)


def _scanned(
    index: PeopleIndex, newest: PeopleIndex, store: Store, where: str | None, schema: pa.Schema
) -> Iterator[pa.Table]:
    for batch in index.scan(schema.names, where):
        table = pa.Table.from_batches([batch]).select(schema.names).cast(schema)
        yield table if newest.identity == index.identity else _present_now(table, newest, store)


def _present_now(table: pa.Table, newest: PeopleIndex, store: Store) -> pa.Table:
    """Return the people of an older version whose file is present now, by the newest version or, where that
    has no entry, by the listings.
    """
    places = newest.places(sorted(set(table["image_id"].to_pylist())))
    rows = list(zip(table["image_id"].to_pylist(), table["uri"].to_pylist(), strict=True))
    listed = still_listed(store, {uri for image, uri in rows if image not in places})
    return table.filter(
        pa.array(
            [
                places[image].source_state == "present" if image in places else uri in listed
                for image, uri in rows
            ],
            pa.bool_(),
        )
    )
