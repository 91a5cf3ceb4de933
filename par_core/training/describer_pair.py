"""The compact describer and its text tower as one network, as they are trained together."""

import math

import torch
from open_clip.transformer import TextTransformer
from torch import nn

from par_core.datasets.merged_labels import NAMES
from par_core.models.describer import EMBEDDING_SIZE, DescriberNetwork
from par_core.models.text import build_compact_text_tower

__all__ = ["DescriberPair"]


class DescriberPair(nn.Module):
    """Image and text tower, and the scale and bias of their logits."""

    def __init__(self) -> None:
        super().__init__()
        self.image = DescriberNetwork(len(NAMES))
        self.text: TextTransformer = build_compact_text_tower(EMBEDDING_SIZE)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.bias = nn.Parameter(torch.tensor(-2.0))
