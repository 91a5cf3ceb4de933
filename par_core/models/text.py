"""Text towers of both profiles behind PAR's contract, on any runtime."""

import re
from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int64

from par_core.models.long_texts import encode_in_parts, parts_of
from par_core.models.runtimes import Compiled
from par_core.types import Embeddings

__all__ = ["CONTEXT_LENGTH", "GRAMMAR", "TextTokenizer", "TowerTextEncoder"]

#: Ids that the compact tower reads, start and end of the text included.
CONTEXT_LENGTH: Final = 32
#: Words of which no text tower needs to be warned.
GRAMMAR: Final = frozenset(
    [
        "a",
        "an",
        "and",
        "at",
        "by",
        "for",
        "from",
        "in",
        "is",
        "of",
        "on",
        "or",
        "photo",
        "picture",
        "photograph",
        "the",
        "to",
        "who",
        "whose",
        "with",
    ]
)


@runtime_checkable
class TextTokenizer(Protocol):
    """Turns texts into ids.

    Attributes:
        context_length: Number of ids of a text, start and end included; longer texts are cut.
    """

    context_length: int

    def __call__(
        self, texts: Sequence[str], context_length: int | None = None
    ) -> Int64[np.ndarray, "n context"]:
        """Return the ids of texts, filled up; ``context_length`` overrides the tokenizer's own."""
        ...


class TowerTextEncoder:
    """A text tower behind PAR's contract.

    Args:
        tower: Compiled network from (n, context) token ids to (n, d).
        tokenizer: Tokenizer of the tower.
        logit_scale: Factor on the cosine.
        embedding_fingerprint: Fingerprint that the tower shares with the image tower.
        known_words: Words that occurred in training, or None if the tower was trained on the web.
    """

    def __init__(
        self,
        tower: Compiled,
        tokenizer: TextTokenizer,
        logit_scale: float,
        embedding_fingerprint: str,
        known_words: frozenset[str] | None,
    ) -> None:
        self.logit_scale = logit_scale
        self.embedding_fingerprint = embedding_fingerprint
        self._tower = tower
        self._tokenizer = tokenizer
        self._known_words = known_words

    def encode(self, sentences: Sequence[str]) -> Embeddings:
        """Embed sentences: (n, d), rows of L2 norm 1."""
        return encode_in_parts(sentences, self.parts, self._encode)

    def parts(self, sentence: str) -> tuple[str, ...]:
        """Return the parts in which a sentence is read; itself where the tower reads all of it."""
        return parts_of(sentence, self._fits)

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        """Return the words that the tower never saw in training; none for towers trained on the web."""
        if self._known_words is None:
            return ()
        words = re.findall(r"[^\W_]+(?:-[^\W_]+)*", sentence.lower())
        return tuple(
            dict.fromkeys(word for word in words if word not in self._known_words and word not in GRAMMAR)
        )

    def _encode(self, sentences: list[str]) -> Embeddings:
        (embedded,) = self._tower(self._tokenizer(sentences))
        norms = np.linalg.norm(embedded, axis=1, keepdims=True)
        return (embedded / np.maximum(norms, 1e-12)).astype(np.float32)

    def _fits(self, text: str) -> bool:
        """Whether the tokenizer cuts nothing off: with room for one more id, the rest stays the same."""
        length = self._tokenizer.context_length
        read, more = (self._tokenizer([text], room)[0] for room in (length, length + 1))
        return np.array_equal(read, more[:length])
