"""The filters of the page: the choices, how many people of the answer have each, and the address of the query
with it. Of a field that takes one of several values, such as a colour, the other values are counted as if the
field were not asked for: they can be chosen as well.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.query.neighbouring_colours import asks_for_colours
from par_core.serve.facets import Facets
from par_core.serve.page_query import (
    PageQuery,
    chosen,
    narrowed,
    set_field,
    toggled,
    value_of,
    without,
    without_fields,
)

__all__ = ["Choice", "Filters", "filters_of", "shown_folder", "widened_by"]

_GROUPS: Final = {  # fields of which one value is chosen of several
    "upper": ("upper",),
    "lower": ("lower",),
    "source": ("source",),
    "tag": ("tag",),
    "time": ("on", "since", "until"),
}
_MOST_ATTRIBUTES: Final = 40
_MOST_FOLDERS: Final = 12
_MOST_TAGS: Final = 40
_MONTHS: Final = frozenset(f"{month:02}" for month in range(1, 13))


@dataclass(frozen=True, slots=True)
class Choice:
    """One value to filter by.

    Attributes:
        name: Name as shown.
        count: Number of people of the answer.
        chosen: Whether the query holds it.
        url: Address of the query with it, or without it where it is chosen.
        title: Longer name; may be empty.
    """

    name: str
    count: int
    chosen: bool
    url: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Filters:
    """All filters of the page.

    Attributes:
        people: Number of people of the answer.
        best: See ``Facets``.
        in_colours: Whether the query asks for colours: people in neighbouring ones are not counted.
        upper: Colours of the upper body.
        lower: Colours of the lower body.
        attributes: Attributes, most frequent first.
        tags: Tags, those with most people first.
        more_tags: Whether there are others.
        folders: Folders, those with most people first.
        days: First and last day, or None where no picture says when it was taken.
        since: First day of the query, or empty.
        until: Last day of the query, or empty.
    """

    people: int
    best: int | None
    in_colours: bool
    upper: tuple[Choice, ...]
    lower: tuple[Choice, ...]
    attributes: tuple[Choice, ...]
    tags: tuple[Choice, ...]
    more_tags: bool
    folders: tuple[Choice, ...]
    days: tuple[str, str] | None
    since: str
    until: str


def widened_by(query: PageQuery) -> dict[str, PageQuery]:
    """Return, for each group of fields that the query has, the query without them: ``upper``, ``lower``,
    ``source``, ``tag`` and ``time``.
    """
    without_them = {
        name: query.with_text(without_fields(query.q, *fields)) for name, fields in _GROUPS.items()
    }
    return {name: wider for name, wider in without_them.items() if wider != query}


def filters_of(query: PageQuery, facets: Facets, wider: Mapping[str, Facets] | None = None) -> Filters:
    """Return the filters, with the choices of the query marked.

    Args:
        query: The query.
        facets: Counts of its answer.
        wider: Counts of the answers of :func:`widened_by`.
    """
    q, others = query.q, wider or {}
    days = list(others.get("time", facets).days)
    asked = value_of(q, "on")
    tags = _tags(query, others.get("tag", facets).tags)
    return Filters(
        facets.people,
        facets.best,
        bool(q) and query.sort == "best" and asks_for_colours(q),
        _colours(query, "upper", others.get("upper", facets).upper_color),
        _colours(query, "lower", others.get("lower", facets).lower_color),
        tuple(
            _attribute(query, name, count)
            for name, count in list(facets.attributes.items())[:_MOST_ATTRIBUTES]
        ),
        tags[:_MOST_TAGS],
        len(tags) > _MOST_TAGS,
        _folders(query, others.get("source", facets).folders),
        (days[0], days[-1]) if days else None,
        value_of(q, "since") or _day_of(asked, first=True),
        value_of(q, "until") or _day_of(asked, first=False),
    )


def _day_of(step: str, *, first: bool) -> str:
    """Return the first or the last day of a step as ``on:`` takes it; empty where there is none."""
    if len(step) == len("2026"):
        return f"{step}-{'01-01' if first else '12-31'}"
    if len(step) == len("2026-11"):
        year, month = step.split("-", 1)
        days = monthrange(int(year), int(month))[1] if year.isdecimal() and month in _MONTHS else 31
        return f"{step}-{1 if first else days:02}"
    return step[:10]


def _colours(query: PageQuery, name: str, counts: Mapping[str, int]) -> tuple[Choice, ...]:
    marked = chosen(query.q, name)
    terms = [term for term in COLOUR_TERMS if counts.get(term) or term in marked]
    return tuple(
        Choice(term, counts.get(term, 0), term in marked, query.with_text(toggled(query.q, name, term)).url())
        for term in terms
    )


def _attribute(query: PageQuery, name: str, count: int) -> Choice:
    is_chosen = "yes" in chosen(query.q, name)
    q = without(query.q, name, "yes") if is_chosen else narrowed(query.q, f"{name}:yes")
    return Choice(name.replace("_", " "), count, is_chosen, query.with_text(q).url())


def _tags(query: PageQuery, counts: Mapping[str, int]) -> tuple[Choice, ...]:
    marked = chosen(query.q, "tag")
    names = [*counts, *(name for name in marked if name not in counts)]
    choices = []
    for name in sorted(names, key=lambda name: name not in marked):
        q = set_field(query.q, "tag", "" if name in marked else name)
        choices.append(Choice(name, counts.get(name, 0), name in marked, query.with_text(q).url()))
    return tuple(choices)


def _folders(query: PageQuery, counts: Mapping[str, int]) -> tuple[Choice, ...]:
    marked, choices = value_of(query.q, "source"), []
    for folder, count in list(counts.items())[:_MOST_FOLDERS]:
        is_chosen = folder == marked
        q = set_field(query.q, "source", "" if is_chosen else folder)
        choices.append(
            Choice(
                shown_folder(folder),
                count,
                is_chosen,
                query.with_text(q).url(),
                unquote(folder),
            )
        )
    return tuple(choices)


def shown_folder(folder: str) -> str:
    """Return the last names of a folder or archive, for people."""
    return "/".join(unquote(folder).rstrip("/!").split("/")[-2:])
