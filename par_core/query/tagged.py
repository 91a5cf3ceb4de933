"""Tags and notes in filters: ``tag = 'check'``, ``tag in ('a', 'b')``, ``tag like 'gate%'``, ``tag is null``,
``tag`` alone for any tag, and the same of ``note``.

People with tags are few, and known without the index: a condition on tags becomes one on their ids, before
anything is searched.
"""

import re
from collections.abc import Callable
from typing import Final

from par_core.errors import BadConfigError, FilterError, StoreError
from par_core.query.table import PeopleTable
from par_core.query.where import AmongPeople, And, Comparison, Filter, IsNull, Likely, Membership, Not, Or
from par_core.tags.files import read_tags
from par_core.tags.names import tag_name
from par_core.tags.of_index import IndexTags, tags_of

__all__ = ["TAG_COLUMNS", "asks_for_tags", "by_people", "tags_state"]

#: What filters name though it is no column of the index.
TAG_COLUMNS: Final = ("tag", "note")


def tags_state(index: PeopleTable, *texts: str | None) -> str:
    """Return a text that changes with the tags, if a question of these texts may depend on them: part of the
    key by which its answer is kept.
    """
    if not any(name in text.lower() for text in texts if text is not None for name in TAG_COLUMNS):
        return ""
    try:
        return read_tags(index.path.parent).state
    except StoreError:  # a question that does ask for tags fails by itself; words may merely sound like it
        return "damaged"


def asks_for_tags(wanted: Filter) -> bool:
    """Whether a filter depends on tags or notes."""
    match wanted:
        case And(parts) | Or(parts):
            return any(map(asks_for_tags, parts))
        case Not(inner):
            return asks_for_tags(inner)
        case AmongPeople():
            return False
        case _:
            return getattr(wanted, "column", "") in TAG_COLUMNS


def by_people(index: PeopleTable, wanted: Filter) -> Filter:
    """Return a filter with the people in place of their tags and notes. Where the index has a column of that
    name, such as an attribute, the column is meant.

    Raises:
        FilterError: A tag or a note is compared with something else than a text.
        StoreError: A file of tags is damaged.
    """
    if not asks_for_tags(wanted):
        return wanted
    return _resolved(wanted, tags_of(index), frozenset(TAG_COLUMNS) - frozenset(index.columns))


def _resolved(wanted: Filter, tags: IndexTags, names: frozenset[str]) -> Filter:
    match wanted:
        case And(parts) | Or(parts):
            return type(wanted)(tuple(_resolved(part, tags, names) for part in parts))
        case Not(inner):
            return Not(_resolved(inner, tags, names))
        case Comparison(column, "!=", value) if column in names:
            return Not(_resolved(Comparison(column, "=", value), tags, names))
        case Comparison(column, "=" | "like" as operator, str() as value) if column in names:
            fits = _like(value) if operator == "like" else _equal(_spelt(column, value))
            return AmongPeople(_people(column, tags, fits))
        case Membership(column, values) if column in names and all(isinstance(one, str) for one in values):
            among = frozenset(_spelt(column, str(one)) for one in values)
            return AmongPeople(_people(column, tags, among.__contains__))
        case Likely(column) if column in names:
            return AmongPeople(_people(column, tags, lambda _: True))
        case IsNull(column) if column in names:
            return Not(AmongPeople(_people(column, tags, lambda _: True)))
        case _ if getattr(wanted, "column", "") in names:
            column = getattr(wanted, "column", "")
            raise FilterError(
                f"{column} is compared by =, !=, in, like or is null with a text, such as 'check'"
            )
        case _:
            return wanted


def _people(column: str, tags: IndexTags, fits: Callable[[str], bool]) -> tuple[str, ...]:
    return tags.with_tag(fits) if column == "tag" else tags.with_note(fits)


def _spelt(column: str, value: str) -> str:
    if column != "tag":
        return value
    try:
        return tag_name(value)
    except BadConfigError as error:
        raise FilterError(str(error)) from error


def _equal(value: str) -> Callable[[str], bool]:
    return lambda text: text == value


def _like(pattern: str) -> Callable[[str], bool]:
    """Return whether a text is like a pattern of SQL: ``%`` is any text, ``_`` one character."""
    parts = [
        ".*" if character == "%" else "." if character == "_" else re.escape(character)
        for character in pattern
    ]
    known = re.compile("".join(parts), re.DOTALL)
    return lambda text: known.fullmatch(text) is not None
