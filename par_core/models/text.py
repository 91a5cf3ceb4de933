"""Text towers: open_clip's own classes and tokenizer, for both profiles."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transformer import TextTransformer
from torch import nn

from par_core.types import Embeddings

__all__ = ["CONTEXT_LENGTH", "OpenClipTextEncoder", "build_compact_text_tower", "compact_tokenizer"]

CONTEXT_LENGTH: Final = 32
_VOCABULARY: Final = 49408
_GRAMMAR: Final = frozenset("a an and at by for from in is of on or photo picture photograph the to who whose with".split())


def build_compact_text_tower(embedding_size: int) -> TextTransformer:
    """The small text tower with random weights: three blocks of width 128."""
    return TextTransformer(context_length=CONTEXT_LENGTH, vocab_size=_VOCABULARY, width=128, heads=4, layers=3, output_dim=embedding_size)


def compact_tokenizer() -> SimpleTokenizer:
    """CLIP's byte-pair tokenizer, cut to the compact tower's context."""
    return SimpleTokenizer(context_length=CONTEXT_LENGTH)


class OpenClipTextEncoder:
    """A text tower of open_clip behind PAR's contract.

    Args:
        tower: Takes (n, context) token ids; gives (n, d).
        tokenizer: open_clip's.
        logit_scale: Factor on the cosine.
        embedding_fingerprint: Shared with the image tower.
        known_words: Words that training used, or None if the tower has seen the web.
    """

    def __init__(
        self, tower: nn.Module, tokenizer: SimpleTokenizer, logit_scale: float, embedding_fingerprint: str, known_words: frozenset[str] | None
    ) -> None:
        self.logit_scale = logit_scale
        self.embedding_fingerprint = embedding_fingerprint
        self._tower = tower.eval()
        self._tokenizer = tokenizer
        self._known_words = known_words

    def encode(self, sentences: Sequence[str]) -> Embeddings:
        """Embed sentences: (n, d), rows of L2 norm 1."""
        with torch.no_grad():
            embedded = self._tower(self._tokenizer(list(sentences)))
            return nn.functional.normalize(embedded, dim=-1).float().numpy().astype(np.float32)

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        """Words that the compact tower never saw in training; always empty for towers trained on the web."""
        if self._known_words is None:
            return ()
        words = re.findall(r"[^\W_]+(?:-[^\W_]+)*", sentence.lower())
        return tuple(dict.fromkeys(word for word in words if word not in self._known_words and word not in _GRAMMAR))
