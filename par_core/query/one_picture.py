"""The people of one picture: cut out, embedded, and compared with prompts (paper, figures 6 and 7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32

from par_core.attributes.out_of_frame import out_of_frame
from par_core.config import RunConfig
from par_core.errors import BadConfigError
from par_core.models.base import PersonDescriber, PersonSegmenter, TextEncoder
from par_core.people.boxes import box_overlaps
from par_core.people.cutout import crop_box, cut_out
from par_core.people.geometry import whole_pixels
from par_core.people.masks import decode_mask, encode_mask_in_box, mask_area
from par_core.people.second_cuts import second_cuts
from par_core.types import ImageU8, MaskRLE

__all__ = ["PersonInPicture", "people_of", "person_in_box", "rank_prompts"]

_AROUND: Final = 0.15  # margin around a drawn box in which the segmenter looks, as a share of the box
_FITS: Final = 0.3  # overlap from which a person who was found is the one that a box was drawn around
_NARROWEST_PX: Final = 8  # width of a drawn box


@dataclass(frozen=True, slots=True)
class PersonInPicture:
    """One person of a picture that need not be in the index: no ids, but the embedding.

    Attributes:
        box: x1, y1, x2, y2 in pixels.
        score: Score of the segmenter, in [0, 1]; 0 where it found nobody and a box stands for the person.
        mask: Mask over the whole picture.
        vector: Embedding of L2 norm 1.
        attributes: Probability of each attribute by name; without those of parts that the frame of the
            picture cuts away.
    """

    box: tuple[float, float, float, float]
    score: float
    mask: MaskRLE
    vector: Float32[np.ndarray, " d"]
    attributes: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Found:
    """A person who is not described yet; box, score and mask as in ``PersonInPicture``."""

    box: tuple[float, float, float, float]
    score: float
    mask: MaskRLE


def people_of(
    image: ImageU8,
    segmenter: PersonSegmenter,
    describer: PersonDescriber,
    config: RunConfig,
    most: int | None = None,
) -> list[PersonInPicture]:
    """Find and describe the people of one picture, the largest first, by the same steps as indexing.

    Args:
        image: The picture.
        segmenter: Finds the people.
        describer: Describes them.
        config: Smallest height of a person, and how people are cut out.
        most: Number of people who are described, the largest ones; None is all.
    """
    return _described(image, _found(image, segmenter, config)[:most], describer, config)


def person_in_box(
    image: ImageU8,
    box: tuple[float, float, float, float],
    segmenter: PersonSegmenter,
    describer: PersonDescriber,
    config: RunConfig,
) -> PersonInPicture:
    """Describe the person in a box that was drawn on a picture.

    The segmenter looks at the box and a little around it. Of the people it finds there, the one whose box
    fits best is described, if it overlaps the drawn one by 0.3 or more (intersection over union); otherwise
    all pixels of the drawn box are, with a score of 0.

    Raises:
        BadConfigError: The sides of the box are the wrong way round or no numbers, it lies outside the
            picture, or is lower than ``segment.min_height_px``.
    """
    height, width = image.shape[:2]
    if not (box[0] < box[2] and box[1] < box[3]):  # also where one is no number
        given = ", ".join(f"{side:g}" for side in box)
        raise BadConfigError(f"the box is {given}; x1, y1, x2, y2 need x1 < x2 and y1 < y2")
    left, top, right, bottom = whole_pixels(
        np.clip(np.array(box, np.float32), 0, [width, height, width, height]).astype(np.float32),
        width=width,
        height=height,
    )
    if bottom - top < config.segment.min_height_px or right - left < _NARROWEST_PX:
        raise BadConfigError(
            f"the box is {right - left} x {bottom - top} pixels of a picture of {width} x {height}; it needs"
            f" {_NARROWEST_PX} x {config.segment.min_height_px} or more"
        )
    drawn = np.array([left, top, right, bottom], np.float32)
    x, y, x_end, y_end = crop_box(drawn, _AROUND, (bottom - top) / (right - left), width=width, height=height)
    around = _found(np.ascontiguousarray(image[y:y_end, x:x_end]), segmenter, config)
    shifted = [
        _Found(
            (one.box[0] + x, one.box[1] + y, one.box[2] + x, one.box[3] + y),
            one.score,
            encode_mask_in_box(decode_mask(one.mask), x, y, height, width),
        )
        for one in around
    ]
    boxes = np.array([one.box for one in shifted], np.float64).reshape(-1, 4)
    fits = box_overlaps(boxes, drawn[None].astype(np.float64))[:, 0]
    if len(fits) and fits.max() >= _FITS:
        person = shifted[int(fits.argmax())]
    else:
        everything = np.ones((bottom - top, right - left), bool)
        person = _Found(
            (float(left), float(top), float(right), float(bottom)),
            0.0,
            encode_mask_in_box(everything, left, top, height, width),
        )
    return _described(image, [person], describer, config)[0]


def _found(image: ImageU8, segmenter: PersonSegmenter, config: RunConfig) -> list[_Found]:
    (detections,) = segmenter.segment([image])
    boxes, masks = detections.boxes, detections.masks
    second = second_cuts(detections)
    usable = [
        i
        for i in range(len(detections))
        if mask_area(masks[i]) and boxes[i][3] - boxes[i][1] >= config.segment.min_height_px and not second[i]
    ]
    usable.sort(key=lambda i: -mask_area(masks[i]))
    return [_Found(tuple(boxes[i].tolist()), float(detections.scores[i]), masks[i]) for i in usable]


def _described(
    image: ImageU8, found: Sequence[_Found], describer: PersonDescriber, config: RunConfig
) -> list[PersonInPicture]:
    cutouts = [
        cut_out(image, np.array(one.box, np.float32), one.mask, config.describe.cutout, describer.aspect)
        for one in found
    ]
    described = describer.describe(cutouts)
    boxes = np.array([one.box for one in found], np.float64).reshape(-1, 4)
    # a drawn box is no mask
    areas = np.array([mask_area(one.mask) if one.score else 0 for one in found], np.float64)
    hidden = out_of_frame(boxes, areas, np.full(len(found), float(image.shape[0])), describer.attributes)
    return [
        PersonInPicture(
            box=one.box,
            score=one.score,
            mask=one.mask,
            vector=described.embeddings[row],
            attributes={
                name: p
                for name, p, is_hidden in zip(
                    describer.attributes, described.probabilities[row].tolist(), hidden[row], strict=True
                )
                if not is_hidden
            },
        )
        for row, one in enumerate(found)
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
