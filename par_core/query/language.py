"""The language of questions: words, quoted texts, fields and pictures, joined by AND, OR and NOT.

    a woman in a red coat
    man AND backpack AND NOT hat "protective suit" upper:red since:2026-11-01 source:gate-3
    (hat OR scarf)^2 "a long coat" like:3f9a4c0d2b1e8f70

Operators are written in capitals, so that "a white dress and a black bag" stays a text; parts that merely
stand side by side must all hold. ``-`` before a part is NOT. ``^2`` after a part gives it twice the weight.
This file turns a text into a tree; ``par_core.query.plan`` turns the tree into searches of an index.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, UnexpectedToken, VisitError

from par_core.errors import FilterError
from par_core.query.fields import FIELDS, field_filter
from par_core.query.where import Filter

__all__ = ["AllOf", "AnyOf", "Condition", "Likeness", "Negated", "Node", "Phrase", "Weighted", "parse_query"]

_LONGEST: Final = 1_000  # characters
_MOST_PARTS: Final = 40
# parentheses and negations, counted before parsing, for each takes of Python's stack
_MOST_NESTING: Final = 50
_HEAVIEST: Final = 10.0
# quotes and dashes as telephones and word processors set them, each by one character
_TYPED: Final = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\uff02", '"')
    | dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d", "-")
)

_LONE_FIELD: Final = re.compile(r"\b([a-z]+):(?=\s|$)", re.IGNORECASE)

_GRAMMAR: Final = r"""
    start: any
    ?any: all ("OR" all)*          -> any_of
    ?all: part ("AND"? part)*      -> all_of
    ?part: ("NOT" | MINUS) part    -> negated
         | atom
         | atom WEIGHT             -> weighted
    ?atom: "(" any ")"
         | QUOTED                  -> quoted
         | FIELD                   -> field
         | WORDS                   -> words

    MINUS.3: /-(?=[^\s])/
    WEIGHT.4: /\^[0-9]+(\.[0-9]+)?(?=[\s()]|$)/
    QUOTED.3: /"[^"]*"/
    FIELD.2: /[A-Za-z_]+:("[^"]*"|[^\s()"]+)/
    WORDS: /WORD(\s+WORD)*/
    %ignore /\s+/
""".replace("WORD(\\s+WORD)*", r"(?:W)(?:\s+(?:W))*").replace(
    "W)", r"(?!(?:AND|OR|NOT)(?:[\s()\"]|$))(?!-\S)(?![A-Za-z_]+:[^\s()])[^\s()\"^]+)"
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words, matched by their meaning.

    Attributes:
        text: The words.
        quoted: Whether they stood in quotes, and so never stand for an attribute.
        near: Whether garments fit in a neighbouring colour as well as in the one that is named.
    """

    text: str
    quoted: bool
    near: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A field with a value, which holds or does not.

    Attributes:
        text: The field as written.
        filter: The filter that must hold.
    """

    text: str
    filter: Filter


@dataclass(frozen=True, slots=True)
class Likeness:
    """Likeness to a person.

    Attributes:
        kind: ``person`` of the index, or ``picture`` beside the question.
        name: Id of the person, or name of the picture.
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Weighted:
    """A part that counts more or less than others."""

    inner: "Node"
    weight: float


@dataclass(frozen=True, slots=True)
class Negated:
    """The opposite.

    Attributes:
        inner: What must not hold.
        said: The plain words that it was read from, such as "without a hat"; empty if it was written as NOT.
    """

    inner: "Node"
    said: str = ""


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of several."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of several."""

    parts: tuple["Node", ...]


Node = Phrase | Condition | Likeness | Weighted | Negated | AllOf | AnyOf


def parse_query(text: str) -> Node:
    """Parse a question.

    Raises:
        FilterError: It does not make sense; the message shows where.
    """
    text = text.translate(_TYPED)
    if len(text) > _LONGEST:
        raise FilterError(f"a question of {len(text)} characters; {_LONGEST} are allowed")
    if text.count("(") > _MOST_NESTING or text.split().count("NOT") > _MOST_NESTING:
        raise FilterError(f"a question with more than {_MOST_NESTING} parentheses or negations")
    try:
        tree = _parser().parse(text)
        if sum(1 for _ in tree.scan_values(lambda value: isinstance(value, Token))) > _MOST_PARTS:
            raise FilterError(f"a question of more than {_MOST_PARTS} parts")
        node: Node = _Build().transform(tree)
    except UnexpectedInput as error:
        ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        place = len(text) if ended or error.pos_in_stream is None else error.pos_in_stream
        raise FilterError(_pointing(text, place, _hint(text, place))) from error
    except VisitError as error:
        if isinstance(error.orig_exc, _MisplacedError):
            raise FilterError(_pointing(text, error.orig_exc.place, str(error.orig_exc))) from error
        raise
    return node


class _MisplacedError(FilterError):
    """Something wrong at a place of the text."""

    def __init__(self, message: str, place: int) -> None:
        super().__init__(message)
        self.place = place


def _pointing(text: str, place: int, message: str) -> str:
    shown = re.sub(r"\s", " ", text)
    return f"{message}\n  {shown}\n  {' ' * place}^"


def _hint(text: str, place: int) -> str:
    if text.count('"') % 2:
        return "a quotation mark is missing"
    if text.count("(") != text.count(")"):
        return "the parentheses do not match"
    if place >= len(text):
        return "the question stops too early: something must follow AND, OR or NOT"
    if text[place] == "^":
        return "a weight is a number after a part, such as hat^2"
    return "the question does not make sense here; put words that are meant literally in quotes"


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)


class _Build(Transformer[Token, Node]):
    """Turns the tree of lark into nodes."""

    def start(self, parts: list[Node]) -> Node:
        return parts[0]

    def any_of(self, parts: list[Node]) -> Node:
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def all_of(self, parts: list[Node]) -> Node:
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def negated(self, parts: list[Any]) -> Node:
        return Negated(parts[-1])

    @v_args(inline=True)
    def weighted(self, inner: Node, weight: Token) -> Node:
        value = float(weight[1:])
        if not 0 < value <= _HEAVIEST:
            raise _MisplacedError(
                f"a weight lies above 0 and is at most {_HEAVIEST:.0f}", weight.start_pos or 0
            )
        return Weighted(inner, value)

    @v_args(inline=True)
    def quoted(self, token: Token) -> Node:
        text = " ".join(token[1:-1].split())
        if not text:
            raise _MisplacedError("there is nothing between the quotes", token.start_pos or 0)
        return Phrase(text, quoted=True)

    @v_args(inline=True)
    def words(self, token: Token) -> Node:
        for field in _LONE_FIELD.finditer(token):
            if field.group(1).lower() in (*FIELDS, "colour"):
                raise _MisplacedError(
                    f"{field.group()} has a blank or nothing behind it; write {field.group()}VALUE",
                    (token.start_pos or 0) + field.start(),
                )
        return Phrase(" ".join(token.split()), quoted=False)

    @v_args(inline=True)
    def field(self, token: Token) -> Node:
        name, value = token.split(":", 1)
        value = value[1:-1] if value.startswith('"') else value
        match name.lower():
            case "like" | "picture":
                return Likeness("person" if name.lower() == "like" else "picture", value)
            case "unlike":
                return Negated(Likeness("person", value))
        try:
            return Condition(str(token), field_filter(name.lower(), value))
        except FilterError as error:
            raise _MisplacedError(str(error), token.start_pos or 0) from error
