"""How a text becomes one query vector, for searches and for their evaluation."""

import re
from typing import Final

import numpy as np
from jaxtyping import Float32

from par_core.attributes.vocabulary import NEUTRAL_PROMPTS, TEMPLATES
from par_core.models.base import TextEncoder

__all__ = ["neutral_vector", "text_vector"]

_PHOTO_OF: Final = re.compile(r"^an? (photo|photograph|picture|image) of ", re.IGNORECASE)  # the templates say it already


def text_vector(text: str, encoder: TextEncoder) -> Float32[np.ndarray, " d"]:
    """The mean of a text in all templates, of L2 norm 1 (Radford et al. 2021, section 3.1.4)."""
    plain = _PHOTO_OF.sub("", text.strip().rstrip(".")) or text
    return _mean(encoder.encode([template.format(plain) for template in TEMPLATES]))


def neutral_vector(encoder: TextEncoder) -> Float32[np.ndarray, " d"]:
    """The mean of the neutral prompts, of L2 norm 1."""
    return _mean(encoder.encode(list(NEUTRAL_PROMPTS)))


def _mean(vectors: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, " d"]:
    mean = vectors.mean(axis=0)
    return (mean / np.linalg.norm(mean)).astype(np.float32)
