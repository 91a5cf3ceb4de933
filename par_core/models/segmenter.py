"""Mask R-CNN inference behind PAR's contract, on any runtime.

A detector computes the networks and what lies between them: ``detector`` on OpenVINO, ``torch_segmenter``
on torch. Both see the same prepared pictures, pick people before the mask head, and their masks are pasted
inside their boxes only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from par_core.models.pasting import paste_masks
from par_core.models.segmenter_input import Prepared, prepare
from par_core.models.segmenter_settings import SegmenterSettings
from par_core.people.geometry import clip_boxes
from par_core.types import BoxesXYXY, ImageU8, MaskRLE, PersonInstances, Scores

__all__ = ["Detector", "Found", "MaskProbabilities", "MaskRCNNSegmenter"]

MaskProbabilities = Float32[np.ndarray, "n 28 28"]


@dataclass(frozen=True, slots=True)
class Found:
    """The people of a prepared image, highest score first.

    Attributes:
        boxes: (n, 4) in pixels of the resized picture.
        scores: (n,) in [0, 1].
        masks: (n, 28, 28), the probability that a part of the box shows the person.
    """

    boxes: BoxesXYXY
    scores: Scores
    masks: MaskProbabilities


@runtime_checkable
class Detector(Protocol):
    """Finds people in prepared images.

    Attributes:
        in_batches: Whether it sees several images at once.
    """

    in_batches: bool

    def find(self, images: Sequence[Prepared]) -> list[Found]:
        """Return the people of images of one padded size."""
        ...

    def outline(self, image: Prepared, boxes: BoxesXYXY) -> MaskProbabilities:
        """Return the masks of people whose boxes are known, (n, 4) in pixels of the resized picture."""
        ...


class MaskRCNNSegmenter:
    """Segments people with a Mask R-CNN.

    Args:
        detector: Computes the network.
        settings: Settings of the inference.
        fingerprint: Digest of weights, settings and code.
        summary: Architecture, runtime and precision, for people.
    """

    def __init__(
        self, detector: Detector, settings: SegmenterSettings, fingerprint: str, summary: str
    ) -> None:
        self._detector, self._settings = detector, settings
        self.fingerprint, self.summary = fingerprint, summary

    def segment(self, images: Sequence[ImageU8]) -> list[PersonInstances]:
        """Segment images of any sizes.

        A detector that works in batches sees images of one padded size together, which fills a GPU; an image
        gives the same people as alone, but for rounding. Otherwise it sees them one by one.
        """
        if not self._detector.in_batches:
            return [self._segment([prepare(image, self._settings)])[0] for image in images]
        prepared = [prepare(image, self._settings) for image in images]
        people: dict[int, PersonInstances] = {}
        for numbers in _of_equal_size(prepared):
            people.update(zip(numbers, self._segment([prepared[i] for i in numbers]), strict=True))
        return [people[i] for i in range(len(images))]

    def outline(self, image: ImageU8, boxes: BoxesXYXY) -> tuple[MaskRLE, ...]:
        """Return the masks of people whose boxes are known, (n, 4) in pixels of the image, in their order."""
        prepared = prepare(image, self._settings)
        masks = self._detector.outline(prepared, boxes / prepared.scale)
        return paste_masks(masks, boxes, prepared.whole)

    def _segment(self, prepared: Sequence[Prepared]) -> list[PersonInstances]:
        return [
            _placed(found, image)
            for found, image in zip(self._detector.find(prepared), prepared, strict=True)
        ]


def _placed(found: Found, image: Prepared) -> PersonInstances:
    """People in pixels of the image."""
    height, width = image.whole
    boxes = found.boxes * image.scale
    masks = paste_masks(found.masks, boxes, image.whole)
    return PersonInstances(clip_boxes(boxes, width=width, height=height), found.scores, masks)


def _of_equal_size(prepared: Sequence[Prepared]) -> list[list[int]]:
    """Return the positions of images, those of one padded size together."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, image in enumerate(prepared):
        groups.setdefault(image.pixels.shape, []).append(number)
    return list(groups.values())
