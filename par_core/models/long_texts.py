"""Sentences longer than a text tower reads: they are embedded in parts, and the parts are joined.

Towers read a fixed number of tokens (30 in ``compact``, 75 in CLIP), and their tokenizers drop silently what
comes after.
"""

from collections.abc import Callable, Sequence

import numpy as np

from par_core.types import Embeddings

__all__ = ["encode_in_parts", "parts_of"]


def parts_of(sentence: str, fits: Callable[[str], bool]) -> tuple[str, ...]:
    """Return a sentence as parts that a tower reads whole: itself where it fits, else halves of its words,
    halved again until they fit. A single word that does not fit is halved too.

    Args:
        sentence: The sentence.
        fits: Whether the tower reads all of a text.
    """
    if len(sentence) < 2 or fits(sentence):
        return (sentence,)
    words = sentence.split()
    if len(words) > 1:
        middle = len(words) // 2
        halves = " ".join(words[:middle]), " ".join(words[middle:])
    else:
        middle = len(sentence) // 2
        halves = sentence[:middle], sentence[middle:]
    return tuple(part for half in halves for part in parts_of(half, fits))


def encode_in_parts(
    sentences: Sequence[str],
    parts: Callable[[str], tuple[str, ...]],
    encode: Callable[[list[str]], Embeddings],
) -> Embeddings:
    """Embed sentences of any length: (n, d), rows of L2 norm 1. One in several parts gets the mean of theirs.

    Args:
        sentences: The sentences.
        parts: Result of :func:`parts_of` for a sentence.
        encode: Embeds texts that the tower reads whole, (n, d) with rows of L2 norm 1.
    """
    in_parts = [parts(sentence) for sentence in sentences]
    embedded = encode([part for several in in_parts for part in several])
    if len(embedded) == len(sentences):
        return embedded
    starts = np.cumsum([0, *(len(several) for several in in_parts[:-1])])
    sums = np.add.reduceat(embedded, starts, axis=0)
    return (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)
