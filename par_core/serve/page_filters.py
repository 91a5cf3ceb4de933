"""The filters of the page: the choices, how many people have each, and the address of the query with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from par_core.attributes.colours import COLOUR_TERMS
from par_core.serve.facets import Facets
from par_core.serve.page_query import PageQuery, chosen, narrowed, set_field, toggled, value_of, without

__all__ = ["Choice", "Filters", "filters_of"]

_MOST_ATTRIBUTES: Final = 40
_MOST_FOLDERS: Final = 12
_MOST_BARS: Final = 90  # days with a bar of their own
_BAR_PX: Final = 36


@dataclass(frozen=True, slots=True)
class Choice:
    """One value to filter by.

    Attributes:
        name: Name as shown.
        count: Number of people in the whole archive (under the filter).
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
        people: Number of people in the archive, under the filter.
        upper: Colours of the upper body.
        lower: Colours of the lower body.
        attributes: Attributes, most frequent first.
        folders: Folders, those with most people first.
        days: First and last day, or None where no picture says when it was taken.
        bars: A bar of an SVG for each day: label, x, height in pixels, address of that day; empty where there
            are too many days.
        since: First day of the query, or empty.
        until: Last day of the query, or empty.
    """

    people: int
    upper: tuple[Choice, ...]
    lower: tuple[Choice, ...]
    attributes: tuple[Choice, ...]
    folders: tuple[Choice, ...]
    days: tuple[str, str] | None
    bars: tuple[tuple[str, int, int, str], ...]
    since: str
    until: str


def filters_of(query: PageQuery, facets: Facets) -> Filters:
    """Return the filters, with the choices of the query marked."""
    q = query.q
    days = list(facets.days.items())
    return Filters(
        facets.people,
        _colours(query, "upper", facets.upper_color),
        _colours(query, "lower", facets.lower_color),
        tuple(
            _attribute(query, name, count)
            for name, count in list(facets.attributes.items())[:_MOST_ATTRIBUTES]
        ),
        _folders(query, facets.folders),
        (days[0][0], days[-1][0]) if days else None,
        _bars(query, facets.days) if len(days) <= _MOST_BARS else (),
        value_of(q, "since") or value_of(q, "on"),
        value_of(q, "until") or value_of(q, "on"),
    )


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


def _folders(query: PageQuery, counts: Mapping[str, int]) -> tuple[Choice, ...]:
    marked, choices = value_of(query.q, "source"), []
    for folder, count in list(counts.items())[:_MOST_FOLDERS]:
        is_chosen = folder == marked
        q = set_field(query.q, "source", "" if is_chosen else folder)
        choices.append(
            Choice(
                "/".join(unquote(folder).rstrip("/").split("/")[-2:]),
                count,
                is_chosen,
                query.with_text(q).url(),
                unquote(folder),
            )
        )
    return tuple(choices)


def _bars(query: PageQuery, days: Mapping[str, int]) -> tuple[tuple[str, int, int, str], ...]:
    most = max(days.values(), default=1)
    plain = set_field(set_field(query.q, "since", ""), "until", "")
    heights = [max(2, round(_BAR_PX * count / most)) for count in days.values()]
    return tuple(
        (f"{day}: {days[day]}", 5 * number, height, query.with_text(set_field(plain, "on", day)).url())
        for number, (day, height) in enumerate(zip(days, heights, strict=True))
    )
