"""How good a cut-out is: whether it shows one person, clear and whole, from what is known of it without
looking at the picture again.

Six measures are joined by a logistic regression, fitted on people who match an outlined person of a data set
against people who match none (``par_core/training/cutout_quality.py``). A weight is never negative: a measure
that says nothing gets none.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float64

from par_core.ids import digest_of
from par_core.log_odds import expit, logit
from par_core.people.geometry import whole_pixels
from par_core.people.masks import crop_mask
from par_core.people.second_cuts import RULE, covered_shares
from par_core.types import MaskRLE, PersonInstances

__all__ = ["MEASURES", "SCORE", "WEIGHTS_FILE", "CutoutWeights", "cutout_measures", "cutout_scores"]

#: Names of the measures, in the order of the columns of ``cutout_measures``.
MEASURES: Final = ("certainty", "height", "sharpness", "covered", "cut_sides", "largest_piece")
#: File of the fitted weights.
WEIGHTS_FILE: Final = Path(__file__).with_name("cutout_weights.json")
#: Digest of weights and measures: what a stored score was computed with.
SCORE: Final = digest_of("cutout/1", RULE, WEIGHTS_FILE.read_bytes())

_CERTAINTY: Final = (0.5, 0.999)  # beyond, scores are taken for these
_HEIGHT: Final = (32.0, 512.0)  # pixels
_SHARPNESS: Final = (0.005, 4.0)
_AT_EDGE: Final = 2.0  # pixels between box and frame


@dataclass(frozen=True, slots=True)
class CutoutWeights:
    """Weights of the measures. The log-odds of a good cut-out are the weighted sum of the measures, each less
    its mean and divided by its spread, and the offset.

    Attributes:
        means: Mean of each measure.
        spreads: Standard deviation of each measure, above 0.
        weights: Weight of each, at least 0.
        offset: Log-odds of a cut-out with the mean of every measure.
    """

    means: tuple[float, ...]
    spreads: tuple[float, ...]
    weights: tuple[float, ...]
    offset: float

    @classmethod
    @lru_cache(maxsize=1)
    def shipped(cls) -> "CutoutWeights":
        """Return the weights that come with PAR."""
        stored = json.loads(WEIGHTS_FILE.read_bytes())
        each = [stored["measures"][name] for name in MEASURES]
        means, spreads, weights = (
            tuple(measure[key] for measure in each) for key in ("mean", "spread", "weight")
        )
        return cls(means, spreads, weights, stored["offset"])

    def scores(self, measures: Float64[np.ndarray, "n k"]) -> Float64[np.ndarray, " n"]:
        """Return the score of n people, in [0, 1]; a measure that is NaN, not known, counts as its mean."""
        standard = (measures - np.array(self.means)) / np.array(self.spreads)
        return expit(np.nan_to_num(standard, nan=0.0) @ np.array(self.weights) + self.offset)


def cutout_scores(people: PersonInstances, sharpness: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """Return how good the cut-outs of an image's people are, in [0, 1].

    Args:
        people: All people of the image.
        sharpness: Sharpness of each, as ``par_core.archive.quality.sharpness`` computes it; NaN where it is
            not known.

    Raises:
        BadInputError: The counts of a mask do not describe one of its size.
    """
    return CutoutWeights.shipped().scores(cutout_measures(people, sharpness))


def cutout_measures(
    people: PersonInstances, sharpness: Float64[np.ndarray, " n"]
) -> Float64[np.ndarray, "n 6"]:
    """Return the measures of an image's people, each so that more is better: log-odds of the segmenter's
    score; log2 of the height in pixels; log2 of the sharpness; minus the share of the mask inside more
    certain people's; minus the number of sides (left, right, top) at which the frame cuts the box; share of
    the mask's pixels in its largest piece.

    People stand at the lower edge of many good portraits: being cut there is no measure.
    """
    if not len(people):
        return np.zeros((0, len(MEASURES)))
    boxes = people.boxes.astype(np.float64)
    widths = np.array([mask.width for mask in people.masks])
    sides = np.stack([boxes[:, 0] <= _AT_EDGE, boxes[:, 1] <= _AT_EDGE, boxes[:, 2] >= widths - _AT_EDGE])
    pieces = [_largest_piece(mask, box) for mask, box in zip(people.masks, people.boxes, strict=True)]
    return np.stack(
        [
            logit(np.clip(people.scores.astype(np.float64), *_CERTAINTY)),
            np.log2(np.clip(boxes[:, 3] - boxes[:, 1], *_HEIGHT)),
            np.log2(np.clip(sharpness, *_SHARPNESS)),
            -covered_shares(people),
            -sides.sum(axis=0).astype(np.float64),
            np.array(pieces),
        ],
        axis=1,
    )


def _largest_piece(mask: MaskRLE, box: np.ndarray) -> float:
    inside = crop_mask(mask, *whole_pixels(box, width=mask.width, height=mask.height))
    n, _, found, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)
    areas = found[1:, cv2.CC_STAT_AREA]
    return float(areas.max() / areas.sum()) if n > 1 else 0.0
