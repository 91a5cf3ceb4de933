"""Second cuts: outlines that show people who are outlined already. Non-maximum suppression compares boxes,
and lets a part of a person pass, and one outline around two people.
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float64

from par_core.ids import digest_of
from par_core.people.boxes import box_overlaps
from par_core.people.masks import mask_area, share_inside
from par_core.types import PersonInstances

__all__ = ["MOST_COVERED", "RULE", "covered_shares", "second_cuts"]

#: Share of a mask inside those of more certain people from which it is a second cut.
MOST_COVERED: Final = 0.75

#: Digest of the rule; changes with what it decides.
RULE: Final = digest_of("second_cuts/1", str(MOST_COVERED))


def second_cuts(people: PersonInstances) -> Bool[np.ndarray, " n"]:
    """Return which people of an image are second cuts: at least three quarters of the mask lie inside the
    masks of more certain people, second cuts left out.
    """
    return covered_shares(people) >= MOST_COVERED


def covered_shares(people: PersonInstances) -> Float64[np.ndarray, " n"]:
    """Return the share of each mask that lies inside the masks of more certain people of the image who are
    not second cuts themselves, in [0, 1].

    Of people with the same score the one with the larger mask counts as more certain. The order of the people
    changes nothing.
    """
    shares = np.zeros(len(people))
    areas = [mask_area(mask) for mask in people.masks]
    order = sorted(range(len(people)), key=lambda i: (-people.scores[i], -areas[i], people.boxes[i].tolist()))
    near = box_overlaps(people.boxes.astype(np.float64), people.boxes.astype(np.float64)) > 0
    kept: list[int] = []
    for i in order:
        stronger = [people.masks[j] for j in kept if near[i, j]]
        shares[i] = share_inside(people.masks[i], stronger) if stronger else 0.0
        if shares[i] < MOST_COVERED:
            kept.append(i)
    return shares
