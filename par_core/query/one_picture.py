"""The people of one picture: cut out, embedded, and compared with prompts (paper, figures 6 and 7)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from par_core.config import RunConfig
from par_core.models.base import PersonDescriber, PersonSegmenter, TextEncoder
from par_core.people.cutout import cut_out
from par_core.people.masks import mask_area
from par_core.people.second_cuts import second_cuts
from par_core.types import ImageU8

__all__ = ["PersonInPicture", "people_of", "rank_prompts"]


@dataclass(frozen=True, slots=True)
class PersonInPicture:
    """One person of a picture that need not be in the index: no ids, but the embedding.

    Attributes:
        box: x1, y1, x2, y2 in pixels.
        score: Score of the segmenter, in [0, 1].
        vector: Embedding of L2 norm 1.
        attributes: Probability of each attribute by name.
    """

    box: tuple[float, float, float, float]
    score: float
    vector: Float32[np.ndarray, " d"]
    attributes: dict[str, float]


def people_of(
    image: ImageU8, segmenter: PersonSegmenter, describer: PersonDescriber, config: RunConfig
) -> list[PersonInPicture]:
    """Find and describe the people of one picture, the largest first, by the same steps as indexing."""
    (detections,) = segmenter.segment([image])
    boxes, masks = detections.boxes, detections.masks
    second = second_cuts(detections)
    usable = [
        i
        for i in range(len(detections))
        if mask_area(masks[i]) and boxes[i][3] - boxes[i][1] >= config.segment.min_height_px and not second[i]
    ]
    usable.sort(key=lambda i: -mask_area(masks[i]))
    cutouts = [cut_out(image, boxes[i], masks[i], config.describe.cutout, describer.aspect) for i in usable]
    described = describer.describe(cutouts)
    return [
        PersonInPicture(
            box=tuple(boxes[i].tolist()),
            score=float(detections.scores[i]),
            vector=described.embeddings[row],
            attributes=dict(zip(describer.attributes, described.probabilities[row].tolist(), strict=True)),
        )
        for row, i in enumerate(usable)
    ]


def rank_prompts(
    vector: Float32[np.ndarray, " d"], prompts: Sequence[str], encoder: TextEncoder
) -> list[tuple[str, float]]:
    """Return the prompts with their probabilities for one person, most likely first: a softmax over the
    prompts, summing to 1.
    """
    logits = encoder.logit_scale * (encoder.encode(list(prompts)) @ vector)
    weights = np.exp(logits - logits.max())
    probabilities = (weights / weights.sum()).tolist()
    return sorted(zip(prompts, probabilities, strict=True), key=lambda pair: -pair[1])
