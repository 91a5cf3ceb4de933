"""The arrays and values that pass between the parts of PAR.

Axis letters: n people, h w pixels, d embedding size, k attributes.
Boxes are (x1, y1, x2, y2) in pixels of the upright image; x2 and y2 are exclusive.
Nothing but NumPy is imported here.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from par_core.errors import BadInputError

__all__ = [
    "BoxesXYXY",
    "Descriptions",
    "Embeddings",
    "ImageU8",
    "Mask",
    "MaskRLE",
    "PersonInstances",
    "Probabilities",
    "Scores",
]

# RGB, upright; the axes are nameless because lists hold images of many sizes
ImageU8 = UInt8[np.ndarray, "_ _ 3"]
Mask = Bool[np.ndarray, "_ _"]

BoxesXYXY = Float32[np.ndarray, "n 4"]
Scores = Float32[np.ndarray, " n"]  # in [0, 1]
Embeddings = Float32[np.ndarray, "n d"]  # rows have L2 norm 1
Probabilities = Float32[np.ndarray, "n k"]  # in [0, 1]; NaN where a model has no answer


@dataclass(frozen=True, slots=True)
class MaskRLE:
    """One mask of a whole image as COCO compressed run-length (column-major, as pycocotools writes it).

    Attributes:
        height: Height of the image, pixels.
        width: Width of the image, pixels.
        counts: COCO's compressed counts, ASCII.
    """

    height: int
    width: int
    counts: bytes


@dataclass(frozen=True, slots=True)
class PersonInstances:
    """The people of one image, highest score first.

    Attributes:
        boxes: (n, 4) x1 y1 x2 y2 in pixels, inside the image.
        scores: (n,) in [0, 1].
        masks: n masks of the image's size.
    """

    boxes: BoxesXYXY
    scores: Scores
    masks: tuple[MaskRLE, ...]

    def __post_init__(self) -> None:
        if not len(self.boxes) == len(self.scores) == len(self.masks):
            raise BadInputError(
                f"expected as many boxes as scores and masks, got {len(self.boxes)}, {len(self.scores)} and"
                f" {len(self.masks)}"
            )

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True)
class Descriptions:
    """Output of a describer for n cut-outs.

    Attributes:
        embeddings: (n, d), rows of L2 norm 1.
        probabilities: (n, k) in [0, 1], columns in the order of the describer's ``attributes``.
    """

    embeddings: Embeddings
    probabilities: Probabilities

    def __post_init__(self) -> None:
        if len(self.embeddings) != len(self.probabilities):
            raise BadInputError(
                f"expected as many embeddings as rows of probabilities, got {len(self.embeddings)} and"
                f" {len(self.probabilities)}"
            )
