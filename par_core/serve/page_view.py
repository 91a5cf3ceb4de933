"""Content of the page: the cards of an answer, and one person. Templates only lay it out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import unquote, urlencode

from par_core.attributes.clothing_parts import NEEDED_CLOSE
from par_core.query.answer import Chance, Hit
from par_core.query.by_time import SORTS, moment_after
from par_core.query.certainty import certainty, certainty_details
from par_core.serve.page_query import Chip, PageQuery, chips, narrowed, without, words_of
from par_core.serve.service import PersonDetails, SearchPage

__all__ = ["AnswerView", "Card", "PersonView", "answer_view", "file_name", "person_view", "split_message"]

_UNKNOWN: Final = "Time not known"


@dataclass(frozen=True, slots=True)
class Card:
    """A hit in the grid.

    Attributes:
        hit: The person.
        url: Address of the person, beside this answer.
        like_url: Address of the query for people like this one.
        alt: Description of the picture in words.
        name: Name of the file.
        heading: In the order of capture, the day, where a new one begins, and its address; else None.
        time: In the order of capture, the time of day; else empty.
        similar: Cards of the hits that are folded into this one.
    """

    hit: Hit
    url: str
    like_url: str
    alt: str
    name: str
    heading: tuple[str, str] | None
    time: str
    similar: tuple["Card", ...]


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One page of an answer.

    Attributes:
        cards: Cards, best first.
        near: Number of them whose colour is next to the one asked for; they come last.
        chips: The fields of the query, each with the address of the query without it.
        searched: Number of people in the index.
        warnings: Notes for the user.
        chance: See ``SearchResult``.
        order: The order of the cards, in words.
        sure: One sentence on how many are likely right; empty where that is not known.
        details: The details behind it.
        why: Of an empty answer, which part of the query emptied it, and what finds somebody.
        total: Number of people of the whole list, or None.
        sorts: The orders that the query can have: name, address, and whether it has it.
        first: Whether this is the first page.
        complete: Whether there are no further hits.
        more_url: Address of the next hits, or empty.
        end: Of the last page, why the list ends before all people do; else empty.
        review_url: Address that starts a review for the words of the query, or empty without words.
        loosened: Queries with fewer conditions, for empty answers: the condition left out, and the address.
    """

    cards: tuple[Card, ...]
    near: int
    chips: tuple[tuple[Chip, str], ...]
    searched: int
    warnings: tuple[str, ...]
    chance: Chance | None
    order: str
    sure: str
    details: tuple[str, ...]
    why: tuple[str, ...]
    total: int | None
    sorts: tuple[tuple[str, str, bool], ...]
    first: bool
    complete: bool
    more_url: str
    end: str
    review_url: str
    loosened: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PersonView:
    """One person in the panel.

    Attributes:
        details: The person.
        match: The person's hit in the answer beside the panel, or None where the answer does not hold it.
        attributes: Name, probability and whether it counts as seen, most likely first.
        hidden: Attributes that the picture does not show.
        others: Id and address of each other person in the photograph.
        like_url: Address of the query for people like this one as well.
        unlike_url: Address of the query for people unlike this one, or empty without a query.
        only_like_url: Address of the query for people like this one alone.
        photo_url: Address of the whole photograph.
        back_url: Address of the answer without the panel.
        name: Name of the file.
    """

    details: PersonDetails
    match: Hit | None
    attributes: tuple[tuple[str, float, bool], ...]
    hidden: tuple[str, ...]
    others: tuple[tuple[str, str], ...]
    like_url: str
    unlike_url: str
    only_like_url: str
    photo_url: str
    back_url: str
    name: str


def answer_view(query: PageQuery, answer: SearchPage, after: str | None = None) -> AnswerView:
    """Return one page of an answer as the page shows it.

    Args:
        query: The query.
        answer: The page.
        after: Where the page begins, of a list that goes on by it; None is the first page.
    """
    result = answer.result
    fields = chips(query.q)
    chance = result.chance
    loosened = [
        (f"without {field.text}", query.with_text(field.rest).url())
        for field in fields
        if field.rest or query.where
    ]
    if query.where and query.q:
        loosened.append(("without the filter", query.unfiltered().url()))
    return AnswerView(
        _cards(query, answer, after),
        sum(hit.near for hit in result.hits),
        tuple((field, query.with_text(field.rest).url()) for field in fields),
        result.searched,
        result.warnings,
        chance,
        result.order,
        certainty(result),
        tuple(certainty_details(chance)) if chance is not None and result.hits else (),
        result.why,
        result.total,
        tuple(
            (f"{sort} first", query.sorted_by(sort).url(), sort == query.sort)
            for sort in SORTS
            if sort != "best" or query.q or query.where
        ),
        answer.offset == 0 and after is None,
        answer.next is None and result.next_after is None,
        _more_url(query, answer),
        answer.end,
        _review_url(query),
        tuple(loosened),
    )


