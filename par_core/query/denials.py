"""Denials in plain words: "without a hat", "no hat", "not a man" mean NOT.

No text model reads a denial: its embedding lies near the thing that is denied. So the words of a question are
taken apart into what is wanted and what is not, as if the user had written NOT.
"""

import re
from collections.abc import Iterator
from typing import Final

from par_core.attributes.spoken import content_words, named_attributes
from par_core.query.language import AllOf, AnyOf, Negated, Node, Phrase, Weighted, parse_query

__all__ = ["denials_in", "read_question"]

_ARTICLE: Final = r"(?:(?:an?|the|any|his|her|their|its|kind of|sort of)\s+)*"
_VERB: Final = r"(?:wearing|carrying|holding|having|with|in|on|dressed in|a|an)"
_DENY: Final = re.compile(
    r"""(?<![\w-])(?:
        (?:(?:who\s+)?(?:is|are|does|do|has|have|was)\s*n[o']t\s+|not\s+|never\s+)
            (?:have\s+|wear\s+|carry\s+|hold\s+|"""
    + _VERB
    + r"""\s+)?
        | (?:(?:wearing|carrying|holding|having|with|has|have)\s+)?no\s+(?!one\b)
        | (?:nobody|no\s+one|none)\s+(?:wearing|carrying|holding|having|with|in|who\s+(?:wears|has))\s+
        | (?:without|w/o)\s+(?:(?:wearing|carrying|holding|having)\s+)?
        | (?:lacking|minus|sans|except(?:\s+for)?|excluding)\s+
        | (?:neither|nor)\s+(?:wearing\s+|carrying\s+|with\s+)?
    )"""
    + _ARTICLE,
    re.IGNORECASE | re.VERBOSE,
)
# where what is denied ends: what follows is wanted, or is denied again by a word of its own
_END: Final = re.compile(
    r"\s*(?:[,;.]|\bbut\b|\bwho\b|\bwith\b|\bwearing\b|\bcarrying\b|\bholding\b|\bin\b(?=\s+(?:an?|the|his|her)\b))",
    re.IGNORECASE,
)
_AND_A: Final = re.compile(r"\s+and\s+(?:an?|the|his|her)\b", re.IGNORECASE)
_LESS: Final = re.compile(r"\b([a-z]{3,})less\b", re.IGNORECASE)  # hatless
_LIST: Final = re.compile(r"\s*(?:\band\b|\bor\b|\bnor\b|/|&)\s*" + _ARTICLE, re.IGNORECASE)
_LOOSE_ENDS: Final = re.compile(
    r"^(?:\s|,|;|\.|\band\b|\bor\b|\bbut\b)+|(?:\s|,|;|\.|\band\b|\bor\b|\bbut\b|\bwho\b|\bwho is\b)+$",
    re.IGNORECASE,
)


def read_question(text: str) -> Node:
    """Parse a question; the denials in the words of its phrases become negations.

    "a woman without a hat or glasses in a red coat" becomes ``"a woman in a red coat" AND NOT hat AND NOT
    glasses``.

    Raises:
        FilterError: It does not make sense; the message shows where.
    """
    return _with_negations(parse_query(text))


def _with_negations(node: Node) -> Node:
    match node:
        case AllOf(parts):
            return AllOf(tuple(map(_with_negations, parts)))
        case AnyOf(parts):
            return AnyOf(tuple(map(_with_negations, parts)))
        case Negated(inner, said):
            return Negated(_with_negations(inner), said)
        case Weighted(inner, weight):
            return Weighted(_with_negations(inner), weight)
        case Phrase():
            return _read(node)
        case _:
            return node


def denials_in(node: Node) -> Iterator[Negated]:
    """Yield the negations of a question that were read from plain words, in the order of its text."""
    match node:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from denials_in(part)
        case Negated(inner, said):
            if said:
                yield node
            yield from denials_in(inner)
        case Weighted(inner, _):
            yield from denials_in(inner)


def _read(phrase: Phrase) -> Node:
    wanted, denied = "", list[Negated]()
    rest = phrase.text
    for less in _LESS.finditer(phrase.text):
        if named_attributes(less.group(1)):
            denied.append(Negated(Phrase(less.group(1), phrase.quoted), less.group()))
            rest = rest.replace(less.group(), "")
    while (found := _DENY.search(rest)) is not None:
        until = _end_of_denial(rest, found)
        said = _LOOSE_ENDS.sub("", rest[found.start() : until])
        things = [_LOOSE_ENDS.sub("", thing) for thing in _LIST.split(rest[found.end() : until])]
        denied += [Negated(Phrase(thing, phrase.quoted), said) for thing in things if thing]
        wanted += f" {rest[: found.start()]}"
        rest = re.sub(r"^\s*but\b", "", rest[until:], flags=re.IGNORECASE)
    if not denied:
        return phrase
    left = _LOOSE_ENDS.sub("", re.sub(r"\s+(?=,)", "", " ".join(f"{wanted} {rest}".split())))
    kept = (Phrase(left, phrase.quoted),) if content_words(left) else ()
    parts = (*kept, *dict.fromkeys(denied))
    return parts[0] if len(parts) == 1 else AllOf(parts)


def _end_of_denial(text: str, found: re.Match[str]) -> int:
    """Return where the things end that a word of denial is about: at another denial, or where something else
    begins. "no bag and a red coat" denies the bag alone, "without a bag and a coat" both.
    """
    ends = [_DENY, _END] + ([_AND_A] if re.search(r"\bno\b", found.group(), re.IGNORECASE) else [])
    places = [place.start() for end in ends if (place := end.search(text, found.end())) is not None]
    return min(places, default=len(text))
