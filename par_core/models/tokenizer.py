"""CLIP's byte-pair tokenizer (Radford et al. 2021; Sennrich et al., ACL 2016) without torch.

Ids equal those of open_clip's ``SimpleTokenizer``, which imports torch; a test compares them. The merges in
``shipped`` are the 48,894 that CLIP uses of OpenAI's ``bpe_simple_vocab_16e6.txt`` (MIT licence).
"""

import gzip
import html
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

import ftfy
import numpy as np
import regex
from jaxtyping import Int64

from par_core.models.shipped import MERGES, shipped_path

__all__ = ["VOCABULARY", "Tokenizer"]

_BYTES: Final = 256
_MERGED: Final = 48_894
#: Number of ids: bytes within and at the end of a word, merges, start and end of a text.
VOCABULARY: Final = 2 * _BYTES + _MERGED + 2
_START, _END = VOCABULARY - 2, VOCABULARY - 1
_SPECIAL: Final = {"<start_of_text>": _START, "<end_of_text>": _END}
_WORDS: Final = regex.compile(
    "|".join(_SPECIAL) + r"|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE
)


class Tokenizer:
    """Turns texts into ids. May be shared by threads.

    Args:
        context_length: Number of ids of a text, start and end included; longer texts are cut.

    Raises:
        WeightsError: The shipped merges are missing or damaged.
    """

    def __init__(self, context_length: int) -> None:
        self.context_length = context_length
        self._ids, self._ranks = _tables()
        self._known = lru_cache(maxsize=10_000)(self._word)

    def __call__(
        self, texts: Sequence[str], context_length: int | None = None
    ) -> Int64[np.ndarray, "n context"]:
        """Return the ids of texts, filled up with zeros; ``context_length`` overrides the tokenizer's own."""
        length = context_length or self.context_length
        rows = np.zeros((len(texts), length), np.int64)
        for row, text in zip(rows, texts, strict=True):
            ids = [_START, *self.encode(text)][: length - 1]
            row[: len(ids) + 1] = [*ids, _END]
        return rows

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text of any length, without start and end."""
        cleaned = html.unescape(html.unescape(ftfy.fix_text(text)))
        words = _WORDS.findall(" ".join(cleaned.split()).lower())
        return [token for word in words for token in self._known(word)]

    def _word(self, word: str) -> tuple[int, ...]:
        """The ids of a word: of its bytes the pairs are joined, the earliest merges first."""
        if word in _SPECIAL:
            return (_SPECIAL[word],)
        parts = [_LETTERS[byte] for byte in word.encode()]
        parts[-1] += "</w>"
        while len(parts) > 1:
            ranks = [self._ranks.get(pair, _MERGED) for pair in pairwise(parts)]
            best = min(ranks)
            if best == _MERGED:
                break
            first, second = parts[ranks.index(best)], parts[ranks.index(best) + 1]
            joined, i = list[str](), 0
            while i < len(parts):
                pair = parts[i : i + 2] == [first, second]
                joined.append(first + second if pair else parts[i])
                i += 2 if pair else 1
            parts = joined
        return tuple(self._ids[part] for part in parts)


def _letters() -> list[str]:
    """The letter by which the merges write each byte: itself if it can be seen, else one from U+0100 on."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(_BYTES) if byte not in seen]
    letters = {byte: chr(byte) for byte in seen} | {byte: chr(_BYTES + i) for i, byte in enumerate(others)}
    return [letters[byte] for byte in range(_BYTES)]


_LETTERS: Final = _letters()


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """The id of each part of a word, and the rank of each merge."""
    lines = gzip.decompress(shipped_path(MERGES).read_bytes()).decode().splitlines()
    merges = [(first, second) for first, second in (line.split(" ") for line in lines)]
    seen_first = sorted(_LETTERS)  # those that stand for themselves come before the others
    parts = [*seen_first, *(letter + "</w>" for letter in seen_first), *map("".join, merges)]
    return {part: i for i, part in enumerate(parts)}, {pair: rank for rank, pair in enumerate(merges)}
