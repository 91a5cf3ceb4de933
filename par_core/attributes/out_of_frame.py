"""Attributes of parts of people that the frame of a photograph cuts away.

A portrait shows no shoes, and a describer that is asked for them answers by how usual they are. A person
whose box reaches the lower edge of the image, and whose mask is too wide for its height to hold a part of the
body, does not show it. The bounds were chosen on people who stand, by ``benchmarks/out_of_frame.py``;
docs/search.md has the figures.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import Bool, Float

from par_core.attributes.clothing_parts import NEEDED_CLOSE
from par_core.ids import digest_of

__all__ = ["EDGE", "LEAST_TALLNESS", "RULE", "out_of_frame", "reaches_edge"]

#: Distance of a box from the lower edge of the image, as a share of its height, up to which it reaches it.
EDGE: Final = 0.1
#: By the share of a person's height that an attribute needs: height of a box over the mean width of its mask
#: from which it may show so much.
LEAST_TALLNESS: Final[Mapping[float, float]] = {0.9: 3.87, 0.6: 2.57, 0.55: 2.4, 0.3: 1.71}

#: Digest of the rule; changes with what it decides.
RULE: Final = digest_of(
    "out_of_frame/1",
    str(EDGE),
    *(f"{share} {least}" for share, least in LEAST_TALLNESS.items()),
    *(f"{name} {share}" for name, share in NEEDED_CLOSE.items()),
)


def reaches_edge(
    boxes: Float[np.ndarray, "n 4"], image_heights: Float[np.ndarray, " n"]
) -> Bool[np.ndarray, " n"]:
    """Return which boxes reach the lower edge of their image.

    Args:
        boxes: Boxes x1 y1 x2 y2, in pixels.
        image_heights: Height of each box's image, in pixels.
    """
    return np.asarray(image_heights - boxes[:, 3] <= EDGE * (boxes[:, 3] - boxes[:, 1]))


def out_of_frame(
    boxes: Float[np.ndarray, "n 4"],
    mask_areas: Float[np.ndarray, " n"],
    image_heights: Float[np.ndarray, " n"],
    attributes: Sequence[str],
) -> Bool[np.ndarray, "n k"]:
    """Return which attributes photographs cannot show, because they end above the part of the person.

    Args:
        boxes: Boxes of n people, x1 y1 x2 y2, in pixels.
        mask_areas: Pixels inside the mask of each; 0 where there is none: nothing is out of the frame then.
        image_heights: Height of each one's image, in pixels.
        attributes: Names of k attributes. Names outside PAR's own vocabulary always get False.
    """
    heights = boxes[:, 3] - boxes[:, 1]
    least = np.array(
        [LEAST_TALLNESS[NEEDED_CLOSE[name]] if name in NEEDED_CLOSE else 0.0 for name in attributes]
    )
    too_wide = heights[:, None] ** 2 < least * mask_areas[:, None]
    return np.asarray(reaches_edge(boxes, image_heights)[:, None] & too_wide)
