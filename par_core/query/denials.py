"""Denials in plain words: "without a hat", "no hat", "not a man" mean NOT.

No text model reads a denial: its embedding lies near the thing that is denied. So the words of a question are
taken apart into what is wanted and what is not, as if the user had written NOT. The words that deny are in
``denial_words``.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, TypeGuard

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.spoken import content_words, named_attributes
from par_core.query.denial_forms import is_thing, plain_spelling
from par_core.query.denial_words import (
    AND_A,
    COMMA,
    DANGLING,
    DENY,
    END,
    JOINING,
    LESS,
    LIST,
    LOOSE_ENDS,
    NON,
    OF_PEOPLE,
    OR,
    PEOPLE_WITH,
)
from par_core.query.language import AllOf, AnyOf, Negated, Node, Phrase, Weighted, parse_query

__all__ = ["denials_in", "read_question"]

_OF_ALL: Final = re.compile(r"\b(?:no|excluding|except)\b", re.IGNORECASE)
_NEITHER: Final = re.compile(r"\bneither\b", re.IGNORECASE)
_NOT_BOTH: Final = re.compile(r"(?:not|n't)\b.*\bboth\b", re.IGNORECASE)
_ANOTHER: Final = re.compile(r"\b([\w-]+)(?=\s+(?:an?|in)\s+\w)", re.IGNORECASE)


def read_question(text: str) -> Node:
    """Parse a question; the denials in the words of its phrases become negations.

    "a woman without a hat or glasses in a red coat" becomes ``"a woman in a red coat" AND NOT hat AND NOT
    glasses``. Words that deny before a part in quotes or parentheses deny this part.

    Raises:
        FilterError: It does not make sense; the message shows where.
    """
    return _with_negations(parse_query(text))


def _with_negations(node: Node) -> Node:
    match node:
        case AllOf(parts):
            read = [tuple(map(_with_negations, _denying_the_next(_unjoined(each)))) for each in _split(parts)]
            each_of = [all_of[0] if len(all_of) == 1 else AllOf(all_of) for all_of in read]
            return each_of[0] if len(each_of) == 1 else AnyOf(tuple(each_of))
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


def _split(parts: tuple[Node, ...]) -> list[tuple[Node, ...]]:
    """Split a conjunction at each "or" that stands alone between parts: ``upper:red or upper:blue``."""
    groups: list[tuple[Node, ...]] = [()]
    for i, part in enumerate(parts):
        if groups[-1] and i + 1 < len(parts) and _plain(part) and part.text.lower() == "or":
            groups.append(())
        else:
            groups[-1] += (part,)
    return groups


def _unjoined(parts: tuple[Node, ...]) -> tuple[Node, ...]:
    """Take "and" and "but" away where words meet the next part: in ``a woman with a bag and NOT hat``, and
    between texts in quotes.
    """
    kept = list[Node]()
    for part in parts:
        if not _plain(part):
            kept.append(part)
        elif text := JOINING.sub("", part.text):
            kept.append(replace(part, text=text))
    return tuple(kept) or parts


def _plain(part: Node) -> TypeGuard[Phrase]:
    return isinstance(part, Phrase) and not part.quoted


def _denying_the_next(parts: tuple[Node, ...]) -> Iterator[Node]:
    """Yield the parts of a conjunction; one behind words that end in a denial, such as ``without "a hat"``,
    is negated, and the words of denial are taken away.
    """
    said = ""
    for i, part in enumerate(parts):
        following: Node = Negated(part, said) if said else part
        said = ""
        if isinstance(part, Phrase) and not part.quoted and i + 1 < len(parts):
            text = plain_spelling(part.text)
            if (found := DANGLING.search(text)) is not None:
                said = found.group().strip()
                before = replace(part, text=LOOSE_ENDS.sub("", text[: found.start()]))
                following = replace(following, inner=before) if isinstance(following, Negated) else before
                if not content_words(before.text):
                    continue
        yield following


def _read(phrase: Phrase) -> Node:
    wanted, denied = "", list[Negated]()
    rest = plain_spelling(phrase.text)
    for one_word in (LESS, NON):
        for word in one_word.finditer(rest):
            thing = next((form for end in ("", "s", "es") if named_attributes(form := word[1] + end)), None)
            if thing is not None:
                denied.append(Negated(Phrase(thing, phrase.quoted), word.group()))
                rest = re.sub(rf"\b{re.escape(word.group())}\b\s*,?", "", rest)
    while (found := DENY.search(rest)) is not None:
        until, things = _people_denied(rest, found)
        if not things:
            until = _end_of_denial(rest, found)
            before = wanted + rest[: found.start()]
            things = tuple(
                Phrase(thing, phrase.quoted) for thing in _things(rest[found.end() : until], before)
            )
        if len(things) > 1 and _NOT_BOTH.search(found.group()):
            things = (AllOf(things),)
        said = LOOSE_ENDS.sub("", rest[found.start() : until])
        wanted += f" {rest[: found.start()]}"
        denied += [Negated(thing, said) for thing in things]
        rest = re.sub(r"^\s*but\b", "", rest[until:], flags=re.IGNORECASE)
    if not denied:
        return replace(phrase, text=" ".join(plain_spelling(phrase.text).split()))
    left = " ".join(f"{wanted} {rest}".split())
    left = LOOSE_ENDS.sub("", re.sub(r"\b(an?|the)\s*,", r"\1", re.sub(r"(?:\s*,)+", ",", left)))
    kept = (Phrase(left, phrase.quoted),) if content_words(left) else ()
    parts = (*kept, *dict.fromkeys(denied))
    return parts[0] if len(parts) == 1 else AllOf(parts)


def _things(text: str, wanted: str) -> list[str]:
    """Return the things that are denied. A colour alone is that of the thing behind it ("no red or blue
    coat"), else that of the last garment before the denial ("a coat that is not red").
    """
    things = [thing for each in LIST.split(text) if content_words(thing := LOOSE_ENDS.sub("", each))]
    garments = [named.spoken for word in content_words(wanted) for named in named_attributes(word)]
    behind = garments[-1] if garments else ""
    completed: list[str] = []
    for thing in reversed(things):
        if thing.lower() in COLOUR_TERMS or thing.lower() == "gray":
            completed.append(f"{thing} {behind}".strip())
        else:
            behind = thing.split()[-1]
            completed.append(thing)
    return completed[::-1]


def _people_denied(text: str, found: re.Match[str]) -> tuple[int, tuple[Node, ...]]:
    """Return where "men with hats" ends in "no men with hats" or "everyone except men in red coats", and what
    it is: men who have a hat, and not all men. Nothing if no such words follow.
    """
    clause = PEOPLE_WITH.match(text, found.end()) if OF_PEOPLE.search(found.group()) else None
    if clause is None or not _is_person(clause["who"]):
        return found.end(), ()
    worn: tuple[Node, ...] = tuple(Phrase(thing, False) for thing in _things(clause["worn"], ""))
    if clause["without"]:
        worn = tuple(map(Negated, worn))
    if len(worn) > 1 and OR.search(clause["worn"]):
        worn = (AnyOf(worn),)
    who = (Phrase(clause["who"], False),) if content_words(clause["who"]) else ()
    parts = (*who, *worn)
    return clause.end(), (parts[0] if len(parts) == 1 else AllOf(parts),)


def _is_person(word: str) -> bool:
    return not content_words(word) or (is_thing(word, people=True) and not is_thing(word))


def _end_of_denial(text: str, found: re.Match[str]) -> int:
    """Return where the things end that a word of denial is about: at another denial, or where something else
    begins. "no bag and a red coat" denies the bag alone, "without a bag and a coat" both; a comma ends them
    but in a list, such as "without a hat, glasses or a bag".
    """
    only_or = bool(_OF_ALL.search(found.group()))
    first = re.compile(r"\w*").match(text, found.end())
    after = first.end() if first else found.end()  # "not from behind" denies what begins as an end does
    ends = [(DENY, found.end()), (END, after)] + ([(AND_A, after)] if only_or else [])
    places = [place.start() for end, start in ends if (place := end.search(text, start)) is not None]
    places += [new.end() for new in _ANOTHER.finditer(text, found.end()) if is_thing(new[1])]
    until = min(places, default=len(text))
    comma = text.find(",", found.end(), until)
    if comma < 0 or _is_list(text[comma:until], only_or=only_or) or _NEITHER.search(found.group()):
        return until
    return comma


def _is_list(behind: str, *, only_or: bool) -> bool:
    """Whether what follows a comma goes on with a list: its last part is joined by or, nor, or and."""
    pieces = [piece for piece in COMMA.split(behind) if piece.strip()]
    last = pieces[-1] if pieces else ""
    return bool(OR.search(last)) or (not only_or and bool(re.search(r"\band\b", last, re.IGNORECASE)))
