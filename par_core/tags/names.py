"""Names of tags and texts of notes: what they may hold, and their one spelling."""

import unicodedata
from collections.abc import Iterable
from typing import Final

from par_core.errors import BadConfigError

__all__ = ["LONGEST_NOTE", "LONGEST_TAG", "note_text", "tag_name", "tag_names"]

LONGEST_TAG: Final = 40  # characters
LONGEST_NOTE: Final = 2_000
_BEFORE_SPELLING: Final = 10 * LONGEST_NOTE  # longer texts are refused before anything looks at them
_JOINING: Final = "-_. "
# they turn the direction of the text around them
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def tag_name(text: str) -> str:
    """Return the spelling of a tag that is kept: composed, in lower case, with single blanks.

    Raises:
        BadConfigError: It is empty, longer than 40 characters, or holds anything but letters, digits, blanks
            and ``-``, ``_``, ``.``.

    >>> tag_name("  Gate  3 ")
    'gate 3'
    """
    name = unicodedata.normalize("NFC", " ".join(text[:_BEFORE_SPELLING].split()).lower())
    if not name or len(name) > LONGEST_TAG or not _is_word(name[0]) or not all(map(_may_be_in_a_tag, name)):
        raise BadConfigError(
            f"a tag has 1 to {LONGEST_TAG} letters, digits, blanks and -_. and begins with a letter or a"
            f" digit; got {text[:60]!r}"
        )
    return name


def tag_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the spellings of several tags, each once.

    Raises:
        BadConfigError: One is no tag.
    """
    return tuple(dict.fromkeys(map(tag_name, texts)))


def note_text(text: str) -> str:
    """Return the text of a note that is kept: composed, with one kind of line break; may be empty.

    Raises:
        BadConfigError: It is longer than 2,000 characters, or holds control characters.
    """
    note = unicodedata.normalize(
        "NFC", text[:_BEFORE_SPELLING].replace("\r\n", "\n").replace("\r", "\n")
    ).strip()
    if len(note) > LONGEST_NOTE:
        raise BadConfigError(f"a note has {LONGEST_NOTE:,} characters at most, got {len(text):,}")
    if any(
        character in _TURNING or (unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t")
        for character in note
    ):
        raise BadConfigError("a note may not hold control characters")
    return note


def _is_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN"


def _may_be_in_a_tag(character: str) -> bool:
    return character in _JOINING or unicodedata.category(character)[0] in "LNM"
