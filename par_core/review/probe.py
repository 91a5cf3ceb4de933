"""What judgements teach: a direction in the space of the embeddings, along which people are proposed.

A regularised logistic regression on the stored embeddings. Before anybody is judged it is the text; every
judgement turns it. Since it is linear, the index itself finds the people who score highest
(``PeopleIndex.search`` with the direction as the query), however many there are.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, Float64

from par_core.logistic import fit_logistic

__all__ = ["Scale", "probe_direction"]

# log-odds that one standard deviation of the cosine with the text is worth before anybody is judged
_TEXT: Final = 2.0
_SPREAD: Final = 4.0  # a priori, of the log-odds that judgements add for a typical person
_OFFSET_SPREAD: Final = 10.0  # a priori, of the log-odds of the average person; that is known least


@dataclass(frozen=True, slots=True)
class Scale:
    """How the embeddings of an archive are spread.

    Attributes:
        middle: (d,) their mean.
        spread: (d,) their standard deviation, 1 where that is 0.
        text_middle: Mean cosine with the text.
        text_spread: Its standard deviation, 1 where that is 0.
    """

    middle: Float64[np.ndarray, " d"]
    spread: Float64[np.ndarray, " d"]
    text_middle: float
    text_spread: float


def probe_direction(
    text: Float32[np.ndarray, " d"],
    scale: Scale,
    vectors: Float32[np.ndarray, "n d"],
    has: Bool[np.ndarray, " n"],
) -> Float32[np.ndarray, " d"]:
    """The direction, of L2 norm 1, along which people are likelier to have the attribute.

    The log-odds of a person are those of the text, which are given, plus an offset and a linear function of
    the standardised embedding, whose weights are normal with a variance of ``_SPREAD`` squared over d: of all
    of them, the most probable is taken. Nobody judged, or only people of one kind, will do.

    Args:
        text: Embedding of the text.
        scale: Of the archive.
        vectors: Embeddings of those who were judged.
        has: Whether they have the attribute.
    """
    features = (vectors.astype(np.float64) - scale.middle) / scale.spread
    given = _TEXT * (vectors.astype(np.float64) @ text - scale.text_middle) / scale.text_spread
    fitted, _ = fit_logistic(features, has, spread=_SPREAD, offset_spread=_OFFSET_SPREAD, given=given)
    direction = _TEXT / scale.text_spread * text.astype(np.float64) + fitted / scale.spread
    return (direction / np.linalg.norm(direction)).astype(np.float32)
