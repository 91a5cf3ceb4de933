"""Groups of hits that are shown as one: people of one image, and near-duplicates of each other."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float32

__all__ = ["NEAR", "group"]

NEAR: Final = 0.98  # cosine from which two people of the same embedding count as nearly the same picture


def group(image_ids: Sequence[str], vectors: Float32[np.ndarray, "n d"], most: int) -> list[list[int]]:
    """Group rows greedily from the first: each joins the first group whose leader shares its image or is
    nearly the same picture.

    Args:
        image_ids: Ids of the images of n hits, best first.
        vectors: Embeddings of the hits, of L2 norm 1.
        most: Maximum number of groups; a row that would start another is left out.

    Returns:
        Row numbers of each group, the leader first.
    """
    groups: list[list[int]] = []
    leaders = np.empty((min(most, len(image_ids)), vectors.shape[1]), np.float32)
    by_image: dict[str, int] = {}
    full: tuple[list[int], list[float]] | None = None  # nearest leader of every row, once all are known
    for row, image in enumerate(image_ids):
        place = by_image.get(image)
        if place is None and groups:
            if full is None and len(groups) == most:
                full = _nearest(leaders, vectors)
            (nearest,), (cosine,) = (
                _nearest(leaders[: len(groups)], vectors[[row]])
                if full is None
                else (
                    [full[0][row]],
                    [full[1][row]],
                )
            )
            place = nearest if cosine >= NEAR else None
        if place is not None:
            groups[place].append(row)
        elif len(groups) < most:
            place = len(groups)
            leaders[place] = vectors[row]
            groups.append([row])
        if place is not None:
            by_image.setdefault(image, place)
    return groups


def _nearest(
    leaders: Float32[np.ndarray, "k d"], vectors: Float32[np.ndarray, "n d"]
) -> tuple[list[int], list[float]]:
    """The nearest leader of each vector, and their cosines."""
    cosines = vectors @ leaders.T
    return cosines.argmax(axis=1).tolist(), cosines.max(axis=1).tolist()