def _review_url(query: PageQuery) -> str:
    words = words_of(query.q)
    return f"/reviews?{urlencode({'text': words, 'where': query.where})}" if words else ""


def _more_url(query: PageQuery, answer: SearchPage) -> str:
    if answer.result.next_after is not None:
        shown = answer.offset + len(answer.result.hits)
        return query.url(after=answer.result.next_after, offset=shown)
    return query.url(offset=answer.next) if answer.next is not None else ""


def _cards(query: PageQuery, answer: SearchPage, after: str | None) -> tuple[Card, ...]:
    hits = answer.result.hits
    place: dict[str, str | int] = {"at": answer.offset} if answer.offset else {}
    place |= {"after": after} if after is not None else {}
    if query.sort == "best":
        return tuple(_card(query, hit, place) for hit in hits)
    before = _day(moment_after(after)[0]) if after is not None else ""
    cards = []
    for hit in hits:
        day = _day(hit.captured_at)
        heading = None
        if day != before:
            url = query.with_text(narrowed(query.at_all_times().q, f"on:{day}")).url()
            heading = (f"{hit.captured_at:%A} {day}", url) if hit.captured_at else (_UNKNOWN, "")
        cards.append(replace(_card(query, hit, place), heading=heading))
        before = day
    return tuple(cards)


def _day(moment: datetime | None) -> str:
    return _UNKNOWN if moment is None else moment.date().isoformat()


def _card(query: PageQuery, hit: Hit, place: Mapping[str, str | int]) -> Card:
    worn = [
        f"{colour} {where}"
        for colour, where in ((hit.upper_color, "above"), (hit.lower_color, "below"))
        if colour
    ]
    seen = [name.replace("_", " ") for name in hit.seen[:3]]
    alt = f"Hit {hit.rank}: a person" + (f", {', '.join([*worn, *seen])}" if worn or seen else "")
    return Card(
        hit,
        query.url(f"/people/{hit.person_id}", **place),
        query.with_text(narrowed(query.q, f"like:{hit.person_id}")).url(),
        alt,
        file_name(hit.uri),
        None,
        f"{hit.captured_at:%H:%M}" if query.sort != "best" and hit.captured_at else "",
        tuple(_card(query, other, place) for other in hit.similar),
    )


def person_view(query: PageQuery, details: PersonDetails, answer: SearchPage | None) -> PersonView:
    """Return one person as the panel shows it.

    Args:
        query: The query whose answer stands beside.
        details: The person.
        answer: The page of the answer that the person is on, or None without a query.
    """
    hit = details.hit
    in_answer = (one for top in (answer.result.hits if answer else ()) for one in (top, *top.similar))
    like, unlike = f"like:{hit.person_id}", f"unlike:{hit.person_id}"
    without_both = without(without(query.q, "like", hit.person_id), "unlike", hit.person_id)
    return PersonView(
        details,
        next((one for one in in_answer if one.person_id == hit.person_id), None),
        tuple(
            (name, p, name in hit.seen)
            for name, p in sorted(hit.attributes.items(), key=lambda item: -item[1])
            if p == p
        ),
        tuple(
            name for name in details.info.attributes if name in NEEDED_CLOSE and name not in hit.attributes
        ),
        tuple((other, query.url(f"/people/{other}")) for other in details.others),
        query.with_text(narrowed(without_both, like)).url(),
        query.with_text(narrowed(without_both, unlike)).url() if without_both else "",
        PageQuery(like).url(),
        query.url(f"/people/{hit.person_id}/photo"),
        query.url(),
        file_name(hit.uri),
    )


def split_message(message: str) -> tuple[str, str]:
    """Split a message into its first line and the lines below, which point to a place and may be missing."""
    first, _, below = message.partition("\n")
    return first, below


def file_name(uri: str) -> str:
    """Return the name of a file, without its folder or archive."""
    return unquote(re.split(r"[/!]", uri.rstrip("/"))[-1])
