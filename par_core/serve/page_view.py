"""Content of the page: the cards of an answer, and one person. Templates only lay it out."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlencode

from par_core.query.answer import Chance, Hit
from par_core.query.certainty import certainty, certainty_details
from par_core.serve.page_query import Chip, PageQuery, chips, narrowed, without, words_of
from par_core.serve.service import PersonDetails, SearchPage

__all__ = ["AnswerView", "Card", "PersonView", "answer_view", "person_view", "split_message"]


@dataclass(frozen=True, slots=True)
class Card:
    """A hit in the grid.

    Attributes:
        hit: The person.
        url: Address of the person, beside this answer.
        like_url: Address of the query for people like this one.
        alt: Description of the picture in words.
        name: Name of the file.
        similar: Cards of the hits that are folded into this one.
    """

    hit: Hit
    url: str
    like_url: str
    alt: str
    name: str
    similar: tuple["Card", ...]


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One page of an answer.

    Attributes:
        cards: Cards, best first.
        chips: The fields of the query, each with the address of the query without it.
        searched: Number of people in the index.
        warnings: Notes for the user.
        chance: See ``SearchResult``.
        order: The order of the cards, in words.
        sure: One sentence on how many are likely right; empty where that is not known.
        details: The details behind it.
        why: Of an empty answer, which part of the query emptied it, and what finds somebody.
        first: Whether this is the first page.
        complete: Whether there are no further hits.
        more_url: Address of the next hits, or empty.
        review_url: Address that starts a review for the words of the query, or empty without words.
        loosened: Queries with fewer conditions, for empty answers: the condition left out, and the address.
    """

    cards: tuple[Card, ...]
    chips: tuple[tuple[Chip, str], ...]
    searched: int
    warnings: tuple[str, ...]
    chance: Chance | None
    order: str
    sure: str
    details: tuple[str, ...]
    why: tuple[str, ...]
    first: bool
    complete: bool
    more_url: str
    review_url: str
    loosened: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PersonView:
    """One person in the panel.

    Attributes:
        details: The person.
        match: The person's hit in the answer beside the panel, or None where the answer does not hold it.
        attributes: Name, probability and whether it counts as seen, most likely first.
        others: Id and address of each other person in the photograph.
        like_url: Address of the query for people like this one as well.
        unlike_url: Address of the query for people unlike this one, or empty without a query.
        only_like_url: Address of the query for people like this one alone.
        back_url: Address of the answer without the panel.
        name: Name of the file.
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


def answer_view(query: PageQuery, answer: SearchPage) -> AnswerView:
    """Return one page of an answer as the page shows it."""
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
        tuple(_card(query, hit, answer.offset) for hit in result.hits),
        tuple((field, query.with_text(field.rest).url()) for field in fields),
        result.searched,
        result.warnings,
        chance,
        result.order,
        certainty(result),
        tuple(certainty_details(chance)) if chance is not None and result.hits else (),
        result.why,
        answer.offset == 0,
        answer.next is None,
        query.url(offset=answer.next) if answer.next is not None else "",
        _review_url(query),
        tuple(loosened),
    )


def _review_url(query: PageQuery) -> str:
    words = words_of(query.q)
    return f"/reviews?{urlencode({'text': words, 'where': query.where})}" if words else ""


def _card(query: PageQuery, hit: Hit, offset: int) -> Card:
    worn = [
        f"{colour} {where}"
        for colour, where in ((hit.upper_color, "above"), (hit.lower_color, "below"))
        if colour
    ]
    seen = [name.replace("_", " ") for name in hit.seen[:3]]
    alt = f"Hit {hit.rank}: a person" + (f", {', '.join([*worn, *seen])}" if worn or seen else "")
    url = query.url(f"/people/{hit.person_id}", **({"at": offset} if offset else {}))
    return Card(
        hit,
        url,
        query.with_text(narrowed(query.q, f"like:{hit.person_id}")).url(),
        alt,
        _file_name(hit.uri),
        tuple(_card(query, other, offset) for other in hit.similar),
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
        tuple((other, query.url(f"/people/{other}")) for other in details.others),
        query.with_text(narrowed(without_both, like)).url(),
        query.with_text(narrowed(without_both, unlike)).url() if without_both else "",
        PageQuery(like).url(),
        query.url(),
        _file_name(hit.uri),
    )


def split_message(message: str) -> tuple[str, str]:
    """Split a message into its first line and the lines below, which point to a place and may be missing."""
    first, _, below = message.partition("\n")
    return first, below


def _file_name(uri: str) -> str:
    return unquote(re.split(r"[/!]", uri.rstrip("/"))[-1])
