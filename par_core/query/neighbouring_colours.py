"""Questions for a colour that few people wear: after those who wear it come people in a neighbouring colour,
which light and shadow turn into it, and the answer says so.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from par_core.query.answer import SearchResult
from par_core.query.language import AllOf, AnyOf, Condition, Node, Weighted
from par_core.query.where import Filter, Membership, Or

__all__ = ["FEW", "NEIGHBOURS", "followed_by", "widened"]

#: Hits below which people in neighbouring colours follow.
FEW: Final = 10
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


def widened(node: Node) -> tuple[Node, tuple[str, ...]]:
    """Return a question whose fields for colours also take neighbouring ones, and what was added in words;
    the question itself, and nothing, where no colour is wanted. What is negated stays.
    """
    match node:
        case AllOf(parts) | AnyOf(parts):
            each = [widened(part) for part in parts]
            said = tuple(dict.fromkeys(text for _, texts in each for text in texts))
            return type(node)(tuple(part for part, _ in each)), said
        case Weighted(inner, weight):
            wider, said = widened(inner)
            return Weighted(wider, weight), said
        case Condition(text, wanted):
            filters, said = _widened(wanted)
            return (Condition(f"{text} or near it", filters), said) if said else (node, ())
        case _:
            return node, ()


def followed_by(found: SearchResult, near: SearchResult, said: tuple[str, ...]) -> SearchResult:
    """Return an answer with the hits of a wider question behind its own."""
    known = {one.person_id for hit in found.hits for one in (hit, *hit.similar)}
    new = [hit for hit in near.hits if hit.person_id not in known]
    if not new:
        return found
    first = len(found.hits) + 1
    hits = [
        replace(hit, rank=rank, similar=tuple(replace(one, rank=rank) for one in hit.similar))
        for rank, hit in enumerate(new, first)
    ]
    who = f"only {len(found.hits)} fit in the colour" if found.hits else "nobody fits in the colour"
    note = f"{who} that was asked for; from hit {first} on people wear a neighbouring one: {'; '.join(said)}"
    chance = found.chance
    if chance is not None:
        likely = [hit.probability for hit in (*found.hits, *hits) if hit.probability is not None]
        chance = replace(chance, share=1 - sum(likely) / len(likely) if likely else 0.0)
    return replace(
        found, hits=(*found.hits, *hits), warnings=(*found.warnings, note), chance=chance, order=near.order
    )


def _widened(wanted: Filter) -> tuple[Filter, tuple[str, ...]]:
    match wanted:
        case Or(parts):
            each = [_widened(part) for part in parts]
            return Or(tuple(part for part, _ in each)), tuple(text for _, texts in each for text in texts)
        case Membership(column, terms) if column in _COLUMNS:
            more = [near for term in terms for near in NEIGHBOURS[str(term)] if near not in terms]
            added = tuple(dict.fromkeys(more))
            said = (f"{' or '.join(added)} {_COLUMNS[column]}",) if added else ()
            return Membership(column, (*terms, *added)), said
        case _:
            return wanted, ()
