"""Selection of the people to export: all people, those who meet a filter, or the hits of a search."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from par_core.query.conditions import condition_of, sql_of
from par_core.query.from_store import Question, Searcher
from par_core.query.where import AmongPeople
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.listings import still_listed
from par_core.tags.of_index import IndexTags, tags_of

__all__ = ["Selection", "select_people", "with_tags"]

_INTERNAL: Final = frozenset({"uris", "row_digest"})
_TAG_FIELDS: Final = (pa.field("tags", pa.list_(pa.string())), pa.field("note", pa.string()))
_HIT_FIELDS: Final = (("rank", pa.int32()), ("cosine", pa.float32()), ("probability", pa.float32()))


@dataclass(frozen=True, slots=True)
class Selection:
    """People to be exported.

    Attributes:
        index: The version of the index from which they are read.
        schema: Columns of the tables: those of the index except internal ones, ``shard`` and ``vector``
            included; for hits also ``rank``, ``cosine`` and ``probability``. ``tags`` and ``note`` come last.
        tables: Rows of the people, read lazily; can be iterated once.
        warnings: Warnings for the user.
    """

    index: PeopleIndex
    schema: pa.Schema
    tables: Iterator[pa.Table]
    warnings: tuple[str, ...]


def select_people(
    searcher: Searcher, query: str | None, where: str | None, top: int, people: Sequence[str] | None = None
) -> Selection:
    """Select people whose file is present.

    Args:
        searcher: The store.
        query: Query as for ``par search``; None selects all people, in no particular order.
        where: Filter, or None.
        top: Greatest number of hits of a query.
        people: Ids of the people among whom all are selected, or None.

    Raises:
        BadConfigError: The store is empty, or the query or the filter is wrong.
        FingerprintError: There is a query and the store was filled with another model.
    """
    index = searcher.index()
    plain = pa.schema([field for field in index.schema if field.name not in _INTERNAL])
    if query is None:
        newest = PeopleIndex.open(searcher.store.index_path)
        among = None if people is None else sql_of(index, AmongPeople(tuple(people)))
        condition = condition_of(index, where, further=among)
        tables = _scanned(index, newest or index, searcher.store, condition, plain)
        return Selection(index, _with_tag_fields(plain), with_tags(tables, tags_of(index)), ())
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
    tables = with_tags(iter([pa.table(columns, schema=schema)]), tags_of(index))
    return Selection(index, _with_tag_fields(schema), tables, result.warnings)


def with_tags(tables: Iterator[pa.Table], tags: IndexTags) -> Iterator[pa.Table]:
    """Yield tables of people with the columns ``tags`` and ``note``."""
    for table in tables:
        people = [tags.people.get(one) for one in table["person_id"].to_pylist()]
        values = (
            [list(one.names) if one is not None and one.names else None for one in people],
            [one.note.text if one is not None and one.note is not None else None for one in people],
        )
        for field, column in zip(_TAG_FIELDS, values, strict=True):
            if field.name not in table.column_names:
                table = table.append_column(field, pa.array(column, field.type))
        yield table


def _with_tag_fields(schema: pa.Schema) -> pa.Schema:
    """Return a schema with the columns of tags, unless an attribute has such a name."""
    return pa.schema([*schema, *(field for field in _TAG_FIELDS if field.name not in schema.names)])


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
