"""The English words that deny, as regular expressions; what they deny is found in ``denials``, and other ways
to deny are spelt as these in ``denial_forms``.
"""

import re
from typing import Final

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
    "OF_PEOPLE",
    "OR",
    "PEOPLE_WITH",
]

_BEFORE_NOUN: Final = r"(?:an?|the|any|his|her|their|its|either|both|(?:kind|sort|type)s?\s+of)"
_ARTICLE: Final = rf"(?:{_BEFORE_NOUN}\s+)*"
_DOING: Final = r"(?:wear(?:s|ing)?|carry(?:ing)?|carries|hold(?:s|ing)?|having|has|have|got|with|in|on)"
_SEEN: Final = r"(?:(?:be|been|being|seen|shown|pictured|dressed)\s+)*"
_WHO: Final = r"(?:(?:who|that|which|whose)\s+)?"
_PEOPLE: Final = (
    r"(?:every(?:body|one|thing)|any(?:body|one|thing)|all|(?:any|every|all)\s+(?:persons?|people))"
)
_DENIAL: Final = rf"""(?<![\w-])(?:
    {_WHO}(?:is|are|was|were|does|do|did|has|have|had|ca|can|could|would|should|may|might|must|need|will|shall|wo|ai)\s*n['o]?t\b
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
            |seen|shown|wears|carries|holds|has|s?he|they|from|near|at|beside|under|next\s+to|in\s+front)\b
        | \bin\b(?=\s+(?:an?|the|his|her|their)\b)
        | \bin\b(?=\s+(?:\w+\s+)?\w+\s*$)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
#: Words of denial after which "men with hats" means those men, and not all men.
OF_PEOPLE: Final = re.compile(
    r"\b(?:no|without|excluding|except(?:\s+for)?|but|than|from)(?:\s+(?:an?|the|any|all))*\s*$",
    re.IGNORECASE,
)
PEOPLE_WITH: Final = re.compile(
    rf"""(?P<who>[a-z]+)\s+(?:(?:who|that)\s+(?:(?:are|is)\s+)?)?
        (?:(?P<without>without)|{_DOING})\s+{_ARTICLE}(?P<worn>[^,;.]+?)(?=\s*(?:[,;.]|\bbut\b|$))""",
    re.IGNORECASE | re.VERBOSE,
)
AND_A: Final = re.compile(r"\s+and\s+(?:an?|the|his|her)\b", re.IGNORECASE)
OR: Final = re.compile(r"\b(?:or|nor)\b", re.IGNORECASE)
COMMA: Final = re.compile(r"\s*,\s*")
#: hatless, hat-less, hat-free; and non-male, no-hat, not-a-man.
LESS: Final = re.compile(r"\b([a-z]{3,})-?(?:less|free)\b", re.IGNORECASE)
NON: Final = re.compile(r"\b(?:non-?|no-|not-(?:an?-)?)([a-z]{3,})\b", re.IGNORECASE)
LIST: Final = re.compile(rf"\s*,?\s*(?:\b(?:and|or|nor)\b|,|/|&|\+)\s*{_ARTICLE}", re.IGNORECASE)
_LOOSE: Final = r"\s|[,;.'/\[\]{}]|\band\b|\bor\b|\bbut\b"
#: What is left over at both ends of words from which others were taken.
LOOSE_ENDS: Final = re.compile(
    rf"^(?:{_LOOSE})+|(?:{_LOOSE}|\b(?:who|that|which|whose|with|is|at\s+all|please"
    r"|on(?:\s+(?:the|his|her|their)\s+heads?)?)\b)+$",
    re.IGNORECASE,
)
#: Small words that join a part to the next one as AND does.
JOINING: Final = re.compile(r"^(?:(?:and|but|&)(?:\s+|$))+|(?:\s+(?:and|but|&))+$", re.IGNORECASE)
