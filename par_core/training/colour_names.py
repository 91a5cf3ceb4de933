"""Fit the describer's naming of colours to the table that garment colours are named by, so that both mean the
same.
"""

from typing import Final

import numpy as np
import torch
from torch import nn

from par_core.attributes.colours import is_skin, name_pixels
from par_core.models.describer_network import ColourNames

__all__ = ["fit_colour_names"]

_STEPS: Final = 1500
_SAMPLE: Final = 4096


def fit_colour_names(layer: ColourNames) -> float:
    """Fit a layer, seconds on one core; returns the share of all colours that get the right name."""
    levels = np.arange(4, 256, 8, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    names, skin = (
        torch.from_numpy(name_pixels(grid).astype(np.int64)),
        torch.from_numpy(is_skin(grid)).float(),
    )
    pixels = ((torch.from_numpy(grid).float() - 127) / 128).T[None, :, None]  # (1, 3, 1, n)
    optimiser = torch.optim.Adam(layer.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-2, total_steps=_STEPS)
    for _ in range(_STEPS):
        drawn = torch.randint(len(grid), (_SAMPLE,))
        said = layer.pixel_logits(pixels[..., drawn])[0, :, 0].T
        loss = nn.functional.cross_entropy(
            said[:, :-1], names[drawn]
        ) + nn.functional.binary_cross_entropy_with_logits(said[:, -1], skin[drawn])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return float((layer.pixel_logits(pixels)[0, :-1, 0].argmax(dim=0) == names).float().mean())
