"""Other ways to deny, spelt as the few that ``denial_words`` knows: "wo hat", "hat missing", "nothing on
their heads" and "hats excluded" become "without hat".

Words that stand around a thing, such as "off" in "with his hat off", count only where it is one of the
vocabulary, so that "a man off duty" stays as it is.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.spoken import named_attributes
from par_core.attributes.vocabulary import BY_NAME
from par_core.query.word_hints import wider_word

__all__ = ["is_thing", "plain_spelling"]

_Form = tuple[str, str | Callable[[re.Match[str]], str]]

_COLOUR: Final = rf"(?:{'|'.join(COLOUR_TERMS)}|gray)"
_OWN: Final = r"(?:an?|the|any|his|her|their|its|my|your)"
_IS: Final = r"(?:is|are|was|were)"
_AUXILIARY: Final = (
    rf"(?:{_IS}|does|do|did|has|have|had|ca|can|could|would|should|may|might|must|need|wo|ai)\s*n['o]?t"
)
_VERB: Final = r"(?:wear(?:s|ing)?|carry(?:ing)?|carries|hold(?:s|ing)?|has|have|having|with|in)"
_NOBODY: Final = r"(?:nobody|no\s*one|none|nothing|no\s+(?:people|persons?|others?))"
_THING: Final = rf"(?P<thing>(?:{_COLOUR}\s+)?[a-z][a-z-]+)"
_BEFORE_THING: Final = rf"(?:\b(?:with|and|has|have|having)\s+)?(?:\b{_OWN}\s+)*\b"
_TAKEN: Final = r"(?<!taking )(?<!takes )(?:\b(?:(?:has|have|had)\s+)?(?:taken|took)\s+)?"
_WITHOUT: Final = "without"


def plain_spelling(text: str) -> str:
    """Return a text with one spelling for what means the same; denials that cancel each other are none."""
    if _may_deny().search(text):
        for pattern, replacement in _forms():
            text = pattern.sub(replacement, text)
    return text


@lru_cache(maxsize=1)
def _may_deny() -> re.Pattern[str]:
    """Parts of words without which no form below can match: most questions have none, and cost nothing."""
    parts = (
        *(
            r"\bw\s?[/.-]|\bwo\b|out",
            _misspelt(),
            "bare|uncover|empty|thing",
            r"\bno|not|n'?t\b|never|zero|\b0",
        ),
        *(
            "miss|absen|gone|remov|off|free|less|lack|forg|lost|took|taken",
            "place|lieu|oppos|stead|rather|unless",
        ),
        *(
            "exclu|omit|skip|avoid|ignor|hide|leav|left|filter|wanted",
            r"refus|fail|declin|\byes\b|[!~\u00ac:=?]",
        ),
        "heads?|hands?",
    )
    return re.compile("|".join(parts), re.IGNORECASE)


@lru_cache(maxsize=4_096)
def is_thing(word: str, *, people: bool = False) -> bool:
    """Whether a word names something that people wear or carry.

    Args:
        word: One word.
        people: Whether men and women count too.
    """
    named = [*named_attributes(word), *named_attributes(wider_word(word) or "")]
    return any(people or BY_NAME[each.name].nouns for each in named)


def _of_thing(form: str, *, people: bool = False) -> Callable[[re.Match[str]], str]:
    """A replacement where the group ``thing`` ends in the name of a thing; else the words stay."""

    def replaced(found: re.Match[str]) -> str:
        thing = found["thing"]
        return found.expand(form) if is_thing(thing.split()[-1], people=people) else found.group()

    return replaced


def _swapped(found: re.Match[str]) -> str:
    """A comma behind "hats" in "instead of hats scarves"."""
    both = is_thing(found["thing"].split()[-1]) and is_thing(found[3])
    return f"{found[1]} {found['thing']}, " if both else found.group()


def _misspelt() -> str:
    """Spellings of "without" with a letter left out, doubled, or exchanged with the next, or one "h" more."""
    pairs = [(_WITHOUT[:i], _WITHOUT[i], _WITHOUT[i + 1 :]) for i in range(len(_WITHOUT))]
    spelt = {_WITHOUT[:place] + "h" + _WITHOUT[place:] for place in (1, len(_WITHOUT))}
    for before, letter, behind in pairs:
        spelt |= {before + behind, before + 2 * letter + behind, before + behind[:1] + letter + behind[1:]}
    return "|".join(sorted(spelt - {_WITHOUT}))


_SPELLINGS: Final[tuple[_Form, ...]] = (
    (rf"\b(?:w\s?[/.-]\s?o(?:ut)?|{_misspelt()})\b(?!/)\.?", _WITHOUT),
    (r"(?<!['-])\bwo\b(?!\s*n['o]?t\b|['-])(?=\s+\w|\s*$)", _WITHOUT),
    (r"\bwith\s+out\b(?!\s+of\b)", _WITHOUT),
    (r"\bw/\s*(?=[a-z])", "with "),
    (r"\b(s?he|who|that|it|someone|somebody)'s\s+(?=not\b)", r"\1 is "),
    (r"\b(they|who)'re\s+(?=not\b)", r"\1 are "),
    (r"\b(without|no|not|wearing|carrying)\s*:\s+", r"\1 "),
    (r"(?<!\S)[!~\u00ac](?=[a-z])", "not "),
    (r"\bbare-?\s?headed\b", "hatless"),
    (r"\bempty-?\s?handed\b", "bagless"),
    (r"\b(?:in\s+(?:place|lieu)\s+of|as\s+opposed\s+to)\b", "instead of"),
    (rf"\bnon-?({_COLOUR})\s+([a-z-]+)", r"\2 not \1"),
)
_CANCELLED: Final[tuple[_Form, ...]] = (
    (rf"\b{_NOBODY}\s+(?:but|except(?:ing)?(?:\s+for)?|other\s+than|apart\s+from|besides)\s+", ""),
    (r"\bwithout\s+(?:exceptions?|doubt|fail|question)\b", ""),
    (r",?\s*\bnot\s+to\s+(?:mention|forget)\b", " and"),
    (
        rf"\b(?:{_AUXILIARY}|not|never)\s+(?:an?\s+)?(?P<thing>[a-z]{{3,}})-?less\b",
        _of_thing(r"with \g<thing>"),
    ),
    (
        rf"\b(?:{_AUXILIARY}|not|never|{_NOBODY})\s+(?:who\s+{_IS}\s+)?(?:(?:be|been|go|seen)\s+)*"
        r"(?:without|lacking)\b",
        "with",
    ),
    (r"\bnot\s+(?:only|just)\b(.*?),?\s*\bbut\s+also\b", r"\1 and"),
    (r"\bnot\s+(?:only|just)\b", ""),
)
_VERBS: Final[tuple[_Form, ...]] = (
    (r"\b(?:refus|fail|declin|forg[eo]t)\w*\s+to\s+", "does not "),
    (r"\b(not|n't)\s+(?:covered|adorned|topped)\s+(?:by|with|in)\b", r"\1 wearing"),
    (rf"\b(?:{_AUXILIARY}|not)\s+look(?:s|ing)?\s+(?:like|to\s+be)\b", "not"),
    (
        rf"\bno\s+{_THING}[\s-]+wearing\s+(?P<who>[a-z]+)\b",
        _of_thing(r"no \g<who> with \g<thing>"),
    ),
    (rf"\b(?:non|not)[\s-]+{_THING}[\s-]+wearing\b", _of_thing(r"without \g<thing>,")),
    (
        rf"\b(?:no|non|without|excluding|except)[\s-]+{_THING}[\s-]+wearers?\b",
        _of_thing(r"without \g<thing>"),
    ),
)
_QUANTITIES: Final[tuple[_Form, ...]] = (
    (r"\b(?:zero|0)\s+(?P<thing>[a-z][a-z-]+)", _of_thing(r"no \g<thing>", people=True)),
    (r"\bnot\s+(?:even\s+)?(?:one|a\s+single)\b(?=\s)", "no"),
    (r"\bnot\s+even\b", "not"),
    (
        r"\b(no|without)\s+(?:(?:any|an?|the)\s+)?"
        r"(?:(?:visible|obvious|discernible|apparent)\b|(?:signs?|traces?|hints?|evidence)\s+of\b)",
        r"\1",
    ),
    (r"\b(?:(?:in|with|by|for)\s+)?(?:(?:the|an?)\s+)?(?:absence|lack)\s+of\b", _WITHOUT),
    (
        rf"\b(?:none|neither|nobody|no\s*one)\s+of\s+(?:them|these|those|the\s+people)\s+(?:{_IS}\s+)?",
        "none ",
    ),
)
_BARE: Final[tuple[_Form, ...]] = (
    (rf"\banything\s+(?:up)?on\s+(?:{_OWN}\s+)?heads?\b", "hat"),
    *(
        (
            rf"\b(?:(?:{_VERB}|got)\s+)?nothing\s+(?:at\s+all\s+)?(?:up)?(?:on|over|around|round|in|covering)\s+"
            rf"(?:{_OWN}\s+)?{part}\b",
            f"without {name}",
        )
        for name, part in (
            ("hat", "heads?"),
            ("glasses", "(?:eyes|noses?)"),
            ("scarf", "necks?"),
            ("belt", "waists?"),
            ("bag", "(?:hands?|backs?)"),
        )
    ),
    (rf"\b(?:with\s+)?(?:{_OWN}\s+)?(?:bare|uncovered)\s+heads?\b", "without hat"),
    (
        rf"\b(?:(?:with|whose)\s+)?(?:{_OWN}\s+)?heads?\s+(?:{_IS}\s+|left\s+)*(?:bare|uncovered|not\s+covered)\b",
        "without hat",
    ),
    (rf"\b(?:with\s+)?(?:{_OWN}\s+)?(?:empty\s+hands|hands\s+(?:are\s+)?empty)\b", "without bag"),
    (r"\b(?:carrying|carry|carries|holding|holds|hold)\s+nothing\b(?!\s+but\b)", "without bag"),
)
_ASKED: Final[tuple[_Form, ...]] = (
    (rf"\b(instead\s+of|rather\s+than)\s+(?:{_OWN}\s+)?{_THING}\s+(?=([a-z-]+))", _swapped),
    (
        r"(?:\b(?:i|we)\s+)?\b(?:do|does|did|would|should)\s*(?:n['o]?t|\snot)\s+"
        r"(?:show|want|include|need|give|find|list|return|display|(?:look|search)\s+for)\b"
        r"(?:\s+(?:me|us|to\s+see|any\s+of)\b)*",
        "no",
    ),
    (
        r"(^\s*|[,;]\s*|\b(?:but|and|please)\s+)(?:exclude|omit|skip|avoid|ignore|hide|remove"
        r"|(?:leave|leaving|filter|filtering)\s+out)\s+(?:(?:all|any|every)\s+)*",
        r"\1excluding ",
    ),
    (rf"\bunless\s+(?:(?:s?he|they|it|who)\b\s*)?(?:'s\s+|'re\s+|{_IS}\s+)?(?:{_VERB}\b)?", _WITHOUT),
    (
        rf"{_BEFORE_THING}{_THING}\s+(?:{_IS}\s+)?(?:excluded|omitted|left\s+out|filtered\s+out|unwanted"
        r"|not\s+(?:wanted|included|allowed|welcome|needed))\b",
        _of_thing(r"without \g<thing>", people=True),
    ),
)
_BEHIND: Final[tuple[_Form, ...]] = (
    (
        rf"\b(no|without)\s+{_THING}\s+(?:visible|anywhere|in\s+sight|present|to\s+be\s+seen|seen)\b",
        r"\1 \g<thing>",
    ),
    (
        rf"{_TAKEN}{_BEFORE_THING}{_THING}\s+(?:(?:{_IS}|being|been)\s+)*"
        rf"(?:missing(?!\s+{_OWN}\b)|absent|gone|removed|(?:taken\s+)?off"
        r"(?![\s-]+(?:white|duty|shoulders?|the|his|her|their)\b)"
        rf"|(?:not|{_IS}\s*n'?t)\s+(?:worn|visible|on|there|present|seen|shown|in\s+(?:sight|view)))\b",
        _of_thing(r"without \g<thing>"),
    ),
    (
        rf"\b(?:(?:has|have|having|had)\s+)?(?:missing|forgotten|forgot|lost|(?:took|taken)\s+off|removed)\s+{_OWN}\s+{_THING}\b",
        _of_thing(r"without \g<thing>"),
    ),
    (
        rf"\b{_THING}\s*(?:[:=?]\s*(?:no|none|false|0)\b|\s(?:no|none)(?=\s*(?:$|[,;.])))",
        _of_thing(r"without \g<thing>"),
    ),
    (rf"\b{_THING}\s*(?:[:=?]\s*(?:yes|true)|\s+yes)\b", _of_thing(r"with \g<thing>")),
    (
        r"\b([a-z]{3,})\s+free\b(?!\s+of\b)",
        lambda found: f"{found[1]}-free" if is_thing(found[1]) else found.group(),
    ),
)


@lru_cache(maxsize=1)
def _forms() -> tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]:
    """Patterns in the order in which they are replaced, and what stands in their place."""
    every = (*_SPELLINGS, *_CANCELLED, *_VERBS, *_QUANTITIES, *_BARE, *_ASKED, *_BEHIND)
    return tuple((re.compile(pattern, re.IGNORECASE), new) for pattern, new in every)
