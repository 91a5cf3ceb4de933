"""Questions for a colour that few people wear: after those who wear it come people in a neighbouring colour,
which light and shadow turn into it, and the answer says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from par_core.attributes.spoken import NamedColour, named_colours
from par_core.errors import FilterError
from par_core.models.text_evidence import SpokenQuery
from par_core.query.answer import SearchResult
from par_core.query.denials import read_question
from par_core.query.language import AllOf, AnyOf, Condition, Negated, Node, Phrase, Weighted
from par_core.query.parts import leaves
from par_core.query.where import And, Filter, Membership, Or

__all__ = ["NEIGHBOURS", "asks_for_colours", "search_near", "widened", "with_neighbours"]

_FEW: Final = 10  # hits below which people in neighbouring colours follow
#: Terms that the same garment may get in other light, likeliest first: those that garments were confused with
#: (benchmarks/colour_names.py), and those that differ in lightness or saturation alone.
NEIGHBOURS: Final[Mapping[str, tuple[str, ...]]] = {
    "black": ("blue", "grey"),
    "white": ("grey", "beige"),
    "grey": ("black", "white", "blue"),
    "red": ("pink", "orange", "brown"),
    "orange": ("brown", "red"),
    "yellow": ("beige", "orange"),
    "green": ("grey", "blue", "brown"),
    "blue": ("black", "grey"),
    "purple": ("blue", "pink"),
    "pink": ("red", "purple", "orange"),
    "brown": ("beige", "orange", "grey"),
    "beige": ("brown", "white", "grey"),
}
_COLUMNS: Final = {"upper_color": "above", "lower_color": "below"}


def search_near(search: Callable[[Node], SearchResult], node: Node, top: int) -> SearchResult:
    """Return the answer to a question, with people in neighbouring colours behind it where it has few hits.

    Args:
        search: Answers a question.
        node: The question.
        top: Number of hits wanted.
    """
    found = search(node)
    if len(found.hits) >= min(_FEW, top):
        return found
    wider, said = widened(node)
    if not said:
        return found
    near = search(wider)
    return _followed_by(found, replace(near, hits=near.hits[:top]), said)


def widened(node: Node) -> tuple[Node, tuple[str, ...]]:
    """Return a question for which neighbouring colours fit as well, in fields for colours and in words that
    name the colour of a garment; and what was added in words. Where no colour is wanted, that is the question
    itself and nothing. What is negated stays. Of words, who wears the very colours is left out: they were
    found, or do not fit for another reason.
    """
    wider, said, colours = _wider(node)
    if not any(isinstance(leaf, Phrase) and leaf.near for leaf, _, _ in leaves(wider)):
        return wider, said
    asked = colours[0] if len(colours) == 1 else And(colours)
    return AllOf((wider, Negated(Condition("in the colour itself", asked)))), said


def asks_for_colours(text: str) -> bool:
    """Whether a question asks for colours: people in neighbouring ones may follow those whom it finds. One
    that does not make sense asks for none.
    """
    try:
        return bool(widened(read_question(text))[1])
    except FilterError:
        return False


def with_neighbours(query: SpokenQuery) -> SpokenQuery:
    """Return words of which garments fit in a neighbouring colour as well."""
    return replace(query, colours=tuple(replace(one, near=NEIGHBOURS[one.colour]) for one in query.colours))


def _wider(node: Node) -> tuple[Node, tuple[str, ...], tuple[Filter, ...]]:
    """Return a wider question, what was added in words, and filters for the colours themselves."""
    match node:
        case AllOf(parts) | AnyOf(parts):
            each = [_wider(part) for part in parts]
            said = tuple(dict.fromkeys(text for _, texts, _ in each for text in texts))
            colours = tuple(one for _, _, filters in each for one in filters)
            return type(node)(tuple(part for part, _, _ in each)), said, colours
        case Weighted(inner, weight):
            wider, said, colours = _wider(inner)
            return Weighted(wider, weight), said, colours
        case Condition(text, wanted):
            near, said = _widened(wanted)
            return (Condition(f"{text} or near it", near), said, (wanted,)) if said else (node, (), ())
        case Phrase(text, quoted) if named := named_colours(text):
            worn = _worn(named)
            near, said = _widened(worn)
            return (
                AllOf((Phrase(text, quoted, near=True), Condition(" and ".join(said), near))),
                said,
                (worn,),
            )
        case _:
            return node, (), ()


def _worn(named: Sequence[NamedColour]) -> Filter:
    """Return the filter for the colours that words name; of two garments of one place, either fits."""
    by_places: dict[tuple[str, ...], list[str]] = {}
    for one in named:
        by_places.setdefault(one.places, []).append(one.colour)
    each: list[Filter] = []
    for places, terms in by_places.items():
        among = tuple(Membership(f"{place}_color", tuple(dict.fromkeys(terms))) for place in places)
        each.append(among[0] if len(among) == 1 else Or(among))
    return each[0] if len(each) == 1 else And(tuple(each))


def _followed_by(found: SearchResult, near: SearchResult, said: tuple[str, ...]) -> SearchResult:
    """Return an answer with the hits of a wider question behind its own."""
    known = {one.person_id for hit in found.hits for one in (hit, *hit.similar)}
    new = [hit for hit in near.hits if hit.person_id not in known]
    if not new:
        return found
    first = len(found.hits) + 1
    hits = [
        replace(
            hit,
            rank=rank,
            similar=tuple(replace(one, rank=rank, near=True) for one in hit.similar),
            near=True,
        )
        for rank, hit in enumerate(new, first)
    ]
    count = len(found.hits)
    who = f"only {count} {'was' if count == 1 else 'were'} found" if count else "nobody was found"
    note = (
        f"{who} by the colour that was asked for; from hit {first} on people wear a neighbouring one:"
        f" {'; '.join(said)}"
    )
    chance = found.chance
    if chance is not None:
        likely = [hit.probability for hit in (*found.hits, *hits) if hit.probability is not None]
        chance = replace(chance, share=1 - sum(likely) / len(likely) if likely else 0.0)
    return replace(
        found, hits=(*found.hits, *hits), warnings=(*found.warnings, note), chance=chance, order=near.order
    )


def _widened(wanted: Filter) -> tuple[Filter, tuple[str, ...]]:
    match wanted:
        case And(parts) | Or(parts):
            each = [_widened(part) for part in parts]
            said = tuple(text for _, texts in each for text in texts)
            return type(wanted)(tuple(part for part, _ in each)), said
        case Membership(column, terms) if column in _COLUMNS:
            more = [near for term in terms for near in NEIGHBOURS[str(term)] if near not in terms]
            added = tuple(dict.fromkeys(more))
            said = (f"{' or '.join(added)} {_COLUMNS[column]}",) if added else ()
            return Membership(column, (*terms, *added)), said
        case _:
            return wanted, ()
