"""What the compact describer and its text tower are taught by.

- Attributes: binary cross-entropy on the labels that are known, rare positives weighted up.
- Search: a pairwise sigmoid loss (Zhai et al., SigLIP, ICCV 2023) pulls true pairs of caption and person
  together and pushes false ones apart, near misses included. A caption that says nothing in particular gets
  the target one half, so that the softmax of a query against it is a probability.
- Looking: where a pixel map is known, the query of an attribute must attend to what shows it.
- Colours: what it attends to must have the garment's colour.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.datasets.merged_labels import NAMES, LabelledPerson
from par_core.models.describer import HEIGHT, WIDTH, fitted
from par_core.models.describer_network import GRID
from par_core.training.cutouts import Cutout

__all__ = ["attribute_loss", "colour_loss", "colours_of", "coverage", "looking_loss", "rarity", "search_loss"]

_CELL: Final = 0.25  # a cell shows an attribute from this share of the most that any cell shows of it on


def search_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Mean over captions of the mean loss of true and of false pairs, so that each counts the same however
    many there are; both (m, b).
    """
    each = nn.functional.binary_cross_entropy_with_logits(logits, torch.nan_to_num(target), reduction="none")
    parts = []
    for kind in (target == 1, target == 0, target == 0.5):
        counts = kind.sum(dim=1)
        parts.append(((each * kind).sum(dim=1) / counts.clamp(min=1))[counts > 0])
    return torch.cat(parts).mean() * 2


def coverage(cutout: Cutout) -> Tensor:
    """The share of each cell of the grid that shows each attribute: (k, cells)."""
    if cutout.regions is None:
        return torch.zeros(len(NAMES), GRID[0] * GRID[1])
    rows, columns, top, left = fitted(*cutout.picture.shape[:2])
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    canvas[top : top + rows, left : left + columns] = cv2.resize(
        cutout.regions, (columns, rows), interpolation=cv2.INTER_NEAREST
    )
    shown = torch.from_numpy(canvas)[None] == torch.arange(1, 1 + len(NAMES))[:, None, None]
    return nn.functional.avg_pool2d(shown.float(), HEIGHT // GRID[0]).flatten(1)


def looking_loss(attention: Tensor, coverage: Tensor) -> Tensor:
    """Minus the logarithm of the attention that falls on cells which show the attribute, mean over attributes
    that show; both (b, k, cells).
    """
    inside = (coverage >= _CELL * coverage.amax(dim=2, keepdim=True)) & (coverage > 0)
    on_it = (attention * inside).sum(dim=2)[inside.any(dim=2)]
    return -(on_it + 1e-4).log().mean() if len(on_it) else attention.sum() * 0


def colours_of(people: Sequence[LabelledPerson]) -> np.ndarray:
    """(b, k) places of the garments' colours among the terms, -1 where not known."""
    places = np.full((len(people), len(NAMES)), -1)
    for row, person in zip(places, people, strict=True):
        for name, colour in person.colours:
            row[NAMES.index(name)] = COLOUR_TERMS.index(colour)
    return places


def colour_loss(colours: Tensor, places: Tensor) -> Tensor:
    """Minus the logarithm of the share that the right colour has in what is looked at, (b, k, 13), mean over
    known colours, (b, k).
    """
    known = places >= 0
    shares = colours[known].gather(1, places[known][:, None])
    return -(shares + 0.02).log().mean() if len(shares) else colours.sum() * 0


def attribute_loss(logits: Tensor, labels: Tensor, weights: Tensor, rarity: Tensor) -> Tensor:
    """Cross-entropy of the labels that are known, (b, k), each with its weight; positives weigh ``rarity``,
    (k,), times as much.
    """
    known = ~torch.isnan(labels)
    each = nn.functional.binary_cross_entropy_with_logits(
        logits, torch.nan_to_num(labels), pos_weight=rarity, reduction="none"
    )
    return (each * weights * known).sum() / (weights * known).sum()


def rarity(labels: np.ndarray) -> Tensor:
    """Weight of positives: the square root of negatives to positives, between 1 and 5."""
    positive, negative = np.nansum(labels == 1, axis=0), np.nansum(labels == 0, axis=0)
    return torch.from_numpy(np.clip(np.sqrt(negative / np.maximum(positive, 1)), 1, 5).astype(np.float32))
