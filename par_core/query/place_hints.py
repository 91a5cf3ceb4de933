"""Hints for a place that nobody is found at: another case would match, or the pattern of ``like`` is one that
people expect to match and that does not; and for a tag that nobody has.
"""

import difflib
from collections.abc import Iterator, Sequence

from par_core.query.language import Condition, Node
from par_core.query.parts import leaves
from par_core.query.table import PeopleTable
from par_core.query.where import And, Comparison, Filter, Membership, Not, Or, Place, parse_where
from par_core.query.where_sql import places_ignoring_case
from par_core.tags.of_index import tags_of

__all__ = ["place_hints"]


def place_hints(index: PeopleTable, node: Node | None, where: str | None) -> tuple[str, ...]:
    """Return a sentence on each place and tag of a question that found nobody.

    Args:
        index: The table of people.
        node: The question, if any.
        where: The filter of the search, if any.
    """
    filters = (
        [leaf.filter for leaf, wanted, _ in leaves(node) if wanted and isinstance(leaf, Condition)]
        if node
        else []
    )
    filters += [parse_where(where)] if where is not None and where.strip() else []
    return tuple(dict.fromkeys(hint for one in filters for hint in _hints(index, one)))


def _hints(index: PeopleTable, condition: Filter) -> Iterator[str]:
    match condition:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _hints(index, part)
        case Place(text):
            found = _in_another_case(index, text)
            if found is not None:
                yield f"no place holds {text!r}, but {found!r} occurs: case matters in source:"
        case Comparison("uri", "like", str() as pattern):
            yield from _of_pattern(index, pattern)
        case Membership("tag", values):
            yield from _of_tags(index, [str(value) for value in values])
        case Comparison("tag", "=", str() as value):
            yield from _of_tags(index, [value])
        case Not():
            return


def _of_tags(index: PeopleTable, names: Sequence[str]) -> Iterator[str]:
    known = list(tags_of(index).counts())
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            among = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            yield f"nobody has the tag {name!r}{among}"


def _of_pattern(index: PeopleTable, pattern: str) -> Iterator[str]:
    plain = pattern.strip("%")
    if "%" not in pattern:
        yield (
            f"uri like {pattern!r} compares whole paths: % stands for any text, _ for one character;"
            f" source:{plain} finds a part of a path"
        )
    elif plain and "%" not in plain and "_" not in plain:
        found = _in_another_case(index, plain)
        if found is not None:
            yield f"no path is like {pattern!r}, but {found!r} occurs: case matters in like"


def _in_another_case(index: PeopleTable, text: str) -> str | None:
    """Return how a text is written in some place, if it occurs in another case alone."""
    rows = index.search(None, where=places_ignoring_case(text), top=1, columns=["uris"]).to_pylist()
    for uri in rows[0]["uris"] if rows else ():
        at = uri.lower().find(text.lower())
        if at >= 0 and uri[at : at + len(text)] != text:
            return str(uri[at : at + len(text)])
    return None
