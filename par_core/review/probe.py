"""Linear probe: a direction in the space of the embeddings, learnt from the answers, along which people are
proposed.

It is a regularised logistic regression on the stored embeddings. Before the first answer the direction is the
text; every answer turns it. Since the probe is linear, the index itself finds the people who score highest
(``PeopleIndex.search`` with the direction as the query), in an archive of any size.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, Float64

from par_core.logistic import fit_logistic

__all__ = ["Scale", "probe_direction"]

# log-odds that one standard deviation of the cosine with the text is worth before the first answer
_TEXT: Final = 2.0
# prior standard deviation of the log-odds that answers add for a typical person
_SPREAD: Final = 4.0
# prior standard deviation of the log-odds of the average person, which is known least
_OFFSET_SPREAD: Final = 10.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Location and scale of the embeddings of an archive.

    Attributes:
        middle: (d,) mean of the embeddings.
        spread: (d,) standard deviation of the embeddings, 1 where that is 0.
        text_middle: Mean of the cosines with the text.
        text_spread: Standard deviation of the cosines with the text, 1 where that is 0.
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
    """Return the direction, of L2 norm 1, along which people are likelier to have the attribute.

    The log-odds of a person are the fixed log-odds of the text, plus an offset and a linear function of the
    standardised embedding. Its weights have a normal prior of variance ``_SPREAD`` squared over d; the
    posterior mode is taken. No answers, or answers of one kind only, are allowed.

    Args:
        text: Embedding of the text.
        scale: Location and scale of the embeddings of the archive.
        vectors: Embeddings of the judged people.
        has: Whether each of them has the attribute.
    """
    features = (vectors.astype(np.float64) - scale.middle) / scale.spread
    text_log_odds = _TEXT * (vectors.astype(np.float64) @ text - scale.text_middle) / scale.text_spread
    fitted, _ = fit_logistic(features, has, spread=_SPREAD, offset_spread=_OFFSET_SPREAD, given=text_log_odds)
    direction = _TEXT / scale.text_spread * text.astype(np.float64) + fitted / scale.spread
    return (direction / np.linalg.norm(direction)).astype(np.float32)
