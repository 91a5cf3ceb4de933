"""The English words that deny, as regular expressions; what they deny is found in ``denials``."""

import re
from typing import Final

from par_core.attributes.colours import COLOUR_TERMS

__all__ = [
    "AND_A",
    "COMMA",
    "DANGLING",
    "DENY",
    "END",
    "JOINING",
    "LESS",
    "LIST",
    "LOOSE_ENDS",
    "NON",
    "OR",
    "plain_spelling",
]

_BEFORE_NOUN: Final = r"(?:an?|the|any|his|her|their|its|either|(?:kind|sort|type)s?\s+of)"
_ARTICLE: Final = rf"(?:{_BEFORE_NOUN}\s+)*"
_DOING: Final = r"(?:wear(?:s|ing)?|carry(?:ing)?|carries|hold(?:s|ing)?|having|has|have|got|with|in|on)"
_SEEN: Final = r"(?:(?:be|been|being|seen|shown|pictured|dressed)\s+)*"
_WHO: Final = r"(?:(?:who|that|which|whose)\s+)?"
_PEOPLE: Final = r"(?:every(?:body|one|thing)|any(?:body|one|thing)|all)"
_DENIAL: Final = rf"""(?<![\w-])(?:
    {_WHO}(?:is|are|was|were|does|do|did|has|have|had|ca|can|could|would|should|wo|ai)\s*n['o]?t\b
        (?:\s+{_SEEN}(?:{_DOING}|a|an)\b)*
    | not\b(?:\s+{_SEEN}(?:{_DOING}|a|an)\b)*
    | {_WHO}(?:never|no\s+longer)\b(?:\s+{_SEEN}{_DOING}\b)?
    | (?:{_WHO}{_DOING}\s+)?no\b(?!\s+(?:one|longer|doubt|matter)\b)
    | (?:nobody|no\s+one|none)\s+(?:who\s+(?:is\s+)?)?{_DOING}\b
    | (?:without|w/o|w/out)\b(?:\s+(?:wearing|carrying|holding|having)\b)?
    | {_WHO}(?:lacking|lacks|minus|sans|except(?:\s+for)?|excluding)\b
    | {_WHO}(?:devoid|free|with\s+a\s+lack)\s+of\b
    | {_PEOPLE}\s+but\b
    | (?:other|rather)\s+than\b | apart\s+from\b | instead\s+of\b
    | (?:{_WHO}{_DOING}\s+)?(?:neither|nor)\b(?:\s+(?:wearing|carrying|with)\b)?
)"""
#: A word of denial, with what stands between it and the thing that is denied.
DENY: Final = re.compile(_DENIAL + rf"\s+{_ARTICLE}", re.IGNORECASE | re.VERBOSE)
#: The same at the end of words, so that it denies what comes next.
DANGLING: Final = re.compile(_DENIAL + rf"(?:\s+{_BEFORE_NOUN})*\s*$", re.IGNORECASE | re.VERBOSE)
#: Where what is denied ends: what follows is wanted, or is denied again by a word of its own.
END: Final = re.compile(
    r"""\s*(?:[;.]
        | ,\s*(?=(?:who|with|in|wearing|carrying|holding|and\s+with)\b)
        | \b(?:but|who|with|wearing|carrying|holding|standing|walking|sitting|running|posing|looking|facing
            |seen|shown|from|near|at|beside|under|next\s+to|in\s+front)\b
        | \bin\b(?=\s+(?:an?|the|his|her|their)\b)
        | \bin\b(?=\s+(?:\w+\s+)?\w+\s*$)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
AND_A: Final = re.compile(r"\s+and\s+(?:an?|the|his|her)\b", re.IGNORECASE)
OR: Final = re.compile(r"\b(?:or|nor)\b", re.IGNORECASE)
COMMA: Final = re.compile(r"\s*,\s*")
#: hatless, hat-less, hat-free; and non-male, no-hat, not-a-man.
LESS: Final = re.compile(r"\b([a-z]{3,})-?(?:less|free)\b", re.IGNORECASE)
NON: Final = re.compile(r"\b(?:non-?|no-|not-(?:an?-)?)([a-z]{3,})\b", re.IGNORECASE)
LIST: Final = re.compile(rf"\s*,?\s*(?:\b(?:and|or|nor)\b|,|/|&|\+)\s*{_ARTICLE}", re.IGNORECASE)
_LOOSE: Final = r"\s|,|;|\.|'|\band\b|\bor\b|\bbut\b"
#: What is left over at both ends of words from which others were taken.
LOOSE_ENDS: Final = re.compile(
    rf"^(?:{_LOOSE})+|(?:{_LOOSE}|\b(?:who|that|which|whose|with|is|on|at\s+all|please)\b)+$", re.IGNORECASE
)
#: Small words that join a part to the next one as AND does.
JOINING: Final = re.compile(r"^(?:(?:and|but|&)(?:\s+|$))+|(?:\s+(?:and|but|&))+$", re.IGNORECASE)
_NON_COLOUR: Final = re.compile(rf"\bnon-?({'|'.join(COLOUR_TERMS)}|gray)\s+([a-z-]+)", re.IGNORECASE)
_BAREHEADED: Final = re.compile(r"\bbare-?\s?headed\b", re.IGNORECASE)
# two denials that cancel each other
_AFFIRMED: Final = re.compile(
    r"\b(?:not|never|nobody|no\s+one|none)\s+(?:who\s+(?:is|are)\s+)?(?:without|lacking)\b", re.IGNORECASE
)
_NOT_ONLY: Final = re.compile(r"\bnot\s+(?:only|just)\b", re.IGNORECASE)
_BUT_ALSO: Final = re.compile(r",?\s*\bbut\s+also\b", re.IGNORECASE)


def plain_spelling(text: str) -> str:
    """Return a text with one spelling for what means the same: two denials that cancel each other are none,
    and who is bareheaded has no hat.
    """
    text = _BAREHEADED.sub("hatless", _AFFIRMED.sub("with", text))
    text = _NON_COLOUR.sub(r"\2 not \1", text)
    return _BUT_ALSO.sub(" and", _NOT_ONLY.sub("", text)) if _NOT_ONLY.search(text) else text
