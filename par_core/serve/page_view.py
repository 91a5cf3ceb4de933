"""What the page shows of an answer: cards, filters with counts, one person. Templates only lay it out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlencode

from par_core.attributes.colours import COLOUR_TERMS
from par_core.query.answer import Chance, Hit
from par_core.serve.facets import Facets
from par_core.serve.page_query import (
    Asked,
    Chip,
    chips,
    chosen,
    narrowed,
    set_field,
    toggled,
    value_of,
    without,
    words_of,
)
from par_core.serve.service import PersonDetails, SearchPage

__all__ = [
    "EXAMPLES",
    "Card",
    "Choice",
    "Filters",
    "Found",
    "PersonView",
    "filters_of",
    "found_of",
    "person_view",
    "split_message",
]

#: Questions to begin with.
EXAMPLES: Final = (
    "a woman in a red coat",
    "man AND backpack AND NOT hat",
    "dress upper:black",
    "(hat OR scarf) upper:blue,grey",
    "sweater^2 glasses",
    '"a person in a protective suit"',
)

_MOST_ATTRIBUTES: Final = 40
_MOST_FOLDERS: Final = 12
_MOST_BARS: Final = 90  # days with a bar of their own
_BAR_PX: Final = 36


@dataclass(frozen=True, slots=True)
class Card:
    """A hit in the grid.

    Attributes:
        hit: The person.
        url: Of the person, beside this answer.
        like_url: More like this.
        alt: What the picture shows, in words.
        name: Of the file.
        similar: Cards of the hits that are folded into this one.
    """

    hit: Hit
    url: str
    like_url: str
    alt: str
    name: str
    similar: tuple["Card", ...]


@dataclass(frozen=True, slots=True)
class Found:
    """An answer, or a part of one.

    Attributes:
        cards: Best first.
        chips: The fields of the question.
        searched: People in the index.
        warnings: What the asker should know.
        chance: See ``SearchResult``.
        by_chance: People among the cards, about, who are there by chance; None where that is not known.
        first: Whether this is the first page.
        complete: Whether there are no further hits.
        more_url: Of the next hits, or empty.
        review_url: Where a review for the words of the question begins, or empty where there are none.
        loosened: Questions that ask less, to try where nothing was found: what is left out, and the address.
    """

    cards: tuple[Card, ...]
    chips: tuple[tuple[Chip, str], ...]
    searched: int
    warnings: tuple[str, ...]
    chance: Chance | None
    by_chance: int | None
    first: bool
    complete: bool
    more_url: str
    review_url: str
    loosened: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to filter by.

    Attributes:
        name: As shown.
        count: People, in the whole archive (under the filter).
        chosen: Whether the question asks for it.
        url: The question with it, or without where it is chosen.
        title: More of the name; may be empty.
    """

    name: str
    count: int
    chosen: bool
    url: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Filters:
    """All filters.

    Attributes:
        people: In the archive, under the filter.
        upper: Colours of the upper body.
        lower: Colours of the lower body.
        attributes: Most first.
        folders: Most first.
        days: First and last day, or None where no picture says when it was taken.
        bars: A bar of an SVG for each day: label, x, height in pixels, address of that day; empty where there
            are too many days.
        since: The day that the question starts from, or empty.
        until: The day that it ends with, or empty.
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


@dataclass(frozen=True, slots=True)
class PersonView:
    """One person in the panel.

    Attributes:
        details: The person.
        match: The person's hit in the answer beside the panel, or None where the answer does not hold it.
        attributes: Name, probability and whether it counts as seen, most likely first.
        others: Id and address of the other people in the photograph.
        like_url: More like this.
        unlike_url: Not like this.
        only_like_url: People like this, whatever was asked before.
        back_url: The answer without the panel.
        name: Of the file.
    """

    details: PersonDetails
    match: Hit | None
    attributes: tuple[tuple[str, float, bool], ...]
    others: tuple[tuple[str, str], ...]
    like_url: str
    unlike_url: str
    only_like_url: str
    back_url: str
    name: str


def found_of(asked: Asked, answer: SearchPage) -> Found:
    """An answer for showing."""
    result = answer.result
    fields = chips(asked.q)
    chance = result.chance
    by_chance = round(chance.share * len(result.hits)) if chance is not None else None
    loosened = [
        (f"without {field.text}", asked.asking(field.rest).url())
        for field in fields
        if field.rest or asked.where
    ]
    if asked.where and asked.q:
        loosened.append(("without the filter", asked.unfiltered().url()))
    return Found(
        tuple(_card(asked, hit, answer.offset) for hit in result.hits),
        tuple((field, asked.asking(field.rest).url()) for field in fields),
        result.searched,
        result.warnings,
        chance,
        by_chance,
        answer.offset == 0,
        answer.next is None,
        asked.url(offset=answer.next) if answer.next is not None else "",
        _review_url(asked),
        tuple(loosened),
    )


def _review_url(asked: Asked) -> str:
    words = words_of(asked.q)
    return f"/reviews?{urlencode({'text': words, 'where': asked.where})}" if words else ""


def _card(asked: Asked, hit: Hit, offset: int) -> Card:
    worn = [
        f"{colour} {where}"
        for colour, where in ((hit.upper_color, "above"), (hit.lower_color, "below"))
        if colour
    ]
    seen = [name.replace("_", " ") for name in hit.seen[:3]]
    alt = f"Hit {hit.rank}: a person" + (f", {', '.join([*worn, *seen])}" if worn or seen else "")
    url = asked.url(f"/people/{hit.person_id}", **({"at": offset} if offset else {}))
    return Card(
        hit,
        url,
        asked.asking(narrowed(asked.q, f"like:{hit.person_id}")).url(),
        alt,
        _file_name(hit.uri),
        tuple(_card(asked, other, offset) for other in hit.similar),
    )


def filters_of(asked: Asked, facets: Facets) -> Filters:
    """Filters for showing, with what the question asks for already marked."""
    q = asked.q
    days = list(facets.days.items())
    return Filters(
        facets.people,
        _colours(asked, "upper", facets.upper_color),
        _colours(asked, "lower", facets.lower_color),
        tuple(
            _attribute(asked, name, count)
            for name, count in list(facets.attributes.items())[:_MOST_ATTRIBUTES]
        ),
        _folders(asked, facets.folders),
        (days[0][0], days[-1][0]) if days else None,
        _bars(asked, facets.days) if len(days) <= _MOST_BARS else (),
        value_of(q, "since") or value_of(q, "on"),
        value_of(q, "until") or value_of(q, "on"),
    )


def _colours(asked: Asked, name: str, counts: Mapping[str, int]) -> tuple[Choice, ...]:
    there = chosen(asked.q, name)
    terms = [term for term in COLOUR_TERMS if counts.get(term) or term in there]
    return tuple(
        Choice(term, counts.get(term, 0), term in there, asked.asking(toggled(asked.q, name, term)).url())
        for term in terms
    )


def _attribute(asked: Asked, name: str, count: int) -> Choice:
    is_chosen = "yes" in chosen(asked.q, name)
    q = without(asked.q, name, "yes") if is_chosen else narrowed(asked.q, f"{name}:yes")
    return Choice(name.replace("_", " "), count, is_chosen, asked.asking(q).url())


def _folders(asked: Asked, counts: Mapping[str, int]) -> tuple[Choice, ...]:
    there, shown = value_of(asked.q, "source"), []
    for folder, count in list(counts.items())[:_MOST_FOLDERS]:
        is_chosen = folder == there
        q = set_field(asked.q, "source", "" if is_chosen else folder)
        shown.append(
            Choice(
                "/".join(unquote(folder).rstrip("/").split("/")[-2:]),
                count,
                is_chosen,
                asked.asking(q).url(),
                unquote(folder),
            )
        )
    return tuple(shown)


def _bars(asked: Asked, days: Mapping[str, int]) -> tuple[tuple[str, int, int, str], ...]:
    most = max(days.values(), default=1)
    plain = set_field(set_field(asked.q, "since", ""), "until", "")
    heights = [max(2, round(_BAR_PX * count / most)) for count in days.values()]
    return tuple(
        (f"{day}: {days[day]}", 5 * number, height, asked.asking(set_field(plain, "on", day)).url())
        for number, (day, height) in enumerate(zip(days, heights, strict=True))
    )


def person_view(asked: Asked, details: PersonDetails, answer: SearchPage | None) -> PersonView:
    """Return one person as the panel shows it.

    Args:
        asked: The question whose answer stands beside.
        details: The person.
        answer: The page of the answer that the person is on, or None if nothing was asked.
    """
    hit = details.hit
    in_answer = (one for top in (answer.result.hits if answer else ()) for one in (top, *top.similar))
    like, unlike = f"like:{hit.person_id}", f"unlike:{hit.person_id}"
    without_both = without(without(asked.q, "like", hit.person_id), "unlike", hit.person_id)
    return PersonView(
        details,
        next((one for one in in_answer if one.person_id == hit.person_id), None),
        tuple(
            (name, p, name in hit.seen)
            for name, p in sorted(hit.attributes.items(), key=lambda item: -item[1])
            if p == p
        ),
        tuple((other, asked.url(f"/people/{other}")) for other in details.others),
        asked.asking(narrowed(without_both, like)).url(),
        asked.asking(narrowed(without_both, unlike)).url() if without_both else "",
        Asked(like).url(),
        asked.url(),
        _file_name(hit.uri),
    )


def split_message(message: str) -> tuple[str, str]:
    """A message in two: what is said, and the lines below that show a place; the latter may be empty."""
    said, _, shown = message.partition("\n")
    return said, shown


def _file_name(uri: str) -> str:
    return unquote(re.split(r"[/!]", uri.rstrip("/"))[-1])
