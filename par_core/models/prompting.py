"""Query vectors of texts, for searches and for their evaluation."""

import re
import threading
from collections.abc import Sequence
from typing import Final

import numpy as np
from cachetools import LRUCache
from jaxtyping import Float32

from par_core.attributes.vocabulary import TEMPLATES
from par_core.models.base import TextEncoder

__all__ = ["RecentTexts", "parts_read", "text_vector", "text_vectors"]

_TEXTS_KEPT: Final = 4_096
# the templates say it already
_PHOTO_OF: Final = re.compile(r"^an? (photo|photograph|picture|image) of ", re.IGNORECASE)


def text_vectors(texts: Sequence[str], encoder: TextEncoder) -> Float32[np.ndarray, "n d"]:
    """Return for each text the mean of its embeddings in all templates, of L2 norm 1 (Radford et al. 2021,
    section 3.1.4), by one call of the encoder.
    """
    embedded = encoder.encode([sentence for text in texts for sentence in _sentences(text)])
    return np.stack([_mean(vectors) for vectors in embedded.reshape(len(texts), len(TEMPLATES), -1)])


class RecentTexts:
    """Embeds texts and keeps the vectors of the last ones: many questions share a piece, such as "a red
    coat". May be shared by threads.

    Args:
        encoder: Text encoder.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._kept: LRUCache[str, Float32[np.ndarray, " d"]] = LRUCache(_TEXTS_KEPT)
        self._lock = threading.Lock()

    def vectors(self, texts: Sequence[str]) -> Float32[np.ndarray, "n d"]:
        """Return what :func:`text_vectors` returns; only texts that are not kept are embedded."""
        with self._lock:
            known = {text: self._kept[text] for text in texts if text in self._kept}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, text_vectors(new, self._encoder), strict=True))
            with self._lock:
                self._kept.update({text: known[text] for text in new})
        return np.stack([known[text] for text in texts])


def text_vector(text: str, encoder: TextEncoder) -> Float32[np.ndarray, " d"]:
    """Return the vector of one text; see :func:`text_vectors`."""
    return text_vectors([text], encoder)[0]


def parts_read(text: str, encoder: TextEncoder) -> int:
    """Return the number of parts in which the encoder reads a text: 1 where it reads it at once."""
    return max(len(encoder.parts(sentence)) for sentence in _sentences(text))


def _sentences(text: str) -> list[str]:
    plain = _PHOTO_OF.sub("", text.strip().rstrip(".")) or text
    return [template.format(plain) for template in TEMPLATES]


def _mean(vectors: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, " d"]:
    mean = vectors.mean(axis=0)
    return (mean / np.linalg.norm(mean)).astype(np.float32)
