"""Text towers: open_clip's own classes and tokenizer, for both profiles."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transformer import TextTransformer
from torch import nn

from par_core.models.long_texts import encode_in_parts, parts_of
from par_core.models.weights import load_state, read_shipped
from par_core.types import Embeddings

__all__ = [
    "CONTEXT_LENGTH",
    "TEXT_FILE",
    "OpenClipTextEncoder",
    "build_compact_text_tower",
    "compact_tokenizer",
    "load_compact_text",
]

TEXT_FILE: Final = "text-compact.safetensors"
CONTEXT_LENGTH: Final = 32
_VOCABULARY: Final = 49408
_GRAMMAR: Final = frozenset(
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


def build_compact_text_tower(embedding_size: int) -> TextTransformer:
    """Build the small text tower with random weights: three blocks of width 128."""
    return TextTransformer(
        context_length=CONTEXT_LENGTH,
        vocab_size=_VOCABULARY,
        width=128,
        heads=4,
        layers=3,
        output_dim=embedding_size,
    )


def compact_tokenizer() -> SimpleTokenizer:
    """Return CLIP's byte-pair tokenizer, cut to the compact tower's context."""
    return SimpleTokenizer(context_length=CONTEXT_LENGTH)


class OpenClipTextEncoder:
    """A text tower of open_clip behind PAR's contract.

    Args:
        tower: Module from (n, context) token ids to (n, d).
        tokenizer: Tokenizer of open_clip.
        logit_scale: Factor on the cosine.
        embedding_fingerprint: Fingerprint that the tower shares with the image tower.
        known_words: Words that occurred in training, or None if the tower was trained on the web.
    """

    def __init__(
        self,
        tower: nn.Module,
        tokenizer: Any,
        logit_scale: float,
        embedding_fingerprint: str,
        known_words: frozenset[str] | None,
    ) -> None:
        self.logit_scale = logit_scale
        self.embedding_fingerprint = embedding_fingerprint
        self._tower = tower.eval()
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
            dict.fromkeys(word for word in words if word not in self._known_words and word not in _GRAMMAR)
        )

    def _encode(self, sentences: list[str]) -> Embeddings:
        with torch.no_grad():
            embedded = self._tower(self._tokenizer(sentences))
            return nn.functional.normalize(embedded, dim=-1).float().numpy().astype(np.float32)

    def _fits(self, text: str) -> bool:
        """Whether the tokenizer cuts nothing off."""
        length = self._tokenizer.context_length
        if isinstance(self._tokenizer, SimpleTokenizer):
            return len(self._tokenizer.encode(text)) + 2 <= length  # and one token for each end
        # others, of some CLIP architectures: with room for one more token, the rest stays the same
        read, more = (self._tokenizer([text], context_length=room)[0] for room in (length, length + 1))
        return torch.equal(read, more[:length])


def load_compact_text(embedding_fingerprint: str) -> OpenClipTextEncoder:
    """Load the shipped text tower.

    Raises:
        WeightsError: The shipped file is missing or damaged.
    """
    state, metadata = read_shipped(TEXT_FILE)
    tower = build_compact_text_tower(state["text_projection"].shape[1])
    load_state(tower, state, TEXT_FILE)
    known = frozenset(json.loads(metadata["known_words"]))
    return OpenClipTextEncoder(
        tower, compact_tokenizer(), float(json.loads(metadata["logit_scale"])), embedding_fingerprint, known
    )
