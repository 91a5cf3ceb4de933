"""The tokenizer of the compact text tower: a table of the words that the tower has learned.

Words are split as CLIP's byte-pair tokenizer does (Radford et al. 2021), and have the ids that it gives them
(``par_core.training.words`` writes the table); the tower has met no others. So no vocabulary of 49,408
tokens, and none of the libraries that bring it, is needed to search.
"""

import json
import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Int64

from par_core.models.shipped import WORDS, shipped_path

__all__ = ["END", "START", "Tokenizer", "split_words"]

#: Ids of the start and of the end of a text.
START: Final = 49_406
END: Final = 49_407
_WORDS: Final = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\w\s]|_)+")


class Tokenizer:
    """Turns texts into ids. May be shared by threads.

    Words that the tower has never met have no id, and are left out; ``unknown_words`` of the encoder names
    them.

    Args:
        context_length: Number of ids of a text, start and end included; longer texts are cut.

    Raises:
        WeightsError: The shipped table is missing or damaged.
    """

    def __init__(self, context_length: int) -> None:
        self.context_length = context_length
        self._ids: dict[str, list[int]] = json.loads(shipped_path(WORDS).read_text())

    def __call__(
        self, texts: Sequence[str], context_length: int | None = None
    ) -> Int64[np.ndarray, "n context"]:
        """Return the ids of texts, filled up with zeros; ``context_length`` overrides the tokenizer's own."""
        length = context_length or self.context_length
        rows = np.zeros((len(texts), length), np.int64)
        for row, text in zip(rows, texts, strict=True):
            ids = [START, *self.encode(text)][: length - 1]
            row[: len(ids) + 1] = [*ids, END]
        return rows

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text of any length, without start and end."""
        return [token for word in split_words(text) for token in self._ids.get(word, ())]


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case; digits and runs of punctuation are words of their own."""
    return _WORDS.findall(text.lower())
